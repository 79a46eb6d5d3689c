"""Near-duplicates stand side by side, each under its number, file, class and part."""

import numpy as np

from generator.experiment.figure_names import NEAR
from generator.figures import charts, near
from generator.figures.canvas import style
from generator.figures.near import Side
from tests.figures.looking import overflowing, texts

ONE = Side(np.zeros((32, 32, 3), np.uint8), "train/bear/first.png", "bear", "training")
OTHER = Side(np.full((32, 32, 3), 9, np.uint8), "test/kangaroo/second.png", "kangaroo", "test")


def test_both_of_a_pair_have_its_number() -> None:
    with style("bear"):
        figure = near.sheet([(ONE, OTHER), (OTHER, ONE)], 5)
    written = texts(figure)
    assert written[:6] == ["1 · first.png", "bear", "training", "1 · second.png", "kangaroo", "test"]
    assert written[6].startswith("2 · second")
    assert overflowing(figure) == []
    assert written[-1] == "… 2 of 5 pairs"


def test_there_is_a_figure_only_of_pairs() -> None:
    assert charts.draw_near([], 0) == ()
    (drawn,) = charts.draw_near([(ONE, OTHER)], 1)
    assert drawn.name == NEAR
