"""What the best of some trials may be expected to be: how much of a result is the search for it.

Dodge and others, "Show Your Work: Improved Reporting of Experimental Results" (EMNLP 2019), report the expected best
validation result as a function of the number of trials. Theirs draws with replacement; here it is without, the
estimator without bias (Tang and others, ACL 2020; Dodge and others, Findings of EMNLP 2021).
"""

from collections.abc import Sequence
from math import comb


def expected_lowest(values: Sequence[float], drawn: int) -> float:
    """The mean of the lowest of `drawn` values over all ways to draw as many of them without replacement.

    Of n values in ascending order the i-th, counted from 1, is the lowest of C(n - i, drawn - 1) of the C(n, drawn)
    draws. Raises `ValueError` unless 1 ≤ drawn ≤ n.
    """
    if not 1 <= drawn <= len(values):
        raise ValueError(f"{drawn} of {len(values)} values cannot be drawn")
    ways = [comb(len(values) - place, drawn - 1) for place in range(1, len(values) + 1)]
    total = comb(len(values), drawn)
    # Whole numbers that fit no float: the share of each is exact before it is rounded.
    lowest = min(values)
    return lowest + sum((value - lowest) * (way / total) for value, way in zip(sorted(values), ways, strict=True))
