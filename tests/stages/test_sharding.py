"""Shards of images: where their borders lie, what each is given, and that they give the bytes of the whole."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generator.data.dataset import Dataset
from generator.data.splits import Split
from generator.stages import artifacts, pixels, sharding
from generator.stages.job import Job
from generator.support.errors import BadInput
from tests.data.test_decoding import encoded
from tests.data.test_deep import data_set, flat, tiff

SETTINGS = {"data.image_size": 32, "data.alpha": "drop", "data.crop": "none", "data.max_pixels": 1000}
SHARDS = 3


def quiet(figures: dict[str, float]) -> None:
    """Nobody is told."""


# ---- Borders ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 7, 8, 31, 32, 33, 100, 1001])
@pytest.mark.parametrize("batch", [1, 4, 32])
@pytest.mark.parametrize("most", [0, 1, 16, 100, 5000])
def test_shards_are_whole_batches_that_follow_each_other(count: int, batch: int, most: int) -> None:
    found = sharding.borders(count, batch, most)
    assert len(found) != 1
    if not most or count <= max(most, batch):
        assert found == []
    else:
        assert [i for images in found for i in images] == list(range(count))
        assert all(images.start % batch == 0 for images in found)
        assert max(map(len, found)) <= max(most, batch)


def test_shards_are_about_as_large_as_each_other() -> None:
    assert [len(images) for images in sharding.borders(5000, 32, 4096)] == [2528, 2472]
    assert [len(images) for images in sharding.borders(4000, 32, 1000)] == [800, 800, 800, 800, 800]


# ---- Pixels, decoded for real ----------------------------------------------------------------------------


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Images of 8, 12 and 14 bits, some of them copies of each other, in other shards too."""
    random = np.random.default_rng(7)
    plain = [encoded(Image.fromarray(random.integers(0, 256, (5, 7, 3), dtype=np.uint8))) for _ in range(6)]
    files = {f"train/{c}/{i}.png": plain[i if c == "a" else (i * i) % 6] for c in "ab" for i in range(6)}
    clear = Image.new("RGBA", (3, 3), (1, 2, 3, 0))
    deep = {"train/a/deep.tif": 1000, "train/b/deep.tif": 4000, "test/a/deep.tif": 16000, "test/b/dark.tif": 40}
    files |= {name: tiff(flat(value)) for name, value in deep.items()}
    return data_set(tmp_path, files | {"test/b/clear.png": encoded(clear)})


def make_job(dataset: Dataset) -> Job:
    return Job(
        stage="pixels",
        label="baseline.pixels",
        runs="generator.stages.pixels:pixels",
        tensorflow=False,
        settings=SETTINGS,
        given={"dataset": dataset},
        inputs={},
        checkpoint=Path(),
    )


