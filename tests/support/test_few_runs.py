"""Student's t over few runs, against SciPy where one kind of chance is absent, and against the truth where none is."""

import numpy as np
import pytest
from scipy import stats

from generator.support.statistics import few_runs
from generator.support.statistics.bootstrap import Interval

VALUES = np.random.RandomState(4).normal(0.3, 1, 7)


def student(values: np.ndarray) -> Interval:
    theirs = stats.ttest_1samp(values, 0)
    return Interval(*theirs.confidence_interval(), theirs.pvalue)


def test_over_images_that_agree_it_is_the_t_test_of_the_runs() -> None:
    assert few_runs.crossed(np.stack([VALUES] * 30, axis=1)) == pytest.approx(student(VALUES))


def test_over_runs_that_agree_it_is_the_t_test_of_the_images() -> None:
    assert few_runs.crossed(np.stack([VALUES] * 5)) == pytest.approx(student(VALUES))


def test_runs_with_images_of_their_own_are_a_t_test() -> None:
    assert few_runs.nested(VALUES) == pytest.approx(student(VALUES))


def test_the_variance_is_the_one_of_two_crossed_random_effects() -> None:
    """Mean squares by hand: of [[1, 2, 6], [3, 4, 8]] 6, 14 and 0 with 1, 2 and 2 degrees of freedom."""
    found = few_runs.crossed([[1, 2, 6], [3, 4, 8]])
    error, freedom = (20 / 6) ** 0.5, 20**2 / (6**2 / 1 + 14**2 / 2)
    assert found.low == pytest.approx(4 + error * stats.t.ppf(0.025, freedom))
    assert found.high == pytest.approx(4 + error * stats.t.ppf(0.975, freedom))
    assert found.p == pytest.approx(2 * stats.t.sf(4 / error, freedom))


@pytest.mark.parametrize("images", [40, 1000])
def test_nineteen_of_twenty_intervals_hold_the_truth(images: int) -> None:
    random = np.random.RandomState(95)
    held, tables = 0, 600
    for _ in range(tables):
        effects = random.normal(0, 0.35, (5, 1)) + random.normal(0, 1, (1, images)) + random.normal(0, 1, (5, images))
        low, high, _ = few_runs.crossed(0.1 + effects)
        held += low <= 0.1 <= high
    assert 0.93 <= held / tables <= 0.985


def test_what_never_differs_has_no_spread() -> None:
    assert few_runs.crossed(np.zeros((5, 40))) == (0, 0, 1)
    assert few_runs.crossed(np.full((5, 40), 0.25)) == (0.25, 0.25, 0)
    assert few_runs.nested([0, 0, 0]) == (0, 0, 1)


def test_the_wider_interval_has_the_larger_p() -> None:
    assert few_runs.wider(Interval(-1, 2, 0.2), Interval(0, 3, 0.1)) == (-1, 3, 0.2)
