"""The data set is fingerprinted by content and by what it is taken for, and split in whole batches."""

import io
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generator.data import dataset as data
from generator.data.dataset import Dataset, Sample
from generator.experiment.config.settings import DataSettings
from generator.support.errors import BadInput

RNG = np.random.default_rng(3)


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


def test_a_class_with_a_single_image_and_no_test_images_is_named(tmp_path: Path) -> None:
    for name in ("ant/1.png", "ant/2.png", "wasp/1.png"):
        path = tmp_path / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture())
    with pytest.raises(BadInput, match=r"wasp has 1 to set some aside from, .* folder test/"):
        find(tmp_path / "pets")


def test_a_class_of_copies_alone_is_told_to_be_one(tmp_path: Path) -> None:
    copy = picture()
    files = {"ant/1.png": picture(), "ant/2.png": picture(), **{f"wasp/{number}.png": copy for number in range(1, 7)}}
    for name, content in files.items():
        path = tmp_path / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    with pytest.raises(
        BadInput, match=r"wasp has 6, all copies of wasp/1\.png, to set some aside from, .*: add others"
    ):
        find(tmp_path / "pets")


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


def test_validation_is_stratified_where_the_test_images_were_set_aside_or_where_it_is_asked_for() -> None:
    dataset = of_size(100)
    parts = [[sample.label for sample in dataset.train[:90]] + [1] * 10]
    uneven = replace(
        dataset, train=tuple(replace(s, label=label) for s, label in zip(dataset.train, parts[0], strict=True))
    )
    for stratified, held_out, expected in (
        ("auto", False, False),
        ("auto", True, True),
        (True, False, True),
        (False, True, False),
    ):
        found = [
            sum(
                uneven.train[i].label
                for i in data.split(replace(uneven, held_out=held_out), 0.2, 10, seed, (), stratified).validation
            )
            for seed in range(8)
        ]
        assert (found == [11] * 8) == expected, (stratified, held_out, found)


def test_more_than_two_classes_validate_in_proportion() -> None:
    dataset = of_size(99)
    several = replace(
        dataset,
        class_names=("a", "b", "c"),
        train=tuple(replace(sample, label=i % 3) for i, sample in enumerate(dataset.train)),
    )
    for seed in range(4):
        found = [several.train[i].label for i in data.split(several, 0.2, 9, seed).validation]
        assert [found.count(label) for label in range(3)] == [6, 6, 6]


def test_a_part_that_lies_in_one_folder_is_its_own() -> None:
    assert of_size(4).own_folder("train")
    assert not of_size(4).own_folder("validation")
    assert not replace(of_size(4), folders={"train": "images", "test": "images"}).own_folder("test")
