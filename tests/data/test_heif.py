"""HEIC files, where pillow-heif is installed: `pip install pillow-heif`, then `pytest tests/data/test_heif.py`."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from generator.data import decoding, deep, filetypes

pillow_heif: Any = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")

QUARTERS = np.zeros((64, 96, 3), np.uint8)
QUARTERS[:32, :48], QUARTERS[:32, 48:], QUARTERS[32:, :48], QUARTERS[32:, 48:] = (
    (220, 30, 30),
    (30, 220, 30),
    (30, 30, 220),
    (240, 240, 240),
)
"""Red and green above blue and white."""
GREY = np.tile(np.linspace(0, 1, 96), (64, 1))


@pytest.fixture(autouse=True)
def _registered() -> None:
    filetypes.formats()


def heic(pixels: np.ndarray | None = None, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(QUARTERS if pixels is None else pixels).save(stream, "HEIF", quality=95, **options)
    return stream.getvalue()


def decoded(content: bytes, alpha: Any = "drop", **limits: Any) -> decoding.Decoded:
    return decoding.decode_bytes(content, size=32, alpha=alpha, **({"max_pixels": 10**6} | limits))


def quarters(found: decoding.Decoded) -> str:
    """The colours above left, above right, below left, below right."""
    named = {(1, 0, 0): "R", (0, 1, 0): "G", (0, 0, 1): "B", (1, 1, 1): "W"}
    return "".join(named[tuple((found.pixels[y, x] > 128).astype(int))] for y in (8, 24) for x in (8, 24))


def test_fault_65_a_heic_image_is_read_and_known() -> None:
    content = heic()
    assert filetypes.kind(content) is filetypes.HEIC
    assert filetypes.accepted(".HEIC")
    assert quarters(decoded(content)) == "RGBW"
    assert decoded(content).notes == ()


@pytest.mark.parametrize(("orientation", "expected"), [(1, "RGBW"), (3, "WBGR"), (6, "BRWG"), (8, "GWRB")])
def test_fault_26_a_turned_heic_image_is_turned_once(orientation: int, expected: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    found = decoded(heic(exif=exif.tobytes()))
    assert quarters(found) == expected
    assert found.notes == (() if orientation == 1 else (decoding.ROTATED,))


def test_fault_27_transparency_is_handled_as_in_other_formats() -> None:
    alpha = np.full((64, 96, 1), 255, np.uint8)
    alpha[:32, :48] = 0
    content = heic(np.concatenate([QUARTERS, alpha], axis=2))
    assert (quarters(decoded(content)), quarters(decoded(content, "white"))) == ("RGBW", "WGBW")
    assert decoded(content).transparent


def test_fault_28_further_pictures_are_no_animation() -> None:
    content = heic(save_all=True, append_images=[Image.fromarray(QUARTERS[::-1])])
    assert (quarters(decoded(content)), decoded(content).notes) == ("RGBW", ())


@pytest.mark.parametrize("high", [255, 60])
def test_fault_60_deep_grey_is_scaled_by_the_bits_of_the_file(high: int) -> None:
    """A dark image stays dark, whatever the others of its set are."""
    samples = np.rint(GREY * high * 257).astype(np.uint16)
    image = pillow_heif.from_bytes(mode="I;16", size=(96, 64), data=samples.tobytes())
    stream = io.BytesIO()
    image.save(stream, quality=100)
    found = decoded(stream.getvalue())
    assert found.range == deep.Range(deep.STRETCHED, 0.0, 65_535.0)
    assert abs(int(found.pixels.max()) - high) <= 4
    assert "10 or 12 bits per sample, scaled to 8" in found.notes


def test_fault_60_deep_colours_are_scaled_by_the_bits_of_the_file() -> None:
    image = pillow_heif.from_bytes(mode="RGB;16", size=(96, 64), data=(QUARTERS.astype(np.uint16) * 257).tobytes())
    stream = io.BytesIO()
    image.save(stream, quality=95)
    assert quarters(decoded(stream.getvalue())) == "RGBW"


def test_fault_22_damage_is_said_of_a_heic_image() -> None:
    content = heic()
    for damaged in (content[: len(content) // 2], content[:-300] + bytes(300)):
        with pytest.raises(decoding.BadImage, match=r"a HEIC image|damaged"):
            decoded(damaged)


def test_fault_23_the_limit_on_pixels_holds() -> None:
    with pytest.raises(decoding.BadImage, match=r"more than data\.max_pixels = 10"):
        decoded(heic(), max_pixels=10)