def whole(job: Job, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    job.body(job, folder, quiet)
    return contents(folder)


def in_shards(kind: Any, job: Job, folder: Path, most: int) -> dict[str, bytes]:
    """The stage's files by way of shards, and how many these were."""
    folders = []
    for images in sharding.split(kind, job, most):
        folders.append(folder / f"shard-{images.start}")
        folders[-1].mkdir(parents=True)
        shard = sharding.shard(kind, job, images, folder / f"inputs-{images.start}")
        shard.body(shard, folders[-1], quiet)
    assert len(folders) == SHARDS
    (folder / "out").mkdir()
    sharding.join(kind, job, folders, folder / "out")
    return contents(folder / "out")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_pixels_in_shards_have_the_bytes_of_the_whole(dataset: Dataset, tmp_path: Path) -> None:
    job = make_job(dataset)
    expected = whole(job, tmp_path / "whole")
    assert in_shards("images", job, tmp_path / "sharded", most=8) == expected
    report = pixels.found_in(tmp_path / "sharded/out")
    assert report.scales["16 bits"].white == 2**14 - 1
    assert report.transparent == 1
    assert any(group[0] < 8 <= group[-1] for group in report.copies), "copies in two shards"


def test_fault_22_bad_images_of_all_shards_are_reported_together(dataset: Dataset, tmp_path: Path) -> None:
    for name in ("train/a/1.png", "train/b/2.png"):
        (tmp_path / "set" / name).write_bytes(b"<html>")
    job = make_job(data_set(tmp_path, {}))
    with pytest.raises(BadInput) as expected:
        whole(job, tmp_path / "whole")
    with pytest.raises(BadInput) as caught:
        in_shards("images", job, tmp_path / "sharded", most=8)
    assert str(caught.value) == str(expected.value)
    assert "2 images cannot be read" in str(caught.value)


# ---- What a shard is given -------------------------------------------------------------------------------


@pytest.fixture
def job(dataset: Dataset, tmp_path: Path) -> Job:
    """A stage that reads all that a shard of any may read."""
    count = len(dataset.samples)
    for name in ("pixels", "cut", "split"):
        (tmp_path / "store" / name).mkdir(parents=True)
    np.save(tmp_path / "store/pixels/pixels.npy", np.arange(count * 12, dtype=np.uint8).reshape(count, 2, 2, 3))
    np.save(tmp_path / "store/cut/outputs.npy", np.arange(count * 2, dtype=np.float32).reshape(count, 2))
    (tmp_path / "store/cut/cut.json").write_text("{}")
    artifacts.write_split(tmp_path / "store/split", Split(train=(9, 1, 0, 4, 8, 5, 3), validation=(2, 6, 7)))
    settings = {"data.batch_size": 2, "data.max_stored_bytes": 1000, "split.mode": "fixed"}
    inputs = {name: tmp_path / "store" / name for name in ("pixels", "cut", "split")}
    return replace(make_job(dataset), settings=settings, inputs=inputs)


def test_a_shard_has_its_images_alone_and_their_rows(job: Job, tmp_path: Path) -> None:
    shard = sharding.shard("rows", job, range(4, 10), tmp_path / "inputs")
    assert shard.runs == job.runs
    assert shard.dataset.samples == job.dataset.samples[4:10]
    for name, file in (("pixels", "pixels.npy"), ("cut", "outputs.npy")):
        np.testing.assert_array_equal(np.load(shard.inputs[name] / file), np.load(job.inputs[name] / file)[4:10])
    assert (shard.inputs["cut"] / "cut.json").read_text() == "{}"


def test_a_shard_of_passes_has_the_training_images_alone_in_their_order(job: Job, tmp_path: Path) -> None:
    assert sharding.split("passes", job, 4) == [range(4), range(4, 7)]
    shard = sharding.shard("passes", job, range(4, 7), tmp_path / "inputs")
    assert shard.dataset.samples == tuple(job.dataset.samples[i] for i in (5, 8, 9))
    np.testing.assert_array_equal(
        np.load(shard.inputs["pixels"] / "pixels.npy"), np.load(job.inputs["pixels"] / "pixels.npy")[[5, 8, 9]]
    )
    assert artifacts.read_split(shard.inputs["split"]) == Split(train=(0, 1, 2), validation=())
    assert shard.setting("shard.first") == 4


def test_where_every_epoch_trains_on_others_the_pass_stays_whole(job: Job) -> None:
    assert sharding.split("passes", replace(job, settings={**job.settings, "split.mode": "reshuffled"}), 4) == []


@pytest.mark.parametrize("values", [1, 3, 7, 50])
def test_all_shards_are_within_the_budget_or_none_as_the_whole_is(job: Job, tmp_path: Path, values: int) -> None:
    count = len(job.dataset.samples)
    for spare in (-1, 0, 1):
        budget = 4 * count * values + spare
        within = replace(job, settings={**job.settings, "data.max_stored_bytes": budget})
        for images in sharding.split("rows", job, 4):
            shard = sharding.shard("rows", within, images, tmp_path / f"{spare} {images.start}")
            fits = 4 * len(images) * values <= shard.setting("data.max_stored_bytes")
            assert fits == (spare >= 0)


@pytest.mark.parametrize("axis", [0, 1])
def test_arrays_are_joined_to_the_bytes_that_numpy_writes(tmp_path: Path, axis: int) -> None:
    kind, name = (("rows", artifacts.POOLED), ("passes", artifacts.AUGMENTED))[axis]
    array = np.random.default_rng(0).normal(size=(5, 7, 3)).astype(np.float32)
    folders = []
    for start, stop in itertools.pairwise((0, 2, 3, array.shape[axis])):
        folders.append(tmp_path / str(start))
        folders[-1].mkdir()
        np.save(folders[-1] / name, array.take(range(start, stop), axis))
    np.save(tmp_path / "expected.npy", array)
    (tmp_path / "out").mkdir()
    sharding.join(kind, make_job(None), folders, tmp_path / "out")  # type: ignore[arg-type]
    assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "expected.npy").read_bytes()


def test_what_no_shard_has_the_whole_has_not(tmp_path: Path) -> None:
    for name in ("a", "b", "out"):
        (tmp_path / name).mkdir()
    for kind in ("rows", "passes"):
        sharding.join(kind, make_job(None), [tmp_path / "a", tmp_path / "b"], tmp_path / "out")  # type: ignore[arg-type]
    assert contents(tmp_path / "out") == {}
