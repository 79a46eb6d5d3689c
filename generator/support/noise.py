"""How much of a difference on few images may be chance: exact, from counts, with nothing but `math`.

`wilson` bounds an accuracy, `discordant` counts the images on which two models disagree, `mcnemar` says how
probable so one-sided a disagreement is where the models are equally good.
"""

import math
from collections.abc import Sequence
from typing import Protocol


class Outcome(Protocol):
    """One test image's prediction, as far as it matters here; `results.Prediction` is one."""

    @property
    def file(self) -> str: ...
    @property
    def actual(self) -> int: ...
    @property
    def wrong(self) -> bool: ...


SIGNIFICANT = 0.05
"""A p value below this is called more than chance."""

_Z = 1.959963984540054
"""97.5 % quantile of the normal distribution, for an interval of 95 %."""


def wilson(correct: int, total: int) -> tuple[float, float]:
    """The 95 % interval by Wilson's score (JASA 22, 1927) for a share of `correct` out of `total` ≥ 1."""
    share, square = correct / total, _Z * _Z / total
    centre = share + square / 2
    half = _Z * math.sqrt(share * (1 - share) / total + square / (4 * total))
    return max(0.0, (centre - half) / (1 + square)), min(1.0, (centre + half) / (1 + square))


def discordant(old: Sequence[Outcome], new: Sequence[Outcome]) -> tuple[int, int]:
    """(mended, broken): images wrong in `old` and right in `new`, and the other way round.

    Raises `ValueError` unless both hold the same images in the same order.
    """
    if [(p.file, p.actual) for p in old] != [(p.file, p.actual) for p in new]:
        raise ValueError("predictions on different test sets cannot be paired")
    pairs = list(zip(old, new, strict=True))
    return (
        sum(o.wrong and not n.wrong for o, n in pairs),
        sum(n.wrong and not o.wrong for o, n in pairs),
    )


def mcnemar(mended: int, broken: int) -> float:
    """Two-sided exact p value of McNemar's test (Psychometrika 12, 1947) from the discordant counts."""
    total = mended + broken
    tail = sum(math.comb(total, k) for k in range(min(mended, broken) + 1))
    return min(1.0, float(2 * tail / 2**total))
