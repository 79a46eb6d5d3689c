"""Compares metrics, each in its own direction: `compare` says of each whether it improved."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from generator.experiment.metrics import direction

Status = Literal["improved", "worse", "changed", "unchanged", "added", "missing"]

TOLERANCE = 1e-6
"""Differences up to this, absolute or relative, are not reported: another order of summation makes them."""


@dataclass(frozen=True)
class MetricChange:
    """One metric of one variant in both builds; None where it is absent."""

    variant: str
    metric: str
    old: float | None
    new: float | None
    status: Status
    low: float | None = None
    """Of the 95% interval of new less old, where there is one."""
    high: float | None = None
    p: float | None = None
    """How probable so large a difference is by chance."""
    note: str = ""
    """Whether that is more than chance, in words."""
    images: int | None = None
    """Of a share of images, how many there are in the build that has fewer."""


def compare(variant: str, old: Mapping[str, float | None], new: Mapping[str, float | None]) -> Iterable[MetricChange]:
    """One change per metric (path → value, None where it is undefined) of a variant."""
    for metric in [*old, *(name for name in new if name not in old)]:
        before, after = old.get(metric), new.get(metric)
        if before is None and after is None:
            continue
        yield MetricChange(variant, metric, before, after, _status(metric, before, after))


OTHER_CLASSES = "of other classes"
"""The note of a metric that says how well classes are told apart, where the builds' are not the same."""


def of_other_classes(changes: Iterable[MetricChange]) -> Iterable[MetricChange]:
    """The same, nothing of which says whether it improved: it is another quantity."""
    for change in changes:
        if direction(change.metric) is None:
            yield change
        else:
            moved = change.status in ("improved", "worse")
            yield replace(change, status="changed" if moved else change.status, note=OTHER_CLASSES)


def shown(value: float | None) -> str:
    """A value as a gate compares it, with more digits than a table has."""
    return "missing" if value is None else f"{value:.6g}"


def _status(metric: str, old: float | None, new: float | None) -> Status:
    if old is None or new is None:
        return "added" if old is None else "missing"
    # Counts are exact: one parameter more is one parameter more.
    exact = isinstance(old, int) and isinstance(new, int)
    if old == new or (not exact and math.isclose(old, new, rel_tol=TOLERANCE, abs_tol=TOLERANCE)):
        return "unchanged"
    better = gain(metric, old, new)
    if better is None:
        return "changed"
    return "improved" if better > 0 else "worse"


def gain(metric: str, old: float, new: float) -> float | None:
    """By how much a metric got better; None where it has no direction."""
    better = direction(metric)
    return None if better is None else (new - old if better == "higher" else old - new)
