"""Says whether the differences between two builds are what another processor gives, and no more.

Two machines that do the same work round differently: in other places with float32, more with bfloat16, which
`model.precision = "auto"` takes where the processor has units for it. How much that moves was recorded by
`benchmarks/precision.py`, the base in float32 against the base in bfloat16 over several seeds; the record lies in
`rounding.json`. `judge` holds differences against it.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from generator.diff.metrics import MetricChange
from generator.experiment.provenance import Provenance

RECORD = Path(__file__).with_suffix(".json")

STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
"""97.5% quantile of Student's t by the number of seeds, one more than the degrees of freedom."""

_HEAD, _TUNED, _TEST = "head validation", "fine-tuned validation", "test"

_MEASURED_AS = {
    "before": _HEAD,
    "epochs.head": _HEAD,
    "after_head.train": _HEAD,
    "after_head.validation": _HEAD,
    "after_head.test": _HEAD,
    "epochs.fine_tuning": _TUNED,
    "train": _TUNED,
    "validation": _TUNED,
    "test": _TEST,
    "measurement.head": _HEAD,
    "measurement.fine_tuning": _TEST,
    "after_head.measured": _HEAD,
    "measured": _TEST,
}
"""Beginning of a metric's path → the recorded measure of the same phase, which its loss is held against.

The training images' losses were not recorded; they are held against the validation loss of their phase.
"""

_OVER_RUNS = "over_runs."
"""Before the path of a phase, where a metric sums up several runs of it."""

_SLACK = 1e-9


@dataclass(frozen=True)
class Rounding:
    """The verdict that two builds differ as two processors do."""

    differences: int
    """Metrics, figures and precisions that differ."""
    text: str
    """The verdict as a sentence without its full stop."""


def judge(
    old: Provenance | None,
    new: Provenance | None,
    metrics: Iterable[MetricChange],
    *,
    others: int,
    precisions: Mapping[str, tuple[str, str]],
    images: int,
) -> Rounding | None:
    """The verdict, or None where something else may have made a difference, or made it larger than recorded.

    It needs two known builds that did the same work on different processors, no count changed, and every loss and
    ratio moved within `bound`. `others` counts what differs beside metrics, `precisions` names what each variant
    that changed it was trained in, `images` were trained on.
    """
    changed = [change for change in metrics if change.status != "unchanged"]
    if old is None or new is None or not changed or not old.does_the_work_of(new):
        return None
    one, two = old.processors_beside(new)
    if not one.is_another_than(two) and not precisions:
        return None
    if not all(is_within(change, images) for change in changed):
        return None
    count = len(changed) + others
    return Rounding(count, _text(count, [one.beside(two), two.beside(one)], changed, precisions))


def bound(metric: str, images: int) -> float | None:
    """How far a metric may move, in its own unit; None where any change is more than rounding.

    For a loss the 95% prediction interval of one more build, from the recorded mean and standard error over n
    seeds: |mean| + t · error · √(n + 1). An accuracy over images that are only scored did not move in the record;
    the training accuracy of an epoch did, by at most the share that is recorded, here rounded up to whole images.
    Means and standard deviations of several runs are held to what one run may move.
    """
    phase, leaf = metric.removeprefix(_OVER_RUNS).rpartition(".")[::2]
    if metric.startswith(_OVER_RUNS):
        leaf = leaf.removesuffix("_sd")
    measures = _measures()
    if phase.startswith("epochs.") and leaf == "accuracy":
        share = float(_record()["rounds"]["training accuracy"])
        return math.ceil(round(share * images, 6)) / images
    if phase not in _MEASURED_AS or leaf not in _LEAVES:
        return None
    return measures.get(f"{_MEASURED_AS[phase]} {_LEAVES[leaf]}")


_LEAVES = {"loss": "loss", "val_loss": "loss", "accuracy": "accuracy", "val_accuracy": "accuracy"}


def is_within(change: MetricChange, images: int) -> bool:
    """Whether a metric moved by no more than `bound`, `images` being trained on."""
    limit = bound(change.metric, images)
    if limit is None or change.old is None or change.new is None:
        return False
    return abs(change.new - change.old) <= limit + _SLACK


@cache
def _record() -> Any:
    return json.loads(RECORD.read_text("utf-8"))


@cache
def _measures() -> dict[str, float]:
    """Measure → how far another build of it may lie."""
    record = _record()
    seeds = record["seeds"]
    return {
        name: abs(row["difference"]) + STUDENT[seeds] * row["error"] * math.sqrt(seeds + 1)
        for name, row in record["measures"].items()
    }


def _text(
    count: int,
    sides: list[str],
    changed: Sequence[MetricChange],
    precisions: Mapping[str, tuple[str, str]],
) -> str:
    if precisions:
        trained = [" and ".join(sorted(set(column))) for column in zip(*precisions.values(), strict=True)]
        sides = [f"{side} in {precision}" for side, precision in zip(sides, trained, strict=True)]
    moved = [
        abs(c.new - c.old) for c in changed if c.metric.endswith("loss") and c.old is not None and c.new is not None
    ]
    losses = f"the most that a loss moved is {max(moved, default=0):.2g}"
    every = "the only difference is" if count == 1 else f"all {count} differences are"
    return (
        f"{every} what another processor gives ({sides[0]} → {sides[1]}): the same work, no prediction changed,"
        f" {losses}, within the recorded comparison of precisions"
    )
