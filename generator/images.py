"""Decodes image files to RGB in one way, for what trains and for what draws.

`decode` gives the square a network sees, with notes on what was odd about the file; `read_rgba` the whole
image with its transparency. Everything Pillow might silently do differently between formats (16-bit samples,
EXIF rotation, palettes, hidden colours under alpha) is settled here.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError

Pixels = npt.NDArray[np.uint8]

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff"})
"""File name suffixes, in lower case, of what is read; the content decides how."""

# Only these decoders are tried: Pillow's others (PostScript, icons, …) would only be reached by hostile files.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")

ANIMATION = "first frame of an animation"
ROTATED = "rotated by EXIF"
PALETTE = "palette"
GREY = "greyscale"
CMYK = "CMYK"
SIXTEEN_BITS = "16 bits per sample, scaled to 8"
THIN = "one pixel wide or high"

_SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "I;16N")
_NOTES_OF_MODES = {"P": PALETTE, "PA": PALETTE, "1": GREY, "L": GREY, "LA": GREY, "La": GREY, "CMYK": CMYK}
_NOTES_OF_MODES |= dict.fromkeys(_SIXTEEN_BIT_MODES, GREY)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation → what makes the image upright."""


class BadImage(Exception):
    """The file cannot be read as an image; the message is the reason, without the file's name."""


@dataclass(frozen=True)
class Decoded:
    """An image as the network sees it."""

    pixels: Pixels
    """(size, size, 3), RGB."""
    notes: tuple[str, ...]
    """What was odd and was handled, as short fixed phrases."""
    transparent: bool
    """Whether at least one pixel of the file is not opaque."""


def decode(path: Path, *, size: int, alpha: Literal["drop", "white"], max_pixels: int) -> Decoded:
    """The image at `path`, resized to (size, size, 3); raises `BadImage`, or `OSError` where it is unreadable."""
    return decode_bytes(path.read_bytes(), size=size, alpha=alpha, max_pixels=max_pixels)


def decode_bytes(data: bytes, *, size: int, alpha: Literal["drop", "white"], max_pixels: int) -> Decoded:
    """The image whose file holds `data`, stretched to a square of `size` pixels as Keras does.

    `alpha="drop"` takes the colours as they are stored, also those hidden under transparency; `"white"`
    blends with white. An image of more than `max_pixels` is refused before it is decoded. Raises `BadImage`.
    """
    with _refusing():
        image, notes = _load(data, max_pixels)
        image, transparent = _to_rgb(image, alpha)
        pixels = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
    return Decoded(pixels, notes, transparent)


def read_rgba(path: Path) -> Pixels:
    """The whole upright image at `path`, (height, width, 4), RGBA with hidden colours kept.

    Raises `BadImage`, or `OSError` where the file is unreadable.
    """
    data = path.read_bytes()
    with _refusing():
        image, _ = _load(data, max_pixels=None)
        return np.asarray(_converted(image, "RGBA"))


def has_transparency(path: Path) -> bool:
    """Whether a pixel of the image at `path` is not opaque; decodes only what can be. Raises as `read_rgba`."""
    data = path.read_bytes()
    with _refusing():
        if not _open(data, max_pixels=None).has_transparency_data:
            return False
    return bool(read_rgba(path)[..., 3].min() < 255)


