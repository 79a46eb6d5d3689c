"""Compares two pictures by their decoded pixels and shows where they differ.

`compare` says how many pixels changed, `marked` draws them: red on a pale copy of the old picture.
"""

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from PIL.Image import Image

_RED = (214, 39, 40)


@dataclass(frozen=True)
class PictureChange:
    """A figure that is not the same in two builds; PNG files, None where absent."""

    scope: str
    name: str
    status: Literal["changed", "added", "missing", "broken"]
    """`broken`: at least one of the files is no picture."""
    changed: int
    """Pixels that differ, out of `pixels`."""
    pixels: int
    old: bytes | None = field(repr=False)
    new: bytes | None = field(repr=False)


def compare(scope: str, name: str, old: bytes | None, new: bytes | None) -> PictureChange | None:
    """What changed in the picture; None if it has the same pixels, whatever its encoding."""
    if old == new:
        return None
    if old is None or new is None:
        return PictureChange(scope, name, "added" if old is None else "missing", 0, 0, old, new)
    try:
        before, after = _on_one_canvas(old, new)
    except ValueError:
        return PictureChange(scope, name, "broken", 0, 0, old, new)
    pixels = before.width * before.height
    changed = pixels - _mask(before, after).histogram()[0]
    return PictureChange(scope, name, "changed", changed, pixels, old, new) if changed else None


def marked(old: bytes, new: bytes) -> bytes:
    """A PNG of the old picture, paled, with every changed pixel in red. Raises `ValueError` on broken files."""
    from PIL import Image

    before, after = _on_one_canvas(old, new)
    pale = Image.blend(before.convert("L").convert("RGB"), Image.new("RGB", before.size, "white"), 0.75)
    pale.paste(_RED, mask=_mask(before, after))
    stream = io.BytesIO()
    pale.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _on_one_canvas(old: bytes, new: bytes) -> "tuple[Image, Image]":
    """Both pictures as RGBA; where their sizes differ, on a transparent canvas that holds either."""
    from PIL import Image  # Late: comparing numbers needs no pictures.

    before, after = _decoded(old), _decoded(new)
    size = max(before.width, after.width), max(before.height, after.height)
    canvases = []
    for picture in (before, after):
        canvas = Image.new("RGBA", size)
        canvas.paste(picture)
        canvases.append(canvas)
    return canvases[0], canvases[1]


def _decoded(content: bytes) -> "Image":
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as picture:
            return picture.convert("RGBA")
    except Exception as error:  # Pillow's decoders raise nearly anything on broken files.
        raise ValueError(f"not a picture: {error}") from None


def _mask(before: "Image", after: "Image") -> "Image":
    """255 where any of the four channels differs, else 0."""
    from PIL import Image, ImageChops

    mask = Image.new("L", before.size)
    for channel in ImageChops.difference(before, after).split():
        mask = ImageChops.lighter(mask, channel)
    return mask.point([0] + [255] * 255)
