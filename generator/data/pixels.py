"""Every image of a data set, or of another set beside it, decoded once, to the square that a network sees.

`read_pixels` writes them as one array and reports every image that cannot be decoded. `read_part` does it for some of
them, and `join` makes of all parts what `read_pixels` gives of the whole.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from pydantic import Field

from generator.data import decoding, deep, splits
from generator.data.dataset import Dataset, Sample
from generator.data.folders import listing
from generator.data.splits import Copies
from generator.experiment.config.settings import Alpha, Crop
from generator.support.errors import BuildFailed, printable
from generator.support.files import DISK_FULL, replacing
from generator.support.strict_json import Record
from generator.support.threads import CORES, mapped_ahead

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Square:
    """What every image becomes, and which one is refused."""

    size: int
    """Side, pixels."""
    alpha: Alpha
    """What transparency becomes."""
    max_pixels: int
    """Most pixels an image's header may announce."""
    crop: Crop = "none"
    """Which box of an image with transparency is kept."""


class Images(Protocol):
    """What is decoded: a `Dataset`, or other images beside it."""

    @property
    def source(self) -> str: ...
    @property
    def samples(self) -> tuple[Sample, ...]: ...


class PixelReport(Record):
    """What decoding all images showed."""

    notes: dict[str, int]
    """Oddity that was handled → number of images."""
    transparent: int
    """Images with at least one pixel that is not opaque."""
    copies: Copies
    """Positions in `Images.samples` of images with the same pixels, at the size that is used."""
    scales: dict[str, deep.Scale] = Field(default={})
    """Kind of samples of more than 8 bits → their scale."""


def read_pixels(
    images: Images,
    square: Square,
    target: Path,
    progress: Callable[[int, int], None] | None = None,
    scales: Mapping[str, deep.Scale] | None = None,
) -> PixelReport:
    """Decode all images into `target`, a `.npy` file of uint8 (images, size, size, 3), in `samples`' order.

    Samples of more than 8 bits become 8 by `scales` where these are given, as those of another set, else by the scale
    of all `images`. Uses all cores and the memory of a few images. `progress` is called with images done and in all.
    Raises `BadInput` naming every image that cannot be decoded, `BuildFailed` where one has changed since `find`;
    `target` is written whole or not at all.
    """
    known = scales or {}
    with replacing(target, DISK_FULL) as stream, decoding.reading(square.max_pixels):
        outcomes, problems = _write_pixels(images, square, stream, progress, known)
        if problems:
            source = printable(images.source)
            raise listing.problem_list(source, "images cannot be read; mend or remove them", problems)
        found = _scale_alike(images, square, stream, outcomes, known)
    report = _report(outcomes, found)
    if dark := report.notes.get(deep.DARK):
        _log.warning("%s: %d images are %s, of more than 8 bits", printable(images.source), dark, deep.DARK)
    return report


class Seen(Record):
    """What decoding one image of a part showed."""

    notes: tuple[str, ...]
    transparent: bool
    pixels: str
    """SHA-256 of the decoded pixels."""
    range: deep.Range | None
    """What the samples span, where there are more than 8 bits for each."""


class PartReport(Record):
    """What decoding a part of the images showed."""

    seen: tuple[Seen, ...]
    """In the order of the part, without those that cannot be decoded."""
    problems: tuple[str, ...]
    """A line for each image that cannot be decoded."""


def read_part(
    images: Images, square: Square, target: Path, progress: Callable[[int, int], None] | None = None
) -> PartReport:
    """As `read_pixels`, for a part of the images of a set.

    Samples of more than 8 bits become 8 by the scale of their own image until `join` knows that of all, and an image
    that cannot be decoded is reported and has no row: only all parts together tell the user everything at once.
    """
    with replacing(target, DISK_FULL) as stream, decoding.reading(square.max_pixels):
        outcomes, problems = _write_pixels(images, square, stream, progress, {})
    seen = (Seen(notes=o.notes, transparent=o.transparent, pixels=o.pixels.hex(), range=o.range) for o in outcomes)
    return PartReport(seen=tuple(seen), problems=tuple(problems))


def join(images: Images, square: Square, parts: Sequence[tuple[Path, PartReport]], target: Path) -> PixelReport:
    """What `read_pixels` gives and writes to `target`, made of `parts`, which together hold all `images` in order.

    Only images of more than 8 bits whose own scale is not that of the set are decoded again. Raises as `read_pixels`.
    """
    if problems := [problem for _, part in parts for problem in part.problems]:
        raise listing.problem_list(printable(images.source), "images cannot be read; mend or remove them", problems)
    outcomes = [
        _Outcome(seen.notes, seen.transparent, bytes.fromhex(seen.pixels), seen.range)
        for _, part in parts
        for seen in part.seen
    ]
    shape = (len(images.samples), square.size, square.size, 3)
    with replacing(target, DISK_FULL) as stream, decoding.reading(square.max_pixels):
        np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
        for path, _ in parts:
            stream.write(np.load(path, mmap_mode="r").data)
        found = _scale_alike(images, square, stream, outcomes, {})
    report = _report(outcomes, found)
    _warn_of_dark(images, report)
    return report


