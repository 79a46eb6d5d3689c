"""Labels held against made-up features: what is marked, who is judged by whom, and what is left out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.labels import flips, relabelled
from generator.data.dataset import Dataset, Sample
from generator.stages import labels

TRAIN, TEST = 40, 10
"""Images of each class."""
NAMES = ("bear", "cat", "dog")


def make_dataset(names: tuple[str, ...] = NAMES, train: int = TRAIN, test: int = TEST) -> Dataset:
    parts = {
        part: tuple(
            Sample(Path("x"), f"{part}/{name}/{i}.png", label, f"{part} {name} {i}")
            for label, name in enumerate(names)
            for i in range(count)
        )
        for part, count in (("train", train), ("test", test))
    }
    return Dataset(
        root=Path("x"), source="pets", kind="folder", class_names=names, fingerprint="", ignored={}, **parts
    )  # fmt: skip


def features(dataset: Dataset) -> np.ndarray:
    """Sixteen a row, float32, of which the first ones tell the class."""
    given = np.array([sample.label for sample in dataset.samples])
    found = np.random.default_rng(3).normal(size=(len(given), 16))
    found[np.arange(len(given)), given] += 7
    return found.astype(np.float32)


@pytest.mark.parametrize("classes", [2, 3])
def test_flipped_labels_are_marked_on_both_sides_and_few_others(classes: int) -> None:
    right = make_dataset(NAMES[:classes])
    wrong = flips([sample.label for sample in right.samples], classes, seed=1)
    found = labels.review(relabelled(right, wrong), (), features(right))
    marked = {image.index for image in found.marked}
    assert len(marked & set(wrong)) >= 0.75 * len(wrong)
    assert len(marked - set(wrong)) <= 2
    assert found.by_side["test"].marked
    assert found.by_side["train"].marked
    assert labels.review(right, (), features(right)).marked == ()


def test_sides_are_told_by_what_is_learnt_from() -> None:
    dataset = make_dataset()
    dataset = replace(dataset, train=dataset.train[:60], validation=dataset.train[60:])
    found = labels.review(dataset, (), features(dataset)).by_side
    assert (found["train"].total, found["test"].total) == (3 * TRAIN, 3 * TEST)


def test_a_copy_among_the_training_images_does_not_vouch_for_a_test_image() -> None:
    dataset, first = make_dataset(), 3 * TRAIN
    values = features(dataset)
    # The same picture, unlike all others, with the same wrong label on both sides.
    values[[0, first]] = np.full(16, 4, np.float32)
    values[[0, first], 1] += 9
    apart = labels.review(dataset, (), values).images[first]
    together = labels.review(dataset, ((0, first),), values).images[first]
    by_group = replace(
        dataset,
        train=(replace(dataset.train[0], group="burst"), *dataset.train[1:]),
        test=(replace(dataset.test[0], group="burst"), *dataset.test[1:]),
    )
    assert together.own < apart.own
    assert labels.review(by_group, (), values).images[first] == together


def test_a_class_with_a_single_image_is_left_out_and_said_to_be() -> None:
    dataset = make_dataset((*NAMES, "eel"))
    dataset = replace(
        dataset,
        train=tuple(s for s in dataset.train if s.label < 3 or s.name.endswith("/0.png")),
        test=tuple(s for s in dataset.test if s.label < 3),
    )
    found = labels.review(dataset, (), features(dataset))
    assert found.left_out == ("eel",)
    assert found.total == len(dataset.samples) - 1
    assert all(dataset.samples[image.index].label < 3 for image in found.images)


def test_of_two_classes_with_too_few_images_nothing_is_judged() -> None:
    dataset = make_dataset(("bear", "cat"), train=1, test=2)
    found = labels.review(dataset, (), features(dataset))
    assert (found.total, found.left_out, found.tells, found.marked) == (0, ("bear", "cat"), False, ())


def test_features_that_know_nothing_mark_nothing() -> None:
    dataset = make_dataset()
    found = labels.review(dataset, (), np.random.default_rng(1).normal(size=(len(dataset.samples), 16)))
    assert not found.tells
    assert found.marked == ()


def test_the_same_features_give_the_same_review() -> None:
    dataset = make_dataset()
    assert labels.review(dataset, (), features(dataset)) == labels.review(dataset, (), features(dataset))
