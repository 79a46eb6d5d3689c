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

    Raises `ValueError`, and where a row is at fault `Error` when it comes to it.
    """
    reader = csv.DictReader(io.StringIO(text), strict=True)
    found = tuple(reader.fieldnames or ())
    if found[: len(columns) if more else None] != tuple(columns):
        raise ValueError(f"expected the columns {', '.join(columns)}")
    return reader
