"""The data set is fingerprinted by content, split in whole batches, and every image decoded or reported."""

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
from generator.data import decoding, summary
from generator.data.dataset import Dataset, Sample
from generator.experiment.settings import DataSettings
from generator.support.errors import BadInput, BuildFailed

RNG = np.random.default_rng(3)
SQUARE = data.Square(size=32, alpha="drop", max_pixels=1000)


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


def read(folder: Path, **changes: Any) -> tuple[np.ndarray, data.PixelReport]:
    target = folder.parent / "pixels.npy"
    report = data.read_pixels(find(folder), replace(SQUARE, **changes), target)
    return np.load(target), report


def copies(folder: Path) -> list[list[str]]:
    """The names of the files that hold the same pixels."""
    _, report = read(folder)
    return [[find(folder).samples[position].name for position in group] for group in report.copies]


def of_size(train: int) -> Dataset:
    """A data set without files, its classes alternating."""
    samples = tuple(Sample(Path(f"{i}.png"), f"train/x/{i}.png", i % 2, f"{i}") for i in range(train))
    return Dataset(Path(), "pets", "folder", ("bear", "cat"), samples, samples[:2], "f", {})


def test_samples_are_named_below_the_root_in_natural_order(folder: Path) -> None:
    dataset = find(folder)
    assert [(s.name, s.label) for s in dataset.train[:4]] == [
        ("train/bear/1.png", 0),
        ("train/bear/2.png", 0),
        ("train/bear/10.png", 0),
        ("train/cat/1.png", 1),
    ]
    assert [s.name for s in dataset.samples[6:]] == ["test/bear/1.png", "test/cat/1.png"]


def test_fingerprint_follows_names_and_contents_and_nothing_else(folder: Path) -> None:
    first = find(folder).fingerprint
    os.utime(folder / "train/cat/1.png", (0, 0))
    (folder / "notes.txt").touch()
    folder.rename(folder.with_name("elsewhere"))
    moved = folder.with_name("elsewhere")
    assert find(moved).fingerprint == first
    (moved / "train/cat/1.png").rename(moved / "train/cat/3.png")
    renamed = find(moved).fingerprint
    (moved / "train/cat/3.png").write_bytes(picture())
    assert len({first, renamed, find(moved).fingerprint}) == 3


def test_finding_decodes_nothing(folder: Path) -> None:
    (folder / "train/cat/1.png").write_bytes(b"no image")
    assert len(find(folder).train) == 6


def test_split_has_the_sizes_of_the_write_up_and_is_disjoint() -> None:
    dataset = of_size(360)
    result = data.split(dataset, 0.2, 32, seed=0)
    assert (len(result.train), len(result.validation)) == (296, 64)
    assert sorted(result.train + result.validation) == list(range(360))


def test_split_follows_the_seed() -> None:
    dataset = of_size(100)
    splits = [data.split(dataset, 0.2, 8, seed) for seed in (0, 0, 1)]
    assert splits[0] == splits[1]
    assert set(splits[0].validation) != set(splits[2].validation)


@pytest.mark.parametrize(
    ("total", "batch_size", "fraction", "validation"),
    [
        (360, 32, 0.2, 64),
        (64, 32, 0.2, 32),
        (100, 1, 0.29, 29),
        (100, 10, 0.01, 10),
        (40, 10, 0.99, 30),
        (7, 2, 0.5, 4),
    ],
)
def test_split_takes_whole_batches(total: int, batch_size: int, fraction: float, validation: int) -> None:
    split = data.split(of_size(total), fraction, batch_size, seed=3)
    assert (len(split.train), len(split.validation)) == (total - validation, validation)


def test_fault_19_too_few_images_for_two_batches_says_what_is_needed() -> None:
    with pytest.raises(BadInput) as caught:
        data.split(of_size(30), 0.2, 32, seed=0)
    assert "30 training images are one batch of 32" in str(caught.value)
    assert "--set data.batch_size=15" in str(caught.value)
    assert data.split(of_size(30), 0.2, 15, seed=0).validation


