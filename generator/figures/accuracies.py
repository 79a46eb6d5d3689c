"""Charts of accuracies by variant, each share of tested images with its 95% interval.

`headline` shows what the post reports first, `comparison` also how the phases and validation stand to it. Every series
has a height of its own, so that equal values do not hide each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from generator.experiment.outcomes import Score
from generator.figures.canvas import BLUE, GREEN, NORMAL, ORANGE, PANEL, WIDTH, new_figure, shortened, text_width
from generator.support import formats
from generator.support.statistics import noise

MARGIN, TITLE, STEP, AXIS, LEGEND = 0.3, 0.36, 0.24, 0.72, 0.3
"""Heights, inches: below a variant, of its title, of a series, of the axis with its label, of a legend's row."""
FAN = 0.07
"""Of several runs, from the middle of their series to the first and to the last of them, inches."""
LEAST_RANGE = 0.1
"""Of the axis, so that variants that are level are not drawn as if they differed."""


Interval = tuple[float, float]


@dataclass(frozen=True)
class Runs:
    """One kind of accuracy of a variant: of its one run, or of each of several."""

    scores: Sequence[Score]
    interval: Interval | None
    """Of 95%; None where it cannot be told: of runs that were scored with different images."""

    @classmethod
    def one(cls, score: Score) -> "Runs":
        return cls((score,), noise.wilson(score.correct, score.total))

    @property
    def mean(self) -> float:
        return fmean(score.accuracy for score in self.scores)

    @property
    def images(self) -> int:
        return self.scores[0].total

    @property
    def span(self) -> Interval:
        """Of all that is drawn."""
        values = [*(score.accuracy for score in self.scores), *(self.interval or ())]
        return min(values), max(values)


@dataclass(frozen=True)
class Accuracies:
    """What the charts show of one variant."""

    title: str
    head_validation: Runs
    head_test: Runs
    validation: Runs
    test: Runs
    measured: Runs | None = None
    """On the images to measure with."""


@dataclass(frozen=True)
class Series:
    """One kind of accuracy, of each variant."""

    label: str
    scores: Sequence[Runs]
    colour: str
    marker: str
    filled: bool = True


def headline(variants: Sequence[Accuracies]) -> Figure:
    """One block per variant: accuracy on the test images, and on those to measure with where there are any."""
    test = [each.test for each in variants]
    return _chart(variants, [Series(f"Test, {test[0].images:,} images", test, BLUE, "o"), *_measured(variants)])


def comparison(variants: Sequence[Accuracies]) -> Figure:
    """One block per variant: the same, and validation, each with the head alone and fine-tuned."""
    series = [
        Series("Test, fine-tuned", [each.test for each in variants], BLUE, "o"),
        Series("Test, head alone", [each.head_test for each in variants], BLUE, "o", filled=False),
        *_measured(variants),
        Series("Validation, fine-tuned", [each.validation for each in variants], ORANGE, "s"),
        Series("Validation, head alone", [each.head_validation for each in variants], ORANGE, "s", filled=False),
    ]
    return _chart(variants, series)


def _measured(variants: Sequence[Accuracies]) -> list[Series]:
    scores = [each.measured for each in variants if each.measured]
    return [Series(f"Measured, {scores[0].images:,} images", scores, GREEN, "D")] if scores else []


def _chart(variants: Sequence[Accuracies], series: Sequence[Series]) -> Figure:
    legend = len(series) > 1
    block = TITLE + STEP * len(series) + MARGIN
    top = 0.2 + LEGEND * len(series) if legend else 0.1
    height = top + block * len(variants) + AXIS
    figure = new_figure(height)
    axes = figure.add_axes((0.05, AXIS / height, 0.9, block * len(variants) / height))
    axes.set_ylim(block * len(variants), 0)  # inches, counted downwards
    spans = []
    for row, variant in enumerate(variants):
        _title(axes, variant.title, variant.test, row * block + TITLE / 2 + 0.04)
        spans += [
            _mark(axes, each, each.scores[row], row * block + TITLE + STEP * (k + 0.5)) for k, each in enumerate(series)
        ]
    axes.set_xlim(_limits(min(low for low, _ in spans), max(high for _, high in spans)))
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    runs = len(variants[0].test.scores)
    what = "Accuracy" if runs == 1 else f"Accuracy of {runs} runs, line: mean"
    axes.set_xlabel(f"{what}, bars: 95% interval")
    if legend:
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles[: len(series)], labels[: len(series)], loc="upper left", bbox_to_anchor=(0.03, 1))
    return figure


def _title(axes: Axes, title: str, test: Runs, y: float) -> None:
    """The variant's name at the left, its test accuracy at the right, the mean where there are several."""
    score = f"test {formats.accuracy(test.mean)}"
    room = 0.9 * WIDTH - text_width(score, NORMAL) - 0.2
    options: dict[str, Any] = {
        "transform": axes.get_yaxis_transform(),
        "va": "center",
        "fontsize": NORMAL,
        # Keeps the grid's lines out of the letters.
        "bbox": {"facecolor": PANEL, "edgecolor": "none", "pad": 1},
    }
    axes.text(0, y, shortened(title, room), parse_math=False, **options)
    axes.text(1, y, score, ha="right", color=BLUE, **options)


def _mark(axes: Axes, series: Series, runs: Runs, y: float) -> Interval:
    """Draw an accuracy with its interval, and of several runs a dot for each; gives where all of it lies."""
    if runs.interval:
        axes.plot(runs.interval, [y, y], color=series.colour, linewidth=5, alpha=0.35, solid_capstyle="butt")
    style: dict[str, Any] = {"color": series.colour, "markerfacecolor": series.colour if series.filled else PANEL}
    if len(runs.scores) == 1:
        axes.plot([runs.mean], [y], series.marker, markersize=10, label=series.label, markeredgewidth=2, **style)
    else:
        # The first at the top, the last at the bottom: equal values would hide each other.
        heights = y + np.linspace(-FAN, FAN, len(runs.scores))
        axes.plot([runs.mean] * 2, [y - FAN, y + FAN], color=series.colour, linewidth=2.5)
        values = [score.accuracy for score in runs.scores]
        axes.plot(values, heights, series.marker, markersize=4.5, label=series.label, **style)
    return runs.span


def _limits(low: float, high: float) -> tuple[float, float]:
    """As wide as the values and a little more, but never narrower than `LEAST_RANGE`."""
    missing = max(0.0, LEAST_RANGE - (high - low))
    low, high = max(0.0, low - missing), min(1.0, high + missing)
    pad = 0.04 * (high - low)
    return low - pad, high + pad
