"""The expected lowest of some values drawn, against the mean over all draws."""

from itertools import combinations
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.support.statistics.expected_best import expected_lowest


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=8), st.data())
def test_it_is_the_mean_over_all_ways_to_draw(values: list[float], data: st.DataObject) -> None:
    drawn = data.draw(st.integers(1, len(values)))
    oracle = fmean(min(each) for each in combinations(values, drawn))
    assert expected_lowest(values, drawn) == pytest.approx(oracle, abs=1e-12)


def test_one_is_the_mean_and_all_are_the_lowest() -> None:
    values = [0.5, 0.2, 0.9]
    assert expected_lowest(values, 1) == pytest.approx(fmean(values))
    assert expected_lowest(values, 3) == 0.2


def test_many_values_neither_overflow_nor_lose_what_they_are() -> None:
    values = [i / 1000 for i in range(1000)]
    # Of uniform ranks 0 … n - 1 the lowest of k is expected at (n - k) / (k + 1).
    for drawn in (1, 2, 500, 1000):
        assert expected_lowest(values, drawn) == pytest.approx((1000 - drawn) / (drawn + 1) / 1000, abs=1e-12)


@pytest.mark.parametrize("drawn", [0, 4])
def test_more_than_there_are_cannot_be_drawn(drawn: int) -> None:
    with pytest.raises(ValueError, match="of 3 values cannot be drawn"):
        expected_lowest([1.0, 2.0, 3.0], drawn)
