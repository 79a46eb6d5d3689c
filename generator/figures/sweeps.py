"""What a sweep comes to: the lowest validation loss that may be expected of some points drawn of all.

Call it within `canvas.style`.
"""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from generator.figures.canvas import BLUE, ORANGE, new_figure
from generator.support.statistics.expected_best import expected_lowest

MOST_MARKED = 60
"""Numbers of points up to which each has a mark."""


def expected_best(losses: Sequence[float]) -> Figure:
    """Expected lowest loss of so many points drawn of those with these `losses`, and each one's own at the left."""
    figure = new_figure(4.4, layout="constrained")
    axes = figure.add_subplot()
    drawn = range(1, len(losses) + 1)
    # A line through one point would not be seen.
    marker = "o" if len(losses) <= MOST_MARKED else ""
    axes.plot(drawn, [expected_lowest(losses, k) for k in drawn], marker=marker, color=BLUE, label="expected lowest")
    for loss in losses:
        axes.axhline(loss, xmin=0, xmax=0.03, color=ORANGE, linewidth=1.6)
    axes.plot([], [], color=ORANGE, linewidth=1.6, label="a point")
    low, high = min(losses), max(losses)
    pad = 0.05 * (high - low) or 0.05
    axes.set_ylim(low - pad, high + pad)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    axes.set_xlabel("Points drawn")
    axes.set_ylabel("Validation loss")
    figure.legend(loc="outside upper left", ncols=2)
    return figure
