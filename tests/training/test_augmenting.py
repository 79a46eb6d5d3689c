"""Augmented images that pass the frozen base once an epoch, for every run that shares them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.train

from generator.data.splits import Split  # noqa: E402
from generator.stages import artifacts, augmenting, workspace  # noqa: E402  # needs TensorFlow
from generator.stages.job import Job  # noqa: E402
from generator.stages.workspace import Workspace  # noqa: E402
from tests.training import shortened  # noqa: E402
from tests.training.test_epochs import BATCH, IMAGES, make_dataset, make_job  # noqa: E402

EPOCHS = 3
SETTINGS = {
    "head.epochs": EPOCHS,
    "split.mode": "fixed",
    "model.rotation": 0.2,
    "model.fill": "reflect",
    "seeds.augmentation": 5,
    "data.max_stored_bytes": 2**30,
}


def make_inputs(store: Path) -> Path:
    """Inputs of stages that compute: pixels, and a split in which seven images train."""
    images = np.random.default_rng(1).integers(0, 256, (IMAGES, 32, 32, 3), dtype=np.uint8)
    for name in ("pixels", "split"):
        (store / name).mkdir(parents=True)
    np.save(store / "pixels" / artifacts.PIXELS, images)
    artifacts.write_split(store / "split", Split(train=(6, 0, 3, 1, 9, 4, 7), validation=(2, 5, 8)))
    return store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Path]:
    with shortened.in_stages():
        yield make_inputs(tmp_path / "store")


def job(store: Path, **settings: object) -> Job:
    labels = np.arange(IMAGES) % 2
    changed = {name.replace("__", "."): value for name, value in settings.items()}
    made = make_job("augmented", store, SETTINGS | changed, dataset=make_dataset(labels), precision="float32")
    return replace(made, runs="generator.stages.augmenting:augmented", checkpoint=store / "checkpoint")


def run(todo: Job, out: Path) -> Path:
    out.mkdir()
    workspace.run(todo, out, lambda figures: None)
    return out / artifacts.AUGMENTED


def heads(todo: Job, order: int = 1) -> Job:
    """The job of a head that trains in this order; it alone may read what that is drawn from."""
    return replace(todo, settings={**todo.settings, "seeds.order": order})


def head_rows(todo: Job, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """What the head trains on in an epoch, with labels, in its order."""
    work = Workspace(todo)
    found = list(augmenting.head_batches(work, epoch, work.training_order("head", epoch)))
    assert [len(rows) for rows, _ in found] == [BATCH, 7 - BATCH]
    return np.concatenate([rows for rows, _ in found]), np.concatenate([labels for _, labels in found])


def test_every_epoch_has_other_features_of_the_training_images(store: Path, tmp_path: Path) -> None:
    found = np.load(run(job(store), tmp_path / "out"))
    assert found.shape == (EPOCHS, 7, 2048)
    assert len({epoch.tobytes() for epoch in found}) == EPOCHS


def test_a_head_trains_on_the_same_bits_whether_they_are_stored_or_not(store: Path, tmp_path: Path) -> None:
    alone = job(store)
    run(alone, store / "augmented")
    stored = job(store)
    assert set(stored.inputs) - set(alone.inputs) == {"augmented"}
    for epoch in (1, EPOCHS):
        for ours, theirs in zip(head_rows(heads(stored), epoch), head_rows(heads(alone), epoch), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_the_order_of_training_moves_rows_and_changes_none(store: Path) -> None:
    rows, labels = head_rows(heads(job(store)), 1)
    others, other_labels = head_rows(heads(job(store), order=2), 1)
    assert not np.array_equal(rows, others)
    assert sorted(map(bytes, rows)) == sorted(map(bytes, others))
    assert dict(zip(map(bytes, rows), labels[:, 0], strict=True)) == dict(
        zip(map(bytes, others), other_labels[:, 0], strict=True)
    )


def test_past_the_budget_nothing_is_stored(store: Path, tmp_path: Path) -> None:
    assert not run(job(store, data__max_stored_bytes=EPOCHS * 7 * 2048 * 4 - 1), tmp_path / "out").exists()


@pytest.mark.parametrize(("damage", "left"), [(None, [3]), (0, [1, 2, 3]), (60_000, [2, 3]), (-1, [3])])
def test_a_killed_pass_goes_on_after_the_last_sound_epoch(
    store: Path, tmp_path: Path, damage: int | None, left: list[int]
) -> None:
    whole = run(job(store), tmp_path / "whole").read_bytes()
    todo, size = job(store), 7 * 2048 * 4 + 4
    killed = bytearray(todo.checkpoint.read_bytes()[: 2 * size + 1000])
    if damage is not None:
        killed[damage] ^= 1
    todo.checkpoint.write_bytes(killed)
    made: list[object] = []
    (tmp_path / "again").mkdir()
    workspace.run(todo, tmp_path / "again", lambda figures: made.append(figures["epoch"]))
    assert (tmp_path / "again" / artifacts.AUGMENTED).read_bytes() == whole
    assert made == left
