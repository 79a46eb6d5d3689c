"""Rows of a table that names images: which columns say what, and which file a name in it means.

`open_table` gives a `Table`, where a file is one; `Images` finds files by what tables call them.
"""

import csv
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TextIO, TypeVar

from generator.data.folders import listing, part_names
from generator.data.folders.class_names import composed
from generator.experiment.data_summary import Part
from generator.support.errors import BadInput, printable

SUFFIXES = (".csv", ".tsv")
_FILES = (
    *("filename", "file", "filepath", "filepaths", "path", "image", "imagename", "imagepath", "imagefile", "img"),
    *("imgname", "imgpath", "imageid", "imgid", "photo", "picture", "name", "id"),
)
_LABELS = (
    *("label", "labels", "class", "classname", "classes", "category", "categoryname", "target", "species", "breed"),
    *("diagnosis", "labelname", "classid", "labelid"),
)
_PARTS = ("split", "set", "subset", "dataset", "partition", "part", "phase")
"""Names of columns, without capitals, blanks and marks; earlier ones are preferred."""
_ENCODINGS = ("utf-8-sig", "utf-16", "latin-1")
"""Tables are read in the first; in the others, the last of which fits any bytes, they are known for what they are."""
_TRIED = 50  # rows by which the column of files is told
_HEADER = 2**16

Read = TypeVar("Read")


@dataclass(frozen=True)
class Row:
    """One image."""

    line: int
    file: str
    label: str
    part: str
    fault: str = ""
    """Why the cells cannot be told apart; empty where they can."""