def _warn_of_dark(images: Images, report: PixelReport) -> None:
    # As `read_pixels` does, whose own lines are part of its stages' keys.
    if dark := report.notes.get(deep.DARK):
        _log.warning("%s: %d images are %s, of more than 8 bits", printable(images.source), dark, deep.DARK)


def example_with_alpha(dataset: Dataset) -> Sample | None:
    """A training image with transparent pixels: the first class's `10.png` if it has any, else the first."""
    for candidate in sorted(dataset.train, key=lambda sample: (sample.label, sample.path.name) != (0, "10.png")):
        if decoding.has_transparency(candidate.path):
            return candidate
    return None


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
    images: Images,
    square: Square,
    stream: BinaryIO,
    progress: Callable[[int, int], None] | None,
    known: Mapping[str, deep.Scale],
) -> tuple[list[_Outcome], list[str]]:
    """Write all images to `stream` as a `.npy` file; what was seen, and what cannot be read."""
    samples = images.samples
    outcomes, problems = [], []
    # Written as a stream, not through a memory map: mapped pages count as the process' memory.
    shape = (len(samples), square.size, square.size, 3)
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
    for done, (item, decoded) in enumerate(_decoded(samples, square, known), start=1):
        if isinstance(decoded, decoding.BadImage):
            problems.append(f"{printable(item.name)}: {printable(decoded)}")
        else:
            stream.write(decoded.pixels.data)
            outcomes.append(_outcome(decoded))
        if progress:
            progress(done, len(samples))
    return outcomes, problems


def _scale_alike(
    images: Images, square: Square, stream: BinaryIO, outcomes: list[_Outcome], known: Mapping[str, deep.Scale]
) -> dict[str, deep.Scale]:
    """Decode again, over their rows in `stream`, the images of more than 8 bits whose own scale is not the set's.

    What an image spans is known when it is decoded, and what all of them span only at the end. Where the data set
    has no such image, or each reaches the set's number of bits, or the scale is `known`, nothing is decoded twice.
    Gives the scales that were used.
    """
    scales = {**deep.scales(outcome.range for outcome in outcomes), **known}
    ranges = [None if o.range is None or o.range.kind in known else o.range for o in outcomes]
    rows = [i for i, span in enumerate(ranges) if span and deep.scale([span]) != scales[span.kind]]
    start = stream.tell() - len(outcomes) * _row_bytes(square)
    for row, (_, decoded) in zip(rows, _decoded([images.samples[i] for i in rows], square, scales), strict=True):
        if isinstance(decoded, decoding.BadImage):
            raise decoded  # It was read a moment ago, and its bytes are the same.
        stream.seek(start + row * _row_bytes(square))
        stream.write(decoded.pixels.data)
        outcomes[row] = _outcome(decoded)
    return scales


def _row_bytes(square: Square) -> int:
    return square.size**2 * 3


def _outcome(decoded: decoding.Decoded) -> _Outcome:
    digest = hashlib.sha256(decoded.pixels.data).digest()
    return _Outcome(decoded.notes, decoded.transparent, digest, decoded.range)


def _decoded(
    samples: Iterable[Sample], square: Square, scales: Mapping[str, deep.Scale]
) -> Iterator[tuple[Sample, decoding.Decoded | decoding.BadImage]]:
    """Each sample with its decoded image or its fault, in order; a few are decoded ahead on all cores."""

    def decoded(item: Sample) -> tuple[Sample, decoding.Decoded | decoding.BadImage]:
        return item, _decode(item, square, scales)

    return mapped_ahead(decoded, samples, ahead=4 * CORES, threads=CORES)


def _decode(item: Sample, square: Square, scales: Mapping[str, deep.Scale]) -> decoding.Decoded | decoding.BadImage:
    """Decode the very bytes that were fingerprinted; raises `BuildFailed` if the file holds others now."""
    try:
        data = item.path.read_bytes()
    except OSError as error:
        raise BuildFailed(f"{printable(item.path)}: vanished during the build ({error.strerror})") from None
    if hashlib.sha256(data).hexdigest() != item.digest:
        raise BuildFailed(f"{printable(item.path)}: changed during the build; build again")
    try:
        return decoding.decode_bytes(
            data,
            size=square.size,
            alpha=square.alpha,
            crop=square.crop,
            max_pixels=square.max_pixels,
            scales=scales,
        )
    except decoding.BadImage as fault:
        return fault


def _report(outcomes: list[_Outcome], scales: dict[str, deep.Scale]) -> PixelReport:
    notes = Counter(note for outcome in outcomes for note in outcome.notes)
    return PixelReport(
        notes=dict(sorted(notes.items())),
        transparent=sum(outcome.transparent for outcome in outcomes),
        copies=splits.alike(outcome.pixels for outcome in outcomes),
        scales=scales,
    )
