"""Student's t for a mean over few runs.

Runs that are drawn again give a spread that is too small where they are few, and quantiles of a normal distribution
where Student's belong. So an interval that is drawn is made at least as wide as this one (`wider`), and its p value at
least as large.
"""

import numpy as np
from numpy.typing import ArrayLike

from generator.support.statistics.bootstrap import Interval

_TAIL = 0.975


def crossed(table: ArrayLike) -> Interval:
    """Of the mean of numbers (runs, images), two of either at least: another run and other images at once.

    Both are random effects without replication. The variance of the mean is (S + A - E) / (runs × images), of the mean
    squares S between runs, A between images and E of what is left; its degrees of freedom are Satterthwaite's
    (Biometrics Bulletin 2, 1946). Where S + A - E is less than either, the larger one is taken: a variance is not
    negative.
    """
    rows = np.asarray(table, dtype=np.float64)
    runs, images = rows.shape
    mean, by_run, by_image = rows.mean(), rows.mean(axis=1), rows.mean(axis=0)
    between_runs = images * float(by_run.var(ddof=1))
    between_images = runs * float(by_image.var(ddof=1))
    rest = rows - by_run[:, None] - by_image + mean
    left = float(np.square(rest).sum()) / ((runs - 1) * (images - 1))
    parts = [(between_runs, runs - 1), (between_images, images - 1), (left, (runs - 1) * (images - 1))]
    square = max(between_runs + between_images - left, between_runs, between_images)
    return _student(float(mean), square / rows.size, square**2, sum(part**2 / free for part, free in parts))


def nested(means: ArrayLike) -> Interval:
    """Of the mean of what each run gave on images of its own, two runs at least: the one-sample t interval."""
    given = np.asarray(means, dtype=np.float64)
    square = float(given.var(ddof=1))
    return _student(float(given.mean()), square / len(given), square**2, square**2 / (len(given) - 1))


def wider(one: Interval, other: Interval) -> Interval:
    """What either interval holds, with the larger p value."""
    return Interval(min(one.low, other.low), max(one.high, other.high), max(one.p, other.p))


def _student(mean: float, variance: float, square: float, over_freedom: float) -> Interval:
    if not variance:
        return Interval(mean, mean, float(mean == 0))
    from scipy.special import stdtr, stdtrit  # Late: of one run nothing is asked, and SciPy takes as long as all else.

    error, freedom = variance**0.5, square / over_freedom
    reach = error * float(stdtrit(freedom, _TAIL))
    return Interval(mean - reach, mean + reach, 2 * float(stdtr(freedom, -abs(mean) / error)))
