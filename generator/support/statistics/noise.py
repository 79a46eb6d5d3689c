"""How much of a difference on few images may be chance: from counts, with nothing but `math`.

`wilson` bounds an accuracy. `paired` counts the images on which two models agree and disagree; `mcnemar` says how
probable so one-sided a disagreement is where the models are equally good, `newcombe` bounds the difference of their
accuracies, `detectable` says how large a difference must be to be seen. `fisher` compares accuracies on different
images and `unpaired` bounds their difference; `sign` counts on how many images something is lower; `holm` corrects for
several comparisons.

What needs each image's score or loss is in `ranking`, `bootstrap` and `calibration`; `docs/statistics.md` tells of all.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Outcome(Protocol):
    """One image's prediction, as far as it matters here; `outcomes.Prediction` is one."""

    @property
    def file(self) -> str: ...
    @property
    def actual(self) -> int: ...
    @property
    def wrong(self) -> bool: ...


SIGNIFICANT = 0.05
"""A p value below this is called more than chance."""

POWER = 0.8
"""How often a difference must be found to be called detectable: in four of five test sets."""

Z = 1.959963984540054
"""97.5% quantile of the normal distribution, for an interval of 95%."""


def verdict(p: float) -> str:
    """What a difference with this p value is called."""
    return "more than chance" if p < SIGNIFICANT else "within chance"


def wilson(correct: float, total: float) -> tuple[float, float]:
    """The 95% interval by Wilson's score (JASA 22, 1927) for a share of `correct` out of `total` ≥ 1."""
    share, square = correct / total, Z * Z / total
    centre = share + square / 2
    half = Z * math.sqrt(share * (1 - share) / total + square / (4 * total))
    return max(0.0, (centre - half) / (1 + square)), min(1.0, (centre + half) / (1 + square))


class Pairs(NamedTuple):
    """Images by whether an old and a new model are right on them."""

    both_right: int
    mended: int
    """Wrong in the old, right in the new."""
    broken: int
    """Right in the old, wrong in the new."""
    both_wrong: int


def paired(old: Sequence[Outcome], new: Sequence[Outcome]) -> Pairs:
    """The 2 x 2 table of two models on the same images.

    Raises `ValueError` unless both hold the same images in the same order.
    """
    if [(p.file, p.actual) for p in old] != [(p.file, p.actual) for p in new]:
        raise ValueError("predictions on different images cannot be paired")
    cells = [(o.wrong, n.wrong) for o, n in zip(old, new, strict=True)]
    return Pairs(*(cells.count(cell) for cell in ((False, False), (True, False), (False, True), (True, True))))


def mcnemar(mended: int, broken: int) -> float:
    """Two-sided exact p value of McNemar's test (Psychometrika 12, 1947) from the discordant counts."""
    return sign(mended, broken)


def sign(lower: int, higher: int) -> float:
    """Two-sided exact p value of the sign test: `lower` of `lower + higher` fair coins, or as one-sided a count."""
    total = lower + higher
    tail = ways = 1
    # Each number of ways from the one before: a binomial coefficient of thousands takes as many products by itself.
    for k in range(min(lower, higher)):
        ways = ways * (total - k) // (k + 1)
        tail += ways
    # Whole numbers are divided: a float holds no 2 ** 4000.
    return min(1.0, float(2 * tail / 2**total))


def newcombe(pairs: tuple[float, float, float, float]) -> tuple[float, float]:
    """The 95% interval of the difference of two accuracies on the same images, the new one less the old one.

    `pairs` as `Pairs`, or means of such.

    Newcombe's method 10 for paired proportions (Statistics in Medicine 17, 1998, pages 2635 to 2650): with the
    Wilson intervals (l1, u1) of the new accuracy p1 and (l2, u2) of the old one p2,

        low  = p1 - p2 - sqrt((p1 - l1)^2 - 2 phi (p1 - l1)(u2 - p2) + (u2 - p2)^2)
        high = p1 - p2 + sqrt((u1 - p1)^2 - 2 phi (u1 - p1)(p2 - l2) + (p2 - l2)^2)

    where phi is the correlation of the 2 x 2 table, a positive one corrected for continuity.
    """
    both_right, mended, broken, _ = pairs
    total = sum(pairs)
    new, old = (both_right + mended) / total, (both_right + broken) / total
    new_low, new_high = wilson(both_right + mended, total)
    old_low, old_high = wilson(both_right + broken, total)
    phi = _correlation(pairs)
    below, above = (new - new_low, old_high - old), (new_high - new, old - old_low)
    difference = new - old
    return max(-1.0, difference - _added(*below, phi)), min(1.0, difference + _added(*above, phi))


