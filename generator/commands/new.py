"""`build.py new`: begin a project of one's own."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from generator.commands.options import make_parser
from generator.support.errors import BadInput, BuildFailed
from generator.support.files import FREE_SPACE_OR_NAME, write_atomically


def run(arguments: list[str]) -> int:
    parser = make_parser(
        "new", "Begin a project of your own: settings, a place for sections, environment, workflows. Asks nothing."
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="where; a new or an empty folder")
    parser.add_argument("--data", metavar="PATH", help="your images; without it a drawn sample, until you name some")
    parser.add_argument("--title", metavar="TEXT", help="of the post; without it one that names the classes")
    parser.add_argument("--blog", type=Path, metavar="DIR", help="a Jekyll site that is there, for the post to go into")
    options = parser.parse_args(arguments)
    # Late: a mistyped option need not wait for templates.
    from generator.publishing import project

    folder: Path = options.folder
    _check_empty(folder)
    now = datetime.now().astimezone()
    files = project.files(folder, data=options.data, title=options.title, site=options.blog, now=now)
    _write(folder, files)
    print(f"written to {folder}: {', '.join(files)}")
    if note := project.requirement().note:
        print(f"note: {note}")
    print(f"next: cd {folder} and make site; its README.md tells the rest")
    return 0


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """All of them or, where one cannot be written, none, so that the folder is still an empty one."""
    try:
        for name, text in files.items():
            write_atomically(folder / name, text.encode(), FREE_SPACE_OR_NAME)
    except BuildFailed:
        for path in [folder / name for name in files]:
            with suppress(OSError):
                path.unlink(missing_ok=True)
                while path.parent != folder.parent:
                    path = path.parent
                    path.rmdir()
        raise


def _check_empty(folder: Path) -> None:
    try:
        there = sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadInput(f"{folder}: cannot be used ({error.strerror}); name a new or an empty folder") from None
    if there:
        raise BadInput(f"{folder}: is not empty ({there[0]} is there); name a new or an empty folder")
