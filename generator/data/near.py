"""Near-duplicates: images that are one picture, encoded again, resized, cropped, brightened, mirrored or captioned.

`find` gives the pairs. A perceptual hash of each image, compared with that of every other, leaves a few candidates, and
what is compared of these is the details of what they show, because pictures taken or drawn alike share their
composition and so their hash. `python -m benchmarks.near_duplicates` measures what is found and what is not.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from generator.data import splits
from generator.data.splits import Copies
from generator.support.strict_json import Record

Floats = npt.NDArray[np.float32]
Hashes = npt.NDArray[np.uint64]

THUMB, SIDE = 64, 32
"""Sides, pixels, of the grey image that is kept of each, and of what hash and details are computed of."""
FARTHEST = 20
"""Bits in which the hashes of two candidates may differ. A corner cut by a twentieth changes up to that many of a
photograph's; unrelated ones differ in 30 at the median."""
NEAREST = 32
"""Candidates of an image: in large sets many lie within `FARTHEST` by chance."""
LEAST = 0.95
"""Correlation of details from which two images count as near-duplicates. A camel and a horse of the sample that are
drawn alike reach 0.91; what a single alteration leaves stays above this in nearly all images."""
MARGIN = 0.05
"""Most that may be cut off at a side, as a fraction of it."""
_CUTS = ((0.0, 0.0), (MARGIN / 2, MARGIN / 2), (MARGIN, 0.0), (0.0, MARGIN), (MARGIN, MARGIN))
"""What is cut off at the beginning and the end of an axis; the first is nothing."""
_CAPTION = 5
"""Rows of `SIDE` at the top or the bottom that need not agree: a caption may stand there."""
_BANDS = (slice(0, _CAPTION), slice(_CAPTION, SIDE - _CAPTION), slice(SIDE - _CAPTION, SIDE))
_STRIPS = ((0, 1, 2), (0, 1), (1, 2))
"""The bands of which one set has to agree: all, or all but the lowest, or all but the highest."""
_QUIET = 4.0
"""Grey levels: contrast far below it is noise of the encoding, and is not raised to that of other places."""
_FEWEST = 0.15
"""Share of an image that must show details: a single edge, as between sky and sea, is in many pictures."""
_BLOCK = 256
"""Images whose hashes are compared, or whose details are computed, at a time."""


class Pair(Record):
    """Two images that are near-duplicates."""

    first: int
    """Positions of the images, the lower one first."""
    second: int
    correlation: float
    """Of their details, at most 1."""
    mirrored: bool
    distance: int
    """Bits in which their hashes differ, of 64; with one of them mirrored, where that is fewer."""


class NearReport(Record):
    """The near-duplicates among the images of a data set."""

    copies: Copies
    """Positions of images with the same pixels."""
    pairs: tuple[Pair, ...]
    """Of images whose pixels are the same, the first stands for all."""

    @property
    def together(self) -> Copies:
        """Groups of positions, of which each image has a near-duplicate in its group."""
        return splits.merged(*(((pair.first, pair.second),) for pair in self.pairs))


def look(
    pixels: npt.NDArray[np.uint8], copies: Copies, progress: Callable[[int, int], None] | None = None
) -> NearReport:
    """The near-duplicates in `pixels` that are no `copies` of each other; as `find`."""
    others = {position for group in copies for position in group[1:]}
    pairs = find(pixels, [i for i in range(len(pixels)) if i not in others], progress)
    return NearReport(copies=copies, pairs=pairs)


def find(
    pixels: npt.NDArray[np.uint8],
    among: Sequence[int] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Pair, ...]:
    """The pairs of near-duplicates in `pixels`, uint8 (n, s, s, 3), in order; `among`: only at these positions.

    Takes some 20 KiB of memory an image, and time that grows with the square of their number only by comparing bits.
    `progress` is called with images done and in all.
    """
    rows = range(len(pixels)) if among is None else among
    small = thumbs(pixels, rows)
    near: dict[tuple[int, int], int] = {}
    for i, j, distance in _candidates(hashes(small), hashes(small[:, :, ::-1])):
        near[min(i, j), max(i, j)] = distance
    found = [
        Pair(first=rows[i], second=rows[j], correlation=correlation, mirrored=mirrored, distance=near[i, j])
        for (i, j), (correlation, mirrored) in _correlations(small, list(near), progress).items()
        if correlation >= LEAST
    ]
    return tuple(sorted(found, key=lambda pair: (pair.first, pair.second)))


def thumbs(pixels: npt.NDArray[np.uint8], rows: Sequence[int]) -> npt.NDArray[np.uint8]:
    """The luminance of images, uint8 (n, `THUMB`, `THUMB`), each pixel the mean of what it covers."""
    small = np.empty((len(rows), THUMB, THUMB), np.uint8)
    for place, row in enumerate(rows):
        grey = Image.fromarray(pixels[row]).convert("L")
        small[place] = np.asarray(grey.resize((THUMB, THUMB), Image.Resampling.BOX))
    return small


