"""Draws where the errors on the images to measure with are: shares by attribute and class, and the hardest images.

All lengths are inches; call these within `canvas.style`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from generator.experiment.figure_names import MOST_CHARTED
from generator.experiment.measurement import CLASS, Group, Measured
from generator.experiment.outcomes import Prediction
from generator.figures.canvas import (
    BLUE,
    GREEN,
    INK,
    LEFT_TO_RIGHT,
    NORMAL,
    ORANGE,
    PANEL,
    QUIET,
    SMALL,
    WIDTH,
    Pixels,
    Sheet,
    drawable,
    new_figure,
    shortened,
    text_width,
)
from generator.figures.sheets import GAP, Tile, tile_width, tiles
from generator.support import formats
from generator.support.statistics import noise

MARKS = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (INK, "D"))
"""Colour and marker of each class, as many as `MOST_CHARTED`; of more classes the first are drawn."""
MOST_ROWS = 45
"""Values on one chart: with so many it is four times as tall as wide."""
MOST_TOLD = 3
"""Attributes that are named above an image."""
LINE, TITLE, GAP_BETWEEN, LEGEND, AXIS = 0.18, 0.3, 0.07, 0.3, 0.72
"""Heights: of a class in a row, of an attribute's name, between rows and attributes, of a legend's row, of the axis."""
LEFT, RIGHT = 1.55, 0.95
"""Widths: of the values' names, of the numbers of images, at least."""
BOLD = 1.16
"""How much wider a bold name is than it is measured."""


@dataclass(frozen=True)
class _Row:
    """One value of an attribute, in each class."""

    name: str
    groups: tuple[Group, ...]


def by_attribute(measured: Measured, class_names: Sequence[str]) -> Figure:
    """A row for each value: of every class, the share that is called by a wrong name, with its 95% interval."""
    blocks = list(_blocks(measured, len(class_names)))
    shown = _fitting(blocks)
    labels = range(min(len(class_names), MOST_CHARTED))
    rows = sum(len(block) for _, block in shown)
    body = rows * (LINE * len(labels) + GAP_BETWEEN) + len(shown) * (TITLE + GAP_BETWEEN)
    top = 0.15 + LEGEND * (len(labels) + 2)
    height = top + body + AXIS + (0.3 if len(shown) < len(blocks) else 0)
    figure = new_figure(height)
    right = max(RIGHT, *(0.15 + text_width(_counts(each), SMALL - 2) for each in measured.groups))
    axes = figure.add_axes((LEFT / WIDTH, 1 - (top + body) / height, (WIDTH - LEFT - right) / WIDTH, body / height))
    axes.set_ylim(body, 0)  # inches, counted downwards
    _finish(axes, _rows(axes, shown, labels))
    _legend(figure, measured, class_names, labels)
    if len(shown) < len(blocks):
        note = f"… {len(shown) - 1} of {len(blocks) - 1} attributes"  # the first block is all images
        figure.text(0.5, 0.12 / height, note, ha="center", color=QUIET, fontsize=SMALL)
    return figure


def hardest(measured: Measured, class_names: Sequence[str], pixels: Pixels) -> Figure:
    """The images most confidently called by a wrong name, each with what is unusual about it."""
    shown = measured.hardest
    if not shown:
        sheet = Sheet(1.7)
        sheet.text("None were wrong", WIDTH / 2, 0.68, fontsize=22, color=GREEN)
        sheet.text(f"All {measured.total:,} images were classified correctly.", WIDTH / 2, 1.15, fontsize=NORMAL)
        return sheet.figure
    columns = min(3, len(shown))
    room = tile_width(columns) + GAP / 2
    told = [_unusual(p, measured, room) for p in shown]
    lines = max(map(len, told))
    above = [
        (_called(class_names[p.actual], class_names[p.predicted], room), formats.percent(p.confidence)) for p in shown
    ]
    drawn = [
        Tile(pixels[p.index], (*title, *unusual, *[""] * (lines - len(unusual))))
        for p, title, unusual in zip(shown, above, told, strict=True)
    ]
    return tiles(drawn, columns)


def _blocks(measured: Measured, classes: int) -> Iterator[tuple[str, tuple[_Row, ...]]]:
    """Attribute → its rows, the whole classes first."""
    drawn = [group for group in measured.groups if group.label < min(classes, MOST_CHARTED)]
    for attribute, groups in groupby(drawn, key=lambda group: group.attribute):
        values = groupby(groups, key=lambda group: group.value)
        rows = tuple(_Row(value, tuple(each)) for value, each in values)
        yield attribute, rows if attribute != CLASS else (_Row("all images", rows[0].groups),)