def _added(one: float, other: float, phi: float) -> float:
    """Two distances squared and added, less what their correlation takes away."""
    # Rounding may leave a square a little below zero where the distances are equal and phi is nearly 1.
    return math.sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))


def _correlation(pairs: tuple[float, float, float, float]) -> float:
    """Newcombe's phi of the 2 x 2 table; 0 where a model is always right or always wrong."""
    right_right, mended, broken, wrong_wrong = pairs
    margins = (right_right + mended) * (broken + wrong_wrong) * (right_right + broken) * (mended + wrong_wrong)
    product = right_right * wrong_wrong - mended * broken
    if not margins:
        return 0.0
    return (product if product <= 0 else max(product - sum(pairs) / 2, 0)) / math.sqrt(margins)


def fisher(correct: int, total: int, other_correct: int, other_total: int) -> float:
    """Two-sided p value of Fisher's exact test (JRSS 98, 1935) for two shares of different images.

    The probability of all tables with the same margins that are no more probable than this one.
    """
    right, everything = correct + other_correct, total + other_total
    seen = math.comb(total, correct) * math.comb(other_total, other_correct)
    least, most = max(0, right - other_total), min(total, right)
    ways, as_rare = math.comb(total, least) * math.comb(other_total, right - least), 0
    for k in range(least, most + 1):
        as_rare += ways if ways <= seen else 0
        # The ways of the next table; as in `sign`.
        ways = ways * (total - k) * (right - k) // ((k + 1) * (other_total - right + k + 1))
    return as_rare / math.comb(everything, right)


def unpaired(correct: int, total: int, other_correct: int, other_total: int) -> tuple[float, float]:
    """The 95% interval of the difference of two accuracies on different images, the first less the second.

    Newcombe's method 10 for independent proportions (Statistics in Medicine 17, 1998, pages 873 to 890): as `newcombe`,
    without correlation.
    """
    share, other = correct / total, other_correct / other_total
    low, high = wilson(correct, total)
    other_low, other_high = wilson(other_correct, other_total)
    difference = share - other
    below, above = (share - low, other_high - other), (high - share, other - other_low)
    return max(-1.0, difference - _added(*below, 0.0)), min(1.0, difference + _added(*above, 0.0))


def holm(ps: Sequence[float]) -> list[float]:
    """Several p values, each corrected for all of them: Holm's method (Scandinavian Journal of Statistics 6, 1979)."""
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, position in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[position]))
        adjusted[position] = highest
    return adjusted


def fewest_one_sided(comparisons: int = 1) -> int:
    """The smallest number of images that must all go one way for McNemar's test to call it more than chance.

    With several `comparisons` it is the number for the clearest of them, to which Holm's method is strictest.
    """
    return next(count for count in range(1, 1000) if comparisons * mcnemar(count, 0) < SIGNIFICANT)


def detectable(total: int, comparisons: int = 1) -> float:
    """The smallest difference of two accuracies that McNemar's exact test finds in `POWER` of all test sets.

    What Card and others (With Little Power Comes Great Responsibility, EMNLP 2020) ask of a comparison, in the case
    that is the easiest to see: every image that tells the models apart goes one way, so that their number is binomial
    with `total` and the difference. Where some go the other way the difference must be larger. `inf` where no
    difference is found so often, because `total` is below `fewest_one_sided`.
    """
    fewest = fewest_one_sided(comparisons)
    if total < fewest:
        return math.inf
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if _at_least(fewest, total, middle) >= POWER else (middle, high)
    return high


def _at_least(count: int, total: int, share: float) -> float:
    """Probability of `count` or more of `total` images, each with probability `share`."""
    return 1 - math.fsum(math.comb(total, k) * share**k * (1 - share) ** (total - k) for k in range(count))
