"""The images to measure with: a folder `measure/` beside those of the parts, or drawings of the sample.

They are scored and nothing else: never trained on, validated with or chosen by, and no part of the data set's
fingerprint, so that adding some trains nothing again. `find` gives them; `attributes.csv` in the folder (`attributes`)
says what is to be told apart in their errors.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from generator.data import attributes, groups, origins
from generator.data.dataset import Dataset, Sample, read_contents
from generator.data.folders import listing, part_names
from generator.data.folders.layouts.parts import class_folders
from generator.experiment.config.settings import DataSettings
from generator.support.errors import BadInput, printable


@dataclass(frozen=True)
class MeasureSet:
    """Images to measure with, in order of class, then natural order of file name."""

    source: str
    """What the user named, without folders."""
    kind: Literal["drawn", "folder"]
    samples: tuple[Sample, ...]
    """Named below the folder that holds theirs: `measure/camel/1.png`."""
    attributes: Mapping[str, tuple[str, ...]]
    """Attribute → its value of each image, in order."""
    fingerprint: str
    """SHA-256 over name and content of every image."""
    ignored: Mapping[str, int]
    """Reason → number of files passed over."""
    decoders: tuple[str, ...] = ()
    """Packages beside Pillow that decode some of the images."""

    @property
    def texts(self) -> tuple[str, ...]:
        """Names and values of the attributes."""
        return (*self.attributes, *(value for values in self.attributes.values() for value in set(values)))


def described(attributes: Mapping[str, Sequence[str]]) -> str:
    """SHA-256 over the attributes of a set."""
    return hashlib.sha256(json.dumps({name: list(values) for name, values in attributes.items()}).encode()).hexdigest()


def find(settings: DataSettings, store: Path, dataset: Dataset, *, draw: bool = True) -> MeasureSet | None:
    """The images to measure with beside `dataset`, which was found in `store`; None where there are none.

    Reads every byte and decodes nothing. Drawings that are not there are drawn, unless `draw` is false: then they
    stand under their names alone. Raises `BadInput` on anything wrong with them.
    """
    if not settings.measure:
        return None
    if dataset.kind == "sample":
        origin = origins.drawn_measure(settings, store)
        if not draw and not origin.folder.is_dir():
            return _undrawn(settings, dataset)
        return origins.obtain(origin, lambda folder: _read(folder / origins.MEASURE, dataset, "drawn", settings.path))
    folder = _beside(dataset)
    if folder is None:
        return None
    return _read(folder, dataset, "folder", settings.path, nested=settings.group == groups.FOLDER)


def known(measured: MeasureSet, dataset: Dataset) -> Iterator[tuple[Sample, Sample]]:
    """(image to measure with, image of the data set) of those whose bytes are the same, in order."""
    there = {sample.digest: sample for sample in reversed(dataset.samples)}
    return ((sample, there[sample.digest]) for sample in measured.samples if sample.digest in there)


def _beside(dataset: Dataset) -> Path | None:
    """The folder to measure with beside the data set's own."""
    found = part_names.measured(dataset.root)
    for flat in (f for f in part_names.named_measure(dataset.root) if listing.holds_images(f)):
        # It may be a class of that name, or the folder of a table's images.
        if not any(sample.name.startswith(f"{flat.name}/") for sample in dataset.samples):
            raise BadInput(
                f"{printable(dataset.source)}: {printable(flat.name)}/: expected a folder for each class, found images "
                "beside them or alone; put these into the folders, or --set data.measure=0 to measure nothing"
            )
    if len(found) > 1:
        names = " and ".join(f"{printable(f.name)}/" for f in found)
        raise BadInput(f"{printable(dataset.source)}: {names} may both hold images to measure with; rename one")
    return found[0] if found else None


def _read(
    folder: Path, dataset: Dataset, kind: Literal["drawn", "folder"], path: str, *, nested: bool = False
) -> MeasureSet:
    """`path` named the data set; with `nested` images count that lie in folders within those of the classes."""
    source, ignored = printable(dataset.source), Counter[str]()
    where = f"{source}: {printable(folder.name)}"
    try:
        images, problems = class_folders(folder, f"{printable(folder.name)}/", source, ignored, nested=nested)
        problems += [
            p for paths in images.values() for path in paths if (p := listing.file_problem(path, folder.parent))
        ]
        table = attributes.find(folder, where)
        unread = 0 if table else attributes.misnamed(folder)
        text = table.read_bytes() if table else None
    except OSError as error:
        raise BadInput(f"{printable(error.filename)}: cannot be read ({error.strerror})") from None
    _check_classes(images, dataset.class_names, where)
    if problems:
        raise listing.problem_list(source, "files or folders must be mended or removed", problems)
    files = [(path, label) for label, name in enumerate(dataset.class_names) for path in images[name]]
    contents = read_contents([path for path, _ in files], path)
    samples = tuple(
        Sample(contents[file].path, file.relative_to(folder.parent).as_posix(), label, contents[file].digest)
        for file, label in files
    )
    names = [path.relative_to(folder).as_posix() for path, _ in files]
    told = attributes.parse(text, names, f"{where}/{table.name}", folder.name) if table and text is not None else {}
    ignored[listing.BESIDE] -= unread or int(table is not None)
    return MeasureSet(
        source=dataset.source,
        kind=kind,
        samples=samples,
        attributes=told,
        fingerprint=hashlib.sha256("".join(f"{s.digest} {s.name}\n" for s in samples).encode()).hexdigest(),
        ignored=dict(sorted((ignored + Counter({attributes.MISNAMED: unread})).items())),
        decoders=tuple(sorted({each.package for each in contents.values() if each.package})),
    )


def _check_classes(images: Mapping[str, Sequence[Path]], class_names: tuple[str, ...], where: str) -> None:
    """Raise `BadInput` unless the classes are those of the data set, each with images."""
    missing = [name for name in class_names if not images.get(name)]
    foreign = [name for name in images if name not in class_names]
    faults = [f"no images of {printable(name)}" for name in missing]
    faults += [f"{printable(name)}/ is none of its classes" for name in foreign]
    if faults:
        expected = ", ".join(f"{printable(name)}/" for name in class_names)
        raise BadInput(f"{where}/ must hold the classes of the data set, {expected}: {'; '.join(faults)}")


def _undrawn(settings: DataSettings, dataset: Dataset) -> MeasureSet:
    """Stands for drawings that are not there: under their names, with no content."""
    samples = tuple(
        Sample(Path(), f"{origins.MEASURE}/{name}/{number}.png", label, "")
        for label, name in enumerate(dataset.class_names)
        for number in range(1, settings.measure // len(dataset.class_names) + 1)
    )
    return MeasureSet("sample", "drawn", samples, {}, "not drawn", {})
