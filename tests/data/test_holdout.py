"""Test images set aside: stratified, by the seed and their own bytes, copies together."""

import hashlib
from collections import Counter

import pytest

from generator.data import holdout, splits


def digests(count: int, start: int = 0) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(start, start + count)]


@pytest.mark.parametrize(
    ("counts", "fraction", "expected"),
    [
        ((50, 30), 0.2, (10, 6)),
        ((4, 40, 3), 0.3, (1, 12, 1)),
        ((2, 2), 0.01, (1, 1)),
        ((2, 5), 0.99, (1, 4)),
        ((1, 5), 0.5, (0, 2)),
    ],
)
def test_of_each_class_the_fraction_is_set_aside(
    counts: tuple[int, ...], fraction: float, expected: tuple[int, ...]
) -> None:
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    chosen = holdout.choose(labels, digests(len(labels)), fraction, seed=0, together=())
    found = Counter(labels[position] for position in chosen)
    assert tuple(found[label] for label in range(len(counts))) == expected


def test_seeds_choose_differently_and_names_do_not_count() -> None:
    labels, keys = [0, 1] * 20, digests(40)
    first, second = (holdout.choose(labels, keys, 0.25, seed, ()) for seed in (0, 1))
    assert first != second
    turned = holdout.choose(labels[::-1], keys[::-1], 0.25, 0, ())
    assert {39 - position for position in turned} == first


def test_images_that_are_added_move_few_others() -> None:
    before = holdout.choose([0] * 100, digests(100), 0.2, 0, ())
    after = holdout.choose([0] * 110, digests(110), 0.2, 0, ())
    assert len(before) == 20
    assert len(after) == 22
    assert len(before & after) >= 15


@pytest.mark.parametrize("seed", range(8))
def test_copies_go_to_one_side_also_across_classes(seed: int) -> None:
    keys = digests(30)
    for copy, original in ((5, 1), (9, 1), (17, 2), (28, 29)):
        keys[copy] = keys[original]
    together = splits.alike(keys)
    labels = [0] * 15 + [1] * 15
    chosen = holdout.choose(labels, keys, 0.2, seed, together)
    assert Counter(labels[position] for position in chosen) == {0: 3, 1: 3}
    for group in together:
        assert len({position in chosen for position in group}) == 1


def test_a_group_too_large_for_the_test_is_trained_on() -> None:
    keys = ["same"] * 8 + digests(2)
    chosen = holdout.choose([0] * 10, keys, 0.2, 0, splits.alike(keys))
    assert chosen == {8, 9}
