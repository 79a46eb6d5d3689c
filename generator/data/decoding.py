"""Decodes image files to RGB in one way, for what trains and for what draws.

`decode_bytes` gives the square a network sees, with notes on what was odd about the file; `read_rgba` the whole
image with its transparency; `reading` stands around either. Everything Pillow might silently do differently between
formats (samples of more than 8 bits, EXIF rotation, palettes, hidden colours under alpha) is settled here.
"""

import io
import math
import re
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError

from generator.data import deep, filetypes, transparency
from generator.experiment.config.settings import Alpha, Crop

Pixels = npt.NDArray[np.uint8]

ANIMATION = "first frame of an animation"
ROTATED = "rotated by EXIF"
PALETTE = "palette"
GREY = "greyscale"
CMYK = "CMYK"
THIN = "one pixel wide or high"

_NOTES_OF_MODES = {"P": PALETTE, "PA": PALETTE, "1": GREY, "L": GREY, "LA": GREY, "La": GREY, "CMYK": CMYK}
LARGE = 64_000_000
"""Pixels of an image that is decoded alone, because it takes some hundred megabytes."""
_ABSURD = 2**32
"""Pixels beyond which no decoder reads an image."""
_alone = threading.Lock()
_DNG_VERSION = 50706  # DNG 1.4, page 20
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
    range: deep.Range | None = None
    """What the samples span, where the file has more than 8 bits for each."""


@dataclass(frozen=True)
class _Loaded:
    """The upright first frame with 8 bits per sample."""

    image: Image.Image
    notes: tuple[str, ...]
    range: deep.Range | None


def decode_bytes(
    data: bytes,
    *,
    size: int,
    alpha: Alpha,
    crop: Crop = "none",
    max_pixels: int,
    scales: Mapping[str, deep.Scale] | None = None,
) -> Decoded:
    """The image whose file holds `data`, stretched to a square of `size` pixels as Keras does.

    `alpha` says what is shown where it is transparent, `crop` which box of it is kept (`transparency`). Samples of more
    than 8 bits become 8 by the data set's `scales`, else by the image's own. An image of more than `max_pixels` is
    refused before it is decoded. Raises `BadImage`.
    """
    with _refusing(max_pixels):
        opened = _open(data, max_pixels)
        with _alone if math.prod(opened.size) > LARGE else nullcontext():
            loaded = _load(opened, data, scales or {})
            image, transparent = _to_rgb(loaded.image, alpha, crop)
            pixels = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
    return Decoded(pixels, loaded.notes, transparent, loaded.range)


def read_rgba(path: Path) -> Pixels:
    """The whole upright image at `path`, (height, width, 4), RGBA with hidden colours kept; of any size.

    Raises `BadImage`, or `OSError` where the file is unreadable.
    """
    data = path.read_bytes()
    with reading(None), _refusing(None):
        return np.asarray(_converted(_load(_open(data, None), data, {}).image, "RGBA"))


def has_transparency(path: Path) -> bool:
    """Whether a pixel of the image at `path` is not opaque; decodes only what can be. Raises as `read_rgba`."""
    data = path.read_bytes()
    with reading(None), _refusing(None):
        if not _open(data, None).has_transparency_data:
            return False
    return bool(read_rgba(path)[..., 3].min() < 255)


@contextmanager
def reading(max_pixels: int | None) -> Iterator[None]:
    """Makes `max_pixels` Pillow's limit too, and silences its warnings on odd metadata.

    What matters becomes a note or `BadImage`. Pillow has its own limit, which this one replaces also where only Pillow
    can ask: in tiles and frames larger than their image. Filters and limit are shared by all threads, so this stands
    around a pool of them, not inside one.
    """
    before = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Image.MAX_IMAGE_PIXELS = max_pixels  # Pillow warns beyond it and refuses twice as much.
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


@contextmanager
def _refusing(max_pixels: int | None) -> Iterator[None]:
    """Turns whatever Pillow raises on damaged files, from SyntaxError to struct.error, into `BadImage`."""
    try:
        yield
    except BadImage:
        raise
    except deep.NotRead as error:
        raise BadImage(str(error)) from None
    except Image.DecompressionBombError as error:
        raise BadImage(_too_many(int(re.findall("[0-9]+", str(error))[0]), max_pixels)) from None
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadImage(f"damaged or truncated ({reason})") from None


