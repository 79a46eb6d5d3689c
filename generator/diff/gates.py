"""Gates: `parse_gates` and `in_settings` read the limits that a build must keep, `hold` checks them.

A gate says how far a metric may get worse. A confident one, `test.accuracy=-0.02 confident`, is missed only where the
metric got worse by more than the limit and by more than chance, at 95%, with the images as they are.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from generator.diff import intervals
from generator.diff.measured import is_measured
from generator.diff.metrics import OTHER_CLASSES, MetricChange, gain, shown
from generator.experiment.config.settings import Config
from generator.experiment.metrics import direction
from generator.support import formats
from generator.support.errors import BadInput, choices
from generator.support.statistics import noise

CONFIDENT = "confident"

# Rounding makes 0.88 - 0.90 a little less than -0.02.
_SLACK = 1e-9


@dataclass(frozen=True)
class Gate:
    """How far a metric may fall behind: its gain must be at least `limit`."""

    metric: str
    limit: float
    relative: bool
    confident: bool
    """Whether a fall within chance is let through."""
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
    note: str = ""
    """What a reader must know to judge the verdict: whether it may be chance, whether one image decides."""

    def __str__(self) -> str:
        values = f"{shown(self.old)} before, {shown(self.new)} now"
        note = f"; {self.note}" if self.note else ""
        return f"{self.variant}: {self.gate.metric}: {values}, limit {self.gate.text}{note}"


def parse_gates(texts: Iterable[str]) -> tuple[Gate, ...]:
    """`test.accuracy=-0.02`, `test.loss=-5%` or either with `confident` → gates. Raises `BadInput`."""
    return tuple(_gate(*text.rpartition("=")) for text in texts)


def in_settings(settings: Config) -> tuple[Gate, ...]:
    """Those that stand in the file. Raises `BadInput`."""
    return parse_gates(f"{metric}={limit}" for metric, limit in settings.gates.items())


def hold(gates: Sequence[Gate], metrics: Sequence[MetricChange], *, paired: bool = True) -> Iterable[GateResult]:
    """Each gate against every variant that both builds have. Raises `BadInput` for a gate that holds nothing.

    `paired`: whether both measured with the same images.
    """
    for gate in gates:
        if not paired and is_measured(gate.metric):
            raise BadInput(
                f"gate {gate.metric!r}: the two builds did not measure with the same images, so nothing holds it; "
                "compare with a build that did, or take the gate away"
            )
        known = sorted({change.metric for change in metrics if direction(change.metric)}, key=_general)
        if gate.metric not in known:
            raise BadInput(f"gate {gate.metric!r}: no such metric with a direction; {choices(gate.metric, known)}")
        # A variant that only one of the builds has cannot fall behind.
        both = {c.variant for c in metrics if c.old is not None} & {c.variant for c in metrics if c.new is not None}
        held = [change for change in metrics if change.metric == gate.metric and change.variant in both]
        if not held:
            raise BadInput(f"gate {gate.metric!r}: the two builds have no variant in common; compare others")
        for change in held:
            passed = _keeps(gate, change)
            yield GateResult(gate, change.variant, change.old, change.new, passed, _note(gate, change))


def _general(metric: str) -> tuple[bool, str]:
    """Sorts metrics of all images before those of single classes, of which there may be hundreds."""
    return "classes." in metric, metric


def _gate(metric: str, equals: str, limit: str) -> Gate:
    text = f"{metric}{equals}{limit}"
    number, _, word = limit.strip().partition(" ")
    relative = number.endswith("%")
    try:
        value = float(number.removesuffix("%"))
    except ValueError:
        value = math.nan
    if not metric.strip() or not math.isfinite(value) or word.strip() not in ("", CONFIDENT):
        raise BadInput(
            f"gate {text!r}: expected METRIC=LIMIT, as in test.accuracy=-0.02 or test.accuracy=-5%, and perhaps"
            f" '{CONFIDENT}' behind it"
        )
    if word and value > 0:
        raise BadInput(f"gate {text!r}: '{CONFIDENT}' lets a fall within chance through; give a limit of 0 or below")
    least, name = value / 100 if relative else value, metric.strip()
    if least <= -1 and direction(name) == "higher":
        raise BadInput(f"gate {text!r}: {name} cannot fall by more than 1, or 100%; give a limit as -0.02 or -5%")
    return Gate(name, least, relative, bool(word), limit.strip())


def _keeps(gate: Gate, change: MetricChange) -> bool:
    if change.new is None or change.note == OTHER_CLASSES:
        return False
    if change.old is None:
        return True
    better = gain(change.metric, change.old, change.new)
    if better is None:
        return False
    # What is reported as unchanged did not get worse, of which there would be no interval; it gained nothing either.
    if change.status == "unchanged":
        better = 0.0
    if better >= _limit(gate, change.old) - _SLACK:
        return True
    if not gate.confident:
        return False
    if change.p is None:
        asked, needed = f"gate '{gate.metric}={gate.text}': {change.variant} got worse", intervals.needs(gate.metric)
        if not needed:
            raise BadInput(f"{asked}, and no interval is known of {gate.metric}; take '{CONFIDENT}' away")
        raise BadInput(
            f"{asked}, and nothing tells by how much chance moves {gate.metric} here: that needs {needed}; take"
            f" '{CONFIDENT}' away or gate another metric"
        )
    return change.p >= noise.SIGNIFICANT


def _limit(gate: Gate, old: float) -> float:
    return gate.limit * abs(old) if gate.relative else gate.limit


def _note(gate: Gate, change: MetricChange) -> str:
    notes = [f"{OTHER_CLASSES}, so that neither says how the other did"] if change.note == OTHER_CLASSES else []
    if change.p is not None and change.status == "worse":
        notes.append(f"{change.note}, p = {formats.probability(change.p)}")
    if change.images and change.old is not None and 0 < -_limit(gate, change.old) < 1 / change.images - _SLACK:
        notes.append(f"the limit is below one of {change.images:,} images ({1 / change.images:.3g})")
    return "; ".join(notes)
