"""The reliability diagram: how many answers of a confidence are right.

Nothing is put into bins: the curve is the non-decreasing share that fits best, and where all confidences were right it
would lie in the band (CORP, `support.statistics.calibration`). Call it within `canvas.style`.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from generator.experiment.outcomes import Prediction
from generator.experiment.statistics.confidences import answers
from generator.figures.canvas import BLUE, GREEN, ORANGE, QUIET, new_figure
from generator.support.statistics import calibration

MOST_MARKED = 100
"""Confidences up to which each has a mark on the curve."""
_RUG = 0.035
"""Height of the line of an answer, share of the axis."""


def reliability(predictions: Sequence[Prediction]) -> Figure:
    """Share of right answers by confidence, with the band of 95% where confidences are right."""
    given = answers(predictions)
    curve, chance = calibration.curve(given), calibration.chance(given)
    figure = new_figure(4.9, layout="constrained")
    axes = figure.add_subplot()
    low = min(0.9, np.floor(10 * float(curve.confidence[0])) / 10)  # where all are 1, the axis still has a length
    axes.plot([low, 1], [low, 1], color=QUIET, linewidth=1.4, label="if confidences are right")
    if len(curve.confidence) > 1:
        axes.fill_between(curve.confidence, chance.low, chance.high, color=GREEN, alpha=0.22, linewidth=0)
    else:
        axes.vlines(curve.confidence, chance.low, chance.high, color=GREEN, alpha=0.22, linewidth=8)
    axes.fill_between([], [], [], color=GREEN, alpha=0.22, label="95% of curves, if they are")
    marker = "o" if len(curve.confidence) <= MOST_MARKED else ""
    axes.plot(curve.confidence, curve.right, marker=marker, markersize=4, color=BLUE, label="answers that are right")
    _rug(axes, [confidence for confidence, right in given if not right], low)
    pad = 0.02 * (1 - low)
    axes.set_xlim(low - pad, 1 + pad)
    axes.set_ylim(-0.02, 1.03)
    axes.set_xlabel("Confidence")
    axes.set_ylabel("Share of right answers")
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def _rug(axes: Axes, wrong: Sequence[float], low: float) -> None:
    """A line at the foot for each wrong answer."""
    if wrong:
        axes.vlines(wrong, 0, _RUG, color=ORANGE, linewidth=1.6, transform=axes.get_xaxis_transform(), label="wrong")
