"""The data set of a build: found or made, every byte fingerprinted, split once, decoded once.

`find` gives a `Dataset` without decoding anything; `split` takes validation images from the training images, unless
the data set has some of its own; `read_pixels` decodes every image and reports every one that cannot be.
"""

import hashlib
import logging
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np

from generator.data import decoding, deep, discover, filetypes, origins, splits
from generator.data.splits import Copies, Split
from generator.experiment.data_summary import PLAIN_FOLDERS, Part
from generator.experiment.settings import DataSettings, Variant
from generator.support.errors import BadInput, BuildFailed, printable
from generator.support.files import DISK_FULL, replacing
from generator.support.strict_json import Record

WORKERS = os.cpu_count() or 1
"""Images that are read or decoded at a time."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sample:
    """One image file."""

    path: Path
    name: str
    """`train/camel/10.png`: below the data set's root, with forward slashes."""
    label: int
    digest: str
    """SHA-256 of the file's bytes."""


@dataclass(frozen=True)
class Square:
    """What every image becomes, and which one is refused."""

    size: int
    """Side, pixels."""
    alpha: Literal["drop", "white"]
    """What transparency becomes."""
    max_pixels: int
    """Most pixels an image's header may announce."""


@dataclass(frozen=True)
class Dataset:
    """Two classes of images for training and for test, in order of class, then natural order of file name."""

    root: Path
    source: str
    """What the user named, without folders."""
    kind: origins.Kind
    class_names: tuple[str, str]
    train: tuple[Sample, ...]
    test: tuple[Sample, ...]
    fingerprint: str
    """SHA-256 over name and content of every image."""
    ignored: dict[str, int]
    """Reason → number of files passed over."""
    decoders: tuple[str, ...] = ()
    """Packages beside Pillow that decode some of the images."""
    validation: tuple[Sample, ...] = ()
    """Where the data set has validation images of its own; `train` is then all for training."""
    folders: Mapping[Part, str] = field(default_factory=lambda: PLAIN_FOLDERS)
    """Part → its folder below the root, with forward slashes."""

    @property
    def samples(self) -> tuple[Sample, ...]:
        """All images, those for training first, those for test last: the order of `read_pixels`' rows."""
        return self.train + self.validation + self.test

    @property
    def first_test(self) -> int:
        """Position in `samples` of the first test image."""
        return len(self.train) + len(self.validation)


class PixelReport(Record):
    """What decoding all images showed."""

    notes: dict[str, int]
    """Oddity that was handled → number of images."""
    transparent: int
    """Images with at least one pixel that is not opaque."""
    copies: Copies
    """Positions in `Dataset.samples` of images with the same pixels, at the size that is used."""


def find(settings: DataSettings, store: Path) -> Dataset:
    """The data set that `settings.path` names, drawn, fetched or unpacked below `store` where needed.

    Reads every byte to fingerprint it and decodes nothing. Raises `BadInput` on anything wrong with the data,
    `BuildFailed` where `store` cannot be written.
    """
    origin = origins.locate(settings, store)
    return origins.obtain(origin, lambda folder: _read(folder, origin.source, origin.kind))


def check_settings(dataset: Dataset, variants: Iterable[Variant]) -> None:
    """Raise `BadInput` where a variant sets what has no effect because the data set has validation images."""
    if not dataset.validation:
        return
    given = (
        f"{printable(dataset.source)}: the validation images are those of {printable(dataset.folders['validation'])}/"
    )
    for variant in variants:
        if variant.recipe.split.mode == "reshuffled":
            raise BadInput(f'{given}, so {variant.name} has nothing to reshuffle; use split.mode = "fixed"')
        if "split.validation_fraction" in variant.changes:
            raise BadInput(f"{given}, so {variant.name} cannot change split.validation_fraction; take it out there")


