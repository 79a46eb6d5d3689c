"""Which test images are drawn, by rules, so that nobody picks them: figures, captions and alternative texts ask here.

`showcase` chooses those that open the post, `doubtful` those whose class activation maps are drawn, `spread` those of a
sheet that cannot hold them all.
"""

from collections.abc import Sequence

from generator.experiment.outcomes import Prediction

MOST = 8
MOST_WRONG = 4
NARROW = 2
MOST_PAIRS = 12
"""Pairs of near-duplicates that a figure shows."""
MOST_DRAWN = 60
"""Most test images on one sheet."""
MOST_MAPPED = 12
LEAST_CERTAIN = 3
"""Of `MOST_MAPPED`, right ones at least, as far as there are any."""


def showcase(predictions: Sequence[Prediction]) -> tuple[Prediction, ...]:
    """At most `MOST` of `predictions`: wrong ones, right ones that were close, right ones that were sure.

    Up to `MOST_WRONG` wrong ones come first, those of the highest confidence leading; then the `NARROW` right ones of
    the lowest confidence, and the rest from the highest down. Where right ones run out, more wrong ones follow. Of
    equals, the one with the lower index comes first.
    """
    wrong = sorted((p for p in predictions if p.wrong), key=lambda p: (-p.confidence, p.index))
    right = sorted((p for p in predictions if not p.wrong), key=lambda p: (p.confidence, p.index))
    narrow, sure = right[:NARROW], sorted(right[NARROW:], key=lambda p: (-p.confidence, p.index))
    return tuple([*wrong[:MOST_WRONG], *narrow, *sure, *wrong[MOST_WRONG:]][:MOST])


def doubtful(predictions: Sequence[Prediction]) -> tuple[Prediction, ...]:
    """At most `MOST_MAPPED` of `predictions`: the wrong ones, the surest first, then the least certain right ones.

    Of too many wrong ones the surest are taken, so that `LEAST_CERTAIN` right ones have room.
    """
    wrong = sorted((p for p in predictions if p.wrong), key=lambda p: (-p.confidence, p.index))
    right = sorted((p for p in predictions if not p.wrong), key=lambda p: (p.confidence, p.index))
    room = MOST_MAPPED - min(LEAST_CERTAIN, len(right))
    return tuple([*wrong[:room], *right][:MOST_MAPPED])


def spread(total: int, most: int) -> list[int]:
    """Positions of at most `most` of `total`, evenly spread, so that all classes are, as far as there is room."""
    shown = min(total, most)
    return [i * total // shown for i in range(shown)]
