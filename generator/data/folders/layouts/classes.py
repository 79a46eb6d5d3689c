"""A folder for each class and no others: `cat/1.png`, `dog/1.png`. All images are for training, until some are
set aside."""

from collections import Counter
from pathlib import Path

from generator.data.folders import listing, part_names
from generator.data.folders.class_names import alike, composed
from generator.data.folders.layouts.parts import images_of
from generator.data.folders.layouts.reading import Reading
from generator.support.errors import BadInput, printable


def recognises(folder: Path, *, nested: bool = False) -> bool:
    """Two folders of images at least, of which not all are called `train`, `test` and the like.

    One to measure with is none of them, however deep images are looked for.
    """
    measured = part_names.measured(folder)
    plain = (sub for sub in listing.plain_folders(folder) if sub not in measured)
    found = [sub for sub in plain if listing.holds_images(sub, nested=nested)]
    return len(found) > 1 and not all(part_names.part(sub.name) for sub in found)


def read(folder: Path, source: str, *, nested: bool = False) -> Reading:
    """Folders without a picture of any kind are no classes; one of pictures that cannot be read is a class."""
    ignored: Counter[str] = Counter()
    classes: dict[str, Path] = {}
    measured = part_names.measured(folder)
    for entry in listing.entries(folder):
        if entry.is_symlink() and entry not in measured and (listing.is_dangling(entry) or _holds_images(entry)):
            # Passed over it would be a class less, and another number for those behind it.
            raise BadInput(f"{source}: {printable(entry.name)}/: a symbolic link; put the folder itself there")
        if not listing.is_plain_folder(entry) or entry in measured or _other(entry):
            listing.pass_over(entry, listing.BESIDE, ignored)
        elif (name := composed(entry.name)) in classes:
            raise BadInput(f"{source}: {alike(classes[name].name, entry.name)}; put them together")
        else:
            classes[name] = entry
    images, problems = images_of(classes, "", ignored, nested=nested)
    return Reading(
        layout="classes",
        root=folder,
        folders={"train": folder},
        images={"train": images},
        ignored=ignored,
        problems=tuple(problems),
    )


def _holds_images(folder: Path) -> bool:
    """Also in folders within it: passed over for these it would be a class less, without a word."""
    return folder.is_dir() and listing.holds_images(folder, nested=True)


def _other(folder: Path) -> bool:
    """Whether a folder holds files or folders, and none of its files is a picture, were it one that is not read."""
    kinds = [listing.other_kind(entry) for entry in folder.iterdir() if not listing.junk(entry.name)]
    no_pictures = bool(kinds) and set(kinds) <= {listing.NESTED, listing.OTHER, listing.SPECIAL, listing.NO_SUFFIX}
    return no_pictures and not _holds_images(folder)
