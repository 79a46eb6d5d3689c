"""What the alpha channel of an image tells apart: the subject, the background that it hides, the padding around both.

`regions` says for each pixel of the square that a network sees how much of it is of which; `shares` what a map of a few
places has of each.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generator.data import decoding
from generator.experiment.activation_maps import REGIONS, Shares

Array = NDArray[np.float32]


def of_image(path: Path, size: int) -> Array | None:
    """`regions` of the image at `path`; None where no pixel of it is wholly transparent.

    Raises as `decoding.read_rgba`.
    """
    rgba = decoding.read_rgba(path)
    return regions(rgba, size) if rgba[..., 3].min() == 0 else None


def regions(rgba: decoding.Pixels, size: int) -> Array:
    """How much of each pixel is subject, background and padding, float32 (3, size, size) that add up to 1.

    `rgba` is uint8 (h, w, 4). What is not wholly transparent is the subject. Of the rest, the padding is what has one
    colour, the most frequent one, and lies outside the smallest box around all other pixels; where nothing transparent
    has another colour, all of it is padding, and no background is hidden.
    """
    clear, colours = rgba[..., 3] == 0, _colours(rgba)
    hidden = clear & (colours != _most_frequent(colours[clear]))
    padding = clear & ~_box(~clear | hidden) if hidden.any() else clear
    return np.stack([_resized(mask, size) for mask in (~clear, clear & ~padding, padding)])


def enlarged(places: NDArray[np.floating], size: int) -> Array:
    """A map of (rows, columns) places as float32 (size, size), bilinear between their middles."""
    image = Image.fromarray(np.asarray(places, np.float32))
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))


def shares(weights: Array, found: Array) -> Shares | None:
    """What each of the regions `found` has of `weights`, (s, s), where these are above 0; None if none are."""
    above = np.maximum(weights, 0).astype(np.float64)
    if not above.any():
        return None
    sums = (above * found).sum((1, 2)) / above.sum()
    return Shares(**dict(zip(REGIONS, sums.clip(0, 1).tolist(), strict=True)))


def _colours(rgba: decoding.Pixels) -> NDArray[np.int64]:
    """Each pixel's colour as one number."""
    red, green, blue = (rgba[..., i].astype(np.int64) for i in range(3))
    return (red << 16) + (green << 8) + blue


def _most_frequent(colours: NDArray[np.int64]) -> int:
    """-1 of none."""
    values, counts = np.unique(colours, return_counts=True)
    return int(values[counts.argmax()]) if len(values) else -1


def _box(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The smallest box that holds all of `mask`."""
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    box = np.zeros_like(mask)
    if len(rows):
        box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return box


def _resized(mask: NDArray[np.bool_], size: int) -> Array:
    image = Image.fromarray(mask.astype(np.float32))
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
