"""Finds the images of a data set below a folder, and accounts for everything that is passed over.

`discover` looks for a folder that one of the ways in `layouts` recognises, reads it, and gives each image its label.
What is no image is counted with its reason; what would quietly shift labels is an error, and so is a folder that can
be read in two ways that differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from generator.data.folders import class_names, listing, part_names
from generator.data.folders.layouts import classes, names, parts, rows, table
from generator.data.folders.layouts.reading import CALLED, Classes, Kind, Reading, agree, bears_out, shown
from generator.experiment.data_summary import Layout, Part
from generator.support.errors import BadInput, printable

KINDS: Mapping[Layout, Kind] = {"parts": parts, "classes": classes, "names": names, "table": table}
"""The ways to lay out a data set; of several that say the same, the first is taken."""

_DEPTH = 3  # levels of extra folders an archive may have above its images
_EXPECTED = (
    "expected a folder per class, alone or in train/ and test/, files called cat.1.jpg, or a CSV file with the columns "
    "file and label"
)
_NESTED = (
    "if these are the classes, put their images right into them, or --set data.group=folder where those of a folder "
    "within a class belong together"
)


@dataclass(frozen=True)
class Found:
    """Where the images of a data set lie."""

    root: Path
    """The folder below which all of them lie."""
    layout: Layout
    folders: dict[Part, Path]
    """`train`, and `validation` and `test` where there are such images → the folder that holds them."""
    class_names: tuple[str, ...]
    """Sorted by name: the class's index is its label."""
    files: dict[Part, tuple[tuple[Path, int], ...]]
    """For each of `folders` (file, label), in order of class, then natural order of names."""
    ignored: dict[str, int]
    """Reason → number of files passed over."""
    tables: tuple[str, ...]
    """Names, below the root, of the tables that told the classes."""


def discover(folder: Path, source: str, layout: Layout | None = None, *, nested: bool = False) -> Found:
    """The data set below `folder`, which messages call `source`; `layout` where it is not to be found out.

    With `nested` images count that lie in folders within those of the classes.

    Raises `BadInput`.
    """
    source = printable(source)
    try:
        reading = _reading(folder, source, layout, nested=nested)
        problems = [*reading.problems, *_file_problems(reading)]
        if reading.problems:  # Without what they spoil, classes would be said to be missing.
            raise _to_mend(source, problems)
        if "train" not in reading.images:
            raise BadInput(f"{source}: has no training images; {_EXPECTED}")
        labels = class_names.agreed(_called(reading), source)
        ignored = reading.ignored
        for path in part_names.measured(reading.root):
            ignored -= listing.counted(path, listing.BESIDE)  # `measure` reads it.
        listing.pass_over_beside(folder, [reading.root], ignored)
    except OSError as error:
        raise BadInput(f"{printable(error.filename)}: cannot be read ({error.strerror})") from None
    if problems:
        raise _to_mend(source, problems)
    files: dict[Part, tuple[tuple[Path, int], ...]] = {
        part: tuple((path, label) for label, name in enumerate(labels) for path in reading.images[part].get(name, ()))
        for part in reading.folders
    }
    return Found(
        reading.root,
        reading.layout,
        dict(reading.folders),
        labels,
        files,
        dict(sorted((+ignored).items())),
        reading.tables,
    )


def _called(reading: Reading) -> dict[str, Classes]:
    """The part's folder, as messages name it, or what else tells the part → its classes."""
    places = {part: shown(path, reading.root) or "the data set" for part, path in reading.folders.items()}
    # Where rows of a table are of a part, a folder is merely where some of their images happen to lie.
    told_else = reading.layout == "table" or len({*places.values()}) < len(places)
    return {CALLED[part] if told_else else place: reading.images[part] for part, place in places.items()}


def _to_mend(source: str, problems: Sequence[str]) -> BadInput:
    return listing.problem_list(source, "files, rows or folders must be mended or removed", list(problems))


def _file_problems(reading: Reading) -> list[str]:
    found = [listing.file_problem(path, reading.root) for path, _, _ in reading.files]
    return [problem for problem in found if problem]


def _reading(folder: Path, source: str, layout: Layout | None, *, nested: bool) -> Reading:
    kinds = [KINDS[layout]] if layout else list(KINDS.values())
    root, recognised = _root(folder, source, kinds, nested=nested)
    if root is None:
        asked = f"cannot be read as data.layout = {layout!r}; " if layout else ""
        raise BadInput(f"{source}: {asked}{_missing(folder, kinds)}")
    readings = [kind.read(root, source, nested=nested) for kind in recognised]
    if layout is None:
        readings = [reading for reading in readings if not _has_class_of_training(reading, readings)]
        _check_classes(readings, source)
    whole = [reading for reading in readings if not reading.problems]
    for one, other in combinations(whole, 2):
        if not agree(one, other):
            told = "\n  ".join(f"data.layout = {each.layout!r}: {each.sentence()}" for each in (one, other))
            raise BadInput(
                f"{source}: can be read in two ways; choose with --set data.layout={one.layout} "
                f"or --set data.layout={other.layout}:\n  {told}"
            )
    if not whole:
        return readings[0]
    for reading in readings:
        if reading.problems and not _is_borne_out(reading, whole[0]):
            raise BadInput(
                f"{_to_mend(source, reading.problems)}\n  or choose the other way to read it, "
                f"--set data.layout={whole[0].layout}: {whole[0].sentence()}"
            )
    return whole[0]