@contextmanager
def quiet() -> Iterator[None]:
    """Silences Pillow's warnings on odd metadata; what matters becomes a note or `BadImage`.

    Filters are shared by all threads, so this stands around a pool of them, not inside one.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _refusing() -> Iterator[None]:
    """Turns whatever Pillow raises on damaged files, from SyntaxError to struct.error, into `BadImage`."""
    try:
        yield
    except BadImage:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadImage(f"damaged or truncated ({reason})") from None


def _load(data: bytes, max_pixels: int | None) -> tuple[Image.Image, tuple[str, ...]]:
    """The decoded, upright first frame with at most 8 bits per sample, and the notes on it."""
    image = _open(data, max_pixels)
    _check_sums(data, image)
    notes = _notes(image, data)
    turned = image.format == "TIFF" and _turn(image) is not None  # Pillow turns these while it loads them
    image.load()
    turn = _turn(image)
    upright = image if turn is None else image.transpose(turn)
    rotated = turned or turn is not None
    return _eight_bits(upright), (*notes, ROTATED) if rotated else notes


def _open(data: bytes, max_pixels: int | None) -> Image.Image:
    """The image with its header read and its pixels still packed."""
    if not data:
        raise BadImage("the file is empty")
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except UnidentifiedImageError:
        kind = "a web page" if data.lstrip()[:1] == b"<" else "not an image, or its header is damaged"
        raise BadImage(kind) from None
    except Image.DecompressionBombError:  # Pillow's own limit, a multiple of the default of ours
        raise BadImage("announces far more pixels than any limit allows; remove it") from None
    width, height = image.size
    if max_pixels is not None and width * height > max_pixels:
        raise BadImage(
            f"{width} x {height} pixels are more than data.max_pixels = {max_pixels}; "
            "make the image smaller or raise the limit"
        )
    return image


def _check_sums(data: bytes, image: Image.Image) -> None:
    # Pillow skips the check sums of pixel data unless asked, and `verify` makes the object useless.
    if image.format == "PNG":
        Image.open(io.BytesIO(data), formats=("PNG",)).verify()


def _notes(image: Image.Image, data: bytes) -> tuple[str, ...]:
    notes = []
    # The further pictures of a camera's MPO file are previews or other views: nothing moves.
    if getattr(image, "is_animated", False) and image.format != "MPO":
        notes.append(ANIMATION)
    if image.mode in _NOTES_OF_MODES:
        notes.append(_NOTES_OF_MODES[image.mode])
    # Pillow's mode does not tell 16-bit RGB from 8-bit; byte 24 of a PNG is its bit depth.
    if image.mode in _SIXTEEN_BIT_MODES or (image.format == "PNG" and data[24] == 16):
        notes.append(SIXTEEN_BITS)
    if 1 in image.size:
        notes.append(THIN)
    return tuple(notes)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What makes `image` upright by its EXIF orientation; None where it is so already."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        return _TURNS.get(orientation)
    except Exception:  # Damaged metadata says nothing about the pixels.
        return None


def _eight_bits(image: Image.Image) -> Image.Image:
    """`image` with its 16-bit samples scaled; Pillow's own conversion clips them to white."""
    if image.mode in ("I", "F"):
        raise BadImage("32-bit samples have no agreed white; save it with 8 or 16 bits per sample")
    if image.mode not in _SIXTEEN_BIT_MODES:
        return image
    samples = np.asarray(image)
    # The high byte, as Pillow itself takes of 16-bit RGB; exact for 8-bit values written as 16.
    grey = Image.fromarray((samples >> 8).astype(np.uint8))
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        grey.putalpha(Image.fromarray(np.where(samples == clear, 0, 255).astype(np.uint8)))
    return grey


def _to_rgb(image: Image.Image, alpha: Literal["drop", "white"]) -> tuple[Image.Image, bool]:
    """`image` as RGB, and whether anything in it is transparent."""
    if not image.has_transparency_data:
        return (image if image.mode == "RGB" else _converted(image, "RGB")), False
    rgba = _converted(image, "RGBA")
    transparent = rgba.getchannel("A").getextrema() != (255, 255)
    if alpha == "white" and transparent:
        rgba = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    # Pillow's RGBA → RGB takes the colours as they are; resizing RGBA would blend them first.
    return rgba.convert("RGB"), transparent


def _converted(image: Image.Image, mode: str) -> Image.Image:
    try:
        return image.convert(mode)
    except ValueError:
        raise BadImage(f"colours of the kind {image.mode!r} are not read; save it as RGB") from None
