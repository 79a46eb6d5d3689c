"""Images with more than eight bits per sample: their samples, what these span, and how they become eight bits.

Such a file seldom says which value is white: microscopes and detectors store 12 bits in 16. So the brightest sample
of all images of a data set decides, rounded up to a whole number of bits (`scale`): one scale for the whole set, so
that an image that is darker than another stays so. `read` gives the samples of a file, `eight_bits` the picture.
"""

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

WORDS = "16 bits"
"""Unsigned samples of two bytes."""
PACKED = "12 bits"
"""Twelve bits packed in a TIFF: the file itself says that 4,095 is white."""
STRETCHED = "10 or 12 bits of HEIC"
"""Of a HEIC file, which says how many bits it has: the decoder has stretched them to 16."""
INTEGERS = "whole numbers"
"""Signed samples of two bytes, or any of four."""
FLOATS = "floating point"

DARK = "almost black on the scale of the other images"
_ALMOST_BLACK = 16  # of 255: the brightest pixel is hardly told from black on a screen
_BAND = 256  # rows scaled at a time, so that no second copy of a large image is made

_MODES = {"I;16": WORDS, "I;16L": WORDS, "I;16B": WORDS, "I;16N": WORDS, "I": INTEGERS, "F": FLOATS}
_COLOURS = ("RGB;16", "RGBX;16", "RGBA;16")
"""Pillow's raw modes of which it keeps the high bytes alone."""
_WHITES = {PACKED: 4095.0, STRETCHED: 65_535.0}
_OTHER_BYTE = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_BITS, _MOST, _PLANES, _MOST_OF_ANY = 258, 281, 284, 341
"""TIFF tags BitsPerSample, MaxSampleValue, PlanarConfiguration and SMaxSampleValue of TIFF 6.0."""

Samples = npt.NDArray[Any]


class NotRead(Exception):
    """The samples are stored in a way of which Pillow gives only a part; the message says which."""


@dataclass(frozen=True)
class Range:
    """What the samples of one image span."""

    kind: str
    low: float
    """Zero, or the lowest sample below it."""
    high: float
    """The highest sample, or what the file declares as white; NaN where a sample is no number."""


@dataclass(frozen=True)
class Scale:
    """Which samples become black and white."""

    kind: str
    low: float
    white: float


@dataclass(frozen=True)
class Deep:
    """The samples of one image."""

    samples: Samples
    """(height, width) or (height, width, channels), 2 grey with alpha, 3 RGB, 4 RGBA; uint16, int32 or float32."""
    range: Range

    @property
    def grey(self) -> bool:
        return self.samples.ndim == 2 or self.samples.shape[2] == 2


def read(image: Image.Image, again: Callable[[], Image.Image]) -> Deep | None:
    """The samples of an image whose pixels are not loaded yet; None where they have eight bits or fewer.

    `again` opens the same file once more. Raises `NotRead`, or what Pillow raises on damaged files.
    """
    if image.mode in _MODES:
        kind = PACKED if _tag(image, _BITS) == (12,) else STRETCHED if image.format == "HEIF" else _MODES[image.mode]
        image.load()
        samples = np.asarray(image)
    else:
        colours = _colours(image, again)
        if colours is None:
            return None
        kind, samples = WORDS, colours
    return Deep(samples, _range(image, kind, samples))


def scale(ranges: Iterable[Range]) -> Scale:
    """The scale of images of one kind: from the lowest sample, if below zero, to the next whole number of bits."""
    spans = list(ranges)
    kind, low, high = spans[0].kind, min(span.low for span in spans), max(span.high for span in spans)
    if kind != FLOATS:
        return Scale(kind, low, low + 2 ** max(1, int(high - low).bit_length()) - 1)
    if low >= -0.25 and 0.5 < high <= 1.25:
        # Numbers from 0 to 1, at times a little beyond where an image was resampled.
        return Scale(kind, 0.0, 1.0)
    return Scale(kind, low, low + 2.0 ** math.ceil(math.log2(high - low)) if high > low else low + 1)


def scales(ranges: Iterable[Range | None]) -> dict[str, Scale]:
    """Kind → the scale of all images of that kind in a data set."""
    by_kind: dict[str, list[Range]] = {}
    for span in filter(None, ranges):
        by_kind.setdefault(span.kind, []).append(span)
    return {kind: scale(spans) for kind, spans in by_kind.items()}


def choose(known: Mapping[str, Scale], span: Range) -> Scale:
    """The data set's scale for an image of this range; its own where the set's is not known."""
    return known.get(span.kind) or scale([span])


def notes(span: Range, by: Scale) -> tuple[str, ...]:
    """What was done to an image of this range, as phrases that are the same for all images of the set."""
    note = _note(by)
    top = (span.high - by.low) / (by.white - by.low) * 255
    return (note, DARK) if top < _ALMOST_BLACK else (note,)


