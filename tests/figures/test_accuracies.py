"""Charts of accuracies: every value and interval at its place, none hidden by another, the axis from the values."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from generator.experiment.outcomes import ClassificationScore
from generator.experiment.results import Trained
from generator.figures import accuracies, canvas
from generator.support.noise import wilson
from tests import factories
from tests.figures.looking import HOSTILE, overflowing, texts


def marks(figure: Figure) -> list[tuple[float, float]]:
    """(accuracy, height) of each mark."""
    points = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 1]
    return [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in points]


def bars(figure: Figure) -> list[list[float]]:
    return [list(line.get_xdata()) for line in figure.axes[0].lines if len(line.get_xdata()) == 2]


def drawn(variants: list[Trained]) -> tuple[Figure, Figure]:
    with canvas.style():
        figures = accuracies.headline(variants), accuracies.comparison(variants)
        assert [overflowing(figure) for figure in figures] == [[], []]
    return figures


def test_every_variant_has_its_interval_and_its_phases() -> None:
    variants = list(factories.make_results().variants.values())
    headline, comparison = drawn(list(variants))
    intervals = [list(wilson(v.test.correct, v.test.total)) for v in variants]
    assert bars(headline) == bars(comparison) == intervals
    assert [value for value, _ in marks(headline)] == [v.test.accuracy for v in variants]
    assert [value for value, _ in marks(comparison)] == [
        value for v in variants for value in (v.test.accuracy, v.head[-1].val_accuracy, v.fine_tuning[-1].val_accuracy)
    ]
    assert texts(comparison)[::2] == [v.title for v in variants]


def test_equal_values_do_not_hide_each_other() -> None:
    level = factories.make_history(1, 2, 0.9, 0.9)
    variant = factories.make_variant(wrong=(0, 1, 2, 3), head=level, fine_tuning=level)
    _, comparison = drawn([variant, variant])
    heights = [height for _, height in marks(comparison)]
    assert len(set(heights)) == len(heights)
    # A mark of 10 points is 0.14 inches high; the axis counts inches.
    assert min(np.diff(sorted(heights))) > 0.14


@pytest.mark.parametrize(("correct", "total"), [(39, 40), (1, 1000), (0, 1), (1000, 1000), (20, 40)])
def test_the_axis_is_as_wide_as_the_values(correct: int, total: int) -> None:
    score = ClassificationScore(loss=1, correct=correct, total=total, precision=0, recall=0, f1=0, roc_auc=None)
    level = factories.make_history(1, 1, correct / total, correct / total)
    headline, _ = drawn([factories.make_variant(test=score, head=level, fine_tuning=level)])
    low, high = wilson(correct, total)
    left, right = headline.axes[0].get_xlim()
    assert left < low < high < right
    assert right - left < max(high - low, 2 * accuracies.LEAST_RANGE) * 1.2
    assert right - left > accuracies.LEAST_RANGE


def test_extreme_accuracies_and_twenty_variants() -> None:
    worst = ClassificationScore(loss=9, correct=0, total=1, precision=0, recall=0, f1=0, roc_auc=None)
    variant = factories.make_variant(test=worst, title=HOSTILE[1] * 9)
    _, comparison = drawn([variant] * 20)
    assert comparison.axes[0].get_xlim()[0] < 0
    assert "…" in texts(comparison)[0]
