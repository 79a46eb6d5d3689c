"""Charts of accuracies: every value and interval at its place, none hidden by another, the axis from the values."""

from collections.abc import Sequence

import numpy as np
import pytest
from matplotlib.figure import Figure

from generator.experiment.outcomes import Score
from generator.figures import accuracies, canvas
from generator.figures.accuracies import FAN, Accuracies, Runs
from generator.support.statistics.noise import wilson
from tests import factories
from tests.figures.looking import HOSTILE, as_compared, overflowing, texts


def score(correct: int, total: int) -> Runs:
    return Runs.one(Score(loss=1, correct=correct, total=total))


def runs(total: int, *correct: int) -> Runs:
    """Several runs with an interval from the lowest to the highest."""
    scores = [Score(loss=1, correct=count, total=total) for count in correct]
    return Runs(scores, (min(correct) / total, max(correct) / total))


def level(correct: int, total: int, title: str = "a", *, measured: bool = False) -> Accuracies:
    """All accuracies of a variant alike."""
    one = score(correct, total)
    return Accuracies(title, one, one, one, one, one if measured else None)


def marks(figure: Figure) -> list[tuple[float, float]]:
    """(accuracy, height) of each mark."""
    points = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 1]
    return [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in points]


def bars(figure: Figure) -> list[tuple[float, ...]]:
    return [tuple(line.get_xdata()) for line in figure.axes[0].lines if len(line.get_xdata()) == 2]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for each in figure.legends for text in each.get_texts()]


def drawn(variants: Sequence[Accuracies]) -> tuple[Figure, Figure]:
    with canvas.style():
        figures = accuracies.headline(variants), accuracies.comparison(variants)
        assert [overflowing(figure) for figure in figures] == [[], []]
    return figures


def test_every_accuracy_has_its_interval() -> None:
    variants = [
        Accuracies("A", score(1, 20), score(2, 10), score(3, 20), score(4, 10), score(50, 100)),
        Accuracies("B", score(11, 20), score(6, 10), score(13, 20), score(8, 10), score(60, 100)),
    ]
    headline, comparison = drawn(variants)
    assert [value for value, _ in marks(headline)] == [0.4, 0.5, 0.8, 0.6]
    assert [value for value, _ in marks(comparison)] == [0.4, 0.2, 0.5, 0.15, 0.05, 0.8, 0.6, 0.6, 0.65, 0.55]
    assert bars(headline) == [wilson(4, 10), wilson(50, 100), wilson(8, 10), wilson(60, 100)]
    assert legend(headline) == ["Test, 10 images", "Measured, 100 images"]
    assert texts(comparison) == ["A", "test 0.4000", "B", "test 0.8000"]


def test_where_nothing_was_measured_the_headline_needs_no_legend() -> None:
    headline, comparison = drawn([as_compared(v) for v in factories.make_results().variants.values()])
    assert legend(headline) == []
    assert len(legend(comparison)) == 4
    assert len(marks(comparison)) == 12


def test_equal_values_do_not_hide_each_other() -> None:
    _, comparison = drawn([level(9, 10, measured=True), level(9, 10, "b", measured=True)])
    heights = [height for _, height in marks(comparison)]
    assert len(set(heights)) == len(heights) == 10
    # A mark of 10 points is 0.14 inches high; the axis counts inches.
    assert min(np.diff(sorted(heights))) > 0.14


@pytest.mark.parametrize(("correct", "total"), [(39, 40), (1, 1000), (0, 1), (1000, 1000), (20, 40)])
def test_the_axis_is_as_wide_as_the_values(correct: int, total: int) -> None:
    headline, _ = drawn([level(correct, total)])
    low, high = wilson(correct, total)
    left, right = headline.axes[0].get_xlim()
    assert left < low < high < right
    assert right - left < max(high - low, 2 * accuracies.LEAST_RANGE) * 1.2
    assert right - left > accuracies.LEAST_RANGE


def test_extreme_accuracies_and_twenty_variants() -> None:
    _, comparison = drawn([level(0, 1, HOSTILE[1] * 9)] * 20)
    assert comparison.axes[0].get_xlim()[0] < 0
    assert "…" in texts(comparison)[0]


# ---- Several runs ----------------------------------------------------------------------------------------


def several(title: str = "A") -> Accuracies:
    validation = Runs(runs(20, 15, 16, 20).scores, None)
    return Accuracies(
        title, validation, runs(40, 30, 33, 33), validation, runs(40, 38, 35, 38), runs(500, 450, 455, 460)
    )


def test_each_run_has_a_dot_of_its_own_and_the_mean_a_line() -> None:
    headline, comparison = drawn([several(), several("B")])
    (dots, _, *_) = [line for line in headline.axes[0].lines if len(line.get_xdata()) == 3]
    assert list(dots.get_xdata()) == [38 / 40, 35 / 40, 38 / 40]
    heights = list(map(float, dots.get_ydata()))
    assert heights == sorted(heights)
    assert heights[-1] - heights[0] == pytest.approx(2 * FAN)
    means = [line for line in headline.axes[0].lines if len(set(line.get_xdata())) == 1]
    assert means[0].get_xdata()[0] == pytest.approx(37 / 40)
    assert texts(headline)[:2] == ["A", "test 0.9250"]
    assert headline.axes[0].get_xlabel() == "Accuracy of 3 runs, line: mean, bars: 95% interval"
    assert len(legend(comparison)) == 5


def test_where_no_interval_can_be_told_none_is_drawn() -> None:
    _, comparison = drawn([several()])
    level_lines = [line for line in comparison.axes[0].lines if len(set(line.get_ydata())) == 1]
    assert len(level_lines) == 3
    left, right = comparison.axes[0].get_xlim()
    assert left < 0.75 < 1 < right
