"""The figure that answers a question."""

import pytest
from matplotlib.colors import to_hex

from generator.experiment.statistics.answers import Answer, Contrast, Side
from generator.figures import answers, canvas
from generator.figures.canvas import BLUE, ORANGE, QUIET
from tests.figures.looking import overflowing


def side(title: str, *accuracies: float) -> Side:
    mean = sum(accuracies) / len(accuracies)
    return Side(title=title, phase="fine_tuning", accuracies=accuracies, low=mean - 0.03, high=mean + 0.03)


def answer(runs: int, *titles: str) -> Answer:
    sides = tuple(side(title, *[0.8 + 0.02 * row + 0.001 * k for k in range(runs)]) for row, title in enumerate(titles))
    ps = (0.01, 0.3, 0.02)
    gains = (0.05, 0.01, -0.05)
    contrasts = tuple(
        Contrast(gain=gain, low=gain - 0.02, high=gain + 0.02, p=p, adjusted=p, same=False)
        for gain, p, _ in zip(gains, ps, titles[1:], strict=False)
    )
    return Answer(name="x", ask="?", images=1000, measured=True, sides=sides, contrasts=contrasts)


@pytest.mark.parametrize("runs", [1, 5])
def test_every_run_of_every_side_is_drawn_once_and_inside(runs: int) -> None:
    with canvas.style():
        figure = answers.answer(answer(runs, "one", "two", "three", "four"))
        assert overflowing(figure) == []
    left, right = figure.axes
    marks = [line for line in left.lines if line.get_marker() == "D"]
    assert [len(line.get_xdata()) for line in marks] == [runs] * 4
    low, high = left.get_xlim()
    assert all(low < x < high for line in left.lines for x in line.get_xdata())
    low, high = right.get_xlim()
    assert all(low < x < high for line in right.lines for x in line.get_xdata())


def test_the_colour_of_a_difference_is_its_verdict() -> None:
    with canvas.style():
        _, right = answers.answer(answer(5, "one", "two", "three", "four")).axes
    dots = [line for line in right.lines if line.get_marker() == "o"]
    assert [to_hex(line.get_color()) for line in dots] == [BLUE, QUIET, ORANGE]
    assert [round(float(line.get_xdata()[0]), 6) for line in dots] == [5.0, 1.0, -5.0]


def test_a_long_title_is_cut_to_the_figure() -> None:
    with canvas.style():
        figure = answers.answer(answer(2, "one", "two " * 60))
        assert "…" in figure.texts[1].get_text()
        assert len(figure.texts[1].get_text()) < 80
