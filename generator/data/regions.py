"""Which of an image that a network sees is the subject, the background that transparency hides, the padding around.

`regions` says for each pixel of the square that a network sees how much of it is of which; `shares` what a map of a few
places has of each.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generator.data import decoding, transparency
from generator.experiment.activation_maps import REGIONS, Shares
from generator.experiment.config.settings import Crop

Array = NDArray[np.float32]


def of_image(path: Path, size: int, crop: Crop = "none") -> Array | None:
    """`regions` of what `crop` leaves of the image at `path`; None where no pixel of it is wholly transparent.

    Raises as `decoding.read_rgba`.
    """
    rgba = decoding.read_rgba(path)
    return regions(rgba, size, crop) if rgba[..., 3].min() == 0 else None


def regions(rgba: decoding.Pixels, size: int, crop: Crop = "none") -> Array:
    """How much of each pixel is subject, background and padding, float32 (3, size, size) that add up to 1.

    `rgba` is uint8 (h, w, 4); what is what, the whole of it decides (`transparency.parts`).
    """
    found = transparency.parts(rgba)
    if crop == "none":
        return np.stack([_resized(mask, size) for mask in found])
    left, upper, right, lower = transparency.frame(rgba, crop)
    return np.stack([_resized(mask[upper:lower, left:right], size) for mask in found])


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


def _resized(mask: NDArray[np.bool_], size: int) -> Array:
    image = Image.fromarray(mask.astype(np.float32))
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
