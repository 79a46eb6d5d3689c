"""The data set of a build: found or made, every byte fingerprinted, split once.

`find` gives a `Dataset` without decoding anything, and sets images aside for the test where the data set has none for
it; `split` takes validation images from the training images, unless the data set has some of its own.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from generator.data import filetypes, groups, holdout, listed, origins, splits
from generator.data.folders import discover
from generator.data.listed import Content, Progress
from generator.data.splits import Copies, Split
from generator.experiment.config.settings import DataSettings, Variant
from generator.experiment.data_summary import PARTS, PLAIN_FOLDERS, Kind, Layout, Part, own_folder
from generator.support.errors import BadInput, printable
from generator.support.threads import CORES


@dataclass(frozen=True)
class Sample:
    """One image file."""

    path: Path
    name: str
    """`train/camel/10.png`: below the data set's root, with forward slashes."""
    label: int
    digest: str
    """SHA-256 of the file's bytes."""
    group: str = ""
    """What `data.group` tells of it: images of one group belong together; empty for one that stands alone."""


@dataclass(frozen=True)
class Dataset:
    """Classes of images for training and for test, in order of class, then natural order of file name."""

    root: Path
    source: str
    """What the user named, without folders."""
    kind: Kind
    class_names: tuple[str, ...]
    train: tuple[Sample, ...]
    test: tuple[Sample, ...]
    fingerprint: str
    """SHA-256 over name and content of every image, and what it is taken for."""
    ignored: dict[str, int]
    """Reason → number of files passed over."""
    decoders: tuple[str, ...] = ()
    """Packages beside Pillow that decode some of the images."""
    validation: tuple[Sample, ...] = ()
    """Where the data set has validation images of its own; `train` is then all for training."""
    folders: Mapping[Part, str] = field(default_factory=lambda: PLAIN_FOLDERS)
    """Part → its folder below the root, with forward slashes, `.` for the root; no `test` where `held_out`."""
    layout: Layout = "parts"
    tables: tuple[str, ...] = ()
    """Files below the root that told the classes."""
    held_out: bool = False
    """Whether the data set has no test images of its own, so that `test` was set aside."""

    def own_folder(self, part: Part) -> bool:
        """Whether the images of a part, and no others, lie in a folder."""
        return own_folder(self.folders, part)

    @property
    def together(self) -> Copies:
        """Positions in `samples` of files with the same bytes, and of images of one group."""
        return splits.merged(splits.alike(sample.digest for sample in self.samples), self.grouped)

    @property
    def grouped(self) -> Copies:
        """Positions in `samples` of images of one group."""
        return _grouped(self.samples)

    @cached_property
    def samples(self) -> tuple[Sample, ...]:
        """All images, those for training first, those for test last: the order of their pixels' rows."""
        return self.train + self.validation + self.test

    @property
    def first_test(self) -> int:
        """Position in `samples` of the first test image."""
        return len(self.train) + len(self.validation)


def find(settings: DataSettings, store: Path, progress: Progress | None = None, copy: bool | None = True) -> Dataset:
    """The data set that `settings.path` names, drawn, fetched or unpacked below `store` where needed.

    Unless `copy`, a folder at an address stays there, and its images are read there whenever they are needed
    (`listed`); None: as the last time, at first copied.

    Reads every byte to fingerprint it and decodes nothing. Raises `BadInput` on anything wrong with the data,
    `BuildFailed` where `store` cannot be written or a download breaks off; `progress` is told how far one is.
    """
    origin = origins.locate(settings, store, progress, copy)
    return origins.obtain(origin, lambda folder: _read(folder, origin.source, origin.kind, settings, progress))


def check_settings(dataset: Dataset, variants: Iterable[Variant]) -> None:
    """Raise `BadInput` where a variant sets what has no effect because the data set has validation images."""
    if not dataset.validation:
        return
    own = dataset.own_folder("validation")
    where = f"those of {printable(dataset.folders['validation'])}/" if own else "told by the data set"
    given = f"{printable(dataset.source)}: the validation images are {where}"
    for variant in variants:
        if variant.recipe.split.mode == "reshuffled":
            raise BadInput(f'{given}, so {variant.name} has nothing to reshuffle; use split.mode = "fixed"')
        for setting in ("split.validation_fraction", "split.stratified"):
            if setting in variant.changes:
                raise BadInput(f"{given}, so {variant.name} cannot change {setting}; take it out there")


def split(
    dataset: Dataset,
    fraction: float,
    batch_size: int,
    seed: int,
    copies: Copies = (),
    stratified: bool | Literal["auto"] = "auto",
) -> Split:
    """The validation images of the data set; where it has none, a share of the training images. Raises `BadInput`.

    What belongs together by its bytes, by `data.group`, or in `copies`, is all trained on or all validates.
    """
    total = len(dataset.train)
    if dataset.validation:
        return Split(train=tuple(range(total)), validation=tuple(range(total, dataset.first_test)))
    source = printable(dataset.source)
    if total <= batch_size:
        raise BadInput(
            f"{source}: {total} training images are one batch of {batch_size}, and training "
            f"and validation need one each; add images or use --set data.batch_size={total // 2}"
        )
    # What is among the test images is somebody's choice of test images, and does not decide here.
    together = splits.merged(dataset.together, copies)
    inside = tuple(tuple(position for position in group if position < total) for group in together)
    labels = [sample.label for sample in dataset.train] if stratifies(dataset, stratified) else None
    result = splits.choose(total, batch_size, fraction, inside, seed, labels)
    if not result.validation:
        raise BadInput(
            f"{source}: the training images that belong together are each time more than validation has room for; "
            "remove copies, use a larger split.validation_fraction, or where near-duplicates are meant "
            "--set data.near_duplicates=report"
        )
    _check_classes(dataset, result)
    return result


