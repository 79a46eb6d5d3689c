"""How well scores rank images, with its uncertainty: the area under the ROC curve by DeLong's method.

DeLong, DeLong & Clarke-Pearson (Biometrics 44, 1988) write the area as a mean over images: of a positive image the
share of negative ones that it outranks, and the reverse. `Area` keeps how far each image's share lies from the mean,
scaled so that the sum of squares is the variance, and the sum of products of two models the covariance. The mean over
several classes, each against the rest, is then the mean of these rows.
"""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from generator.support.statistics.noise import Z

Vector = NDArray[np.float64]


class Area(NamedTuple):
    """The area under a ROC curve, or the mean of several, with what each image adds to its error."""

    value: float
    influence: Vector
    """(n,): the squares add up to the variance."""
    fewest: tuple[int, int]
    """Positive and negative images, of the class that has the fewest positive ones."""

    @property
    def error(self) -> float:
        """Standard error."""
        return math.sqrt(float(self.influence @ self.influence))


def area(scores: ArrayLike, labels: ArrayLike) -> Area | None:
    """Of `scores` (n,) of class 1, or (n, classes) of every class against the rest, and `labels` 0, 1, … (n,).

    None where a class has fewer than two images, or all of them: then its part of the variance cannot be told.
    """
    columns, classes = np.asarray(scores, dtype=np.float64), np.asarray(labels)
    if columns.ndim == 1:
        return _one(columns, classes == 1)
    each = [_one(columns[:, label], classes == label) for label in range(columns.shape[1])]
    found = [one for one in each if one is not None]
    if len(found) < len(each):
        return None
    value = float(np.mean([one.value for one in found]))
    return Area(value, np.mean([one.influence for one in found], axis=0), min(one.fewest for one in found))


def interval(found: Area) -> tuple[float, float]:
    """The 95% interval of an area, symmetric on the scale of its logit (Pepe, The Statistical Evaluation of Medical
    Tests, 2003, section 5.2), so that it stays between 0 and 1.

    DeLong's error is zero where every image is ranked rightly, or none; there it is Newcombe's `perfect`.
    """
    value, error = found.value, found.error
    if value in (0.0, 1.0):
        least = perfect(*found.fewest)
        return (least, 1.0) if value == 1.0 else (0.0, 1 - least)
    centre, half = math.log(value / (1 - value)), Z * error / (value * (1 - value))
    low, high = (1 / (1 + math.exp(-z)) for z in (centre - half, centre + half))
    return low, high


def perfect(positive: int, negative: int) -> float:
    """The lower end of the 95% interval of an area that was found to be 1.

    Newcombe's method 5 (Statistics in Medicine 25, 2006, pages 559 to 573): the area A from which 1 lies z standard
    errors away, with the variance of Hanley & McNeil (Radiology 143, 1982) for exponential scores, in which he puts
    N = (positive + negative) / 2 - 1 for both numbers of images:

        A (1 - A) (1 + N (1 - A) / (2 - A) + N A / (1 + A)) / (positive negative)
    """
    images = (positive + negative) / 2 - 1
    low, high = 0.0, 1.0
    for _ in range(60):
        a = (low + high) / 2
        spread = 1 + images * (1 - a) / (2 - a) + images * a / (1 + a)
        far = (1 - a) ** 2 > Z * Z * a * (1 - a) * spread / (positive * negative)
        low, high = (a, high) if far else (low, a)
    return high


def compared(old: Area, new: Area) -> tuple[float, float, float] | None:
    """The 95% interval of the new area less the old one on the same images, and the p value of their equality.

    None where nothing tells how much chance could move: both models err on no image, or rank the images alike.
    """
    error = math.sqrt(float(np.square(new.influence - old.influence).sum()))
    if not error:
        return None
    gain = new.value - old.value
    p = 2 * NormalDist().cdf(-abs(gain) / error)
    return max(-1.0, gain - Z * error), min(1.0, gain + Z * error), p


def _one(scores: Vector, positive: NDArray[np.bool_]) -> Area | None:
    mine, others = scores[positive], scores[~positive]
    if min(len(mine), len(others)) < 2:
        return None
    every = _ranks(scores)
    # Of each positive image the share of negative ones below it; of each negative one that of positive ones above it.
    above = (every[positive] - _ranks(mine)) / len(others)
    below = 1 - (every[~positive] - _ranks(others)) / len(mine)
    value = float(above.mean())
    influence = np.zeros(len(scores))
    influence[positive] = (above - value) / math.sqrt(len(mine) * (len(mine) - 1))
    influence[~positive] = (below - value) / math.sqrt(len(others) * (len(others) - 1))
    return Area(value, influence, (len(mine), len(others)))


def _ranks(scores: Vector) -> Vector:
    """Ranks from 1; those of equal scores share their mean."""
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[places])
