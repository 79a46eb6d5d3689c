"""`attributes.csv`: what is to be told apart in the errors on the images to measure with.

Its first column, `file`, names each image by its path below the folder; every further one is an attribute with a few
values, such as the weather or the camera.
"""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from generator.data.folders import listing
from generator.data.folders.class_names import composed
from generator.data.folders.layouts import rows
from generator.support.errors import BadInput, printable

FILE = "attributes.csv"
MISNAMED = f"tables that are not called {FILE}"
_TABLES = (*rows.SUFFIXES, ".xlsx", ".xls", ".ods")
NAMED_BY = "file"
"""The first column."""
RESERVED = ("file", "class", "variant", "phase", "index", "actual", "predicted", "logit", "probability")
"""Columns of the results."""
MOST_ATTRIBUTES, MOST_VALUES = 20, 12
LONGEST = 60
"""Characters of a name or a value."""
NOT_GIVEN = "not given"
"""The value of an empty cell."""
_SHOWN = 10
"""Names listed in one message."""


def find(folder: Path, where: str) -> Path | None:
    """The table in `folder`, which messages call `where`, in any spelling of capitals. Raises `BadInput` of two."""
    found = [path for path in sorted(folder.iterdir()) if path.name.lower() == FILE and path.is_file()]
    if len(found) > 1:
        names = " and ".join(printable(path.name) for path in found)
        raise BadInput(f"{where}: {names} may both be the table of attributes; rename the one that is not")
    return found[0] if found else None


def misnamed(folder: Path) -> int:
    """How many files in `folder` may be meant for the table and are not called so."""
    files = (path for path in folder.iterdir() if path.is_file() and not listing.junk(path.name))
    return sum(path.suffix.lower() in _TABLES for path in files)


def parse(content: bytes, files: Sequence[str], where: str, folder: str = "") -> dict[str, tuple[str, ...]]:
    """Attribute → its value of each of `files`, in their order; `where` names the table in messages.

    Files are matched whatever their capitals and slashes, and with the name of their `folder` before them, as
    results have it. Raises `BadInput` unless every file has one row and every row one file.
    """
    header, lines = _table(content, where)
    names = _attributes(header, where)
    by_file = _by_file([cells[0] for cells in lines], files, where, folder)
    values = {files[position]: cells[1:] for position, cells in zip(by_file, lines, strict=True)}
    found = {name: tuple(values[file][column] or NOT_GIVEN for file in files) for column, name in enumerate(names)}
    _check_values(found, where)
    return found


def _table(content: bytes, where: str) -> tuple[list[str], list[list[str]]]:
    """The header and the rows, `_trimmed`; empty rows left out."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{where}: not text in UTF-8; save it as CSV in UTF-8") from None
    stream = io.StringIO(text, newline="")
    header, separator, number = rows.header(stream)
    try:
        table = [header, *csv.reader(stream, delimiter=separator, strict=True)]
    except csv.Error as error:
        raise BadInput(f"{where}: not valid CSV ({error})") from None
    lines = [(number, _trimmed(row)) for number, row in enumerate(table, start=number)]
    lines = [(number, row) for number, row in lines if any(row)]
    if not lines or lines[0][1][0].lower() != NAMED_BY:
        first = _short(lines[0][1][0]) if lines else "nothing"
        raise BadInput(f"{where}: expected the first column {NAMED_BY!r}, found {first!r}; name each image there")
    width = len(lines[0][1])
    for number, row in lines:
        if len(row) != width:
            raise BadInput(f"{where}: row {number} has {len(row)} cells, the first one {width}; give each as many")
    return lines[0][1], [row for _, row in lines[1:]]


def _trimmed(row: Sequence[str]) -> list[str]:
    """Every cell without blanks around it, runs of them inside as one space: not in a file's name, which may have some
    of any kind, as those of macOS' screenshots have. Letters are composed, so that what looks the same is the same."""
    return [*(cell.strip() for cell in row[:1]), *(composed(" ".join(cell.split())) for cell in row[1:])]


def _attributes(header: list[str], where: str) -> list[str]:
    names = header[1:]
    counts = Counter(name.lower() for name in names)
    for name in names:
        shown = _short(name)
        if name.lower() in RESERVED:
            raise BadInput(f"{where}: {shown!r} is a column of the results; call the attribute something else")
        if counts[name.lower()] > 1:
            raise BadInput(f"{where}: the column {shown!r} stands twice; rename or remove one")
        if not name or len(name) > LONGEST or not name.isprintable():
            raise BadInput(f"{where}: the column {shown!r} needs a name of 1 to {LONGEST} characters")
    if not 1 <= len(names) <= MOST_ATTRIBUTES:
        raise BadInput(f"{where}: has {len(names)} attributes; expected 1 to {MOST_ATTRIBUTES} columns after the first")
    return names


def _by_file(named: Sequence[str], files: Sequence[str], where: str, folder: str) -> list[int]:
    """The position in `files` that each row names."""
    positions = {_folded(f"{folder}/{file}"): position for position, file in enumerate(files)}
    positions |= {_folded(file): position for position, file in enumerate(files)}
    exact = {file: position for position, file in enumerate(files)}
    found = [exact.get(name, positions.get(_folded(name))) for name in named]
    faults = []
    if unknown := [name for name, position in zip(named, found, strict=True) if position is None]:
        faults.append(f"not in the folder: {_listed(unknown)}")
    if twice := [files[position] for position, count in Counter(found).items() if position is not None and count > 1]:
        faults.append(f"in several rows: {_listed(twice)}")
    there = set(found)
    if missing := [file for position, file in enumerate(files) if position not in there]:
        faults.append(f"without a row: {_listed(missing)}")
    if faults:
        raise BadInput(f"{where}: must have one row for each image, named as in camel/1.png; {'; '.join(faults)}")
    return [position for position in found if position is not None]


def _check_values(found: dict[str, tuple[str, ...]], where: str) -> None:
    for name, values in found.items():
        different = sorted(set(values))
        if len(different) > MOST_VALUES:
            some = ", ".join(map(_short, different[:3]))
            raise BadInput(
                f"{where}: {printable(name)!r} has {len(different)} values ({some}, …), an attribute at most "
                f"{MOST_VALUES}; put them into groups, such as small and large"
            )
        for value in different:
            if len(value) > LONGEST or not value.isprintable():
                shown = f"{printable(name)} = {_short(value)}"
                raise BadInput(f"{where}: {shown!r}: expected a value of 1 to {LONGEST} characters that can be printed")


def _short(text: str) -> str:
    """What of a name or a value stands in a message: cells may be as long as a file."""
    return printable(text) if len(text) <= LONGEST else f"{printable(text[:LONGEST])}…"


def _folded(name: str) -> str:
    return composed(name).replace("\\", "/").removeprefix("./").casefold()


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(printable(name) for name in names[:_SHOWN]) + more