def _load(image: Image.Image, data: bytes, scales: Mapping[str, deep.Scale]) -> _Loaded:
    """The opened `image` decoded, upright, with at most 8 bits per sample, and the notes on it."""
    _check_sums(data, image)
    notes = _notes(image)
    turned = image.format == "TIFF" and _turn(image) is not None  # Pillow turns these while it loads them
    clear = image.info.get("transparency")
    samples = deep.read(image, lambda: _open(data, None))
    if samples is None:
        image.load()
    turned = turned or image.info.get("original_orientation") not in (None, 1)  # pillow-heif turns what it loads
    turn = _turn(image)
    picture = image
    if samples is not None:
        picture, told = _eight_bits(samples, scales, clear)
        notes = ((GREY,) if samples.grey else ()) + (*told, *notes)
    upright = picture if turn is None else picture.transpose(turn)
    rotated = (ROTATED,) if turned or turn is not None else ()
    return _Loaded(upright, (*notes, *rotated), samples.range if samples is not None else None)


def _eight_bits(
    samples: deep.Deep, scales: Mapping[str, deep.Scale], clear: object
) -> tuple[Image.Image, tuple[str, ...]]:
    """The picture with 8 bits per sample, and what was done; Pillow's own conversion clips to white or keeps 8 bits."""
    span = samples.range
    if not math.isfinite(span.high - span.low):
        raise BadImage("samples that are infinite or no numbers; give each pixel a number")
    by = deep.choose(scales, span)
    return deep.eight_bits(samples, by, clear), deep.notes(span, by)


def _open(data: bytes, max_pixels: int | None) -> Image.Image:
    """The image with its header read and its pixels still packed."""
    if not data:
        raise BadImage("the file is empty")
    try:
        image = Image.open(io.BytesIO(data), formats=filetypes.formats())
    except UnidentifiedImageError:
        raise BadImage(_what_it_is(data)) from None
    if max_pixels is not None and math.prod(image.size) > max_pixels:
        raise BadImage(_too_many(math.prod(image.size), max_pixels, "{} x {}".format(*image.size)))
    if image.format == "TIFF" and _DNG_VERSION in getattr(image, "tag_v2", ()):
        raise BadImage("a camera's raw photograph (DNG), which is not read; develop it and save it as PNG or JPEG")
    return image


def _too_many(pixels: int, max_pixels: int | None, size: str = "") -> str:
    if pixels > _ABSURD:
        return f"announces {pixels} pixels, far more pixels than any picture has: a damaged header; remove it"
    return (
        f"{size or pixels} pixels are more than data.max_pixels = {max_pixels}; make the image smaller, or raise the "
        f"limit: --set data.max_pixels={pixels}"
    )


def _what_it_is(data: bytes) -> str:
    """What a file holds that no decoder takes, and what to do with it."""
    found = filetypes.kind(data[: filetypes.HEAD])
    if found is None:
        return "not an image, or its header is damaged"
    if filetypes.reads(found):
        return f"{found.name} with a damaged header, or of a kind that is not read; save it anew as PNG or JPEG"
    return f"{found.name}, {found.mend}" if found.mend else found.name


def _check_sums(data: bytes, image: Image.Image) -> None:
    # Pillow skips the check sums of pixel data unless asked, and `verify` makes the object useless.
    if image.format == "PNG":
        Image.open(io.BytesIO(data), formats=("PNG",)).verify()


def _notes(image: Image.Image) -> tuple[str, ...]:
    notes = []
    # The further pictures of a camera's MPO or HEIC file are previews, other views or shots: nothing moves.
    if getattr(image, "is_animated", False) and image.format not in ("MPO", "HEIF"):
        notes.append(ANIMATION)
    if image.mode in _NOTES_OF_MODES:
        notes.append(_NOTES_OF_MODES[image.mode])
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


def _to_rgb(image: Image.Image, alpha: Alpha, crop: Crop) -> tuple[Image.Image, bool]:
    """What is shown of `image` as RGB, and whether anything in it is transparent."""
    if not image.has_transparency_data:
        return (image if image.mode == "RGB" else _converted(image, "RGB")), False
    rgba = _converted(image, "RGBA")
    if rgba.getchannel("A").getextrema() == (255, 255):
        return rgba.convert("RGB"), False
    return transparency.to_rgb(transparency.framed(rgba, crop), alpha), True


def _converted(image: Image.Image, mode: str) -> Image.Image:
    try:
        return image.convert(mode)
    except ValueError:
        raise BadImage(f"colours of the kind {image.mode!r} are not read; save it as RGB") from None