def split(dataset: Dataset, fraction: float, batch_size: int, seed: int, copies: Copies | None = None) -> Split:
    """The validation images of the data set; where it has none, `fraction` of the training images. Raises `BadInput`.

    Of `copies`, those of equal bytes unless given, all are trained on or all validate.
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
    if copies is None:
        copies = splits.alike(sample.digest for sample in dataset.samples)
    # A copy among the test images is somebody's choice of test images, and does not decide here.
    inside = [tuple(position for position in group if position < total) for group in copies]
    result = splits.choose(total, batch_size, fraction, tuple(inside), seed)
    if not result.validation:
        raise BadInput(
            f"{source}: every training image has more copies than validation has room for; remove copies, or use a "
            "larger split.validation_fraction"
        )
    _check_classes(dataset, result)
    return result


def read_pixels(
    dataset: Dataset, square: Square, target: Path, progress: Callable[[int, int], None] | None = None
) -> PixelReport:
    """Decode all images into `target`, a `.npy` file of uint8 (images, size, size, 3), in `samples`' order.

    Uses all cores and the memory of a few images. `progress` is called with images done and in all. Raises
    `BadInput` naming every image that cannot be decoded, `BuildFailed` where one has changed since `find`;
    `target` is written whole or not at all.
    """
    with replacing(target, DISK_FULL) as stream, decoding.reading(square.max_pixels):
        outcomes, problems = _write_pixels(dataset, square, stream, progress)
        if problems:
            source = printable(dataset.source)
            raise discover.problem_list(source, "images cannot be read; mend or remove them", problems)
        _scale_alike(dataset, square, stream, outcomes)
    report = _report(outcomes)
    if dark := report.notes.get(deep.DARK):
        _log.warning("%s: %d images are %s, of more than 8 bits", printable(dataset.source), dark, deep.DARK)
    return report


def example_with_alpha(dataset: Dataset) -> Sample | None:
    """A training image with transparent pixels: the first class's `10.png` if it has any, else the first."""
    for candidate in sorted(dataset.train, key=lambda sample: (sample.label, sample.path.name) != (0, "10.png")):
        if decoding.has_transparency(candidate.path):
            return candidate
    return None


def _read(folder: Path, source: str, kind: origins.Kind) -> Dataset:
    found = discover.discover(folder, source)
    files = [(path, label) for part in found.folders for path, label in found.files[part]]
    try:
        with ThreadPoolExecutor(WORKERS) as pool:
            contents = list(pool.map(_content, [path for path, _ in files]))
    except OSError as error:
        raise BadInput(f"{printable(error.filename)}: cannot be read ({error.strerror})") from None
    samples = tuple(
        Sample(path, path.relative_to(found.root).as_posix(), label, digest)
        for (path, label), (digest, _) in zip(files, contents, strict=True)
    )
    lines = "".join(f"{sample.digest} {sample.name}\n" for sample in samples)
    training, testing = len(found.files["train"]), len(found.files["test"])
    return Dataset(
        root=found.root,
        source=source,
        kind=kind,
        class_names=found.class_names,
        train=samples[:training],
        test=samples[-testing:],
        fingerprint=hashlib.sha256(lines.encode()).hexdigest(),
        ignored=found.ignored,
        decoders=tuple(sorted({package for _, package in contents if package})),
        validation=samples[training:-testing],
        folders={part: path.relative_to(found.root).as_posix() for part, path in found.folders.items()},
    )


def _content(path: Path) -> tuple[str, str | None]:
    """SHA-256 of a file's bytes, and the package beside Pillow that decodes them, if one does."""
    with path.open("rb") as stream:
        package = filetypes.decoder(stream.read(filetypes.HEAD))
        stream.seek(0)
        return hashlib.file_digest(stream, "sha256").hexdigest(), package


def _check_classes(dataset: Dataset, split: Split) -> None:
    """Raise `BadInput` where the split leaves a class without training images."""
    labels = {dataset.train[position].label for position in split.train}
    for label, name in enumerate(dataset.class_names):
        if label not in labels:
            raise BadInput(
                f"{printable(dataset.source)}: the split leaves no image of {printable(name)} to train on; "
                "add images, or use a smaller split.validation_fraction or another --seed"
            )


@dataclass(frozen=True)
class _Outcome:
    """What decoding one image showed."""

    notes: tuple[str, ...]
    transparent: bool
    pixels: bytes
    """Digest of the decoded pixels."""
    range: deep.Range | None
    """What the samples span, where there are more than 8 bits for each."""