def hashes(small: npt.NDArray[np.uint8]) -> Hashes:
    """The perceptual hash of each thumb, uint64 (n,): which of its 64 lowest frequencies lie above their median.

    The DCT hash of Zauner (2010), "Implementation and Benchmarking of Perceptual Image Hash Functions", section 3.2.1:
    of 32 x 32 pixels the coefficients 1 to 8 of either axis, without the mean brightness.
    """
    grey = small.reshape(len(small), SIDE, THUMB // SIDE, SIDE, THUMB // SIDE).mean((2, 4), dtype=np.float32)
    k, i = np.arange(1, 9)[:, None], np.arange(SIDE)
    waves = np.cos(np.pi * (2 * i + 1) * k / (2 * SIDE)).astype(np.float32)
    found = (waves @ grey @ waves.T).reshape(len(small), 64)
    bits = found > np.median(found, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(np.uint64)[:, 0]


def _candidates(plain: Hashes, mirrored: Hashes) -> Iterator[tuple[int, int, int]]:
    """(position, another, bits that differ): of each image the `NEAREST` that are near, mirrored or not."""
    for start in range(0, len(plain), _BLOCK):
        block = plain[start : start + _BLOCK, None]
        apart = np.minimum(np.bitwise_count(block ^ plain), np.bitwise_count(block ^ mirrored))
        for row, distances in enumerate(apart):
            distances[start + row] = 64  # itself
            near = np.flatnonzero(distances <= FARTHEST)
            for other in near[np.argsort(distances[near], kind="stable")][:NEAREST]:
                yield start + row, int(other), int(distances[other])


def _correlations(
    small: npt.NDArray[np.uint8], pairs: Sequence[tuple[int, int]], progress: Callable[[int, int], None] | None
) -> dict[tuple[int, int], tuple[float, bool]]:
    """Pair → the correlation of its images, and whether it is higher where one of them is mirrored."""
    others: dict[int, list[int]] = {}
    for i, j in pairs:
        others.setdefault(i, []).append(j)
        others.setdefault(j, []).append(i)
    rows = sorted(others)
    place = {row: k for k, row in enumerate(rows)}
    whole = np.empty((len(rows), SIDE, SIDE), np.float32)
    for start, block in _blocks(rows):
        fine = details(small[block], _CUTS[:1])[:, 0]
        fine[(np.abs(fine) > 0.25).mean((1, 2)) < _FEWEST] = 0
        whole[start : start + len(block)] = fine
    best: dict[tuple[int, int], tuple[float, bool]] = {}
    for start, block in _blocks(rows, _BLOCK // len(_CUTS)):
        for row, cut in zip(block, details(small[block], _CUTS), strict=True):
            theirs = whole[[place[other] for other in others[row]]]
            plain, mirrored = _best(cut, theirs), _best(cut, theirs[:, :, ::-1])
            for other, one, two in zip(others[row], plain.tolist(), mirrored.tolist(), strict=True):
                pair = (min(row, other), max(row, other))
                best[pair] = max(best.get(pair, (-1.0, False)), (one, False), (two, True))
        if progress:
            progress(start + len(block), len(rows))
    return best


def _blocks(rows: Sequence[int], size: int = _BLOCK) -> Iterator[tuple[int, Sequence[int]]]:
    for start in range(0, len(rows), size):
        yield start, rows[start : start + size]


def details(small: npt.NDArray[np.uint8], cuts: Sequence[tuple[float, float]]) -> Floats:
    """What is fine in each thumb under each pair of cuts, float32 (n, cuts², `SIDE`, `SIDE`), rows cut first.

    The luminance less its surroundings, divided by their contrast (Jarrett et al. 2009, "What is the best multi-stage
    architecture for object recognition?", local contrast normalisation), so that the outline of a picture within the
    picture counts no more than what is in it.
    """
    take = np.stack([_taking(before, after) for before, after in cuts])
    rows = take[None] @ small[:, None].astype(np.float32)
    seen = (rows[:, :, None] @ take.transpose(0, 2, 1)[None, None]).reshape(-1, SIDE, SIDE)
    fine = seen - _blurred(seen, 1.0)
    fine /= np.sqrt(_blurred(fine**2, 1.5) + _QUIET**2)
    return fine.reshape(len(small), len(cuts) ** 2, SIDE, SIDE)


@cache
def _taking(before: float, after: float) -> Floats:
    """The matrix (`SIDE`, `THUMB`) that resizes an axis with so much of it cut off."""
    box = (0, before * THUMB, THUMB, (1 - after) * THUMB)
    identity = Image.fromarray(np.eye(THUMB, dtype=np.float32))
    return np.asarray(identity.resize((THUMB, SIDE), Image.Resampling.BILINEAR, box=box), np.float32)


def _blurred(images: Floats, sigma: float) -> Floats:
    """Each under a Gaussian of `sigma` pixels, which at the edges weighs what is there."""
    weights = _gaussian(sigma)
    return np.asarray(weights @ images @ weights.T, np.float32)


@cache
def _gaussian(sigma: float) -> Floats:
    i = np.arange(SIDE)
    weights = np.exp(-((i[:, None] - i) ** 2) / (2 * sigma**2))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _best(cut: Floats, whole: Floats) -> Floats:
    """Of every image of `whole` (n, …) the highest correlation with one of the cuts of another (c, …), float32 (n,)."""
    parts = [_sums(cut, whole, band) for band in _BANDS]
    products, own, theirs = (np.stack([part[k] for part in parts]) for k in range(3))
    found = np.zeros(len(whole), np.float32)
    for strip in map(list, _STRIPS):
        norms = np.sqrt(own[strip].sum(0)[:, None] * theirs[strip].sum(0))
        correlations = products[strip].sum(0) / np.maximum(norms, np.finfo(np.float32).tiny)
        found = np.maximum(found, correlations.max(axis=0))
    return found


def _sums(cut: Floats, whole: Floats, band: slice) -> tuple[Floats, Floats, Floats]:
    """Products (c, n) of either's details in a band, and their squares' sums (c,) and (n,)."""
    own, theirs = cut[:, band].reshape(len(cut), -1), whole[:, band].reshape(len(whole), -1)
    # Not by `@`: the library behind it puts all cores to work on each of these many small products, and waits for them.
    return np.einsum("cd,nd->cn", own, theirs), (own**2).sum(1), (theirs**2).sum(1)
