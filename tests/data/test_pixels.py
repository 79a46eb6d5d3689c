"""Every image is decoded or reported, in the order of the data set."""

import io
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generator.data import dataset as data
from generator.data import decoding, pixels, summary
from generator.data.dataset import Dataset
from generator.experiment.config.settings import DataSettings
from generator.support.errors import BadInput, BuildFailed

RNG = np.random.default_rng(3)
SQUARE = pixels.Square(size=32, alpha="drop", max_pixels=1000)


def picture(**options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)).save(stream, "PNG", **options)
    return stream.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three training images and one test image of either class, all different."""
    names = [f"train/{c}/{i}.png" for c in ("bear", "cat") for i in (1, 2, 10)]
    for name in (*names, "test/bear/1.png", "test/cat/1.png"):
        path = tmp_path / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture())
    return tmp_path / "pets"


def find(folder: Path) -> Dataset:
    return data.find(DataSettings(path=str(folder)), folder.parent / "store")


def read(folder: Path, **changes: Any) -> tuple[np.ndarray, pixels.PixelReport]:
    target = folder.parent / "pixels.npy"
    report = pixels.read_pixels(find(folder), replace(SQUARE, **changes), target)
    return np.load(target), report


def copies(folder: Path) -> list[list[str]]:
    """The names of the files that hold the same pixels."""
    _, report = read(folder)
    return [[find(folder).samples[position].name for position in group] for group in report.copies]


def test_fault_20_same_pixels_in_train_and_test_are_reported_with_both_paths(folder: Path) -> None:
    same = (folder / "train/bear/2.png").read_bytes()
    (folder / "test/cat/1.png").write_bytes(same)
    Image.open(folder / "train/cat/10.png").save(folder / "test/bear/1.bmp")  # other bytes, the same picture
    assert copies(folder) == [["train/bear/2.png", "test/cat/1.png"], ["train/cat/10.png", "test/bear/1.bmp"]]


def test_fault_52_copies_are_found_within_a_split_and_under_both_classes(folder: Path) -> None:
    (folder / "train/bear/3.png").write_bytes((folder / "train/bear/2.png").read_bytes())
    Image.open(folder / "train/bear/2.png").save(folder / "train/cat/3.tif")  # the same picture as another class
    assert copies(folder) == [["train/bear/2.png", "train/bear/3.png", "train/cat/3.tif"]]


@pytest.mark.parametrize("damage", ["other picture", "vanished"])
def test_fault_21_data_changed_during_the_build_is_found_by_hash(folder: Path, damage: str) -> None:
    dataset = find(folder)
    victim = folder / "train/cat/2.png"
    if damage == "vanished":
        victim.unlink()
    else:
        before = victim.stat()
        victim.write_bytes(picture())
        os.utime(victim, ns=(before.st_atime_ns, before.st_mtime_ns))
    target = folder.parent / "pixels.npy"
    with pytest.raises(BuildFailed, match=str(victim)):
        pixels.read_pixels(dataset, SQUARE, target)
    assert list(folder.parent.glob("*pixels*")) == []


def test_fault_22_all_bad_images_are_reported_together(folder: Path) -> None:
    (folder / "train/bear/2.png").write_bytes(b"")
    (folder / "train/cat/1.png").write_bytes(picture()[:70])
    (folder / "test/cat/1.png").write_bytes(b"<html>")
    with pytest.raises(BadInput) as caught:
        read(folder)
    lines = str(caught.value).splitlines()
    assert lines[0] == "pets: 3 images cannot be read; mend or remove them:"
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "train/bear/2.png",
        "train/cat/1.png",
        "test/cat/1.png",
    ]
    assert list(folder.parent.glob("*pixels*")) == []


def test_fault_22_a_single_bad_image_is_one_line(folder: Path) -> None:
    (folder / "test/cat/1.png").write_bytes(b"<html>")
    with pytest.raises(BadInput, match=r"^pets: test/cat/1.png: a web page$"):
        read(folder)


def test_fault_23_a_bomb_is_named_with_the_limit(folder: Path) -> None:
    with pytest.raises(BadInput, match=r"7 x 5 pixels are more than data\.max_pixels = 34"):
        read(folder, max_pixels=34)


def test_pixels_are_those_of_decode_in_order(folder: Path) -> None:
    rows, report = read(folder)
    assert rows.shape == (8, 32, 32, 3)
    assert rows.dtype == np.uint8
    for row, sample in zip(rows, find(folder).samples, strict=True):
        expected = decoding.decode_bytes(sample.path.read_bytes(), size=32, alpha="drop", max_pixels=100)
        assert np.array_equal(row, expected.pixels)
    assert report == pixels.PixelReport(notes={}, transparent=0, copies=())


def test_pixels_do_not_depend_on_the_number_of_workers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = []
    for workers in (1, 7):
        monkeypatch.setattr(pixels, "CORES", workers)
        read(folder)
        files.append((folder.parent / "pixels.npy").read_bytes())
    assert files[0] == files[1]


def test_only_a_few_images_are_decoded_ahead(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(60):
        (folder / f"train/cat/3{i}.png").write_bytes(picture())
    dataset, lock = find(folder), threading.Lock()
    decoded, written, furthest = 0, 0, 0
    decode = decoding.decode_bytes

    def counted(*args: Any, **options: Any) -> decoding.Decoded:
        nonlocal decoded, furthest
        with lock:
            decoded += 1
            furthest = max(furthest, decoded - written)
        return decode(*args, **options)

    def progress(done: int, total: int) -> None:
        nonlocal written
        assert (done, total) == (written + 1, len(dataset.samples))
        written = done

    monkeypatch.setattr(decoding, "decode_bytes", counted)
    monkeypatch.setattr(pixels, "CORES", 2)
    pixels.read_pixels(dataset, SQUARE, folder.parent / "pixels.npy", progress)
    assert written == decoded == 68
    assert furthest <= 4 * 2 + 2


def test_notes_and_transparency_are_counted(folder: Path) -> None:
    Image.new("RGBA", (3, 3), (1, 2, 3, 0)).save(folder / "train/cat/1.png")
    Image.new("L", (3, 3)).save(folder / "train/cat/2.png")
    Image.new("L", (1, 3)).save(folder / "test/cat/1.png")
    report = read(folder)[1]
    assert report.transparent == 1
    assert report.notes == {decoding.GREY: 2, decoding.THIN: 1}
    assert pixels.PixelReport.model_validate_json(report.model_dump_json()) == report


def test_alpha_setting_reaches_the_pixels(folder: Path) -> None:
    Image.new("RGBA", (3, 3), (1, 2, 3, 0)).save(folder / "train/bear/1.png")
    assert read(folder, alpha="drop")[0][0].max() == 3
    assert read(folder, alpha="white")[0][0].min() == 255


def test_a_target_that_cannot_be_written_is_a_failed_build(folder: Path) -> None:
    (folder.parent / "file").touch()
    with pytest.raises(BuildFailed, match="cannot be written"):
        pixels.read_pixels(find(folder), SQUARE, folder.parent / "file/pixels.npy")


def test_summary_counts_images_and_batches(folder: Path) -> None:
    (folder / "train/cat/.DS_Store").touch()
    dataset = find(folder)
    split = data.split(dataset, 0.2, 2, seed=0)
    report = pixels.read_pixels(dataset, SQUARE, folder.parent / "pixels.npy")
    found = summary.summarise(dataset, report, split, DataSettings(batch_size=2))
    assert [(count.class_name, count.images) for count in found.train] == [("bear", 3), ("cat", 3)]
    assert (found.train_total, found.test_total, found.majority_share) == (6, 2, 0.5)
    assert (found.training_images, found.validation_images) == (4, 2)
    validating = [dataset.samples[i].label for i in split.validation]
    assert [count.images for count in found.by_class["validation"]] == [validating.count(0), validating.count(1)]
    assert [count.images for count in found.by_class["train"]] == [3 - validating.count(0), 3 - validating.count(1)]
    assert (found.batches, found.training_batches, found.validation_batches) == (3, 2, 1)
    assert (found.test_batches, found.ignored) == (1, dataset.ignored)
    assert found.fingerprint == dataset.fingerprint


def test_the_alpha_example_is_the_tenth_of_the_first_class_if_it_can_be(folder: Path) -> None:
    assert pixels.example_with_alpha(find(folder)) is None
    clear = Image.new("RGBA", (3, 3), (1, 2, 3, 0))
    clear.save(folder / "test/bear/1.png")
    assert pixels.example_with_alpha(find(folder)) is None
    for name in ("train/cat/1.png", "train/bear/2.png", "train/bear/10.png"):
        clear.save(folder / name)
        example = pixels.example_with_alpha(find(folder))
        assert example is not None
        assert example.name == name


def test_an_opaque_alpha_channel_is_no_example(folder: Path) -> None:
    Image.new("RGBA", (3, 3), (1, 2, 3, 255)).save(folder / "train/bear/10.png")
    assert pixels.example_with_alpha(find(folder)) is None
