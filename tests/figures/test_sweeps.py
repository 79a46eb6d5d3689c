"""The chart of what the best of some points may be expected to be."""

import pytest

from generator.figures.canvas import style
from generator.figures.charts import draw_sweep
from generator.figures.sweeps import MOST_MARKED, expected_best


def test_it_shows_the_expected_lowest_for_every_number_of_points_and_each_point() -> None:
    with style():
        figure = expected_best([0.5, 0.2, 0.3])
    (axes,) = figure.axes
    line, *ticks = axes.lines
    assert list(line.get_xdata()) == [1, 2, 3]
    assert list(line.get_ydata()) == pytest.approx([1 / 3, (0.2 + 0.2 + 0.3) / 3, 0.2])
    assert [float(tick.get_ydata()[0]) for tick in ticks if len(tick.get_ydata())] == [0.5, 0.2, 0.3]
    low, high = axes.get_ylim()
    assert low < 0.2
    assert high > 0.5


@pytest.mark.parametrize("losses", [[0.4], [0.4] * 5, [i / 999 for i in range(1000)]])
def test_any_number_of_points_can_be_drawn(losses: list[float]) -> None:
    with style():
        (axes,) = expected_best(losses).axes
    low, high = axes.get_ylim()
    assert low < min(losses) <= max(losses) < high
    assert (axes.lines[0].get_marker() == "o") == (len(losses) <= MOST_MARKED)
    (drawing,) = draw_sweep(losses)
    assert drawing.name == "expected-best"
    assert drawing.width == 960
