"""Files whose names begin with the class: `cat.0.jpg`, `dog_12.png`, in one folder or in one for each part."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from generator.data.folders import listing, part_names
from generator.data.folders.class_names import composed
from generator.data.folders.layouts.reading import Classes, Reading, one_each, shown
from generator.experiment.data_summary import Part
from generator.support.errors import printable

_FORMS = (
    r"(?P<name>.+?)[ ._-]+\(?\d+\)?",  # cat.0, dog_12, cat (3), n02085620_7
    r"(?P<name>\D*[^\W\d_])\(?\d+\)?",  # cat0001
    r"\d+[ ._-]+(?P<name>\D*[^\W\d_])",  # 0001_cat
)
_CAMERAS = frozenset(
    {"img", "image", "images", "imgp", "imag", "dsc", "dscn", "dscf", "dcim", "pxl", "gopr", "mvimg", "p", "pic", "vid"}
    | {"picture", "photo", "frame", "scan", "screenshot", "file", "test", "train", "val", "sample", "whatsapp image"}
)
"""What cameras and programs put before a number; it says nothing of what is in the picture."""


def class_of(path: Path) -> str | None:
    """The class that a file's name begins or ends with; None where it has none beside a number."""
    stem = composed(path.stem)
    found = next((match for form in _FORMS if (match := re.fullmatch(form, stem))), None)
    name = found["name"] if found else ""
    # Some put a date before the number.
    without = re.sub(r"[\W\d_]+$", "", name)
    return name if any(letter.isalpha() for letter in name) and without.casefold() not in _CAMERAS else None


def recognises(folder: Path, *, nested: bool = False) -> bool:
    """Whether each image for training says a class, and each of two classes at least has two images."""
    return any(_speak(_flat(path)) for path in _training(folder) or [folder])


def why_none(folder: Path) -> str:
    """The few names for which files are not read so although the others say a class, as it follows a semicolon."""
    told = ""
    for files in map(_flat, _training(folder) or [folder]):
        by_class = _by_class(files)
        telling = {path for found in by_class.values() if len(found) > 1 for path in found}
        odd = [path.name for path in files if path not in telling]
        if odd and len(odd) < len(telling) and sum(len(found) > 1 for found in by_class.values()) > 1:
            told += (
                f"; the names of {len(telling)} images say their class, but for {listing.listed(odd)}, where it is "
                "missing or no other image has it: rename or remove these"
            )
    return told


def read(folder: Path, source: str, *, nested: bool = False) -> Reading:
    """Files for validation and test that name no class of the training files say nothing, and are passed over."""
    candidates = {part: part_names.undoubled(path) for part, path in _parts(folder, source).items()}
    ignored: Counter[str] = Counter()
    folders: dict[Part, Path] = {}
    images: dict[Part, Classes] = {}
    problems: list[str] = []
    for part, path in candidates.items():
        files = listing.images(path, ignored, listing.BESIDE)
        classes = _by_class(files)
        if part != "train" and not classes.keys() & images["train"].keys():
            ignored[listing.UNLABELLED] += len(files)
            continue
        folders[part], images[part] = path, classes
        problems += [
            f"{shown(path, folder)}{printable(f.name)}: no class in its name" for f in files if not class_of(f)
        ]
    listing.pass_over_beside(folder, candidates.values(), ignored)
    return Reading(
        layout="names", root=folder, folders=folders, images=images, ignored=ignored, problems=tuple(problems)
    )


def _parts(folder: Path, source: str) -> dict[Part, Path]:
    """The folder of each part; `folder` itself where it has none of training images."""
    return one_each(part_names.beside(folder), source) if _training(folder) else {"train": folder}


def _training(folder: Path) -> list[Path]:
    found = part_names.beside(folder).get("train", [])
    return [path for path in map(part_names.undoubled, found) if listing.holds_images(path)]


def _flat(folder: Path) -> list[Path]:
    return [entry for entry in folder.iterdir() if listing.is_image(entry)]


def _speak(files: Iterable[Path]) -> bool:
    counts = Counter(class_of(path) for path in files)
    return None not in counts and len(counts) > 1 and min(counts.values()) > 1


def _by_class(files: Iterable[Path]) -> dict[str, tuple[Path, ...]]:
    """The files of each class, classes and files in order; those without are left out."""
    found: dict[str, list[Path]] = {}
    for path in files:
        if name := class_of(path):
            found.setdefault(name, []).append(path)
    return {name: tuple(found[name]) for name in sorted(found)}
