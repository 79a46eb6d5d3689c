"""Charts of accuracies by variant, each share of tested images with its 95 % interval.

`headline` shows what the post reports first, `comparison` also how the phases and validation stand to it. Every series
has a height of its own, so that equal values do not hide each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from generator.experiment.outcomes import Score
from generator.figures.canvas import BLUE, GREEN, NORMAL, ORANGE, PANEL, WIDTH, new_figure, shortened, text_width
from generator.support import formats, noise

MARGIN, TITLE, STEP, AXIS, LEGEND = 0.3, 0.36, 0.24, 0.72, 0.3
"""Heights, inches: below a variant, of its title, of a series, of the axis with its label, of a legend's row."""
LEAST_RANGE = 0.1
"""Of the axis, so that variants that are level are not drawn as if they differed."""


@dataclass(frozen=True)
class Accuracies:
    """What the charts show of one variant."""

    title: str
    head_validation: Score
    head_test: Score
    validation: Score
    test: Score
    measured: Score | None = None
    """On the images to measure with."""


@dataclass(frozen=True)
class Series:
    """One kind of accuracy, of each variant."""

    label: str
    scores: Sequence[Score]
    colour: str
    marker: str
    filled: bool = True


def headline(variants: Sequence[Accuracies]) -> Figure:
    """One block per variant: accuracy on the test images, and on those to measure with where there are any."""
    test = [each.test for each in variants]
    return _chart(variants, [Series(f"Test, {test[0].total:,} images", test, BLUE, "o"), *_measured(variants)])


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
    return [Series(f"Measured, {scores[0].total:,} images", scores, GREEN, "D")] if scores else []


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
    axes.set_xlabel("Accuracy, bars: 95% interval")
    if legend:
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles[: len(series)], labels[: len(series)], loc="upper left", bbox_to_anchor=(0.03, 1))
    return figure


def _title(axes: Axes, title: str, test: Score, y: float) -> None:
    """The variant's name at the left, its test accuracy at the right."""
    score = f"test {formats.accuracy(test.accuracy)}"
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


def _mark(axes: Axes, series: Series, score: Score, y: float) -> tuple[float, float]:
    """Draw one accuracy with its interval; gives the interval."""
    low, high = noise.wilson(score.correct, score.total)
    axes.plot([low, high], [y, y], color=series.colour, linewidth=5, alpha=0.35, solid_capstyle="butt")
    face = series.colour if series.filled else PANEL
    axes.plot([score.accuracy], [y], series.marker, color=series.colour, markersize=10, label=series.label,
              markerfacecolor=face, markeredgewidth=2)  # fmt: skip
    return low, high


def _limits(low: float, high: float) -> tuple[float, float]:
    """As wide as the values and a little more, but never narrower than `LEAST_RANGE`."""
    missing = max(0.0, LEAST_RANGE - (high - low))
    low, high = max(0.0, low - missing), min(1.0, high + missing)
    pad = 0.04 * (high - low)
    return low - pad, high + pad
