"""Test images that are known from training or validation, in a copy or a near-duplicate, against all others."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from generator.experiment.showcase import MOST_PAIRS
from generator.post.prose.plain import plain
from generator.support.statistics import noise


def right(variant: Any, data: Any, *, known: bool) -> int:
    """Test images that are predicted rightly, of those that are `known` or of the others."""
    return sum(not prediction.wrong for prediction in _images(variant, data, known=known))


def total(variant: Any, data: Any, *, known: bool) -> int:
    return len(_images(variant, data, known=known))


def accuracy(variant: Any, data: Any) -> float:
    """Of the test images that are not known, of which there must be one."""
    return right(variant, data, known=False) / total(variant, data, known=False)


def fisher(variant: Any, data: Any) -> float:
    """Exact p value of known and other test images being told equally well."""
    counts = [f(variant, data, known=known) for known in (True, False) for f in (right, total)]
    return noise.fisher(*counts)


def pairs_drawn(pairs: Sequence[Any]) -> int:
    """How many pairs of near-duplicates the figure shows."""
    return min(len(pairs), MOST_PAIRS)


def known_told_otherwise(variants: Mapping[str, Any], data: Any) -> bool:
    """Whether for some variant known and other test images are told differently by more than chance."""
    data = plain(data)
    return any(
        bool(total(variant, data, known=True) and total(variant, data, known=False))
        and fisher(variant, data) < noise.SIGNIFICANT
        for variant in plain(variants).values()
    )


def _images(variant: Any, data: Any, *, known: bool) -> Sequence[Any]:
    files = {copy.file for copy in data.suspects}
    return [prediction for prediction in variant.predictions if (prediction.file in files) == known]


CLAIMS: Final[tuple[Callable[..., Any], ...]] = (known_told_otherwise,)