def _has_class_of_training(reading: Reading, readings: Sequence[Reading]) -> bool:
    """Whether a folder such as `train/` would be a class, while another reading finds its training images there."""
    if reading.layout != "classes":
        return False
    called = [reading.root / name for name in reading.images["train"] if part_names.part(name) == "train"]
    others = (each for each in readings if each.layout in ("names", "table"))
    elsewhere = [each.folders["train"] for each in others if "train" in each.folders]
    return any(path.is_relative_to(folder) for folder in called for path in elsewhere)


def _is_borne_out(faulty: Reading, whole: Reading) -> bool:
    """Whether what is left of a reading tells two classes at least, and `whole` says the same of these images."""
    return len({name for _, _, name in faulty.files}) > 1 and bears_out(faulty, whole)


def _check_classes(readings: list[Reading], source: str) -> None:
    """Raise `BadInput` where a folder beside those of classes may hold a part, or be a class of that name."""
    alone = [reading.images["train"] for reading in readings if reading.layout == "classes"]
    as_parts = any(reading.layout == "parts" for reading in readings)
    parted = "--set data.layout=parts takes it for a part" if as_parts else "else put the classes into train/"
    for names_found in alone:
        doubtful = [f"{name}/" for name in names_found if part_names.part(name)]
        others = [f"{name}/" for name in names_found if not part_names.part(name)]
        if doubtful:
            raise BadInput(
                f"{source}: {listing.listed(doubtful)} may be a class beside {listing.listed(others)}, or hold a part "
                f"of the images; --set data.layout=classes takes it for a class; {parted}"
            )


def _root(folder: Path, source: str, kinds: list[Kind], *, nested: bool) -> tuple[Path | None, list[Kind]]:
    """The one folder at or below `folder` that can be read, and how; one with training images of its own first.

    Figures or samples in the folders above would else be taken for classes.
    """
    for told in (True, False):
        level = [folder]
        for _ in range(_DEPTH + 1):
            asked = [f for f in level if not told or "train" in part_names.beside(f)]
            found = {f: [kind for kind in kinds if kind.recognises(f, nested=nested)] for f in asked}
            roots = [f for f in asked if found[f]]
            if len(roots) > 1:
                where = listing.listed(f"{root.relative_to(folder).as_posix()}/" for root in roots)
                raise BadInput(
                    f"{source}: several folders hold a data set ({where}); name one, or call them train/ and test/; "
                    f"{_NESTED}"
                )
            if roots:
                if classes in found[roots[0]] and not told:
                    _check_beside(folder, roots[0], source)
                return roots[0], found[roots[0]]
            level = [sub for f in level for sub in _inside(f)]
    return None, []


def _check_beside(folder: Path, root: Path, source: str) -> None:
    """Raise `BadInput` where the folder with those of classes has others of images beside it: all may be classes."""
    way = {root, *root.parents}
    above = [f for f in root.parents if f.is_relative_to(folder)]
    others = [sub for f in above for sub in listing.folders(f) if sub not in way and _may_be_class(sub)]
    if others:
        left = listing.listed(f"{sub.relative_to(folder).as_posix()}/" for sub in others)
        raise BadInput(
            f"{source}: the classes would be the folders in {shown(root, folder)}, and {left} would be left out; name "
            f"the folder that holds the classes, or take the others away; {_NESTED}"
        )


def _may_be_class(folder: Path) -> bool:
    """Whether a folder holds images, and not as one of test images does of which nothing tells the class."""
    unlabelled = part_names.part(folder.name) and listing.holds_images(folder)
    return not unlabelled and listing.holds_images(folder, nested=True)


def _inside(folder: Path) -> list[Path]:
    """The folders in which a data set may lie: of those for parts, one that stands alone."""
    found = listing.plain_folders(folder)
    return found if len(found) == 1 else [sub for sub in found if not part_names.part(sub.name)]


def _missing(folder: Path, kinds: Sequence[Kind]) -> str:
    """What there is in place of a data set, and why what there was for each of `kinds` was not taken for one."""
    entries = [f for f in listing.entries(folder) if not listing.junk(f.name)]
    if len(entries) == 1 and listing.is_plain_folder(entries[0]) and not part_names.part(entries[0].name):
        return _missing(entries[0], kinds)
    found = part_names.candidates(f for f in entries if f.is_dir())
    have = ", ".join(f"{printable(f.name)}/ ({CALLED[part]})" for part in found for f in found[part])
    if found and "train" not in found:
        return f"has no folder of training images; {_EXPECTED}; found {have}"
    have = have or listing.listed(f"{f.name}/" if f.is_dir() else f.name for f in entries)
    why = names.why_none(folder) if names in kinds else ""
    return f"{_EXPECTED}; found {have}{why}{''.join(map(rows.why_none, entries if table in kinds else ()))}"
