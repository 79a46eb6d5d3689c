"""What the commands share: parsers, options that mean the same everywhere, tables on standard output."""

import argparse
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from generator.support import places, program

BESIDE = {"site": "site", "store": ".store", "preview": "build-output/preview.html"}
"""Option that names a place → where that is, below the folder of the experiment, unless it is given."""


class Parser(argparse.ArgumentParser):
    """Fills in the places that were not given, once it is known which experiment is meant."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        options, rest = super().parse_known_args(args, namespace)
        # Of a command with profiles, the settings that `experiment.load` reads say which site is meant.
        later = {"site"} if hasattr(options, "profile") else set()
        missing = [name for name in BESIDE if name not in later and getattr(options, name, "") is None]
        if missing:
            settings = getattr(options, "config", None) or places.experiment()
            for name in missing:
                named = _site(settings) if name == "site" else None
                setattr(options, name, named or settings.parent / BESIDE[name])
        return options, rest


def _site(settings: Path) -> Path | None:
    """The site that the file of the settings names."""
    # Late: settings bring pydantic with them, which takes longer than all that a list of builds needs.
    from generator.experiment.config import toml_file

    return toml_file.site(settings)


def make_parser(command: str, description: str, *, epilog: str | None = None) -> argparse.ArgumentParser:
    return Parser(
        prog=f"{program.COMMAND} {command}".strip(),
        description=program.as_typed(description),
        epilog=epilog and program.as_typed(epilog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_data(parser: Any) -> None:
    words = "sample, a folder, an archive, an address (s3://…, https://…), or kaggle:OWNER/NAME"
    parser.add_argument("--data", type=named, metavar="PATH", help=words)


def add_config(parser: Any) -> None:
    parser.add_argument("--config", type=path, default=places.experiment(), metavar="FILE", help="the settings")


def add_places(parser: Any) -> None:
    words = "the Jekyll site; without it what site.folder of the settings names, else site/ beside them"
    parser.add_argument("--site", type=path, metavar="DIR", help=words)
    add_store(parser)


def add_store(parser: Any) -> None:
    parser.add_argument("--store", type=path, metavar="DIR", help=f"where stages are kept; {_beside('store')}")


def add_preview(parser: Any) -> None:
    words = f"the post to read without Jekyll; {_beside('preview')}"
    parser.add_argument("--preview", type=path, metavar="FILE", help=words)


def _beside(option: str) -> str:
    return f"without it {BESIDE[option]} beside the settings"


def named(text: str) -> str:
    """What an option names: the empty text of a variable that is not set would be the folder that one is in."""
    if not text:
        raise argparse.ArgumentTypeError("expected a path, and it is empty")
    return text


def path(text: str) -> Path:
    return Path(named(text))


EXPORT_HELP = (
    "also write one file to hand in: the post as HTML, as FILE.pdf printed by the Chromium that is here,"
    " or, as FILE.tex, its tables of results for LaTeX"
)


def add_export(parser: Any) -> None:
    parser.add_argument("--export", type=path, metavar="FILE", help=EXPORT_HELP)


def add_overwrite(parser: Any) -> None:
    words = f"replace files that somebody else wrote or edited; copies go to {places.REPLACED}/ in the site"
    parser.add_argument("--overwrite", action="store_true", help=words)


def gibibytes(text: str) -> int:
    """A number of GiB, as bytes."""
    with suppress(ValueError):
        if 0 <= (size := float(text)) < 2**30:
            return round(size * 2**30)
    raise argparse.ArgumentTypeError(f"{text!r}: expected a number of GiB, as in 20 or 0.5")


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Left-aligned columns on standard output."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in [header, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
