"""Images beside their class activation maps: the right pixels, two colours, lines where colours are not seen."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure

from generator.experiment.showcase import doubtful
from generator.figures import canvas, charts, maps
from tests import factories
from tests.figures.looking import HOSTILE_NAMES, noise, overflowing, texts, tiles

NAMES = ("camel", "horse")
SIDE = 16
PLACES = np.linspace(-2, 2, SIDE, dtype=np.float32)[None].repeat(SIDE, 0)
"""Against on the left, for on the right."""


def mapped(wrong: tuple[int, ...], names: tuple[str, ...] = NAMES, total: int = 40) -> list[maps.Mapped]:
    shown = doubtful(factories.make_predictions(wrong, names, total))
    return [(p, noise(total, SIDE)[p.index], PLACES * (1 + i) / len(shown)) for i, p in enumerate(shown)]


def draw(images: list[maps.Mapped], names: tuple[str, ...] = NAMES) -> Figure:
    with canvas.style(*names):
        figure = maps.beside_images(images, names)
        assert overflowing(figure) == []
    return figure


@pytest.mark.parametrize(("wrong", "total"), [((), 40), ((3,), 40), (tuple(range(40)), 40), ((0,), 1), ((1,), 3)])
def test_each_image_stands_beside_its_map_under_its_number_and_answer(wrong: tuple[int, ...], total: int) -> None:
    images = mapped(wrong, total=total)
    figure = draw(images)
    assert tiles(figure) == 2 * len(images) + 1, "and the key"
    shown = [image.get_array() for image in figure.axes[0].images]
    for (prediction, pixels, places), left, right in zip(images, shown[::2], shown[1::2], strict=False):
        assert (left == pixels).all()
        assert (right == maps.overlaid(pixels, places / 2)).all(), "2 is the strongest of all"
        assert f"{prediction.index} · {NAMES[prediction.actual]}" in texts(figure)
    assert {"for camel", "for horse", "−2.0", "+2.0", "0"} <= set(texts(figure))


def test_of_several_classes_the_colours_speak_of_the_name_that_was_given() -> None:
    figure = draw(mapped((3,), factories.FIVE), factories.FIVE)
    assert {"against the name it gave", "for the name it gave"} <= set(texts(figure))


def test_colours_say_for_whom_and_how_strongly() -> None:
    white = np.full((1, 3, 3), 255, np.uint8)
    blue, nothing, orange = maps.overlaid(white, np.array([[-1, 0, 1]], np.float32))[0]
    np.testing.assert_allclose(blue / 255, to_rgb(canvas.BLUE), atol=0.01)
    np.testing.assert_allclose(orange / 255, to_rgb(canvas.ORANGE), atol=0.01)
    assert (nothing == 255).all()


def test_the_image_stays_visible_below_its_map() -> None:
    pixels = noise(1, SIDE)[0]
    grey = pixels.astype(float).mean(-1).ravel()
    for weight in (0.0, 0.5):
        tinted = maps.overlaid(pixels, np.full((SIDE, SIDE), weight, np.float32)).astype(float).mean(-1).ravel()
        assert np.corrcoef(grey, tinted)[0, 1] > 0.8


def test_every_map_has_a_line_on_the_side_that_is_strong() -> None:
    weak = PLACES / 100 + 0.02
    images = [(p, pixels, weak) for p, pixels, _ in mapped((3,))]
    lines = [part for part in draw(images).axes[0].collections if isinstance(part, QuadContourSet)]
    assert [line.linestyles for line in lines] == [maps.ABOVE] * len(images), "below 0 nothing is half as strong"


def test_a_map_of_nothing_is_drawn_without_lines() -> None:
    images = [(p, pixels, np.zeros_like(places)) for p, pixels, places in mapped((3,))]
    assert tiles(draw(images)) == 2 * len(images) + 1


@pytest.mark.parametrize(("strongest", "ends"), [(12.34, "12.3"), (0.0312, "0.031"), (1.0, "1.0")])
def test_the_key_tells_also_small_values(strongest: float, ends: str) -> None:
    images = [(prediction, pixels, places * strongest / 2) for prediction, pixels, places in mapped((1,), total=1)]
    assert {f"−{ends}", f"+{ends}", "0"} <= set(texts(draw(images)))


@pytest.mark.parametrize("names", HOSTILE_NAMES)
def test_any_name_is_drawn(names: tuple[str, str]) -> None:
    (drawing,) = charts.draw_maps(mapped((3, 5)), names)
    assert (drawing.name, drawing.width) == ("activation-maps", canvas.WEB_WIDTH)
