"""A folder for each part, with a folder for each class: `train/cat/1.png`, `test/cat/1.png`."""

from collections import Counter
from pathlib import Path

from generator.data.folders import listing, part_names
from generator.data.folders.class_names import alike, composed
from generator.data.folders.layouts.reading import Classes, Reading, one_each, shown
from generator.experiment.data_summary import Part
from generator.support.errors import BadInput, printable

NESTED = (
    "; put its images right into it, --set data.group=folder where those of a folder within a class belong together, "
    "or take it away"
)
"""How to mend a folder of a class whose images lie in folders within it."""

OF_NO_PART = "files in %s/, which holds folders of the classes, but is not called validation or test"
"""The reason for which a folder beside those of the parts is passed over that may be one."""


def recognises(folder: Path, *, nested: bool = False) -> bool:
    training = part_names.beside(folder).get("train", [])
    return any(_holds_classes(part_names.undoubled(path)) for path in training)


def read(folder: Path, source: str, *, nested: bool = False) -> Reading:
    """Validation and test folders that hold images and no class folders say nothing, and are passed over."""
    candidates = {
        part: part_names.undoubled(path) for part, path in one_each(part_names.beside(folder), source).items()
    }
    ignored: Counter[str] = Counter()
    folders: dict[Part, Path] = {}
    images: dict[Part, Classes] = {}
    problems: list[str] = []
    for part, path in candidates.items():
        where = shown(path, folder)
        if part != "train" and _unlabelled(path):
            ignored[listing.UNLABELLED] += len(listing.images(path, ignored))
            continue
        folders[part] = path
        images[part], found = class_folders(path, where, source, ignored, nested=nested)
        problems += found
    listing.pass_over_beside(folder, candidates.values(), ignored)
    for other in _parts_by_other_names(folder, candidates["train"]):
        ignored -= listing.counted(other, listing.BESIDE)
        listing.pass_over(other, OF_NO_PART % printable(other.name), ignored)
    return Reading(
        layout="parts", root=folder, folders=folders, images=images, ignored=ignored, problems=tuple(problems)
    )


def class_folders(
    folder: Path, where: str, source: str, ignored: Counter[str], *, nested: bool = False
) -> tuple[dict[str, tuple[Path, ...]], list[str]]:
    """The images in each folder of `folder`, which messages call `where`, and what is wrong with some of them."""
    links = [f for f in (folder, *listing.entries(folder)) if f.is_symlink()]
    if links:
        names = ", ".join(printable(link.relative_to(folder.parent)) for link in links)
        raise BadInput(f"{source}: {names}: symbolic links; put the folders themselves there")
    classes: dict[str, Path] = {}
    for entry in listing.entries(folder):
        if not listing.is_plain_folder(entry):
            listing.pass_over(entry, listing.BESIDE, ignored)
        elif (name := composed(entry.name)) in classes:
            raise BadInput(f"{source}: {where}: {alike(classes[name].name, entry.name)}; put them together")
        else:
            classes[name] = entry
    return images_of(classes, where, ignored, nested=nested)


def images_of(
    classes: dict[str, Path], where: str, ignored: Counter[str], *, nested: bool = False
) -> tuple[dict[str, tuple[Path, ...]], list[str]]:
    """The images in the folder of each class, and which of them have none."""
    images, problems = {}, []
    for name, path in classes.items():
        passed: Counter[str] = Counter()
        images[name] = listing.images(path, passed, nested=nested)
        if not images[name]:
            deeper = NESTED if listing.holds_images(path, nested=True) else ""
            problems.append(f"{where}{printable(name)} holds no image{_only(passed)}{deeper}")
        ignored += passed
    return images, problems


def _holds_classes(folder: Path) -> bool:
    """Whether a training folder has class folders, or neither these nor images."""
    return bool(listing.plain_folders(folder)) or not listing.holds_images(folder)


def _parts_by_other_names(folder: Path, training: Path) -> list[Path]:
    """The folders in `folder` whose names say no part although they hold images in folders of all the classes."""
    classes = _image_folders(training)
    known = part_names.measured(folder)
    others = [f for f in listing.plain_folders(folder) if f not in known and not part_names.part(f.name)]
    return [f for f in others if classes and classes <= _image_folders(f)]


def _image_folders(folder: Path) -> set[str]:
    return {composed(sub.name) for sub in listing.plain_folders(folder) if listing.holds_images(sub)}


def _unlabelled(folder: Path) -> bool:
    return not folder.is_symlink() and not listing.plain_folders(folder) and listing.holds_images(folder)


def _only(passed_over: Counter[str]) -> str:
    """What a class without images holds instead."""
    listed = ", ".join(f"{reason}: {count}" for reason, count in sorted(passed_over.items()))
    return f" (passed over: {listed})" if listed else ""
