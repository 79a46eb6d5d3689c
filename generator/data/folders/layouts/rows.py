"""Rows of a table that names images: which columns say what, and which file a name in it means.

`open_table` gives a `Table`, where a file is one; `Images` finds files by what tables call them. `header` reads the
first line of any table.
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
from generator.experiment.data_summary import PARTS, Part
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
_PARTS = ("split", "set", "subset", "dataset", "partition", "part", "phase", "usage", "fold", "traintest")
"""Names of columns, without capitals, blanks and marks; earlier ones are preferred."""
_SURELY_PARTS = ("split", "subset", "partition")
"""Those that say nothing else; a set or a phase may be one of chess or of the moon."""
_ENCODINGS = ("utf-8-sig", "utf-16", "latin-1")
"""Tables are read in the first; in the others, the last of which fits any bytes, they are known for what they are."""
_HEADER = 2**16
_LONGEST_CELL = 2**31 - 1
"""Characters of a cell; masks as run lengths are longer than the 131,072 that csv allows by itself."""

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
    fault: str = ""
    """Where and why it cannot be read on after `lines`; empty where it can."""

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
        return self._part is not None or bool(self.unread)

    @cached_property
    def unread(self) -> str:
        """What is wrong with a column that says the part in words of its own; empty where there is none."""
        for i in () if self._parts else _positions(self.header, _SURELY_PARTS):
            if said := {cells[i].strip() for _, cells in self.lines if cells[i].strip()}:
                name = repr(printable(self.header[i].strip()))
                wanted = f"write {', '.join(PARTS[:-1])} or {PARTS[-1]} there, or call the column something else"
                return f"the column {name} says no part ({listing.listed(said)}); {wanted}"
        return ""

    def check(self, source: str) -> None:
        """Raise `BadInput` where two columns may be the class, or the part, and do not say the same."""
        first, *others = self.labels
        for other in others:
            pairs = {(cells[first], cells[other]) for _, cells in self.lines if len(cells) == len(self.header)}
            if not len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}):
                raise self._unclear(source, first, other, "class")
        for other in self._parts[1:]:
            if any(part_of(cells[self._parts[0]]) != part_of(cells[other]) for _, cells in self.lines):
                raise self._unclear(source, self._parts[0], other, "part")

    def _unclear(self, source: str, one: int, other: int, what: str) -> BadInput:
        columns = " and ".join(repr(self.header[i]) for i in (one, other))
        return BadInput(
            f"{source}: {printable(self.path.name)}: {printable(columns)} may both be the {what}; rename the column "
            "that is not"
        )

    def _fault(self, cells: int) -> str:
        if cells == len(self.header):
            return ""
        return f"{cells} cells, the header has {len(self.header)}; put quotes around the one that holds a separator"

    @property
    def _part(self) -> int | None:
        return next(iter(self._parts), None)

    @cached_property
    def _parts(self) -> list[int]:
        """Positions of the columns that say a part."""
        return [i for i in _positions(self.header, _PARTS) if any(part_of(cells[i]) for _, cells in self.lines)]


def open_table(path: Path, images: Images) -> Table | None:
    """The table in the file at `path`; None where it is none, or names no image that is there and can be read."""
    return _decoded(path, lambda stream, utf8: _table(path, stream, images, utf8=utf8)) if _may_be(path) else None


def why_none(path: Path) -> str:
    """Why the file at `path` was not taken for a table, as it follows a semicolon; empty where it cannot be one."""
    return (_decoded(path, lambda stream, _: _why_none(path, stream)) or "") if _may_be(path) else ""


def part_of(text: str) -> Part | None:
    """The part that a cell says."""
    return part_names.part(text.strip())


def _may_be(path: Path) -> bool:
    named = path.suffix.lower() in SUFFIXES and not listing.junk(path.name) and "submission" not in path.stem.lower()
    return named and path.is_file()


def _decoded(path: Path, read: Callable[[TextIO, bool], Read]) -> Read | None:
    """What `read` makes of the file as text, and of whether that is UTF-8; None where it is no text."""
    for encoding in _ENCODINGS:
        try:
            with path.open(encoding=encoding, newline="") as stream:
                return read(stream, encoding == _ENCODINGS[0])
        except UnicodeError:
            continue
    return None


def _table(path: Path, stream: TextIO, images: Images, *, utf8: bool) -> Table | None:
    columns, delimiter, above = header(stream)
    files = _positions(columns, _FILES)
    if not files or not _positions(columns, _LABELS):
        return None
    lines, fault = _lines(stream, delimiter, len(columns), above)
    named = (i for i in files if any(images.find(cells[i].strip(), path.parent) for _, cells in lines))
    file = next(named, files[0] if fault else None)
    return None if file is None else Table(path, columns, lines, file, utf8, fault)


def _why_none(path: Path, stream: TextIO) -> str:
    columns, delimiter, above = header(stream)
    name, files = printable(path.name), _positions(columns, _FILES)
    if not files or not _positions(columns, _LABELS):
        return f"; the columns of {name} are called {listing.listed(columns)}" if columns else ""
    first = next((cells[files[0]] for _, cells in _lines(stream, delimiter, len(columns), above)[0]), "")
    return f"; {name} names no image that is there (first: {printable(first.strip()) or 'nothing'})"


def header(stream: TextIO) -> tuple[tuple[str, ...], str, int]:
    """The cells of a table's first line, what stands between them, and its number; of a line that is no text none."""
    number, line = 1, stream.readline(_HEADER)
    # Spreadsheets are told the separator by a line above the header.
    while line and (not line.strip() or re.fullmatch(r"sep=.\s*", line)):
        number, line = number + 1, stream.readline(_HEADER)
    if "\0" in line:
        return (), ",", number
    delimiter = max(",;\t|", key=line.count)
    return tuple(next(csv.reader([line], delimiter=delimiter), ())), delimiter, number


def _lines(
    stream: Iterator[str], delimiter: str, width: int, above: int
) -> tuple[tuple[tuple[int, tuple[str, ...]], ...], str]:
    """The rows below the header, which ends with line `above`, as `Table` has them, and its fault."""
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    lines, begun = [], above + 1
    try:
        for cells in reader:
            begun = reader.line_num + above + 1
            if any(cell.strip() for cell in cells):
                filled = (*cells, *[""] * (width - len(cells)))
                kept = filled if any(cell.strip() for cell in filled[width:]) else filled[:width]
                lines.append((reader.line_num + above, kept))
    except csv.Error as error:
        return tuple(lines), f"line {begun}: the row that begins there is no CSV ({error}); mend its quotes"
    return tuple(lines), ""


def _positions(header: Sequence[str], known: Sequence[str]) -> list[int]:
    """Where in the header the known names stand, in the order in which they are known."""
    plain = [re.sub(r"[\W_]+", "", name.casefold()) for name in header]
    return [i for name in known for i, given in enumerate(plain) if given == name]
