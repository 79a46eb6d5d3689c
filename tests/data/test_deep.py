"""Images of more than 8 bits per sample are scaled alike over a data set, by what it uses, and never quietly black."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generator import cli
from generator.data import dataset as data
from generator.data import decoding, deep, pixels
from generator.experiment.config.settings import DataSettings
from tests import fakes
from tests.data.test_decoding import SIXTEEN_BITS, decoded, encoded, png

RNG = np.random.default_rng(5)
SQUARE = pixels.Square(size=32, alpha="drop", max_pixels=1000)


def tiff(samples: np.ndarray, **tags: int) -> bytes:
    numbers = {"most": 281, "most_of_any": 341}
    return encoded(Image.fromarray(samples), "TIFF", tiffinfo={numbers[name]: value for name, value in tags.items()})


def colour_tiff(samples: np.ndarray, order: str) -> bytes:
    """A TIFF of 16-bit colours, written by hand as Pillow writes none: uint16 (h, w, 3), `<` or `>`."""
    height, width = samples.shape[:2]
    body = samples.astype(f"{order}u2").tobytes()
    entries = [
        (256, width),
        (257, height),
        (258, 0),
        (259, 1),
        (262, 2),
        (273, 0),
        (277, 3),
        (278, height),
        (279, len(body)),
    ]
    start = 8 + 2 + 12 * len(entries) + 4
    values = dict(entries) | {258: start, 273: start + 6}
    number = {"<": "little", ">": "big"}[order]

    def integer(value: int, length: int) -> bytes:
        return value.to_bytes(length, number)  # type: ignore[arg-type]

    table = b"".join(
        integer(tag, 2)
        + integer(3 if tag == 258 else 4, 2)
        + integer(3 if tag == 258 else 1, 4)
        + integer(values[tag], 4)
        for tag, _ in entries
    )
    head = (b"II" if order == "<" else b"MM") + integer(42, 2) + integer(8, 4)
    return head + integer(len(entries), 2) + table + integer(0, 4) + integer(16, 2) * 3 + body


def data_set(folder: Path, files: dict[str, bytes], suffix: str = "tif") -> data.Dataset:
    """A data set of the given files and, in every class, a plain one."""
    for name in ("train/a/plain.png", "train/b/plain.png", "test/a/plain.png", "test/b/plain.png"):
        files = {**files, name: encoded(Image.new("RGB", (4, 4), (90, 80, 70)))}
    for name, content in files.items():
        (folder / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "set" / name).write_bytes(content)
    return data.find(DataSettings(path=str(folder / "set")), folder / "store")


def rows(folder: Path, files: dict[str, bytes]) -> tuple[dict[str, np.ndarray], pixels.PixelReport]:
    """Name → grey pixels, and the report."""
    dataset = data_set(folder, files)
    report = pixels.read_pixels(dataset, SQUARE, folder / "pixels.npy")
    decoded = np.load(folder / "pixels.npy")
    return {item.name: row[..., 0] for item, row in zip(dataset.samples, decoded, strict=True)}, report


def flat(value: int, kind: Any = np.uint16) -> np.ndarray:
    return np.full((4, 4), value, kind)


@pytest.mark.parametrize("bits", [1, 4, 8, 9, 10, 12, 14, 16])
def test_fault_60_the_brightest_sample_of_the_set_decides_for_all_of_its_images(tmp_path: Path, bits: int) -> None:
    most = 2**bits - 1
    found, report = rows(
        tmp_path, {"train/a/0.tif": tiff(flat(most // 2)), "test/b/0.png": encoded(Image.fromarray(flat(most)))}
    )
    white, half = (int(found[name][0, 0]) for name in ("test/b/0.png", "train/a/0.tif"))
    assert white == 255
    assert half == (most // 2 >> bits - 8 if bits > 8 else most // 2 * 255 // most)
    used = "" if bits == 16 else f", of which the data set uses {bits}"
    assert report.notes[f"16 bits per sample{used}, scaled to 8"] == 2
    assert (found["train/a/plain.png"] == 90).all()


@pytest.mark.parametrize("order", ["<", ">"])
def test_fault_60_colours_of_twelve_bits_keep_their_low_bytes(order: str) -> None:
    samples = RNG.integers(0, 4096, (8, 8, 3), dtype=np.uint16)
    samples[0, 0, 0] = 4095
    for content in (colour_tiff(samples, order), png(16, 2, samples.astype(">u2").reshape(8, 24).view(np.uint8))):
        result = decoded(content)
        assert np.array_equal(result.pixels, samples >> 4)
        assert result.notes == ("16 bits per sample, of which the data set uses 12, scaled to 8",)


@pytest.mark.parametrize("opaque", [4095, 65_535])
def test_fault_60_alpha_beside_twelve_bits_is_opaque_on_either_scale(opaque: int) -> None:
    samples = RNG.integers(0, 4096, (8, 8, 4), dtype=np.uint16)
    samples[0, 0] = 4095
    samples[..., 3] = opaque
    assert not decoded(png(16, 6, samples.astype(">u2").reshape(8, 32).view(np.uint8)), "white").transparent
    result = decoded(png(16, 4, samples[..., 2:].astype(">u2").reshape(8, 16).view(np.uint8)))
    assert not result.transparent
    assert np.array_equal(result.pixels[..., 0], samples[..., 2] >> 4)
    assert decoding.GREY in result.notes


def test_fault_60_sixteen_bit_colours_are_what_they_were() -> None:
    samples = RNG.integers(0, 65_536, (8, 8, 4), dtype=np.uint16)
    result = decoded(png(16, 6, samples.astype(">u2").reshape(8, 32).view(np.uint8)))
    assert np.array_equal(result.pixels, samples[..., :3] >> 8)
    assert result.notes == (SIXTEEN_BITS,)


@pytest.mark.parametrize("tag", ["most", "most_of_any"])
def test_fault_60_the_white_that_a_tiff_states_counts_unless_it_says_nothing(tag: str) -> None:
    assert decoded(tiff(flat(900), **{tag: 4095})).pixels.max() == 900 >> 4
    for says_nothing in (65_535, 800):
        assert decoded(tiff(flat(900), **{tag: says_nothing})).pixels.max() == 900 >> 2


def test_fault_60_packed_twelve_bits_are_twelve_bits_whatever_stands_beside_them(tmp_path: Path) -> None:
    packed = bytearray(tiff(flat(0)))
    packed[packed.index(b"\x02\x01\x03\x00") + 8] = 12  # BitsPerSample; rows of 4 pixels take 6 bytes
    found, report = rows(tmp_path, {"train/a/0.tif": bytes(packed), "train/b/0.tif": tiff(flat(65_535))})
    assert report.notes["12 bits per sample, scaled to 8"] == 1
    assert (found["train/b/0.tif"] == 255).all()


def test_fault_60_big_endian_and_signed_and_32_bits_and_floats_are_scaled() -> None:
    swapped = Image.frombytes("I;16B", (4, 4), flat(3000).astype(">u2").tobytes())
    assert decoded(encoded(swapped, "TIFF")).pixels.max() == 3000 >> 4
    assert decoded(tiff(flat(70_000, np.int32))).pixels.max() == 70_000 >> 9
    signed = np.array([[-1000, 0], [1000, 3000]], np.int32)
    assert decoded(tiff(signed), size=2).pixels[..., 0].tolist() == [[0, 1000 >> 4], [2000 >> 4, 4000 >> 4]]
    shares = np.array([[0, 0.5], [1, 1.01]], np.float32)
    result = decoded(tiff(shares), size=2)
    assert result.pixels[..., 0].tolist() == [[0, 128], [255, 255]]
    assert result.notes == (decoding.GREY, "samples in floating point, 0 drawn black and 1 white")
    assert decoded(tiff(np.float32([[-1, 0], [0.5, 1]])), size=2).pixels[..., 0].tolist() == [[0, 128], [191, 255]]
    assert decoded(tiff(np.float32([[0, 100], [200, 300]])), size=2).pixels[..., 0].tolist() == [[0, 50], [100, 149]]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_fault_60_samples_that_are_no_numbers_are_refused(value: float) -> None:
    with pytest.raises(decoding.BadImage, match="infinite or no numbers"):
        decoded(tiff(np.float32([[0, value], [1, 1]])))


def test_fault_60_what_stays_almost_black_is_noted(tmp_path: Path) -> None:
    report = rows(tmp_path, {"train/a/0.tif": tiff(flat(3000)), "train/b/0.tif": tiff(flat(65_535))})[1]
    assert report.notes[deep.DARK] == 1


def test_fault_60_duplicates_are_found_on_the_scale_of_the_set(tmp_path: Path) -> None:
    dark = flat(500)
    files = {
        "train/a/0.tif": tiff(dark),
        "train/b/0.tif": tiff(flat(4000)),
        "test/a/0.png": encoded(Image.fromarray(dark)),
    }
    found, report = rows(tmp_path, files)
    copies = [[list(found)[position] for position in group] for group in report.copies]
    assert ["train/a/0.tif", "test/a/0.png"] in copies


def test_fault_60_only_what_has_another_scale_is_decoded_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0
    decode = decoding.decode_bytes

    def counted(*arguments: Any, **options: Any) -> decoding.Decoded:
        nonlocal count
        count += 1
        return decode(*arguments, **options)

    monkeypatch.setattr(decoding, "decode_bytes", counted)
    dataset = data_set(tmp_path, {f"train/a/{i}.tif": tiff(flat(value)) for i, value in enumerate((4095, 2048, 9))})
    pixels.read_pixels(dataset, SQUARE, tmp_path / "pixels.npy")
    assert count == len(dataset.samples) + 1


def test_fault_60_the_post_says_how_the_samples_were_scaled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = fakes.make_project(tmp_path)
    for number, path in enumerate(sorted(project.data.rglob("*.png"))):
        path.unlink()
        path.with_suffix(".tif").write_bytes(tiff(RNG.integers(0, 2000 + 100 * number, (9, 9), dtype=np.uint16)))
    fakes.install(monkeypatch.setattr)
    assert cli.main(project.arguments()) == 0
    post = next((project.places.site / "_posts").iterdir()).read_text("utf-8")
    assert "- 16 bits per sample&#44; of which the data set uses 12&#44; scaled to 8: 18 images" in post
