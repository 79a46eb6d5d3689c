"""Compares metrics, each in its own direction, and holds them against gates.

`compare` says of each metric whether it improved; `parse_gates` reads the limits a build must keep, and `hold`
checks them.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from generator.experiment.metrics import direction
from generator.support.errors import BadInput, choices

Status = Literal["improved", "worse", "changed", "unchanged", "added", "missing"]

TOLERANCE = 1e-6
"""Differences up to this, absolute or relative, are not reported: another order of summation makes them."""

# Rounding makes 0.88 - 0.90 a little less than -0.02.
_SLACK = 1e-9


@dataclass(frozen=True)
class MetricChange:
    """One metric of one variant in both builds; None where it is absent."""

    variant: str
    metric: str
    old: float | None
    new: float | None
    status: Status
    note: str = ""
    """Whether the difference is more than chance, where that can be said."""


@dataclass(frozen=True)
class Gate:
    """How far a metric may fall behind: its gain must be at least `limit`."""

    metric: str
    limit: float
    relative: bool
    text: str
    """As the user wrote it."""


@dataclass(frozen=True)
class GateResult:
    """A gate held against one variant."""

    gate: Gate
    variant: str
    old: float | None
    new: float | None
    passed: bool

    def __str__(self) -> str:
        values = f"{shown(self.old)} before, {shown(self.new)} now"
        return f"{self.variant}: {self.gate.metric}: {values}, limit {self.gate.text}"


def compare(
    variant: str,
    old: Mapping[str, float | None],
    new: Mapping[str, float | None],
    *,
    note: str = "",
    tolerance: float = TOLERANCE,
) -> Iterable[MetricChange]:
    """One change per metric (path → value, None where it is undefined) of a variant.

    `note` goes with the test accuracy where that changed.
    """
    for metric in [*old, *(name for name in new if name not in old)]:
        before, after = old.get(metric), new.get(metric)
        if before is None and after is None:
            continue
        status = _status(metric, before, after, tolerance)
        noted = metric == "test.accuracy" and status != "unchanged"
        yield MetricChange(variant, metric, before, after, status, note if noted else "")


def parse_gates(texts: Iterable[str]) -> tuple[Gate, ...]:
    """`test.accuracy=-0.02` or `test.loss=-5%` → gates. Raises `BadInput`."""
    return tuple(_gate(*text.partition("=")) for text in texts)


def hold(gates: Sequence[Gate], metrics: Sequence[MetricChange]) -> Iterable[GateResult]:
    """Each gate against every variant that both builds have. Raises `BadInput` for a gate that holds nothing."""
    for gate in gates:
        known = {change.metric for change in metrics if direction(change.metric)}
        if gate.metric not in known:
            raise BadInput(
                f"gate {gate.metric!r}: no such metric with a direction; {choices(gate.metric, sorted(known))}"
            )
        # A variant that only one of the builds has cannot fall behind.
        both = {c.variant for c in metrics if c.old is not None} & {c.variant for c in metrics if c.new is not None}
        held = [change for change in metrics if change.metric == gate.metric and change.variant in both]
        if not held:
            raise BadInput(f"gate {gate.metric!r}: the two builds have no variant in common; compare others")
        for change in held:
            passed = _keeps(gate, change)
            yield GateResult(gate, change.variant, change.old, change.new, passed)


def shown(value: float | None) -> str:
    """A value as a gate compares it, with more digits than a table has."""
    return "missing" if value is None else f"{value:.6g}"


def _status(metric: str, old: float | None, new: float | None, tolerance: float) -> Status:
    if old is None or new is None:
        return "added" if old is None else "missing"
    # Counts are exact: one parameter more is one parameter more.
    exact = isinstance(old, int) and isinstance(new, int)
    if old == new or (not exact and math.isclose(old, new, rel_tol=tolerance, abs_tol=tolerance)):
        return "unchanged"
    gain = _gain(metric, old, new)
    if gain is None:
        return "changed"
    return "improved" if gain > 0 else "worse"


def _gain(metric: str, old: float, new: float) -> float | None:
    better = direction(metric)
    return None if better is None else (new - old if better == "higher" else old - new)


def _gate(metric: str, equals: str, limit: str) -> Gate:
    text = f"{metric}{equals}{limit}"
    relative = limit.strip().endswith("%")
    try:
        value = float(limit.strip().removesuffix("%"))
    except ValueError:
        value = math.nan
    if not metric.strip() or not math.isfinite(value):
        raise BadInput(f"gate {text!r}: expected METRIC=LIMIT, as in test.accuracy=-0.02 or test.accuracy=-5%")
    return Gate(metric.strip(), value / 100 if relative else value, relative, limit.strip())


def _keeps(gate: Gate, change: MetricChange) -> bool:
    if change.new is None:
        return False
    if change.old is None:
        return True
    gain = _gain(change.metric, change.old, change.new)
    limit = gate.limit * abs(change.old) if gate.relative else gate.limit
    return gain is not None and gain >= limit - _SLACK
