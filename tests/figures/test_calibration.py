"""The reliability diagram: the curve, its band and the wrong answers at their places."""

from collections.abc import Sequence

import numpy as np
import pytest
from matplotlib.figure import Figure

from generator.experiment.outcomes import Prediction
from generator.experiment.statistics.confidences import answers
from generator.figures import calibration, canvas
from generator.support.statistics import calibration as method
from tests.factories import FIVE, make_predictions
from tests.figures.looking import overflowing


def drawn(predictions: Sequence[Prediction]) -> Figure:
    with canvas.style():
        figure = calibration.reliability(predictions)
        assert overflowing(figure) == []
    return figure


@pytest.mark.parametrize("names", [("camel", "horse"), FIVE])
@pytest.mark.parametrize("wrong", [(), (0, 3, 9), tuple(range(40))])
def test_the_curve_is_the_fitted_share_at_each_confidence(wrong: tuple[int, ...], names: Sequence[str]) -> None:
    predictions = make_predictions(wrong, names)
    diagonal, curve = drawn(predictions).axes[0].lines
    expected = method.curve(answers(predictions))
    assert np.array_equal(curve.get_xdata(), expected.confidence)
    assert np.array_equal(curve.get_ydata(), expected.right)
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata())
    assert diagonal.get_xdata()[0] <= expected.confidence[0]


def test_each_wrong_answer_has_a_line_at_its_confidence() -> None:
    predictions = make_predictions((0, 3, 9))
    figure = drawn(predictions)
    lines = [c for c in figure.axes[0].collections if c.get_label() == "wrong"]
    found = sorted(float(segment[0][0]) for segment in lines[0].get_segments())
    assert found == pytest.approx(sorted(p.confidence for p in predictions if p.wrong))
    assert [c.get_label() for c in drawn(make_predictions(())).axes[0].collections].count("wrong") == 0


def test_a_single_confidence_has_a_band_too() -> None:
    one = make_predictions(())[:1]
    band = drawn(one * 3).axes[0].collections[0]
    assert [tuple(end[0] for end in segment) for segment in band.get_segments()] == [(one[0].confidence,) * 2]


def test_where_a_network_is_sure_of_all_there_is_an_axis() -> None:
    sure = tuple(p.model_copy(update={"probability": float(p.predicted)}) for p in make_predictions((0, 3)))
    low, high = drawn(sure).axes[0].get_xlim()
    assert low < 0.95 < 1 < high
