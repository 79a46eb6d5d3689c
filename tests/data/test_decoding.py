"""Every kind of image file becomes the same RGB as the picture it holds, or is refused with a reason."""

import io
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generator.data import decoding, deep
from generator.data.decoding import BadImage, Decoded

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8)
"""A small picture without symmetry: every turn and every lost channel shows."""
SIXTEEN_BITS = "16 bits per sample, scaled to 8"


def encoded(image: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def decoded(data: bytes, alpha: Any = "drop", size: int = 8, max_pixels: int = 10_000_000) -> Decoded:
    with decoding.reading(max_pixels):
        return decoding.decode_bytes(data, size=size, alpha=alpha, max_pixels=max_pixels)


def resized(rgb: np.ndarray, size: int = 8) -> np.ndarray:
    return np.asarray(Image.fromarray(rgb).resize((size, size), Image.Resampling.BILINEAR))


def png(depth: int, colour_type: int, rows: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG file written by hand: Pillow writes no 16-bit colour. `rows` holds one row of bytes per line."""
    height, width = rows.shape[0], rows.shape[1] * 8 // (depth * {0: 1, 2: 3, 4: 2, 6: 4}[colour_type])
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", body), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in parts
    )


def test_plain_rgb_is_resized_and_nothing_else() -> None:
    result = decoded(encoded(Image.fromarray(PICTURE)))
    assert np.array_equal(result.pixels, resized(PICTURE))
    assert result.pixels.dtype == np.uint8
    assert (result.notes, result.transparent) == ((), False)


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF", "WEBP"])
def test_lossless_formats_give_equal_pixels(file_format: str) -> None:
    options = {"lossless": True} if file_format == "WEBP" else {}
    data = encoded(Image.fromarray(PICTURE), file_format, **options)
    assert np.array_equal(decoded(data).pixels, resized(PICTURE))


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF"])
def test_fault_22_truncated_file_is_refused(file_format: str) -> None:
    picture = Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    data = encoded(picture, file_format)
    for length in (len(data) // 2, len(data) - 200, 30, 3):
        with pytest.raises(BadImage):
            decoded(data[:length])


def test_fault_22_bad_crc_is_refused() -> None:
    data = bytearray(encoded(Image.fromarray(PICTURE)))
    data[-16] ^= 1  # in the check sum of the pixel data, which Pillow skips by default
    with pytest.raises(BadImage, match="damaged"):
        decoded(bytes(data))


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "empty"), (b"<!DOCTYPE html><html>", "a web page"), (b"GIF?", "not an image"), (b"\0" * 99, "not an")],
)
def test_fault_22_empty_and_html_files_are_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(BadImage, match=reason):
        decoded(data)


def test_fault_22_a_reason_is_one_line() -> None:
    with pytest.raises(BadImage) as caught:
        decoded(encoded(Image.fromarray(PICTURE))[:60])
    assert "\n" not in str(caught.value)


def test_fault_23_decompression_bomb_is_refused_by_its_header() -> None:
    # 60,000 x 60,000 pixels announced, none there: only the header can have been read.
    rows = np.zeros((1, 1), np.uint8)
    data = bytearray(png(8, 0, rows))
    data[16:24] = struct.pack(">II", 10_000, 6_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    with pytest.raises(BadImage, match=r"10000 x 6000 pixels .* data\.max_pixels = 50000000"):
        decoded(bytes(data), max_pixels=50_000_000)


def test_fault_23_far_larger_bombs_are_refused_too() -> None:
    data = bytearray(png(8, 0, np.zeros((1, 1), np.uint8)))
    data[16:24] = struct.pack(">II", 2**31 - 1, 2**31 - 1)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    with pytest.raises(BadImage, match="far more pixels"):
        decoded(bytes(data))


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP", "GIF"])
def test_fault_54_a_raised_limit_holds_beyond_pillows_own(file_format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow refuses from 179 million pixels; its limit is made small here, so that a small image is beyond it."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    data = encoded(Image.new("RGB", (100, 90), (200, 0, 0)), file_format)
    assert decoded(data, max_pixels=9000).pixels.shape == (8, 8, 3)
    with pytest.raises(BadImage, match=r"^100 x 90 pixels .* data\.max_pixels = 8999; .* --set data\.max_pixels=9000$"):
        decoded(data, max_pixels=8999)
    with pytest.raises(BadImage, match=r"^9000 pixels .* data\.max_pixels = 4000; .* --set data\.max_pixels=9000$"):
        decoded(data, max_pixels=4000)
    assert Image.MAX_IMAGE_PIXELS == 1000


def test_fault_54_large_images_are_decoded_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "LARGE", 40)
    running, most = 0, 0
    read = deep.read

    def counted(*arguments: Any) -> Any:
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.002)
        try:
            return read(*arguments)
        finally:
            running -= 1

    monkeypatch.setattr(deep, "read", counted)
    data = encoded(Image.fromarray(PICTURE))
    with decoding.reading(48), ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(decoding.decode_bytes, data, size=8, alpha="drop", max_pixels=48) for _ in range(16)]
    assert all(np.array_equal(future.result().pixels, resized(PICTURE)) for future in futures)
    assert most == 1


def test_fault_54_what_draws_reads_images_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3)
    (tmp_path / "a.png").write_bytes(transparent()[0])
    assert decoding.has_transparency(tmp_path / "a.png")
    assert decoding.read_rgba(tmp_path / "a.png").shape == (6, 8, 4)


def test_fault_24_palette_bmp_has_its_colours() -> None:
    palette = [10, 20, 30, 250, 5, 90, 0, 200, 40]
    indices = np.array([[0, 1, 2], [2, 1, 0], [1, 0, 2]], np.uint8)
    image = Image.fromarray(indices)
    image.putpalette(palette)
    result = decoded(encoded(image, "BMP"), size=3)
    assert np.array_equal(result.pixels, np.array(palette, np.uint8).reshape(3, 3)[indices])
    assert result.notes == (decoding.PALETTE,)


def test_fault_24_four_bit_palette_bmp_has_its_colours() -> None:
    # Two pixels a byte, rows from the bottom, padded to four bytes; the palette is stored as BGR0.
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    palette = b"".join(bytes((b, g, r, 0)) for r, g, b in colours) + bytes(4 * 13)
    rows = bytes([0x12, 0x00, 0, 0]) + bytes([0x01, 0x20, 0, 0]) + bytes([0x20, 0x10, 0, 0])
    info = struct.pack("<IiiHHIIiiII", 40, 3, 3, 1, 4, 0, len(rows), 0, 0, 16, 0)
    offset = 14 + len(info) + len(palette)
    data = b"BM" + struct.pack("<IHHI", offset + len(rows), 0, 0, offset) + info + palette + rows
    expected = np.array(colours, np.uint8)[[[2, 0, 1], [0, 1, 2], [1, 2, 0]]]
    assert np.array_equal(decoded(data, size=3).pixels, expected)


def test_fault_25_16_bit_grey_png_is_scaled_not_clipped() -> None:
    samples = np.array([[0, 1000, 40_000], [65_535, 257, 32_768], [12_850, 255, 256]], np.uint16)
    result = decoded(encoded(Image.fromarray(samples)), size=3)
    assert np.array_equal(result.pixels[..., 0], samples // 256)
    assert np.array_equal(result.pixels[..., 0], result.pixels[..., 2])
    assert result.notes == (decoding.GREY, SIXTEEN_BITS)


def test_fault_25_16_bit_rgb_png_is_scaled_like_grey() -> None:
    samples = RNG.integers(0, 65_536, (3, 3, 3)).astype(">u2")
    result = decoded(png(16, 2, samples.reshape(3, 9).view(np.uint8)), size=3)
    assert np.array_equal(result.pixels, samples // 256)
    assert result.notes == (SIXTEEN_BITS,)


def test_fault_25_16_bit_tiff_is_scaled() -> None:
    samples = np.array([[0, 60_000], [30_000, 65_535]], np.uint16)
    result = decoded(encoded(Image.fromarray(samples), "TIFF"), size=2)
    assert np.array_equal(result.pixels[..., 1], samples // 256)


TURNED = {
    1: PICTURE,
    2: PICTURE[:, ::-1],
    3: PICTURE[::-1, ::-1],
    4: PICTURE[::-1],
    5: PICTURE.transpose(1, 0, 2),
    6: np.rot90(PICTURE),
    7: PICTURE[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90(PICTURE, -1),
}
"""EXIF orientation → how a camera held that way would store PICTURE."""


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_fault_26_exif_rotation_is_undone(orientation: int, file_format: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if file_format == "WEBP" else {}
    stored = Image.fromarray(np.ascontiguousarray(TURNED[orientation]))
    result = decoded(encoded(stored, file_format, exif=exif, **options))
    assert np.array_equal(result.pixels, resized(PICTURE))
    assert result.notes == (() if orientation == 1 else (decoding.ROTATED,))


def test_fault_26_a_rotated_jpeg_stands_upright_in_read_rgba_too(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "a.jpg").write_bytes(encoded(Image.new("RGB", (9, 4)), "JPEG", exif=exif))
    assert decoding.read_rgba(tmp_path / "a.jpg").shape == (9, 4, 4)


def test_fault_26_impossible_orientation_and_damaged_exif_are_passed_over() -> None:
    exif = Image.Exif()
    exif[0x0112] = 77
    assert decoded(encoded(Image.fromarray(PICTURE), exif=exif)).notes == ()
    data = encoded(Image.fromarray(PICTURE), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    assert decoded(data).notes == ()


def transparent(mode: str = "RGBA") -> tuple[bytes, np.ndarray]:
    """A picture whose left half is transparent with colours hidden beneath; and its colours."""
    alpha = np.full((6, 8, 1), 255, np.uint8)
    alpha[:, :4] = 0
    if mode == "LA":
        grey = np.concatenate([PICTURE[..., :1], alpha], axis=2)
        return encoded(Image.fromarray(grey, "LA")), np.repeat(PICTURE[..., :1], 3, axis=2)
    return encoded(Image.fromarray(np.concatenate([PICTURE, alpha], axis=2))), PICTURE


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_fault_27_alpha_drop_shows_the_hidden_colours(mode: str) -> None:
    data, colours = transparent(mode)
    result = decoded(data, "drop")
    assert np.array_equal(result.pixels, resized(colours))
    assert result.transparent


def test_fault_27_alpha_white_blends_with_white() -> None:
    data, colours = transparent()
    white = colours.copy()
    white[:, :4] = 255
    result = decoded(data, "white")
    assert np.array_equal(result.pixels, resized(white))
    assert result.transparent


def test_fault_27_transparent_palette_entry_keeps_or_loses_its_colour() -> None:
    image = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8))
    image.putpalette([200, 10, 20, 30, 40, 250])
    for file_format in ("PNG", "GIF"):
        data = encoded(image, file_format, transparency=0)
        assert decoded(data, "drop", size=2).pixels[0, 0].tolist() == [200, 10, 20]
        assert decoded(data, "white", size=2).pixels[0, 0].tolist() == [255, 255, 255]
        assert decoded(data, "white", size=2).pixels[0, 1].tolist() == [30, 40, 250]
        assert decoded(data).transparent


def test_fault_27_transparent_colour_of_a_png_without_alpha_channel() -> None:
    rgb = encoded(Image.fromarray(np.array([[[1, 2, 3], [9, 9, 9]]] * 2, np.uint8)), transparency=(1, 2, 3))
    assert decoded(rgb, "white", size=2).pixels[0].tolist() == [[255] * 3, [9] * 3]
    grey = png(16, 0, np.array([[0x1234, 0x8000]] * 2, ">u2").view(np.uint8), (b"tRNS", b"\x12\x34"))
    assert decoded(grey, "white", size=2).pixels[0].tolist() == [[255] * 3, [128] * 3]
    assert decoded(grey, "drop", size=2).pixels[0].tolist() == [[0x12] * 3, [128] * 3]


def test_an_alpha_channel_that_is_opaque_is_not_called_transparent() -> None:
    result = decoded(encoded(Image.fromarray(PICTURE).convert("RGBA")), "white")
    assert not result.transparent
    assert np.array_equal(result.pixels, resized(PICTURE))


def test_read_rgba_and_has_transparency_tell_the_same(tmp_path: Path) -> None:
    data, colours = transparent()
    (tmp_path / "a.png").write_bytes(data)
    rgba = decoding.read_rgba(tmp_path / "a.png")
    assert np.array_equal(rgba[..., :3], colours)
    assert rgba[:, :4, 3].max() == 0
    assert rgba[:, 4:, 3].min() == 255
    assert decoding.has_transparency(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_bytes(encoded(Image.fromarray(PICTURE), "JPEG"))
    assert not decoding.has_transparency(tmp_path / "b.jpg")


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_fault_28_animation_gives_its_first_frame_and_a_note(file_format: str) -> None:
    first, second = (Image.new("RGB", (8, 6), colour) for colour in ("#ff0000", "#0000ff"))
    options = {"lossless": True} if file_format == "WEBP" else {}
    data = encoded(first, file_format, save_all=True, append_images=[second], **options)
    result = decoded(data)
    assert np.array_equal(result.pixels, np.full((8, 8, 3), [255, 0, 0]))
    assert decoding.ANIMATION in result.notes


def test_fault_29_cmyk_grey_and_palette_are_read() -> None:
    flat = Image.new("RGB", (8, 8), (200, 100, 50))
    for data, note in [
        (encoded(flat.convert("CMYK"), "JPEG", quality=100), decoding.CMYK),
        (encoded(flat.convert("CMYK"), "TIFF"), decoding.CMYK),
        (encoded(flat.convert("P", palette=Image.Palette.ADAPTIVE)), decoding.PALETTE),
    ]:
        result = decoded(data)
        assert result.notes == (note,)
        assert np.abs(result.pixels.astype(int) - [200, 100, 50]).max() <= 3
    for mode in ("L", "1"):
        result = decoded(encoded(Image.new(mode, (8, 8), 255)))
        assert result.notes == (decoding.GREY,)
        assert result.pixels.min() == 255


def test_fault_30_sides_of_one_pixel_are_accepted_with_a_note() -> None:
    for size in ((1, 1), (1, 3000), (3000, 1)):
        result = decoded(encoded(Image.new("RGB", size, (7, 8, 9))))
        assert np.array_equal(result.pixels, np.full((8, 8, 3), [7, 8, 9]))
        assert result.notes == (decoding.THIN,)


def test_fuzzed_files_are_decoded_or_refused() -> None:
    """Files with random bytes changed raise `BadImage` or nothing: no other error reaches the user."""
    picture = Image.fromarray(RNG.integers(0, 256, (16, 16, 3), dtype=np.uint8))
    rng = np.random.default_rng(1)
    for file_format in ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF"):
        original = encoded(picture, file_format)
        for _ in range(60):
            data = bytearray(original)
            for position in rng.integers(0, min(len(data), 400), 4):
                data[position] = rng.integers(0, 256)
            with suppress(BadImage):
                assert decoded(bytes(data)).pixels.shape == (8, 8, 3)
