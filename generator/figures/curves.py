"""Learning curves: accuracy and loss by epoch, of one run or of several with their mean."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from generator.experiment.metrics import format_of
from generator.experiment.outcomes import Epoch
from generator.figures.canvas import BLUE, GREEN, LARGE, ORANGE, QUIET, SMALL, new_figure
from generator.support import formats

RING: Mapping[str, Any] = {"marker": "o", "markersize": 9, "markerfacecolor": "none", "color": ORANGE, "clip_on": False}
"""Around the validation of a chosen epoch."""

EACH_RUN: Mapping[str, Any] = {"linewidth": 0.9, "alpha": 0.45}
"""Lines of single runs, where there are several."""


@dataclass(frozen=True)
class History:
    """How one run was trained."""

    head: Sequence[Epoch]
    fine_tuning: Sequence[Epoch] = ()
    chosen: Sequence[Epoch] = ()
    """The epochs whose weights were kept because of their validation loss; none where it is the last anyhow."""

    def head_alone(self) -> "History":
        return replace(self, fine_tuning=(), chosen=[epoch for epoch in self.chosen if epoch in self.head])

    @property
    def phases(self) -> tuple[Sequence[Epoch], ...]:
        return (self.head, self.fine_tuning) if self.fine_tuning else (self.head,)


def learning_curve(runs: Sequence[History]) -> Figure:
    """Accuracy and loss by epoch, of the head alone or over both phases.

    Epochs stand at the numbers they have in the log. Fine-tuning begins with the number of the head's last
    epoch, so the two phases meet at one place without a line between them. A ring marks an epoch that was chosen.
    Of several runs each has a thin line, and their mean a thick one.
    """
    figure = new_figure(6.4, layout=ConstrainedLayoutEngine(h_pad=0.08, w_pad=0.1))
    upper, lower = figure.subplots(2, 1, sharex=True)
    for axes, title, quantity in ((upper, "Accuracy", "accuracy"), (lower, "Cross-entropy loss", "loss")):
        _curves(axes, title, runs, quantity)
        for epoch in chain.from_iterable(run.chosen for run in runs):
            axes.plot(epoch.epoch, getattr(epoch, f"val_{quantity}"), **RING)
    epochs = [epoch for run in runs for phase in run.phases for epoch in phase]
    accuracies = [value for e in epochs for value in (e.accuracy, e.val_accuracy)]
    upper.set_ylim(_accuracy_limits(accuracies))
    lower.set_ylim(_loss_limits([value for e in epochs for value in (e.loss, e.val_loss)]))
    lower.yaxis.set_major_locator(MaxNLocator(6))
    lower.yaxis.set_major_formatter("{x:g}")
    lower.set_xlabel("Epoch")
    lower.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    last = max(epoch.epoch for epoch in epochs)
    pad = max(0.5, 0.02 * last)
    lower.set_xlim(runs[0].head[0].epoch - pad, last + pad)
    starts = [run.fine_tuning[0].epoch for run in runs if run.fine_tuning]
    if starts:
        _mark_start(upper, lower, min(starts), accuracies)
    return figure


def _curves(axes: Axes, title: str, runs: Sequence[History], quantity: str) -> None:
    number = formats.FORMATS[format_of(quantity)]
    series = (("Training", quantity, BLUE, "-"), ("Validation", f"val_{quantity}", ORANGE, (0, (3, 1.2))))
    for label, field, colour, dashes in series:
        if len(runs) > 1:
            for phase in chain.from_iterable(run.phases for run in runs):
                _line(axes, [(e.epoch, getattr(e, field)) for e in phase], color=colour, **EACH_RUN)
        for points in (mean(phase, field) for phase in zip(*(run.phases for run in runs), strict=True)):
            if points:
                _line(axes, points, color=colour, linestyle=dashes)
        end = fmean(getattr(run.phases[-1][-1], field) for run in runs)
        axes.plot([], [], color=colour, linestyle=dashes, label=f"{label} {number(end)}")
        if len(runs) == 1:
            axes.plot(runs[0].phases[-1][-1].epoch, end, "o", color=colour, clip_on=False)
    axes.set_title(title, loc="left", fontsize=LARGE, fontweight="bold", pad=30)
    of = "" if len(runs) == 1 else f", mean of {len(runs)} runs"
    axes.set_title(f"numbers: last epoch{of}", loc="right", fontsize=SMALL, color=QUIET, pad=30)
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.02, 0.985), ncols=2, borderaxespad=0.1, handlelength=2.4,
        columnspacing=1.4,
    )  # fmt: skip


def _line(axes: Axes, points: Iterable[tuple[int, float]], **style: Any) -> None:
    numbers, values = zip(*points, strict=True)
    # A line through one point would not be seen.
    axes.plot(numbers, values, marker="o" if len(numbers) == 1 else "", **style)


def mean(runs: Sequence[Sequence[Epoch]], field: str) -> list[tuple[int, float]]:
    """Of a phase of each run the mean of every epoch that all runs have; of one run its own values.

    None where runs begin the phase at different epochs: those of one number are of different age.
    """
    if len({run[0].epoch for run in runs}) > 1:
        return []
    values = [{epoch.epoch: getattr(epoch, field) for epoch in run} for run in runs]
    common = [number for number in values[0] if all(number in row for row in values)]
    return [(number, fmean(row[number] for row in values)) for number in common]


def _mark_start(upper: Axes, lower: Axes, epoch: int, accuracies: Sequence[float]) -> None:
    """The line between the phases; its label stands where the `accuracies` leave room."""
    for axes in (upper, lower):
        axes.axvline(epoch, color=GREEN, linewidth=1.8, zorder=1)
    (left, right), (bottom, top) = upper.get_xlim(), upper.get_ylim()
    side = -1 if (epoch - left) / (right - left) > 0.4 else 1
    at_top = sum(accuracies) / len(accuracies) < (bottom + top) / 2
    upper.annotate(
        "Start Fine Tuning", (epoch, float(at_top)), xycoords=upper.get_xaxis_transform(), color=GREEN,
        xytext=(6 * side, -6 if at_top else 6), textcoords="offset points",
        ha="right" if side < 0 else "left", va="top" if at_top else "bottom",
    )  # fmt: skip


def _accuracy_limits(values: Sequence[float]) -> tuple[float, float]:
    """From a tenth at or below the least value (0.5 at most) to 1, and a little more for the markers."""
    bottom = min(0.5, np.floor(min(values) * 10) / 10)
    pad = 0.04 * (1 - bottom)
    return bottom - pad, 1 + pad


def _loss_limits(values: Sequence[float]) -> tuple[float, float]:
    """From 0 to the greatest value, and a little more for the markers."""
    bottom, top = min(0.0, *values), max(0.1, *values)
    pad = 0.04 * (top - bottom)
    return bottom - pad, top + pad
