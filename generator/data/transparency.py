"""What an alpha channel tells of an image, and which of it is shown.

`parts` tells subject, hidden background and padding apart; `frame` is the box that is kept of an image, `to_rgb` what
its transparency becomes.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generator.experiment.config.settings import Alpha, Crop

Mask = NDArray[np.bool_]
Box = tuple[int, int, int, int]
"""Left, upper, right and lower edge, pixels; the last two lie outside."""

_COLOURS: dict[Alpha, int] = {"white": 255, "grey": 128}
"""What stands where an image is transparent, in all three channels."""


class Parts(NamedTuple):
    """Three masks, (h, w), of which exactly one holds at each pixel."""

    subject: Mask
    background: Mask
    padding: Mask


def parts(rgba: NDArray[np.uint8]) -> Parts:
    """Which pixels of `rgba`, (h, w, 4), show the subject, hide a background, or are padding.

    What is not wholly transparent is the subject. Of the rest, the padding is what has one colour, the most frequent
    one, and lies outside the smallest box around all other pixels; where nothing transparent has another colour, all of
    it is padding, and no background is hidden.
    """
    clear, colours = rgba[..., 3] == 0, _colours(rgba)
    hidden = clear & (colours != _most_frequent(colours[clear]))
    padding = clear & ~_filled(_box(~clear | hidden), clear.shape) if hidden.any() else clear
    return Parts(~clear, clear & ~padding, padding)


def frame(rgba: NDArray[np.uint8], crop: Literal["picture", "subject"]) -> Box:
    """The smallest box of `rgba`, (h, w, 4), around all but the padding, or around the subject; never empty.

    All of the image where nothing of it is wholly transparent, or nothing is left.
    """
    found = parts(rgba)
    return _box(found.subject if crop == "subject" else ~found.padding)


def to_rgb(rgba: Image.Image, alpha: Alpha) -> Image.Image:
    """`rgba` without its alpha channel.

    `drop` takes the colours as they are stored, also those that transparency hides. `white` and `grey` blend with an
    even colour, so that of a cut-out the subject alone is left. `background` does the opposite: hidden colours show,
    and what was opaque is white.
    """
    if alpha == "drop":
        # Pillow's RGBA → RGB takes the colours as they are; resizing RGBA would blend them first.
        return rgba.convert("RGB")
    opaque = rgba.getchannel("A")
    if alpha == "background":
        return Image.composite(Image.new("RGB", rgba.size, "white"), rgba.convert("RGB"), opaque)
    even = Image.new("RGBA", rgba.size, (_COLOURS[alpha],) * 3)
    return Image.alpha_composite(even, rgba).convert("RGB")


def framed(rgba: Image.Image, crop: Crop) -> Image.Image:
    """What `crop` leaves of `rgba`."""
    return rgba if crop == "none" else rgba.crop(frame(np.asarray(rgba), crop))


def _colours(rgba: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Each pixel's colour as one number."""
    red, green, blue = (rgba[..., i].astype(np.int64) for i in range(3))
    return (red << 16) + (green << 8) + blue


def _most_frequent(colours: NDArray[np.int64]) -> int:
    """-1 of none."""
    values, counts = np.unique(colours, return_counts=True)
    return int(values[counts.argmax()]) if len(values) else -1


def _box(mask: Mask) -> Box:
    """The smallest box that holds all of `mask`; everything where it holds nowhere."""
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    if not len(rows):
        return 0, 0, mask.shape[1], mask.shape[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _filled(box: Box, shape: tuple[int, ...]) -> Mask:
    """True inside `box`."""
    left, upper, right, lower = box
    mask = np.zeros(shape, bool)
    mask[upper:lower, left:right] = True
    return mask