class Images:
    """The image files below a folder, by their names; links to folders are not followed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ignored: Counter[str] = Counter()
        self.files: list[Path] = []
        self._named: dict[str, list[Path]] = {}
        self._placed: dict[Path, list[Path]] = {}
        measured = part_names.measured(folder)
        for at, folders, names in os.walk(folder):
            here = Path(at)
            for name in [name for name in folders if listing.junk(name) or here / name in measured]:
                folders.remove(name)
                listing.pass_over(here / name, listing.BESIDE, self.ignored)
            for name in names:
                self._add(here / name)

    def find(self, name: str, near: Path) -> list[Path]:
        """The file that `name` means in a table that lies in `near`; several where it may mean each of them."""
        wanted = [part for part in composed(name).replace("\\", "/").split("/") if part not in ("", ".")]
        if not wanted:
            return []
        beside, whole = (self._placed.get(base.joinpath(*wanted)) for base in (near, self.folder))
        return beside or whole or [path for path in self._named.get(wanted[-1], []) if self._fits(path, wanted)]

    def _add(self, path: Path) -> None:
        if path.suffix.lower() in SUFFIXES:
            return
        if not listing.is_image(path):
            listing.pass_over(path, listing.BESIDE, self.ignored)
            return
        self.files.append(path)
        # Some tables leave the suffix out.
        for name in {composed(path.name), composed(path.stem)}:
            self._named.setdefault(name, []).append(path)
            self._placed.setdefault(path.with_name(name), []).append(path)

    def _fits(self, path: Path, wanted: Sequence[str]) -> bool:
        """Whether one of the two paths, but for the last name, is the end of the other."""
        own = [composed(part) for part in path.relative_to(self.folder).parts[:-1]]
        folders = list(wanted[:-1])
        shorter = min(len(own), len(folders))
        return not shorter or own[-shorter:] == folders[-shorter:]


@dataclass(frozen=True)
class Table:
    """A CSV file whose columns say file and class."""

    path: Path
    header: tuple[str, ...]
    lines: tuple[tuple[int, tuple[str, ...]], ...]
    """Number and cells of each line: as many cells as the header has, more only where these are not blank."""
    file: int
    """Position of the column that names the image."""
    utf8: bool = True
    """Whether the file is text in UTF-8; else what its cells say is a guess."""

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        label, part = self.labels[0], self._part
        return tuple(
            Row(
                number,
                cells[self.file].strip(),
                composed(cells[label].strip()),
                "" if part is None else cells[part],
                self._fault(len(cells)),
            )
            for number, cells in self.lines
        )

    @cached_property
    def labels(self) -> list[int]:
        """Positions of the columns that may say the class, not of blank ones; words are preferred to numbers."""
        known = _positions(self.header, _LABELS)
        said = {i: [cells[i].strip() for _, cells in self.lines if cells[i].strip()] for i in known}
        return sorted((i for i in known if said[i]), key=lambda i: all(map(str.isdigit, said[i]))) or known

    @property
    def says_part(self) -> bool:
        return self._part is not None

    def check(self, source: str) -> None:
        """Raise `BadInput` where two columns may be the class and do not say the same."""
        first = self.labels[0]
        for other in self.labels[1:]:
            pairs = {(cells[first], cells[other]) for _, cells in self.lines if len(cells) == len(self.header)}
            if not len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}):
                columns = " and ".join(repr(self.header[i]) for i in (first, other))
                raise BadInput(
                    f"{source}: {printable(self.path.name)}: {printable(columns)} may both be the class; rename the "
                    "column that is not"
                )

    def _fault(self, cells: int) -> str:
        if cells == len(self.header):
            return ""
        return f"{cells} cells, the header has {len(self.header)}; put quotes around the one that holds a separator"

    @cached_property
    def _part(self) -> int | None:
        for i in _positions(self.header, _PARTS):
            if any(part_names.part(cells[i].strip()) for _, cells in self.lines):
                return i
        return None


def open_table(path: Path, images: Images) -> Table | None:
    """The table in the file at `path`; None where it is none, or names no image that is there."""
    if path.suffix.lower() not in SUFFIXES or listing.junk(path.name) or "submission" in path.stem.lower():
        return None
    return _decoded(path, lambda stream, utf8: _table(path, stream, images, utf8=utf8))


def columns(path: Path) -> tuple[str, ...]:
    """The cells in the first line of the file at `path`; none where it cannot be a table."""
    return _decoded(path, lambda stream, _: _columns(stream.readline(_HEADER))[0]) or ()


def part_of(text: str) -> Part | None:
    """The part that a cell says."""
    return part_names.part(text.strip())


def _decoded(path: Path, read: Callable[[TextIO, bool], Read | None]) -> Read | None:
    """What `read` makes of the file as text, and of whether that is UTF-8; None where it cannot be read."""
    for encoding in _ENCODINGS:
        try:
            with path.open(encoding=encoding, newline="") as stream:
                return read(stream, encoding == _ENCODINGS[0])
        except UnicodeError:
            continue
        except (OSError, csv.Error):
            break
    return None


def _table(path: Path, stream: TextIO, images: Images, *, utf8: bool) -> Table | None:
    columns, delimiter = _columns(stream.readline(_HEADER))
    if not _positions(columns, _FILES) or not _positions(columns, _LABELS):
        return None
    lines = list(_lines(stream, delimiter, len(columns)))
    tried = {i: _found(lines, i, images, path.parent) for i in _positions(columns, _FILES)}
    best = max(tried, key=lambda i: tried[i])
    return Table(path, columns, tuple(lines), best, utf8) if tried[best] else None


def _columns(header: str) -> tuple[tuple[str, ...], str]:
    """The cells of a table's first line, and what stands between them; of a line that is no text none."""
    if "\0" in header:
        return (), ","
    delimiter = max(",;\t|", key=header.count)
    return tuple(next(csv.reader([header], delimiter=delimiter), ())), delimiter


def _lines(stream: Iterator[str], delimiter: str, width: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    reader = csv.reader(stream, delimiter=delimiter)
    for cells in reader:
        if any(cell.strip() for cell in cells):
            filled = (*cells, *[""] * (width - len(cells)))
            yield reader.line_num + 1, filled if any(cell.strip() for cell in filled[width:]) else filled[:width]


def _found(lines: Sequence[tuple[int, tuple[str, ...]]], column: int, images: Images, near: Path) -> int:
    return sum(bool(images.find(cells[column].strip(), near)) for _, cells in lines[:_TRIED])


def _positions(header: Sequence[str], known: Sequence[str]) -> list[int]:
    """Where in the header the known names stand, in the order in which they are known."""
    plain = [re.sub(r"[\W_]+", "", name.casefold()) for name in header]
    return [plain.index(name) for name in known if name in plain]
