"""DeLong's method: against published values, closed forms and its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize
from sklearn.metrics import roc_auc_score

from generator.support.statistics import ranking


def ratings(normal: tuple[int, ...], abnormal: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """Scores and labels of images counted by rating."""
    scores = [rating for counts in (normal, abnormal) for rating, n in enumerate(counts) for _ in range(n)]
    return scores, [0] * sum(normal) + [1] * sum(abnormal)


def test_area_of_hanley_and_mcneils_images() -> None:
    """109 CT images (Radiology 143, 1982, table I); DeLong's error and interval as Stata's manual of `roctab` has
    them."""
    found = ranking.area(*ratings((33, 6, 6, 11, 2), (3, 2, 2, 11, 33)))
    assert found is not None
    assert (found.value, found.error) == pytest.approx((0.8932, 0.0307), abs=5e-5)
    symmetric = found.value - 1.96 * found.error, found.value + 1.96 * found.error
    assert symmetric == pytest.approx((0.83295, 0.95339), abs=5e-5)
    low, high = ranking.interval(found)
    assert 0.81 < low < symmetric[0] < high < symmetric[1]  # of the logit: drawn towards one half


@given(*[st.integers(1, 30)] * 4)
def test_of_two_ratings_the_error_is_that_of_two_shares(tp: int, fn: int, tn: int, fp: int) -> None:
    """The area is (sensitivity + specificity) / 2, two independent shares, each with n - 1 in its variance."""
    found = ranking.area(*ratings((tn, fp), (fn, tp)))
    assert found is not None
    sensitivity, specificity = tp / (tp + fn), tn / (tn + fp)
    variance = sensitivity * (1 - sensitivity) / (tp + fn - 1) + specificity * (1 - specificity) / (tn + fp - 1)
    assert found.value == pytest.approx((sensitivity + specificity) / 2)
    assert found.error == pytest.approx(np.sqrt(variance) / 2)


def placements(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each positive image how many negative ones it outranks, and of each negative one by how many."""
    wins = np.sign(scores[labels == 1][:, None] - scores[labels == 0][None, :]) / 2 + 0.5
    return wins.mean(axis=1), wins.mean(axis=0)


def test_compared_is_as_delong_defines_it() -> None:
    random = np.random.default_rng(1988)
    labels = np.repeat([0, 1], (22, 18))
    one, other = (np.round(labels * shift + random.normal(size=40), 1) for shift in (1.0, 1.8))
    old, new = ranking.area(one, labels), ranking.area(other, labels)
    assert old is not None
    assert new is not None
    assert new.value == pytest.approx(roc_auc_score(labels, other))
    both = [placements(scores, labels) for scores in (one, other)]
    covariance = sum(np.cov([each[k] for each in both]) / size for k, size in ((0, 18), (1, 22)))
    error = np.sqrt(np.array([-1, 1]) @ covariance @ np.array([-1, 1]))
    low, high, p = ranking.compared(old, new) or (0, 0, 0)
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=1e-4)
    assert (low + high) / 2 == pytest.approx(new.value - old.value)
    assert (p < 0.05) == (low > 0 or high < 0)


def test_of_several_classes_it_is_the_mean_of_each_against_the_rest() -> None:
    random = np.random.default_rng(3)
    labels = np.repeat([0, 1, 2], (10, 14, 16))
    scores = np.eye(3)[labels] + random.normal(size=(40, 3))
    found = ranking.area(scores, labels)
    assert found is not None
    assert found.value == pytest.approx(np.mean([roc_auc_score(labels == k, scores[:, k]) for k in range(3)]))
    drawn = [
        area.value
        for rows in random.integers(0, 40, (1000, 40))
        if (area := ranking.area(scores[rows], labels[rows])) is not None
    ]
    assert found.error == pytest.approx(np.std(drawn), rel=0.15)  # as the bootstrap has it


def test_a_perfect_ranking_still_has_an_interval() -> None:
    found = ranking.area([0, 1, 2, 3, 4, 5], [0, 0, 0, 1, 1, 1])
    assert found is not None
    assert found.error == 0
    low, high = ranking.interval(found)
    assert (low, high) == (ranking.perfect(3, 3), 1.0)
    assert ranking.compared(found, found) is None
    turned = ranking.area([5, 4, 3, 2, 1, 0], [0, 0, 0, 1, 1, 1])
    assert turned is not None
    assert ranking.interval(turned) == pytest.approx((0.0, 1 - low))


@pytest.mark.parametrize("images", [(3, 3), (20, 20), (2, 500)])
def test_perfect_lies_as_many_errors_away_as_newcombe_says(images: tuple[int, int]) -> None:
    m, n = images
    half = (m + n) / 2 - 1

    def far(a: float) -> float:
        variance = a * (1 - a) * (1 + half * (1 - a) / (2 - a) + half * a / (1 + a)) / (m * n)
        return (1 - a) - 1.959964 * float(np.sqrt(variance))

    assert ranking.perfect(m, n) == pytest.approx(optimize.brentq(far, 1e-6, 1 - 1e-9), abs=1e-6)


@pytest.mark.parametrize("labels", [(0, 0, 0), (1, 0, 0)])
def test_with_fewer_than_two_images_of_a_class_nothing_is_told(labels: tuple[int, ...]) -> None:
    assert ranking.area([1, 2, 3], labels) is None
    assert ranking.area(np.ones((3, 2)), labels) is None
