"""A CSV file that names each image and its class, also in Hugging Face's form, `metadata.csv` with `file_name`.

Columns are known by their names, and a third may name the part. Without it the part is told by the table's own name
(`train.csv`), by the folder it lies in (`train/metadata.csv`), or by the folder of the image.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from generator.data.folders import listing, part_names
from generator.data.folders.layouts import rows
from generator.data.folders.layouts.reading import Classes, Reading
from generator.data.folders.layouts.rows import Images, Row, Table
from generator.experiment.data_summary import PARTS, Part
from generator.support.errors import printable

_BESIDE_PART = re.compile(r"[ _-]*(labels?|annotations?|metadata|meta|info|list|classes)$", re.IGNORECASE)
"""What the name of a table may say beside the part."""

Told = dict[Path, tuple[Part, str]]
"""Image → its part and class."""


def recognises(folder: Path, *, nested: bool = False) -> bool:
    """Whether a table in `folder`, or in its folder of a part, names an image that is there, or breaks off."""
    return _has_tables(folder) and bool(_tables(folder, Images(folder)))


def read(folder: Path, source: str, *, nested: bool = False) -> Reading:
    """Images that no table names are passed over. Raises `BadInput` where two columns may be the class or part."""
    images = Images(folder)
    tables = _of_parts(_tables(folder, images), folder)
    told: Told = {}
    problems: list[str] = []
    for table in tables:
        table.check(source)
        place = printable(table.path.relative_to(folder).as_posix())
        if table.unread and table.utf8:  # Its test images would else be trained on.
            problems.append(f"{place}: {table.unread}")
            continue
        faults = [(row, fault) for row in table.rows if (fault := _take(row, table, images, told))]
        if table.utf8:
            problems += [f"{place}, line {row.line}: {printable(row.file) or 'no file'}: {why}" for row, why in faults]
        else:
            problems.append(f"{place}: not text in UTF-8; save it as CSV in UTF-8")
        problems += [f"{place}, {table.fault}"] if table.fault else []
    ignored = images.ignored
    ignored[listing.UNLABELLED] += len(images.files) - len(told)
    found = _by_part(told, folder)
    return Reading(
        layout="table",
        root=folder,
        folders={part: _common(classes) for part, classes in found.items()},
        images=found,
        ignored=+ignored,
        problems=tuple(problems),
        tables=tuple(table.path.relative_to(folder).as_posix() for table in tables),
    )


def _take(row: Row, table: Table, images: Images, told: Told) -> str | None:
    """Put the image of a row into `told`, or say what is wrong with it."""
    if row.fault:
        return row.fault
    found = images.find(row.file, table.path.parent)
    if len(found) != 1:
        return "several images are called so" if found else "no such image"
    part = rows.part_of(row.part) if row.part.strip() else _named_part(table, images.folder)
    part = part or (None if row.part.strip() else _part_of(found[0], images.folder) or "train")
    if part is None:
        return f"{printable(row.part)!r} is none of {', '.join(PARTS)}"
    if not row.label:
        return None if part == "test" else "has no class"
    if told.setdefault(found[0], (part, row.label)) != (part, row.label):
        return "stands in another row with another class or part"
    return None


def _places(folder: Path) -> list[Path]:
    """Where tables of `folder` may lie: in it, and in its folders of parts."""
    parts = [path for found in part_names.beside(folder).values() for path in map(part_names.undoubled, found)]
    return [folder, *parts]


def _has_tables(folder: Path) -> bool:
    """Whether it is worth looking through all files."""
    return any(path.suffix.lower() in rows.SUFFIXES for place in _places(folder) for path in place.iterdir())


def _tables(folder: Path, images: Images) -> list[Table]:
    files = (path for place in _places(folder) for path in listing.entries(place))
    return [table for path in files if (table := rows.open_table(path, images))]


def _of_parts(tables: list[Table], folder: Path) -> list[Table]:
    """Where tables say parts, or are named for them, these alone: others describe something else."""
    return [table for table in tables if table.says_part or _named_part(table, folder)] or tables


def _named_part(table: Table, folder: Path) -> Part | None:
    return part_names.part(_BESIDE_PART.sub("", table.path.stem)) or _part_of(table.path, folder)


def _part_of(path: Path, folder: Path) -> Part | None:
    """The part that the folder says in which a file lies."""
    first, *more = path.relative_to(folder).parts
    return part_names.part(first) if more else None


def _by_part(told: Told, folder: Path) -> Mapping[Part, Classes]:
    found: dict[Part, dict[str, list[Path]]] = {}
    for path in sorted(told, key=lambda path: listing.natural(path.relative_to(folder).as_posix())):
        part, name = told[path]
        found.setdefault(part, {}).setdefault(name, []).append(path)
    return {
        part: {name: tuple(files) for name, files in sorted(found[part].items())} for part in PARTS if part in found
    }


def _common(classes: Classes) -> Path:
    """The innermost folder that holds all images of a part."""
    return Path(os.path.commonpath([path.parent for files in classes.values() for path in files]))