def _fitting(blocks: Sequence[tuple[str, tuple[_Row, ...]]]) -> list[tuple[str, tuple[_Row, ...]]]:
    """All images, and as many attributes as a chart holds."""
    kept: list[tuple[str, tuple[_Row, ...]]] = []
    for block in blocks:
        if sum(len(rows) for _, rows in (*kept, block)) <= MOST_ROWS:
            kept.append(block)
    return kept


def _rows(axes: Axes, blocks: Sequence[tuple[str, tuple[_Row, ...]]], labels: range) -> float:
    """Draw all rows; gives the highest end of an interval."""
    y, highest = 0.0, 0.0
    for attribute, rows in blocks:
        if attribute != CLASS:
            name = shortened(attribute, (LEFT - 0.25) / BOLD)
            axes.text(-0.06, y + TITLE / 2, name, fontsize=NORMAL, fontweight="bold", **_beside(axes, "right"))
        y += TITLE if attribute != CLASS else GAP_BETWEEN
        for row in rows:
            middle = y + LINE * len(labels) / 2
            axes.text(-0.06, middle, shortened(row.name, LEFT - 0.25, SMALL), **_beside(axes, "right"))
            for group in row.groups:
                highest = max(highest, _mark(axes, group, y + LINE * (group.label + 0.5)))
            y += LINE * len(labels) + GAP_BETWEEN
        y += GAP_BETWEEN
        axes.axhline(y - GAP_BETWEEN, color=PANEL, linewidth=3)
    return highest


def _mark(axes: Axes, group: Group, y: float) -> float:
    """One share with its interval and its counts; gives the interval's upper end."""
    colour, marker = MARKS[group.label]
    low, high = noise.wilson(group.errors, group.images)
    axes.plot([low, high], [y, y], color=colour, linewidth=4, alpha=0.35, solid_capstyle="butt")
    face = colour if group.decided else PANEL
    axes.plot([group.rate], [y], marker, color=colour, markersize=7, markerfacecolor=face, markeredgewidth=1.6)
    axes.text(1.03, y, _counts(group), fontsize=SMALL - 2, color=colour, **_beside(axes, "left"))
    return high


def _counts(group: Group) -> str:
    return f"{group.errors:,} of {group.images:,}"


def _beside(axes: Axes, align: str) -> dict[str, Any]:
    return {"transform": axes.get_yaxis_transform(), "ha": align, "va": "center", "parse_math": False}


def _finish(axes: Axes, highest: float) -> None:
    axes.set_xlim(-0.02 * highest, max(0.02, 1.03 * highest))
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("Called by a wrong name, bars: 95% interval")


def _legend(figure: Figure, measured: Measured, class_names: Sequence[str], labels: range) -> None:
    handles, texts = [], []
    for label in labels:
        colour, marker = MARKS[label]
        handles.append(Line2D([], [], color=colour, marker=marker, linestyle="", markersize=7, markerfacecolor=colour))
        texts.append(shortened(class_names[label], WIDTH - 1.0, SMALL))
    for face, meaning in (
        (QUIET, "filled: differs from the others by more than chance"),
        (PANEL, "hollow: it may be chance"),
    ):
        mark = Line2D([], [], color=QUIET, marker="o", linestyle="", markersize=7, markerfacecolor=face)
        mark.set_markeredgewidth(1.6)
        handles.append(mark)
        texts.append(meaning)
    legend = figure.legend(handles, texts, loc="upper left", bbox_to_anchor=(0.02, 1), handletextpad=0.4)
    for text in legend.get_texts():
        text.set_parse_math(False)


def _called(actual: str, predicted: str, room: float) -> str:
    left = (room - text_width(" as ", SMALL)) / 2
    parts = [shortened(name, max(0.3, left), SMALL) for name in (actual, predicted)]
    # The marks keep the actual class on the left where both names run from right to left.
    return LEFT_TO_RIGHT + f"{LEFT_TO_RIGHT} as {LEFT_TO_RIGHT}".join(parts)


def _unusual(prediction: Prediction, measured: Measured, room: float) -> tuple[str, ...]:
    """`pose: grazing` for each attribute of which the image has a value that is rare: another is more than twice as
    frequent. At most `MOST_TOLD` attributes; where not both fit on a line, name and value have one each."""
    if not measured.attributes:
        return ()
    found = [
        (f"{name}:", values[prediction.index])
        for name, values in measured.attributes.items()
        if any(n > 2 * values.count(values[prediction.index]) for n in Counter(values).values())
    ]
    lines = [line for pair in found[:MOST_TOLD] for line in _on_lines(*pair, room)]
    more = [f"and {len(found) - MOST_TOLD} more"] if len(found) > MOST_TOLD else []
    return (*lines, *more) or ("nothing unusual",)


def _on_lines(name: str, value: str, room: float) -> tuple[str, ...]:
    whole = drawable(f"{name} {value}")
    return (
        (whole,) if text_width(whole, SMALL) <= room else tuple(shortened(each, room, SMALL) for each in (name, value))
    )
