"""Tables as CSV text, and back: commas, a header, one line end everywhere."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

Error = csv.Error
"""What reading raises where the text is no CSV."""


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return stream.getvalue()


def from_csv(text: str, columns: Sequence[str], *, more: bool = False) -> Iterator[dict[str, str]]:
    """The rows of a table with these columns, one by one; others may follow only if `more`.

    Raises `ValueError` where the columns are others, and `Error` where a row is at fault: when it comes to it, or at
    once where that is the header.
    """
    rows = csv.reader(io.StringIO(text), strict=True)
    found = tuple(next(rows, ()))
    if found[: len(columns) if more else None] != tuple(columns):
        raise ValueError(f"expected the columns {', '.join(columns)}")
    return _named(rows, found)


def _named(rows: Iterable[list[str]], columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    # csv.DictReader takes twice as long, and lets rows pass that are too long or too short.
    for number, row in enumerate(rows, start=1):
        if len(row) != len(columns):
            raise Error(f"row {number} has {len(row)} cells, expected {len(columns)}")
        yield dict(zip(columns, row, strict=True))
