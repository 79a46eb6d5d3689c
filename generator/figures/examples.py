"""Lays out test images with what a model made of them: a strip for the top of the post, and the whole test set.

A wrong one has a thick frame with a cross in its corner, and the name that it was given. All lengths are inches; call
these within `canvas.style`.
"""

from collections.abc import Sequence

from matplotlib.figure import Figure

from generator.experiment.outcomes import Prediction
from generator.experiment.showcase import MOST_DRAWN, showcase, spread
from generator.figures.canvas import LEFT_TO_RIGHT, SMALL, Pixels, drawable, shortened, text_width
from generator.figures.sheets import GAP, Tile, only, tile_width, tiles, titles

RIGHT = "✓"
CERTAIN = 0.995
"""From here on whole percents would say 100, which no sigmoid gives."""


def first_screen(predictions: Sequence[Prediction], class_names: Sequence[str], test_pixels: Pixels) -> Figure:
    """The images that `showcase` chooses, in two rows."""
    shown = showcase(predictions)
    return _sheet(shown, class_names, test_pixels, columns=min(4, len(shown)))


def all_predictions(predictions: Sequence[Prediction], class_names: Sequence[str], test_pixels: Pixels) -> Figure:
    """The test images in their order, as `sheets.labelled_images` has them, each with its prediction."""
    shown = [predictions[i] for i in spread(len(predictions), MOST_DRAWN)]
    note = only(len(shown), len(predictions), "test images")
    return _sheet(shown, class_names, test_pixels, columns=min(5, len(shown)), note=note)


def _sheet(
    shown: Sequence[Prediction], class_names: Sequence[str], pixels: Pixels, *, columns: int, note: str | None = None
) -> Figure:
    room = tile_width(columns) + GAP / 2
    above = titles([(p.index, class_names[p.actual]) for p in shown], room)
    below = _answers(shown, class_names, room)
    drawn = [
        Tile(pixels[p.index], (*title, *told), p.wrong, len(title))
        for p, title, told in zip(shown, above, below, strict=True)
    ]
    return tiles(drawn, columns, note)


def _answers(shown: Sequence[Prediction], class_names: Sequence[str], room: float) -> list[tuple[str, ...]]:
    """`answer` for each, on a line; where the name given to some image does not fit in, the share has its own."""
    wide = [f"{drawable(class_names[p.predicted])} {_share(p)}" for p in shown if p.wrong]
    if all(text_width(text, SMALL) <= room for text in wide):
        return [(answer(p, class_names, room),) for p in shown]
    return [
        (shortened(class_names[p.predicted], room, SMALL), _share(p)) if p.wrong else (answer(p, class_names, room), "")
        for p in shown
    ]


def answer(prediction: Prediction, class_names: Sequence[str], room: float) -> str:
    """`✓ 97%`, or with the name that was given in error, `camel 63%`."""
    share = _share(prediction)
    if not prediction.wrong:
        return f"{RIGHT} {share}"
    left = room - text_width(f" {share}", SMALL)
    name = shortened(class_names[prediction.predicted], max(0.3, left), SMALL)
    return f"{LEFT_TO_RIGHT}{name}{LEFT_TO_RIGHT} {share}"


def _share(prediction: Prediction) -> str:
    return ">99%" if prediction.confidence >= CERTAIN else f"{prediction.confidence:.0%}"