def _write_pixels(
    dataset: Dataset,
    square: Square,
    stream: BinaryIO,
    progress: Callable[[int, int], None] | None,
) -> tuple[list[_Outcome], list[str]]:
    """Write all images to `stream` as a `.npy` file; what was seen, and what cannot be read."""
    samples = dataset.samples
    outcomes, problems = [], []
    # Written as a stream, not through a memory map: mapped pages count as the process' memory.
    shape = (len(samples), square.size, square.size, 3)
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
    for done, (item, decoded) in enumerate(_decoded(samples, square), start=1):
        if isinstance(decoded, decoding.BadImage):
            problems.append(f"{printable(item.name)}: {printable(decoded)}")
        else:
            stream.write(decoded.pixels.data)
            outcomes.append(_outcome(decoded))
        if progress:
            progress(done, len(samples))
    return outcomes, problems


def _scale_alike(dataset: Dataset, square: Square, stream: BinaryIO, outcomes: list[_Outcome]) -> None:
    """Decode again, over their rows in `stream`, the images of more than 8 bits whose own scale is not the set's.

    What an image spans is known when it is decoded, and what all of them span only at the end. Where the data set
    has no such image, or each reaches the set's number of bits, nothing is decoded twice.
    """
    scales = deep.scales(outcome.range for outcome in outcomes)
    rows = [i for i, o in enumerate(outcomes) if o.range and deep.scale([o.range]) != scales[o.range.kind]]
    start = stream.tell() - len(outcomes) * _row_bytes(square)
    for row, (_, decoded) in zip(rows, _decoded([dataset.samples[i] for i in rows], square, scales), strict=True):
        if isinstance(decoded, decoding.BadImage):
            raise decoded  # It was read a moment ago, and its bytes are the same.
        stream.seek(start + row * _row_bytes(square))
        stream.write(decoded.pixels.data)
        outcomes[row] = _outcome(decoded)


def _row_bytes(square: Square) -> int:
    return square.size**2 * 3


def _outcome(decoded: decoding.Decoded) -> _Outcome:
    digest = hashlib.sha256(decoded.pixels.data).digest()
    return _Outcome(decoded.notes, decoded.transparent, digest, decoded.range)


def _decoded(
    samples: Iterable[Sample], square: Square, scales: Mapping[str, deep.Scale] | None = None
) -> Iterator[tuple[Sample, decoding.Decoded | decoding.BadImage]]:
    """Each sample with its decoded image or its fault, in order; a few are decoded ahead on all cores."""
    with ThreadPoolExecutor(WORKERS) as pool:
        ahead: deque[tuple[Sample, Future[decoding.Decoded | decoding.BadImage]]] = deque()
        try:
            for item in samples:
                ahead.append((item, pool.submit(_decode, item, square, scales)))
                if len(ahead) > 4 * WORKERS:
                    first, future = ahead.popleft()
                    yield first, future.result()
            for first, future in ahead:
                yield first, future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _decode(
    item: Sample, square: Square, scales: Mapping[str, deep.Scale] | None
) -> decoding.Decoded | decoding.BadImage:
    """Decode the very bytes that were fingerprinted; raises `BuildFailed` if the file holds others now."""
    try:
        data = item.path.read_bytes()
    except OSError as error:
        raise BuildFailed(f"{printable(item.path)}: vanished during the build ({error.strerror})") from None
    if hashlib.sha256(data).hexdigest() != item.digest:
        raise BuildFailed(f"{printable(item.path)}: changed during the build; build again")
    try:
        return decoding.decode_bytes(
            data, size=square.size, alpha=square.alpha, max_pixels=square.max_pixels, scales=scales
        )
    except decoding.BadImage as fault:
        return fault


def _report(outcomes: list[_Outcome]) -> PixelReport:
    notes = Counter(note for outcome in outcomes for note in outcome.notes)
    return PixelReport(
        notes=dict(sorted(notes.items())),
        transparent=sum(outcome.transparent for outcome in outcomes),
        copies=splits.alike(outcome.pixels for outcome in outcomes),
    )
