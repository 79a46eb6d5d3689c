"""Intervals of what has no formula, by drawing images again: losses, F1, differences of these, several seeds.

`of_mean` is for the mean of one number per image, as a loss or the difference of two; `of_counts` for what follows from
how many images are of which kind, as F1. Both are bias-corrected and accelerated (BCa, Efron, JASA 82, 1987), of 95%,
with a p value for the mean being zero. `two_way` draws seeds and images, `outperforming` counts how often one
model is better.

The draws come from NumPy's `RandomState`, whose numbers are promised to stay the same in every version, unlike
those of `Generator`, which SciPy's bootstrap draws from: an interval is computed again wherever the post is verified.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.float64]

DRAWS = 9999
"""Test sets drawn, where images are few; past `_MOST` images drawn in all, fewer."""
_FEWEST, _MOST = 1999, 40_000_000
_SEED = 1987
_AT_ONCE = 4_000_000
"""Images, or numbers of images, drawn at once, for memory."""
_TAIL = 0.025
_NORMAL = NormalDist()


class Interval(NamedTuple):
    """A 95% interval, and how probable so extreme a value is where the true one is zero."""

    low: float
    high: float
    p: float


@lru_cache(maxsize=512)
def of_mean(values: tuple[float, ...]) -> Interval:
    """Of the mean of one number per image, two images at least."""
    numbers = np.asarray(values, dtype=np.float64)
    size = len(numbers)
    random, draws = np.random.RandomState(_SEED), _draws(size)
    rows = max(1, _AT_ONCE // size)
    parts = [
        numbers[random.randint(0, size, (min(rows, draws - start), size))].mean(axis=1)
        for start in range(0, draws, rows)
    ]
    without = (numbers.sum() - numbers) / (size - 1)
    return bca(np.concatenate(parts), float(numbers.mean()), without, int(np.count_nonzero(numbers)))


def of_counts(counts: Sequence[int], statistic: Callable[[Vector], Vector], differing: int | None = None) -> Interval:
    """Of a `statistic` of how many images there are of each kind, (draws, kinds) → (draws,).

    To draw n images again is to draw n kinds with the probabilities that they have among these. Of a difference of two
    models, `differing` is on how many images they differ.
    """
    seen = np.asarray(counts, dtype=np.float64)
    size, random = int(seen.sum()), np.random.RandomState(_SEED)
    rows = max(1, _AT_ONCE // len(seen))

    def drawn(start: int) -> Vector:
        return random.multinomial(size, seen / size, size=min(rows, DRAWS - start)).astype(np.float64)

    def without(some: NDArray[np.int_]) -> Vector:
        fewer = np.tile(seen, (len(some), 1))
        fewer[np.arange(len(some)), some] -= 1
        return fewer

    kinds = np.flatnonzero(seen)
    replicates = np.concatenate([statistic(drawn(start)) for start in range(0, DRAWS, rows)])
    each = np.concatenate([statistic(without(kinds[start : start + rows])) for start in range(0, len(kinds), rows)])
    estimate, apart = float(statistic(seen[None])[0]), np.repeat(each, seen[kinds].astype(int))
    return bca(replicates, estimate, apart, size if differing is None else differing)


def bca(replicates: Vector, estimate: float, without: Vector, differing: int) -> Interval:
    """The interval from `replicates` of an `estimate`, and the estimate `without` each image (n,).

    Efron & Tibshirani, An Introduction to the Bootstrap (1993), equations 14.9 to 14.15, and 15.34 for p: z0 corrects
    the bias, by the share of replicates below the estimate, and a the skewness, by the estimates without an image; the
    ends are the quantiles Φ(z0 + (z0 + z) / (1 - a (z0 + z))). Where all replicates are one, so are the ends.

    Of images that all go one way no draw lies beyond zero, however few they are. If zero is true, each of the n that
    are `differing` might as well have gone the other way: the exact test by signs (Fisher, The Design of Experiments,
    1935, chapter III) has 2^n outcomes, all as probable, and no two-sided p below 2^(1-n). None is given here either.
    """
    ordered = np.sort(replicates)
    # Past the outermost draw the normal curve would say what no draw has shown; two tails of half a draw are the least.
    least = max(1 / (len(ordered) + 1), 2.0 ** (1 - differing))
    if ordered[0] == ordered[-1]:
        return Interval(float(ordered[0]), float(ordered[0]), 1.0 if ordered[0] == 0 else least)
    bias = _NORMAL.inv_cdf(_share(ordered, estimate))
    apart = without.mean() - without
    spread = float(np.square(apart).sum())
    skew = float((apart**3).sum()) / (6 * spread**1.5) if spread else 0.0

    def end(tail: float) -> float:
        z = bias + _NORMAL.inv_cdf(tail)
        return float(np.quantile(ordered, _NORMAL.cdf(bias + z / (1 - skew * z))))

    below = _NORMAL.inv_cdf(_share(ordered, 0.0)) - bias
    tail = _NORMAL.cdf(below / (1 + skew * below) - bias)
    return Interval(end(_TAIL), end(1 - _TAIL), min(1.0, max(least, 2 * min(tail, 1 - tail))))


def two_way(new: ArrayLike, old: ArrayLike | None = None) -> Interval:
    """Of the mean over seeds and images of numbers (seeds, images), or of the `new` less the `old` of the same seeds.

    Seeds and images are drawn independently, and each draw keeps whole rows and columns, since an image that is hard
    for one seed is hard for others (the pigeonhole bootstrap: Owen, Annals of Applied Statistics 1, 2007; of runs,
    Agarwal and others, NeurIPS 2021). Percentiles. With so few seeds as one trains, it is too narrow in the seeds'
    part: five give √(4/5) of their spread, and the normal's quantiles instead of Student's (`few_runs`).
    """
    table = np.asarray(new, dtype=np.float64) - (0.0 if old is None else np.asarray(old, dtype=np.float64))
    seeds, images = table.shape
    random, draws = np.random.RandomState(_SEED), _draws(images)
    weights = random.multinomial(seeds, np.full(seeds, 1 / seeds), size=draws) / seeds

    def often() -> Vector:
        # How often each image is drawn: to gather the drawn columns takes three times as long.
        return np.bincount(random.randint(0, images, images), minlength=images).astype(np.float64)

    return _percentiles(np.asarray([float(each @ (table @ often())) / images for each in weights]))


def two_stage(runs: Sequence[ArrayLike]) -> Interval:
    """Of the mean over runs of the means of their numbers, one per image, where each run has images of its own.

    Runs are drawn, and of each that was drawn its images (Davison & Hinkley, Bootstrap Methods and their Application,
    1997, section 3.8). Percentiles; with so few runs as one trains, too narrow in the runs' part (`few_runs`).
    """
    tables = [np.asarray(run, dtype=np.float64) for run in runs]
    random, draws = np.random.RandomState(_SEED), _draws(sum(map(len, tables)))
    means = np.empty(draws)
    for draw in range(draws):
        drawn = [tables[run] for run in random.randint(0, len(tables), len(tables))]
        means[draw] = np.mean([numbers[random.randint(0, len(numbers), len(numbers))].mean() for numbers in drawn])
    return _percentiles(means)


def outperforming(new: Sequence[float], old: Sequence[float]) -> tuple[float, float, float]:
    """How probable it is that the new model is better than the old one, higher being better, with its 95% interval.

    Of pairs that share all that could be shared, as the seed; ties count half (Bouthillier and others, Accounting for
    Variance in Machine Learning Benchmarks, MLSys 2021). They call a model better where the interval lies above one
    half and the probability above three quarters.
    """
    wins = np.sign(np.asarray(new, dtype=np.float64) - np.asarray(old, dtype=np.float64)) / 2 + 0.5
    drawn = np.random.RandomState(_SEED).randint(0, len(wins), (DRAWS, len(wins)))
    low, high, _ = _percentiles(wins[drawn].mean(axis=1))
    return float(wins.mean()), low, high


def _draws(size: int) -> int:
    return max(_FEWEST, min(DRAWS, _MOST // size))


def _percentiles(replicates: Vector) -> Interval:
    low, high = np.quantile(replicates, [_TAIL, 1 - _TAIL])
    below = _share(np.sort(replicates), 0.0)
    return Interval(float(low), float(high), min(1.0, 2 * min(below, 1 - below)))


def _share(ordered: Vector, value: float) -> float:
    """The share of replicates below `value`, equal ones counting half; never all of them nor none."""
    # Sums of the same numbers in another order differ in their last digits.
    slack = 1e-12 * max(1.0, abs(value))
    below, upto = np.searchsorted(ordered, [value - slack, value + slack])
    return float((below + upto + 1) / (2 * len(ordered) + 2))
