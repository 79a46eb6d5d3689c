"""`build.py new`: begin a project of one's own."""

from datetime import datetime
from pathlib import Path

from generator.commands.options import make_parser, named, path
from generator.support.errors import BadInput
from generator.support.files import FREE_SPACE_OR_NAME, refused


def run(arguments: list[str]) -> int:
    parser = make_parser(
        "new", "Begin a project of your own: settings, a place for sections, environment, workflows. Asks nothing."
    )
    parser.add_argument("folder", type=path, metavar="DIR", help="where; a new or an empty folder")
    words = "your images; without it a drawn sample, until you name some"
    parser.add_argument("--data", type=named, metavar="PATH", help=words)
    parser.add_argument("--title", metavar="TEXT", help="of the post; without it one that names the classes")
    parser.add_argument("--blog", type=path, metavar="DIR", help="a Jekyll site that is there, for the post to go into")
    options = parser.parse_args(arguments)
    # Late: a mistyped option need not wait for templates.
    from generator.publishing import project, transaction

    folder: Path = options.folder
    _check_empty(folder)
    now = datetime.now().astimezone()
    files = project.files(folder, data=options.data, title=options.title, site=options.blog, now=now)
    try:
        # All of them or none, so that a second try finds the folder as empty as the first one did.
        transaction.apply(folder, {name: text.encode() for name, text in files.items()}, ())
    except OSError as error:
        raise refused(folder, error, FREE_SPACE_OR_NAME) from None
    print(f"written to {folder}: {', '.join(files)}")
    if note := project.requirement().note:
        print(f"note: {note}")
    print(f"next: cd {folder} and make site; its README.md tells the rest")
    return 0


def _check_empty(folder: Path) -> None:
    try:
        there = sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadInput(f"{folder}: cannot be used ({error.strerror}); name a new or an empty folder") from None
    if there:
        raise BadInput(f"{folder}: is not empty ({there[0]} is there); name a new or an empty folder")
