"""What the best of some trials may be expected to be: how much of a result is the search for it.

Dodge and others, "Show Your Work: Improved Reporting of Experimental Results" (EMNLP 2019), report the expected best
validation result as a function of the number of trials. Theirs draws with replacement; here it is without, the
estimator without bias (Tang and others, ACL 2020; Dodge and others, Findings of EMNLP 2021).
"""

from collections.abc import Iterator, Sequence
from math import comb


def expected_lowest(values: Sequence[float], drawn: int) -> float:
    """The mean of the lowest of `drawn` values over all ways to draw as many of them without replacement.

    Of n values in ascending order the i-th, counted from 1, is the lowest of C(n - i, drawn - 1) of the C(n, drawn)
    draws. Raises `ValueError` unless 1 ≤ drawn ≤ n.
    """
    if not 1 <= drawn <= len(values):
        raise ValueError(f"{drawn} of {len(values)} values cannot be drawn")
    total = comb(len(values), drawn)
    # Whole numbers that fit no float: the share of each is exact before it is rounded.
    lowest = min(values)
    ways = _ways(len(values), drawn)
    return lowest + sum((value - lowest) * (way / total) for value, way in zip(sorted(values), ways, strict=True))


def _ways(count: int, drawn: int) -> Iterator[int]:
    """C(count - i, drawn - 1) for i from 1 to `count`, each from the one before, which is far quicker."""
    ways = comb(count - 1, drawn - 1)
    for left in range(count - 1, -1, -1):
        yield ways
        ways = ways * (left - drawn + 1) // left if left else 0
