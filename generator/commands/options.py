"""What the commands share: parsers, options that mean the same everywhere, tables on standard output."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from generator.support.places import ROOT


def make_parser(command: str, description: str, **keywords: Any) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=f"build.py {command}".strip(),
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        **keywords,
    )


def add_config(parser: Any) -> None:
    parser.add_argument("--config", type=Path, default=ROOT / "experiment.toml", metavar="FILE", help="the settings")


def add_places(parser: Any) -> None:
    parser.add_argument("--site", type=Path, default=ROOT / "site", metavar="DIR", help="the Jekyll site")
    add_store(parser)


def add_store(parser: Any) -> None:
    parser.add_argument("--store", type=Path, default=ROOT / ".store", metavar="DIR", help="where stages are kept")


def gibibytes(text: str) -> int:
    """A number of GiB, as bytes. Raises `ValueError`, as argparse expects, for what is no size."""
    size = float(text)
    if not 0 <= size < 2**30:
        raise ValueError
    return round(size * 2**30)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Left-aligned columns on standard output."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in [header, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
