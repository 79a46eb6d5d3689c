"""Whether a confidence means what it says: that of answers given with 0.9, nine in ten are right.

A confidence is the probability that a model gives to the class it names, whatever the number of classes (Guo and
others, ICML 2017); of two classes the Brier score of confidences is that of the probabilities. Nothing is put into
bins, whose number would decide the result at forty images: `curve` is the non-decreasing share of right answers that
fits best (CORP: Dimitriadis, Gneiting & Jordan, PNAS 118, 2021), `parts` divides the Brier score by it,
`chance` says how far the curve lies from the diagonal where all confidences are right, and `level` how many answers
are right then, which tells of too much or too little confidence on average with fewer images than the curve needs.

Draws come from `RandomState` for the reason that `bootstrap` gives.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from generator.support.statistics import noise

Vector = NDArray[np.float64]
Answers = tuple[tuple[float, bool], ...]
"""(confidence, whether it was right) of each image."""

DRAWS = 999
_SEED = 2021
_AT_ONCE = 4_000_000
"""Numbers of a band that are looked at at once, for memory."""
_LONG = 4096
"""Odds up to which zeros at their ends cost nothing."""
_LOG_RANGE = 3.0
"""Temperatures between e^-3 and e^3 are looked at: a twentieth, and twenty, as templates say."""


class Brier(NamedTuple):
    """The Brier score, `miscalibration - discrimination + uncertainty`."""

    score: float
    """Mean square of confidence less outcome, 1 or 0 (Brier, Monthly Weather Review 78, 1950)."""
    miscalibration: float
    """What it would be better by if every confidence were as high as `curve` says."""
    discrimination: float
    """What these are better by than one confidence for all images."""
    uncertainty: float
    """What one confidence for all would have, the share of right answers."""


class Curve(NamedTuple):
    """Shares of right answers by confidence."""

    confidence: Vector
    """Each value that occurs, ascending."""
    images: Vector
    """How many have it."""
    right: Vector
    """The share that is right of images with it, as fitted."""


class Chance(NamedTuple):
    """What the same confidences give where all of them are right."""

    low: Vector
    """The band of 95% for `Curve.right`, at each confidence."""
    high: Vector
    p: float
    """How probable a miscalibration at least as large is."""


class Level(NamedTuple):
    """How many answers the same confidences give right where all of them are right."""

    low: int
    """Fewer are called more than chance, with fewer than one in twenty such sets of images."""
    high: int
    p: float
    """Two-sided, of the number that is right."""


def curve(answers: Answers) -> Curve:
    """The non-decreasing function of the confidence that fits the answers best, by pooling adjacent violators."""
    values, places, images = _distinct(answers)
    right = np.bincount(places, weights=[float(right) for _, right in answers])
    return Curve(values, images, _pooled(right / images, images))


def parts(answers: Answers) -> Brier:
    """The Brier score of at least one answer, and what it consists of."""
    found = curve(answers)
    total = found.images.sum()
    outcomes = np.asarray([float(right) for _, right in answers])
    score = float(np.square(np.asarray([confidence for confidence, _ in answers]) - outcomes).mean())
    share = float(outcomes.mean())
    uncertainty = share * (1 - share)
    # Of answers with the same fitted share, as many are right as it says: the mean square is share (1 - share).
    recalibrated = float((found.images * found.right * (1 - found.right)).sum() / total)
    # Neither is below zero but for rounding.
    return Brier(score, max(0.0, score - recalibrated), max(0.0, uncertainty - recalibrated), uncertainty)


@lru_cache(maxsize=64)
def chance(answers: Answers) -> Chance:
    """The consistency band of the curve, and the p value of its miscalibration, by drawing outcomes for the
    confidences as they are."""
    values, _, images = _distinct(answers)
    random, seen = np.random.RandomState(_SEED), parts(answers).miscalibration
    curves, as_large = [], 0
    for _ in range(DRAWS):
        drawn = random.binomial(images.astype(int), values)
        fitted = _pooled(drawn / images, images)
        # Of one confidence c with k of m right the squares add up to m c² + k (1 - 2 c).
        scores = (images * values**2 + drawn * (1 - 2 * values)).sum()
        miscalibration = (scores - (images * fitted * (1 - fitted)).sum()) / images.sum()
        as_large += int(miscalibration >= seen - 1e-12)
        # As steps, of which a curve has few however many confidences there are.
        starts = np.flatnonzero(np.diff(fitted, prepend=-1.0))
        curves.append((starts, fitted[starts]))
    return Chance(*_band(curves, len(values)), (as_large + 1) / (DRAWS + 1))


def _band(curves: Sequence[tuple[NDArray[np.int_], Vector]], size: int) -> tuple[Vector, Vector]:
    """Between which of the curves 95% lie, at each of `size` places; of a curve where it rises, and to what."""
    columns = max(1, _AT_ONCE // len(curves))
    ends = []
    for first in range(0, size, columns):
        places = np.arange(first, min(size, first + columns))
        heights = [steps[np.searchsorted(starts, places, side="right") - 1] for starts, steps in curves]
        ends.append(np.quantile(np.stack(heights), [0.025, 0.975], axis=0))
    low, high = np.concatenate(ends, axis=1)
    return low, high


@lru_cache(maxsize=256)
def level(answers: Answers) -> Level:
    """What is to be expected of the number of right answers, one answer at least, and how it fits: calibration in the
    large (Cox, Biometrika 45, 1958). Exact: the number is the sum of independent answers of these probabilities.
    """
    odds = _number_right([confidence for confidence, _ in answers])
    tails = np.minimum(np.cumsum(odds), np.cumsum(odds[::-1])[::-1])
    ps = np.minimum(1.0, 2 * tails)
    expected = np.flatnonzero(ps >= noise.SIGNIFICANT)
    return Level(int(expected[0]), int(expected[-1]), float(ps[sum(right for _, right in answers)]))


def temperature(logits: ArrayLike, labels: ArrayLike) -> float | None:
    """What to divide logits (n, classes) by, so that their cross-entropy with `labels` (n,) is least (Guo and others).

    None where no temperature that is looked at is best: where all images are right the colder is the better, and past
    either end may lie a better one, as where the logits tell nothing, the hotter the better.
    """
    from scipy.optimize import minimize_scalar  # Late: SciPy takes a second.

    table, classes = np.asarray(logits, dtype=np.float64), np.asarray(labels, dtype=int)
    if (table[np.arange(len(classes)), classes] == table.max(axis=1)).all():
        # Not by the search: the loss is rounded to zero long before the coldest, and any place there would look best.
        return None

    def loss(logarithm: float) -> float:
        return float(cooled(logits, labels, float(np.exp(logarithm))).mean())

    found = minimize_scalar(loss, bounds=(-_LOG_RANGE, _LOG_RANGE), method="bounded")
    return None if abs(found.x) > _LOG_RANGE - 0.01 else float(np.exp(found.x))


def cooled(logits: ArrayLike, labels: ArrayLike, degree: float) -> Vector:
    """The cross-entropy, nats, of each row of logits (n, classes) divided by a temperature."""
    table, classes = np.asarray(logits, dtype=np.float64), np.asarray(labels, dtype=int)
    scaled = table / degree
    most = scaled.max(axis=1)
    total = most + np.log(np.exp(scaled - most[:, None]).sum(axis=1))
    return np.asarray(total - scaled[np.arange(len(classes)), classes])


def _number_right(confidences: Sequence[float]) -> Vector:
    """The probability of each number of right answers, none to all, where every confidence is right."""
    parts = [(0, np.asarray([1 - confidence, confidence])) for confidence in confidences]
    while len(parts) > 1:
        pairs = zip(parts[::2], parts[1::2], strict=False)
        added = [_trimmed(one + other, np.convolve(odds, others)) for (one, odds), (other, others) in pairs]
        parts = [*added, *parts[len(parts) // 2 * 2 :]]
    least, odds = parts[0]
    return np.pad(odds, (least, len(confidences) + 1 - least - len(odds)))


def _trimmed(least: int, odds: Vector) -> tuple[int, Vector]:
    """The odds of `least` and more right answers without what is zero at their ends.

    Of many answers most numbers are beyond what a float can tell from impossible: time would grow with their square.
    """
    if len(odds) <= _LONG:
        return least, odds
    possible = np.flatnonzero(odds >= np.finfo(np.float64).tiny)
    return least + int(possible[0]), odds[possible[0] : possible[-1] + 1]


def _distinct(answers: Answers) -> tuple[Vector, NDArray[np.int_], Vector]:
    """The confidences that occur, which of them each answer has, and how many have it."""
    values, places, images = np.unique(
        [confidence for confidence, _ in answers], return_inverse=True, return_counts=True
    )
    return values, places, images.astype(np.float64)


def _pooled(shares: Vector, weights: Vector) -> Vector:
    from scipy.optimize import isotonic_regression  # Late: SciPy takes a second.

    return np.asarray(isotonic_regression(shares, weights=weights).x)
