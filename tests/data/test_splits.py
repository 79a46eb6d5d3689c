"""Validation images are the first of a random order, in whole batches, with all their copies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.data import splits
from generator.data.splits import alike, choose


@pytest.mark.parametrize(
    ("total", "batch_size", "fraction", "kept"),
    [(360, 32, 0.2, 64), (48, 8, 0.2, 8), (100, 1, 0.29, 29), (40, 10, 0.99, 30), (7, 2, 0.5, 4)],
)
@pytest.mark.parametrize("seed", [0, 1, 731])
def test_without_copies_the_first_of_the_order_validate(
    total: int, batch_size: int, fraction: float, kept: int, seed: int
) -> None:
    order = tuple(np.random.default_rng(seed).permutation(total).tolist())
    assert choose(total, batch_size, fraction, (), seed) == splits.Split(order[kept:], order[:kept])


groups = st.lists(st.lists(st.integers(0, 59), min_size=1, max_size=9, unique=True), max_size=30)


@settings(deadline=None)
@given(groups, st.integers(1, 20), st.floats(0.01, 0.9), st.integers(0, 99))
def test_fault_52_copies_go_the_same_way(drawn: list[list[int]], batch_size: int, fraction: float, seed: int) -> None:
    taken: set[int] = set()
    copies = []
    for group in drawn:
        copies.append(tuple(position for position in group if position not in taken))
        taken |= set(group)
    split = choose(60, batch_size, fraction, tuple(copies), seed)
    wanted = len(choose(60, batch_size, fraction, (), seed).validation)
    assert sorted(split.train + split.validation) == list(range(60))
    assert len(split.validation) <= wanted
    for group in copies:
        assert set(group) <= set(split.train) or set(group) <= set(split.validation)
    # Short of whole batches only where no group that was left would have fitted.
    single = set(split.train) - taken
    assert len(split.validation) == wanted or not single


def test_fault_52_pairs_leave_the_last_batch_short_where_their_number_is_odd() -> None:
    pairs = tuple((i, i + 1) for i in range(0, 20, 2))
    assert len(choose(20, 5, 0.3, pairs, seed=0).validation) == 4


def test_copies_are_positions_of_equal_keys_in_order() -> None:
    assert alike("abcbad") == ((0, 4), (1, 3))
    assert alike("") == alike("abc") == ()


def test_what_shares_an_image_belongs_together() -> None:
    assert splits.merged(((0, 4), (7, 9)), ((4, 7), (1, 2)), ((3, 5),)) == ((0, 4, 7, 9), (1, 2), (3, 5))
    assert splits.merged() == splits.merged((), ()) == ()


@settings(deadline=None)
@given(groups, groups)
def test_merging_loses_nothing_and_leaves_no_image_in_two_groups(one: list[list[int]], other: list[list[int]]) -> None:
    findings = [tuple(tuple(group) for group in drawn) for drawn in (one, other)]
    found = splits.merged(*findings)
    members = [position for group in found for position in group]
    assert sorted(members) == sorted(set(members))
    for group in (group for finding in findings for group in finding):
        assert any(set(group) <= set(whole) for whole in found)


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=20, max_size=90), st.integers(1, 9), st.floats(0.1, 0.5), st.integers(0, 9))
def test_stratified_validation_has_every_class_in_proportion(
    labels: list[int], batch_size: int, fraction: float, seed: int
) -> None:
    plain = choose(len(labels), batch_size, fraction, (), seed)
    split = choose(len(labels), batch_size, fraction, (), seed, labels)
    assert len(plain.validation) - len(set(labels)) <= len(split.validation) <= len(plain.validation)
    for label in set(labels):
        exact = len(plain.validation) * labels.count(label) / len(labels)
        found = sum(labels[position] == label for position in split.validation)
        assert abs(found - exact) < 1 or found == labels.count(label) - 1
        assert found < labels.count(label)


def test_the_only_image_of_a_class_is_trained_on() -> None:
    labels = [0] * 64 + [1] * 60 + [2, 3, 4, 5]
    split = choose(len(labels), 32, 0.2, (), 0, labels)
    assert {labels[position] for position in split.validation} == {0, 1}
    assert len(split.validation) == 31


def test_one_class_stratified_is_not_stratified() -> None:
    assert choose(60, 5, 0.3, ((1, 2),), 4, [3] * 60) == choose(60, 5, 0.3, ((1, 2),), 4)


@settings(deadline=None)
@given(groups, st.integers(2, 7), st.integers(0, 99))
def test_what_belongs_together_is_in_one_fold(drawn: list[list[int]], count: int, seed: int) -> None:
    together = splits.merged(*([tuple(group)] for group in drawn if len(group) > 1))
    found = splits.folds([position % 3 for position in range(60)], together, count, seed)
    assert set(found) <= set(range(count))
    assert all(len({found[position] for position in group}) == 1 for group in together)


@pytest.mark.parametrize("count", [2, 5])
def test_every_kind_is_evenly_spread_over_the_folds(count: int) -> None:
    kinds = ["cat"] * 23 + ["dog"] * 11 + ["rare"]
    found = splits.folds(kinds, (), count, seed=1)
    for kind in set(kinds):
        sizes = [sum(k == kind and f == fold for k, f in zip(kinds, found, strict=True)) for fold in range(count)]
        assert max(sizes) - min(sizes) <= 1
    assert found != splits.folds(kinds, (), count, seed=2)
