"""What is measured of a variant: which way each metric is better, and how it is printed.

A metric is named by its path, as in `test.loss` or `epochs.head.val_accuracy`; its last part is in `METRICS`. What
is not there is a count or a setting, which has no direction.
"""

from dataclasses import dataclass
from typing import Final, Literal

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Metric:
    """What is known of a metric wherever it is measured."""

    better: Better
    format: str
    """Key of `formats.FORMATS`."""


_RATIO, _LOSS = Metric("higher", "accuracy"), Metric("lower", "loss")

METRICS: Final[dict[str, Metric]] = {
    "accuracy": _RATIO,
    "val_accuracy": _RATIO,
    "precision": _RATIO,
    "recall": _RATIO,
    "f1": _RATIO,
    "roc_auc": _RATIO,
    "loss": _LOSS,
    "val_loss": _LOSS,
}
"""Last part of a metric's path → what is known of it."""


def metric_at(path: str) -> Metric | None:
    """The metric at `path`; None if there is none of that name."""
    return METRICS.get(path.rpartition(".")[2])


def direction(path: str) -> Better | None:
    """Which way is better; None for counts and for what was measured before any training."""
    metric = metric_at(path)
    return None if metric is None or path.partition(".")[0] == "before" else metric.better


def format_of(path: str) -> str:
    """Key of `formats.FORMATS`; for what is no metric that of a loss, which hides no small number."""
    metric = metric_at(path)
    return metric.format if metric else "loss"