def test_fault_19_a_split_that_loses_a_class_is_refused() -> None:
    samples = tuple(replace(sample, label=int(i == 0)) for i, sample in enumerate(of_size(10).train))
    dataset = replace(of_size(10), train=samples)
    seeds_without_it = 0
    for seed in range(20):
        try:
            result = data.split(dataset, 0.5, 1, seed)
        except BadInput as error:
            seeds_without_it += 1
            message = str(error)
        else:
            assert 0 in result.train
    assert 0 < seeds_without_it < 20
    assert "no image of cat to train on" in message


def test_fault_20_same_pixels_in_train_and_test_are_reported_with_both_paths(folder: Path) -> None:
    same = (folder / "train/bear/2.png").read_bytes()
    (folder / "test/cat/1.png").write_bytes(same)
    pixels = Image.open(folder / "train/cat/10.png")
    pixels.save(folder / "test/bear/1.bmp")  # other bytes, the same picture
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
        data.read_pixels(dataset, SQUARE, target)
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
    pixels, report = read(folder)
    assert pixels.shape == (8, 32, 32, 3)
    assert pixels.dtype == np.uint8
    for row, sample in zip(pixels, find(folder).samples, strict=True):
        expected = decoding.decode_bytes(sample.path.read_bytes(), size=32, alpha="drop", max_pixels=100)
        assert np.array_equal(row, expected.pixels)
    assert report == data.PixelReport(notes={}, transparent=0, copies=())


def test_pixels_do_not_depend_on_the_number_of_workers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = []
    for workers in (1, 7):
        monkeypatch.setattr(data, "WORKERS", workers)
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
    monkeypatch.setattr(data, "WORKERS", 2)
    data.read_pixels(dataset, SQUARE, folder.parent / "pixels.npy", progress)
    assert written == decoded == 68
    assert furthest <= 4 * 2 + 2


def test_notes_and_transparency_are_counted(folder: Path) -> None:
    Image.new("RGBA", (3, 3), (1, 2, 3, 0)).save(folder / "train/cat/1.png")
    Image.new("L", (3, 3)).save(folder / "train/cat/2.png")
    Image.new("L", (1, 3)).save(folder / "test/cat/1.png")
    report = read(folder)[1]
    assert report.transparent == 1
    assert report.notes == {decoding.GREY: 2, decoding.THIN: 1}
    assert data.PixelReport.model_validate_json(report.model_dump_json()) == report


def test_alpha_setting_reaches_the_pixels(folder: Path) -> None:
    Image.new("RGBA", (3, 3), (1, 2, 3, 0)).save(folder / "train/bear/1.png")
    assert read(folder, alpha="drop")[0][0].max() == 3
    assert read(folder, alpha="white")[0][0].min() == 255


def test_a_target_that_cannot_be_written_is_a_failed_build(folder: Path) -> None:
    (folder.parent / "file").touch()
    with pytest.raises(BuildFailed, match="cannot be written"):
        data.read_pixels(find(folder), SQUARE, folder.parent / "file/pixels.npy")


def test_summary_counts_images_and_batches(folder: Path) -> None:
    (folder / "train/cat/.DS_Store").touch()
    dataset = find(folder)
    split = data.split(dataset, 0.2, 2, seed=0)
    report = data.read_pixels(dataset, SQUARE, folder.parent / "pixels.npy")
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
    assert data.example_with_alpha(find(folder)) is None
    clear = Image.new("RGBA", (3, 3), (1, 2, 3, 0))
    clear.save(folder / "test/bear/1.png")
    assert data.example_with_alpha(find(folder)) is None
    for name in ("train/cat/1.png", "train/bear/2.png", "train/bear/10.png"):
        clear.save(folder / name)
        example = data.example_with_alpha(find(folder))
        assert example is not None
        assert example.name == name


def test_an_opaque_alpha_channel_is_no_example(folder: Path) -> None:
    Image.new("RGBA", (3, 3), (1, 2, 3, 255)).save(folder / "train/bear/10.png")
    assert data.example_with_alpha(find(folder)) is None
