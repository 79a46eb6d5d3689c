"""What is on a figure, for tests: texts, images, what sticks out; and names and pixels to draw."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from generator.experiment.outcomes import Score
from generator.experiment.results import VariantResult
from generator.figures import canvas
from generator.figures.accuracies import Accuracies, Runs

HOSTILE = ("a|b <script>alert(1)</script>", r"{{ x }} $\foo$ _under_")
HOSTILE_NAMES = [HOSTILE, ("جمل", "حصان"), ("🐫", "👩‍🚀 ok\x07\u202e\ud800"), ("x" * 300, " \n"), ("骆驼", "$\\")]


def noise(count: int, side: int = 16) -> canvas.Pixels:
    return np.random.default_rng(7).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def texts(figure: Figure) -> list[str]:
    """Every text on the figure's axes, as the reader sees it."""
    return [t.get_text().replace("\u200e", "") for axes in figure.axes for t in axes.texts]


def overflowing(figure: Figure) -> list[str]:
    """The texts that stick out of the figure, by more than a pixel of a rounded edge."""
    figure.canvas.draw()
    inner = figure.bbox.padded(1)
    labels = [label for axes in figure.axes if axes.axison for label in (axes.xaxis.label, axes.yaxis.label)]
    drawn = [*figure.texts, *labels, *(t for axes in figure.axes for t in (*axes.texts, *tick_labels(axes)))]
    boxes = {t.get_text(): t.get_window_extent() for t in drawn if t.get_text()}
    return [t for t, box in boxes.items() if not (inner.contains(*box.min) and inner.contains(*box.max))]


def tick_labels(axes: Axes) -> list[Text]:
    """The labels that are drawn: ticks are made beyond the limits as well."""
    if not axes.axison:
        return []
    (left, right), (bottom, top) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
    return [t for t in axes.get_xticklabels() if left <= t.get_position()[0] <= right] + [
        t for t in axes.get_yticklabels() if bottom <= t.get_position()[1] <= top
    ]


def tiles(figure: Figure) -> int:
    return len(figure.axes[0].images)


def as_compared(variant: VariantResult, measured: Score | None = None) -> Accuracies:
    """What the charts over all variants show of one."""
    head = variant.after_head
    shown = map(Runs.one, (head.validation, head.test, variant.validation, variant.test))
    return Accuracies(variant.title, *shown, Runs.one(measured) if measured else None)