def eight_bits(deep: Deep, by: Scale, clear: object = None) -> Image.Image:
    """The image with 8 bits per sample: L, RGB, LA or RGBA; samples equal to `clear` become transparent."""
    samples = deep.samples
    alpha = samples.ndim == 3 and samples.shape[2] in (2, 4)
    colours = samples[..., 0] if deep.grey and alpha else samples[..., :-1] if alpha else samples
    picture = Image.fromarray(_scaled(colours, by))
    if alpha:
        picture.putalpha(Image.fromarray(_opacity(samples[..., -1], by)))
    elif isinstance(clear, int | tuple):
        same = samples == np.asarray(clear)
        opaque = ~(same.all(axis=2) if samples.ndim == 3 else same)
        picture.putalpha(Image.fromarray(opaque.astype(np.uint8) * 255))
    return picture


def _tag(image: Image.Image, number: int) -> Any:
    tags = getattr(image, "tag_v2", None)
    return tags.get(number) if tags is not None else None


def _range(image: Image.Image, kind: str, samples: Samples) -> Range:
    colours = samples[..., :-1] if samples.ndim == 3 and samples.shape[2] in (2, 4) else samples
    low, high = float(colours.min()), float(colours.max())
    return Range(kind, min(0.0, low), _declared(image, kind, high) or high)


def _declared(image: Image.Image, kind: str, high: float) -> float | None:
    """The white that a TIFF states; its default, 65,535, says nothing, nor does a value below the samples'."""
    if kind in _WHITES:
        return _WHITES[kind]
    for number in (_MOST_OF_ANY, _MOST):
        value = _tag(image, number)
        most = max(value) if isinstance(value, tuple) and value else value
        if isinstance(most, int | float) and high <= most < 65_535:
            return float(most)
    return None


def _colours(image: Image.Image, again: Callable[[], Image.Image]) -> Samples | None:
    """Samples of 16-bit colours: Pillow gives the high bytes, and the low ones if told the other byte order."""
    raw = {_raw_mode(tile) for tile in getattr(image, "tile", ())}
    if raw == {"LA;16B"}:
        # Four bytes a pixel: taken as four channels, they are grey and alpha of two bytes each.
        _load_as(image, lambda _: "RGBA")
        return np.ascontiguousarray(np.asarray(image)).view(">u2").astype(np.uint16)
    two_bytes = bool(raw) and all(name[:-1] in _COLOURS and name[-1] in _OTHER_BYTE for name in raw)
    planes = _tag(image, _PLANES) == 2 and 16 in (_tag(image, _BITS) or ())
    if not two_bytes and not planes:
        return None
    image.load()
    samples = np.asarray(image).astype(np.uint16)
    samples <<= 8
    if not planes:
        low = again()
        _load_as(low, lambda name: name[:-1] + _OTHER_BYTE[name[-1]])
        samples |= np.asarray(low)
    elif not two_bytes or samples.max() < 2**15:
        raise NotRead("16-bit colours in separate planes are not read whole; save it with its channels interleaved")
    return samples


def _raw_mode(tile: Any) -> str:
    return str(tile.args[0] if isinstance(tile.args, tuple) else tile.args)


def _load_as(image: Any, rename: Callable[[str], str]) -> None:
    """Load the pixels with another raw mode than the file's own."""
    tiles = []
    for tile in image.tile:
        name = rename(_raw_mode(tile))
        tiles.append(tile._replace(args=(name, *tile.args[1:]) if isinstance(tile.args, tuple) else name))
    image.tile = tiles
    image.load()


def _scaled(samples: Samples, by: Scale) -> npt.NDArray[np.uint8]:
    result = np.empty(samples.shape, np.uint8)
    for start in range(0, len(samples), _BAND):
        band = samples[start : start + _BAND]
        result[start : start + _BAND] = _fraction(band, by) if by.kind == FLOATS else _high_bits(band, by)
    return result


def _fraction(band: Samples, by: Scale) -> Samples:
    share = (band.astype(np.float64) - by.low) * (255 / (by.white - by.low))
    return np.clip(share + 0.5, 0, 255)


def _high_bits(band: Samples, by: Scale) -> Samples:
    """The upper eight bits, which is exact for 8-bit values written as 16; fewer bits are stretched to eight."""
    most = int(by.white - by.low)
    # An image that is measured or asked about may go beyond what the data set spans.
    above = np.clip(band.astype(np.int64) - int(by.low), 0, most)
    return above >> (most.bit_length() - 8) if most > 255 else above * 255 // most


def _opacity(alpha: Samples, by: Scale) -> npt.NDArray[np.uint8]:
    """Alpha on the colours' scale if it stays within that, else of 16 bits."""
    within = alpha.max() <= by.white
    return _scaled(alpha, by if within else Scale(WORDS, 0, 65_535))


def _note(by: Scale) -> str:
    bits = int(by.white - by.low).bit_length()
    if by.kind == PACKED:
        return "12 bits per sample, scaled to 8"
    if by.kind == STRETCHED:
        return "10 or 12 bits per sample, scaled to 8"
    if by.kind == WORDS:
        used = "" if bits == 16 else f", of which the data set uses {bits}"
        return f"16 bits per sample{used}, scaled to 8"
    kind = "samples in floating point" if by.kind == FLOATS else "samples of 16 bits with a sign, or of 32"
    return f"{kind}, {by.low:g} drawn black and {by.white:g} white"
