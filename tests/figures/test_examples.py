"""Test images with their predictions: the right image, name and share; wrong ones marked by more than a colour."""

import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from generator.experiment.outcomes import Prediction
from generator.experiment.showcase import showcase
from generator.figures import canvas, examples
from tests import factories
from tests.figures.looking import noise, overflowing, texts, tiles

NAMES = ("camel", "horse")


def crosses(figure: Figure) -> int:
    """White lines of two points, two for each cross."""
    lines = [part for part in figure.axes[0].get_children() if isinstance(part, Line2D)]
    return sum(line.get_color() == "white" for line in lines) // 2


def frames(figure: Figure) -> int:
    return sum(line.get_color() == canvas.ORANGE for line in figure.axes[0].lines)


def draw(predictions: tuple[Prediction, ...]) -> tuple[Figure, Figure]:
    with canvas.style():
        strip = examples.first_screen(predictions, NAMES, noise(len(predictions), 8))
        sheet = examples.all_predictions(predictions, NAMES, noise(len(predictions), 8))
        assert overflowing(strip) == overflowing(sheet) == []
    return strip, sheet


@pytest.mark.parametrize("wrong", [(), (3,), (2, 5, 26), tuple(range(12)), tuple(range(40))])
def test_every_image_has_its_number_class_and_answer_and_the_wrong_ones_their_mark(wrong: tuple[int, ...]) -> None:
    predictions = factories.make_predictions(wrong)
    strip, sheet = draw(predictions)
    assert (tiles(strip), tiles(sheet)) == (8, 40)
    assert crosses(sheet) == frames(sheet) == len(wrong)
    assert crosses(strip) == frames(strip) == sum(p.wrong for p in showcase(predictions))
    for p, title, answer in zip(predictions, texts(sheet)[::2], texts(sheet)[1::2], strict=True):
        assert title == f"{p.index} · {NAMES[p.actual]}"
        assert answer == (f"{NAMES[p.predicted]} " if p.wrong else "✓ ") + f"{p.confidence:.0%}"


def test_the_image_is_that_of_its_prediction() -> None:
    predictions = factories.make_predictions((26,))
    strip, _ = draw(predictions)
    shown = [image.get_array() for image in strip.axes[0].images]
    assert all((pixels == noise(40, 8)[p.index]).all() for pixels, p in zip(shown, showcase(predictions), strict=True))


def test_no_answer_is_called_certain() -> None:
    sure = factories.make_predictions(())[0].model_copy(update={"probability": 1e-9})
    _, sheet = draw((sure,))
    assert texts(sheet) == ["0 · camel", "✓ >99%"]


def test_of_hundreds_an_even_choice_is_drawn_and_said() -> None:
    _, sheet = draw(factories.make_predictions((), total=300))
    assert tiles(sheet) == 60
    assert texts(sheet)[-1] == "… 60 of 300 test images"
