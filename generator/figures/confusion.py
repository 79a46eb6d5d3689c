"""The confusion matrix as a heat map, whose form follows from the number of classes.

    2          name, count and share of all images in each cell, coloured by the count
    3 to 8     count and share of the actual class in each cell, coloured by the share
    9 to 25    the counts that are not zero, as long as they can be read
    more       colours alone, with the classes' numbers at the axes

Call it within `canvas.style`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from generator.experiment.confusion import MOST_NAMES, ConfusionMatrix
from generator.figures.canvas import LARGE, NORMAL, QUIET, SMALL, WIDTH, new_figure, shortened, text_width, wrapped
from generator.support import formats

MOST_SHARES = 8
"""Classes up to which cells have shares."""
SMALLEST = 6.0
"""Font size below which counts are left out, points."""
_POINTS = 72
"""Points an inch."""


def confusion_matrix(matrix: ConfusionMatrix, class_names: Sequence[str]) -> Figure:
    """Heat map of the counts: rows are the actual class, columns the predicted one."""
    figure = of_two(matrix, class_names) if len(class_names) == 2 else of_several(matrix, class_names)
    axes = figure.axes[0]
    axes.set_xlabel("Predicted", fontsize=LARGE, labelpad=8)
    axes.set_ylabel("Actual", fontsize=LARGE, labelpad=8)
    return figure


def of_two(matrix: ConfusionMatrix, class_names: Sequence[str]) -> Figure:
    """Class 1 is the positive one."""
    counts = np.array(matrix.rows)
    names = (("True Neg", "False Pos"), ("False Neg", "True Pos"))
    cells = [
        [f"{name}\n{count}\n{formats.share(count / matrix.total)}" for name, count in zip(*row, strict=True)]
        for row in zip(names, matrix.rows, strict=True)
    ]
    figure = new_figure(5.2, layout="constrained")
    axes = figure.add_subplot()
    labels = _fitted(class_names, 2.1, NORMAL)
    seaborn.heatmap(
        counts, annot=np.array(cells), fmt="", ax=axes, cmap="Blues", vmin=0, vmax=max(1, counts.max()),
        cbar=False, linewidths=2, linecolor="white", annot_kws={"fontsize": LARGE + 1},
    )  # fmt: skip
    axes.set_xticks([0.5, 1.5], labels, parse_math=False, fontsize=NORMAL)
    axes.set_yticks([0.5, 1.5], labels, parse_math=False, fontsize=NORMAL, rotation=90, va="center")
    axes.tick_params(length=0)
    return figure


def of_several(matrix: ConfusionMatrix, class_names: Sequence[str]) -> Figure:
    """Square cells in the colour of their share of the actual class: one wrong image of twenty can be seen."""
    counts = np.array(matrix.rows)
    classes = len(counts)
    named = classes <= MOST_NAMES
    room = _room(class_names) if named else 0.3
    left = below = room + 0.45
    side = WIDTH - left - 0.95
    figure = new_figure(0.35 + side + below)
    height = figure.get_figheight()
    axes = figure.add_axes((left / WIDTH, below / height, side / WIDTH, side / height))
    bar = figure.add_axes(((left + side + 0.12) / WIDTH, below / height, 0.16 / WIDTH, side / height))
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    cells, size = _annotations(counts, side / classes * _POINTS)
    seaborn.heatmap(
        shares, annot=cells, fmt="", ax=axes, cbar_ax=bar, cmap="Blues", norm=PowerNorm(0.5, 0, 1),
        linewidths=1 if named else 0, linecolor="white", annot_kws={"fontsize": size},
        cbar_kws={"ticks": [0, 0.05, 0.2, 0.5, 1], "format": PercentFormatter(1, 0)},
    )  # fmt: skip
    bar.tick_params(labelsize=SMALL - 2, length=2)
    bar.set_title("of class", fontsize=SMALL - 2, color=QUIET, pad=9)
    if named:
        _name(axes, class_names, side / classes, room)
    else:
        _number(axes, classes)
    return figure


def _room(class_names: Sequence[str]) -> float:
    """For the names beside or below the matrix, inches."""
    most = 1.45 if len(class_names) <= MOST_SHARES else 1.25
    return 0.1 + max(text_width(name, NORMAL) for name in _fitted(class_names, most - 0.1, NORMAL))


def _fitted(class_names: Sequence[str], width: float, size: float) -> list[str]:
    """The names, none wider than `width` inches; a few classes have rows that are high enough for two lines.

    Where that makes two of them the same, all have their labels in front.
    """
    fit = wrapped if len(class_names) <= MOST_SHARES else shortened
    labels = [fit(name, width, size) for name in class_names]
    if len(set(labels)) == len(labels):
        return labels
    return [fit(f"{label} {name}", width, size) for label, name in enumerate(class_names)]


def _annotations(counts: NDArray[np.int64], cell: float) -> tuple[NDArray[np.str_] | None, float]:
    """What stands in cells `cell` points wide, None where it could not be read, and its font size."""
    classes = len(counts)
    if classes <= MOST_SHARES:
        shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
        cells = [
            [f"{count}\n{share:.0%}" for count, share in zip(*rows, strict=True)]
            for rows in zip(counts, shares, strict=True)
        ]
        return np.array(cells), min(LARGE, _fitting(max(4, len(str(counts.max()))), cell))
    size = min(SMALL, _fitting(len(str(counts.max())), cell))
    if classes > MOST_NAMES or size < SMALLEST:
        return None, SMALLEST
    return np.array([[str(count or "") for count in row] for row in counts]), size


def _fitting(digits: int, cell: float) -> float:
    """Font size at which so many digits fill four fifths of a cell: one is 0.64 of its size wide."""
    return 0.8 * cell / (0.64 * digits)


def _name(axes: Axes, class_names: Sequence[str], cell: float, room: float) -> None:
    lines = 1 + any("\n" in name for name in _fitted(class_names, room - 0.1, NORMAL))
    # A line is 0.95 of its size high, and the next one 1.2 of it below.
    size = min(NORMAL, 0.8 * cell * _POINTS / (0.95 + 1.2 * (lines - 1)))
    labels = _fitted(class_names, room - 0.1, size)
    middles = np.arange(len(labels)) + 0.5
    options: dict[str, Any] = {"parse_math": False, "fontsize": size}
    # Upright names need their own width; side by side they are shorter than a cell.
    across = max(text_width(label, size) for label in labels) < 0.9 * cell
    axes.set_xticks(middles, labels, rotation=0 if across else 90, **options)
    axes.set_yticks(middles, labels, rotation=0, **options)
    axes.tick_params(length=0)


def _number(axes: Axes, classes: int) -> None:
    """Classes by their numbers, at round ones."""
    ticks = [int(t) for t in MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]).tick_values(0, classes - 1)]
    shown = [t for t in ticks if 0 <= t < classes]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator([t + 0.5 for t in shown]))
        axis.set_ticklabels([str(t) for t in shown], fontsize=SMALL, rotation=0)
    axes.tick_params(length=3)
