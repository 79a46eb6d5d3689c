"""The figure that answers a question: the accuracy of each side, and how it differs from the first one's.

Each side is a row. At the left a dot stands for each run, a line for their mean, a bar for its interval; at the right
the difference to the first side with its interval, and the line of no difference.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from generator.experiment.statistics.answers import Answer, Contrast, Side
from generator.figures.canvas import BLUE, GREEN, INK, NORMAL, ORANGE, PANEL, QUIET, SMALL, WIDTH, new_figure, shortened

ROW, TOP, AXIS = 0.72, 0.42, 0.78
"""Heights, inches: of a side, of what stands above the rows, of the axes with their labels."""
LEFT, RIGHT, LEVEL = (0.03, 0.5), (0.6, 0.37), 0.66
"""Where the two panels begin and how wide they are, shares of the width; where a row's marks lie, of its height."""
FAN = 0.1
"""From the middle of a row to its first and to its last run, rows."""
TITLE: dict[str, Any] = {
    "va": "center",
    "fontsize": NORMAL,
    "parse_math": False,
    # Keeps the grid's lines out of the letters.
    "bbox": {"facecolor": PANEL, "edgecolor": "none", "pad": 1},
}
COLOURS = {"within noise": QUIET, "higher": BLUE, "lower": ORANGE}
"""Verdict → of the difference."""


def answer(found: Answer) -> Figure:
    """One row a side, the first at the top."""
    rows = len(found.sides)
    height = TOP + ROW * rows + AXIS
    figure = new_figure(height)
    left, right = (
        figure.add_axes((start, AXIS / height, width, ROW * rows / height)) for start, width in (LEFT, RIGHT)
    )
    for axes in (left, right):
        axes.set_ylim(rows, 0)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
    images = f"{found.images:,} {'measured' if found.measured else 'test'} images"
    left.set_xlabel(f"Accuracy, {images}" if found.runs == 1 else f"Accuracy of {found.runs} runs,\n{images}")
    right.set_xlabel("Difference to the first,\npercentage points")
    for row, side in enumerate(found.sides):
        # Of the figure: where it is long it stands above both panels.
        level = 1 - (TOP + ROW * (row + 0.25)) / height
        figure.text(LEFT[0], level, _title(side, phase=found.both_phases), **TITLE)
        _accuracies(left, side, row + LEVEL)
    for row, contrast in enumerate(found.contrasts, start=1):
        _difference(right, contrast, row + LEVEL)
    right.axvline(0, color=INK, linewidth=1.2)
    _limit(left, [x for side in found.sides for x in (side.low, side.high, side.least, side.most)], least=0.05)
    _limit(right, [100 * x for each in found.contrasts for x in (each.low, each.high, 0.0)], least=2.0)
    figure.text(LEFT[0], 1 - 0.1 / height, "Bars: 95% intervals", va="top", fontsize=SMALL, color=QUIET)
    return figure


def _title(side: Side, *, phase: bool) -> str:
    told = {"head": ", head alone", "fine_tuning": ", fine-tuned"}[side.phase] if phase else ""
    return shortened(f"{side.title}{told}", 0.94 * WIDTH)


def _accuracies(axes: Axes, side: Side, y: float) -> None:
    axes.plot([side.low, side.high], [y, y], color=GREEN, linewidth=5, alpha=0.35, solid_capstyle="butt")
    if len(side.accuracies) == 1:
        axes.plot([side.mean], [y], "D", color=GREEN, markersize=9)
        return
    axes.plot([side.mean] * 2, [y - FAN, y + FAN], color=GREEN, linewidth=2.5)
    # The first at the top, the last at the bottom: equal values would hide each other.
    axes.plot(side.accuracies, y + np.linspace(-FAN, FAN, len(side.accuracies)), "D", color=GREEN, markersize=4.5)


def _difference(axes: Axes, contrast: Contrast, y: float) -> None:
    low, gain, high = (100 * x for x in (contrast.low, contrast.gain, contrast.high))
    colour = COLOURS[contrast.verdict]
    axes.plot([low, high], [y, y], color=colour, linewidth=5, alpha=0.35, solid_capstyle="butt")
    axes.plot([gain], [y], "o", color=colour, markersize=8)


def _limit(axes: Axes, values: Sequence[float], *, least: float) -> None:
    """As wide as the values and a little more, but never narrower than `least`."""
    low, high = min(values), max(values)
    missing = max(0.0, least - (high - low)) / 2
    low, high = low - missing, high + missing
    pad = 0.05 * (high - low)
    axes.set_xlim(low - pad, high + pad)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