def stratifies(dataset: Dataset, setting: bool | Literal["auto"]) -> bool:
    """Whether the classes validate in proportion, by `split.stratified`.

    Of more than two classes some would else be missing from a few validation images; two are drawn as in the write-up.
    """
    return dataset.held_out or len(dataset.class_names) > 2 if setting == "auto" else setting


def _grouped(samples: Sequence[Sample]) -> Copies:
    return splits.alike(sample.group or (position,) for position, sample in enumerate(samples))


def _read(folder: Path, source: str, kind: Kind, settings: DataSettings, progress: Progress | None) -> Dataset:
    layout = None if settings.layout == "auto" else settings.layout
    found = discover.discover(folder, source, layout, nested=settings.group == groups.FOLDER)
    files = [path for part in found.files.values() for path, _ in part]
    contents = read_contents(files, settings.path, progress)
    parts = _samples(found, contents, source, settings.group)
    held_out = "test" not in parts
    if held_out:
        parts |= _set_aside(parts["train"], found.class_names, source, settings)
    plain = found.layout == "parts" and not held_out and settings.group is None
    return Dataset(
        root=found.root,
        source=source,
        kind=kind,
        class_names=found.class_names,
        train=parts["train"],
        validation=parts.get("validation", ()),
        test=parts["test"],
        fingerprint=_fingerprint(parts, found.class_names, plain=plain),
        ignored=found.ignored,
        decoders=tuple(sorted({each.package for each in contents.values() if each.package})),
        layout=found.layout,
        folders={part: path.relative_to(found.root).as_posix() for part, path in found.folders.items()},
        tables=found.tables,
        held_out=held_out,
    )


def _samples(
    found: discover.Found, contents: Mapping[Path, Content], source: str, group: str | None
) -> dict[Part, tuple[Sample, ...]]:
    listed = [(part, path, label) for part, images in found.files.items() for path, label in images]
    names = [path.relative_to(found.root).as_posix() for _, path, _ in listed]
    belongs = [""] * len(names)
    if group is not None:
        places = [found.folders[part].relative_to(found.root).as_posix() for part, _, _ in listed]
        belongs = groups.keys(names, group, found.layout, places, printable(source))
    samples = [
        (part, Sample(contents[path].path, name, label, contents[path].digest, key))
        for (part, path, label), name, key in zip(listed, names, belongs, strict=True)
    ]
    return {part: tuple(sample for where, sample in samples if where == part) for part in found.files}


def _set_aside(
    images: tuple[Sample, ...], names: Sequence[str], source: str, settings: DataSettings
) -> dict[Part, tuple[Sample, ...]]:
    """The images for training and for test of a data set that has none for test; what belongs together stays so."""
    labels, digests = [image.label for image in images], [image.digest for image in images]
    together = splits.merged(splits.alike(digests), _grouped(images))
    chosen = holdout.choose(labels, digests, settings.test_fraction, settings.test_seed, together)
    train = tuple(image for position, image in enumerate(images) if position not in chosen)
    test = tuple(image for position, image in enumerate(images) if position in chosen)
    for label, name in enumerate(names):
        if not all(any(image.label == label for image in side) for side in (train, test)):
            own = [image for image in images if image.label == label]
            copies = len(own) > 1 and len({image.digest for image in own}) == 1
            like = f", all copies of {printable(own[0].name)}," if copies else ""
            raise BadInput(
                f"{printable(source)}: has no test images, and {printable(name)} has {len(own)}{like} to set some "
                f"aside from, where images that belong together stay so: add {'others' if copies else 'some'}, take "
                "the class out, add a folder test/, or, where groups are large, set data.test_fraction higher"
            )
    return {"train": train, "test": test}


def _fingerprint(parts: Mapping[Part, tuple[Sample, ...]], names: Sequence[str], *, plain: bool) -> str:
    """SHA-256 over contents and names, and over what they are taken for unless the names say that (`plain`)."""
    lines = [
        f"{image.digest} {image.name}" + ("" if plain else f" {part} {names[image.label]} {image.group}")
        for part in PARTS
        for image in parts.get(part, ())
    ]
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def read_contents(files: Sequence[Path], path: str, progress: Progress | None = None) -> dict[Path, Content]:
    """Of each file of the data set that `path` named, what its bytes give. Raises `BadInput`.

    Where they are at an address it raises `BuildFailed`, and `progress` is told how many came.
    """
    if index := listed.index_of(files, path):
        return index.contents(files, path, progress)
    try:
        with ThreadPoolExecutor(CORES) as pool:
            return dict(zip(files, pool.map(_content, files), strict=True))
    except OSError as error:
        raise BadInput(f"{printable(error.filename)}: cannot be read ({error.strerror})") from None


def _content(path: Path) -> Content:
    with path.open("rb") as stream:
        package = filetypes.decoder(stream.read(filetypes.HEAD))
        stream.seek(0)
        return Content(path, hashlib.file_digest(stream, "sha256").hexdigest(), package)


def _check_classes(dataset: Dataset, split: Split) -> None:
    """Raise `BadInput` where the split leaves a class without training images."""
    labels = {dataset.train[position].label for position in split.train}
    for label, name in enumerate(dataset.class_names):
        if label not in labels:
            raise BadInput(
                f"{printable(dataset.source)}: the split leaves no image of {printable(name)} to train on; "
                "add images, or use a smaller split.validation_fraction or another --seed"
            )
