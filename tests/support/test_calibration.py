"""Calibration: against scikit-learn, closed forms, and models whose calibration is known."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss

from generator.support.statistics import calibration
from generator.support.statistics.calibration import Answers

answers = st.lists(st.tuples(st.integers(50, 100).map(lambda c: c / 100), st.booleans()), min_size=1, max_size=60)


def drawn(size: int, seed: int, sharper: float = 1.0) -> Answers:
    """Answers whose confidences are right, or whose logits are `sharper` than right."""
    random = np.random.default_rng(seed)
    true = random.uniform(0.5, 1, size)
    said = 1 / (1 + (1 / true - 1) ** sharper)
    return tuple(zip(said.tolist(), (random.random(size) < true).tolist(), strict=True))


@given(answers)
def test_curve_and_parts_are_scikit_learns(rows: list[tuple[float, bool]]) -> None:
    confidence, right = map(np.asarray, zip(*rows, strict=True))
    theirs = IsotonicRegression().fit(confidence, right)
    found, parts = calibration.curve(tuple(rows)), calibration.parts(tuple(rows))
    assert found.right == pytest.approx(theirs.predict(found.confidence), abs=1e-6)
    assert parts.score == pytest.approx(brier_score_loss(right, confidence, pos_label=True))
    assert parts.score == pytest.approx(parts.miscalibration - parts.discrimination + parts.uncertainty)
    recalibrated = np.square(theirs.predict(confidence) - right).mean()
    assert parts.miscalibration == pytest.approx(parts.score - recalibrated, abs=1e-6)
    assert min(parts.miscalibration, parts.discrimination) >= -1e-12


def test_parts_by_hand() -> None:
    """Two answers with 0.6, one right, and two with 0.9, both right: fitted shares are one half and one."""
    found = calibration.parts(((0.6, True), (0.6, False), (0.9, True), (0.9, True)))
    assert found.score == pytest.approx((0.16 + 0.36 + 0.01 + 0.01) / 4)
    assert found.uncertainty == pytest.approx(0.75 * 0.25)
    assert found.discrimination == pytest.approx(0.75 * 0.25 - 0.125)
    assert found.miscalibration == pytest.approx(0.135 - 0.125)


def test_of_two_classes_it_is_the_brier_score_of_the_probabilities() -> None:
    probability, label = np.array([0.2, 0.7, 0.95, 0.4]), np.array([0, 0, 1, 1])
    named = probability > 0.5
    rows = tuple(zip(np.where(named, probability, 1 - probability).tolist(), (named == label).tolist(), strict=True))
    assert calibration.parts(rows).score == pytest.approx(brier_score_loss(label, probability))


def test_confidences_that_are_right_are_called_wrong_as_seldom_as_the_level_says() -> None:
    found = [calibration.chance(drawn(40, seed)).p for seed in range(60)]
    assert np.mean(np.asarray(found) <= 0.05) <= 0.13
    assert 0.4 <= np.mean(found) <= 0.6


def test_confidences_that_are_too_high_are_found_out() -> None:
    assert calibration.chance(drawn(1000, 1, sharper=3.0)).p < 0.01
    assert calibration.chance(drawn(1000, 1)).p > 0.05


def test_the_band_holds_the_curve_of_confidences_that_are_right() -> None:
    inside = []
    for seed in range(30):
        rows = drawn(40, seed)
        fitted, chance = calibration.curve(rows), calibration.chance(rows)
        inside += ((chance.low <= fitted.right + 1e-12) & (fitted.right <= chance.high + 1e-12)).tolist()
    assert np.mean(inside) >= 0.93


@pytest.mark.parametrize("classes", [2, 4])
def test_temperature_undoes_what_sharpened_the_logits(classes: int) -> None:
    random = np.random.default_rng(7)
    logits = 2 * random.normal(size=(20_000, classes))
    labels = (logits + random.gumbel(size=logits.shape)).argmax(axis=1)  # drawn from their softmax
    degree = calibration.temperature(2.5 * logits, labels)
    assert degree == pytest.approx(2.5, rel=0.03)
    assert degree is not None
    losses = [float(calibration.cooled(2.5 * logits, labels, each).mean()) for each in (degree, 1.0, 2.5)]
    assert losses[0] < losses[1]
    assert losses[0] <= losses[2]


@pytest.mark.parametrize("margin", [0.5, 1.8, 3.0, 8.0, 30.0, 100.0, 300.0])
def test_no_temperature_is_best_where_every_image_is_right(margin: float) -> None:
    """Even by so much that the loss is rounded to zero before the coldest."""
    assert calibration.temperature([[0, margin], [0, -2 * margin], [0, margin]], [1, 0, 1]) is None
    assert calibration.temperature([[0, margin, 0], [margin, 0, 0]], [1, 0]) is None


def test_no_temperature_is_best_where_one_past_an_end_is_better() -> None:
    """Where the logits tell nothing, and where those that tell something are very large or very small."""
    assert calibration.temperature([[0, 1.0], [0, -2.0]], [0, 1]) is None
    logits, labels = [[0, 1.0], [0, -2.0], [0, 0.5], [0, -1.0], [0, 0.1]], [1, 0, 1, 0, 0]
    degree = calibration.temperature(logits, labels)
    assert degree is not None
    assert calibration.temperature(np.multiply(logits, 25 / degree), labels) is None
    assert calibration.temperature(np.multiply(logits, 1 / 25 / degree), labels) is None
    assert calibration.temperature(np.multiply(logits, 15 / degree), labels) == pytest.approx(15, rel=0.001)


def test_cooled_is_the_cross_entropy() -> None:
    assert calibration.cooled([[0, 2.0]], [0], 2.0) == pytest.approx([math.log1p(math.e)])


def test_the_level_of_equal_confidences_is_binomial() -> None:
    for total, right in ((12, 7), (40, 40), (40, 25)):
        found = calibration.level(tuple((0.75, i < right) for i in range(total)))
        odds = stats.binom(total, 0.75)
        assert found.p == pytest.approx(min(1.0, 2 * min(odds.cdf(right), odds.sf(right - 1))))
        assert 2 * odds.cdf(found.low) >= 0.05 > 2 * odds.cdf(found.low - 1)
        assert 2 * odds.sf(found.high - 1) >= 0.05 > 2 * odds.sf(found.high)


def test_the_level_of_unequal_confidences_is_a_sum_over_all_outcomes() -> None:
    chances = (0.6, 0.7, 0.9, 0.95, 0.99)
    at_most = 0.0
    for outcome in itertools.product((True, False), repeat=5):
        if sum(outcome) <= 2:
            at_most += math.prod(c if right else 1 - c for c, right in zip(chances, outcome, strict=True))
    answers = tuple(zip(chances, (True, True, False, False, False), strict=True))
    assert calibration.level(answers).p == pytest.approx(2 * at_most)


def test_a_level_that_is_right_is_seldom_called_wrong() -> None:
    for size in (40, 1000):
        called = sum(calibration.level(drawn(size, seed)).p < 0.05 for seed in range(200))
        assert called <= 18, size


def test_of_certain_answers_one_that_is_wrong_is_impossible() -> None:
    assert calibration.level(((1.0, True), (1.0, True))) == (2, 2, 1.0)
    assert calibration.level(((1.0, True), (1.0, False))).p == 0
    assert calibration.level(((0.6, False),)) == (0, 1, pytest.approx(0.8))


def test_a_band_takes_no_memory_for_every_draw_of_every_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "DRAWS", 99)
    monkeypatch.setattr(calibration, "_AT_ONCE", 50_000)
    random = np.random.default_rng(5)
    sure = random.uniform(0.5, 1, 8000).tolist()
    given = tuple((confidence, bool(random.random() < confidence)) for confidence in sure)
    tracemalloc.start()
    found = calibration.chance(given)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 99 * 8000 * 8
    monkeypatch.setattr(calibration, "_AT_ONCE", 10**9)
    calibration.chance.cache_clear()
    whole = calibration.chance(given)
    assert found.p == whole.p
    assert found.low.tobytes() == whole.low.tobytes()
    assert found.high.tobytes() == whole.high.tobytes()


def test_odds_of_many_answers_leave_out_what_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    work, convolve = [], np.convolve
    monkeypatch.setattr(np, "convolve", lambda a, b: work.append(len(a) * len(b)) or convolve(a, b))
    odds = calibration._number_right([0.9] * 20_000)
    assert sum(work) < 20_000**2 / 4
    assert len(odds) == 20_001
    assert float(odds.sum()) == pytest.approx(1)
    assert odds[18_000] == pytest.approx(stats.binom.pmf(18_000, 20_000, 0.9), rel=1e-9)
