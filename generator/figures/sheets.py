"""Lays out the figures that show images: the test set, the wrong predictions, alpha and augmentation.

`tiles` lays out any such sheet of square images, as `examples` does for those with predictions.

Each function returns matplotlib's `Figure`; all lengths are inches. Call them within `canvas.style`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from generator.experiment.outcomes import PhaseOutcome, Prediction
from generator.experiment.showcase import MOST_DRAWN, spread
from generator.figures.canvas import (
    GREEN,
    INK,
    LEFT_TO_RIGHT,
    NORMAL,
    QUIET,
    SMALL,
    WIDTH,
    Pixels,
    Sheet,
    drawable,
    shortened,
    text_width,
    wrapped,
)
from generator.support import formats

MOST_WRONG = 40
"""As `MOST_DRAWN`, for wrong predictions, whose tiles are larger: three such sheets leave the page below 2 MB."""
MARGIN, GAP = 0.12, 0.1
"""Between the sheet's edge and the images, and between images; inches."""
LINE = 0.23
"""Height of a line of text, inches."""
ALPHA_PIXELS = 800
"""Longest side of the alpha figure's images, pixels."""


@dataclass(frozen=True)
class Tile:
    """One square image under its lines of text."""

    pixels: Pixels
    lines: tuple[str, ...]
    wrong: bool = False
    """Whether it is marked as such."""
    heading: int = 1
    """Lines that are the title; the others are quieter."""


def labelled_images(pixels: Pixels, labels: Sequence[int], class_names: Sequence[str]) -> Figure:
    """Every test image under its index and the name of its class."""
    shown = spread(len(pixels), MOST_DRAWN)
    columns = min(5, len(shown))
    room = tile_width(columns) + GAP / 2
    above = titles([(i, class_names[labels[i]]) for i in shown], room)
    drawn = [Tile(pixels[i], title, heading=len(title)) for i, title in zip(shown, above, strict=True)]
    return tiles(drawn, columns, only(len(shown), len(pixels), "test images"))


def wrong_predictions(variant: PhaseOutcome, class_names: Sequence[str], test_pixels: Pixels) -> Figure:
    """The misclassified test images, each under `predicted:actual`, its index and the model's confidence.

    Of more than two classes, the next two that the model thought of follow, with their probabilities.
    """
    wrong = variant.wrong
    if not wrong:
        return _none_wrong(len(variant.predictions))
    shown = [wrong[i] for i in spread(len(wrong), MOST_WRONG)]
    columns = min(3 if len(shown) <= 9 else 4, len(shown))
    room = tile_width(columns) + GAP / 2
    above = _titles(shown, class_names, room)
    below = [_answers(p, class_names, room) for p in shown]
    drawn = [
        Tile(test_pixels[p.index], (*title, *answers), heading=len(title))
        for p, title, answers in zip(shown, above, below, strict=True)
    ]
    return tiles(drawn, columns, only(len(shown), len(wrong), "wrong predictions"))


def alpha_pair(rgba: Pixels, name: str) -> Figure:
    """One image with its alpha channel, over a chequerboard, beside its colours with alpha dropped."""
    rgb, alpha = _reduced(rgba[..., :3]), _reduced(rgba[..., 3])[..., None] / 255.0
    blended = np.rint(alpha * rgb + (1 - alpha) * _chequerboard(*rgb.shape[:2])).astype(np.uint8)
    width = tile_width(2)
    # Very tall or very wide images are drawn smaller, not distorted.
    height = min(width * rgb.shape[0] / rgb.shape[1], 1.4 * width)
    drawn_width = height * rgb.shape[1] / rgb.shape[0]
    sheet = Sheet(0.45 + height + 0.5)
    for column, (pixels, title) in enumerate(((blended, "With alpha (RGBA)"), (rgb, "Alpha dropped (RGB)"))):
        centre = MARGIN + width / 2 + column * (width + GAP)
        sheet.text(title, centre, 0.25, fontsize=NORMAL)
        sheet.image(pixels, centre - drawn_width / 2, 0.45, drawn_width, height)
    footer = shortened(name, WIDTH - 2 * MARGIN, SMALL)
    sheet.text(footer, WIDTH / 2, 0.45 + height + 0.25, fontsize=SMALL, color=QUIET)
    return sheet.figure


def augmentation(original: Pixels, augmented: Pixels) -> Figure:
    """One training image and, in three rows of three, nine augmented copies of it."""
    tile = tile_width(4)
    top = 0.42
    sheet = Sheet(top + 3 * tile + 2 * GAP + MARGIN)
    middle = top + tile + GAP
    sheet.text("Original", MARGIN + tile / 2, middle - 0.18, fontsize=NORMAL)
    sheet.image(original, MARGIN, middle, tile, tile)
    sheet.text("Augmented copies", MARGIN + 2.5 * tile + 2 * GAP, 0.22, fontsize=NORMAL)
    for i, pixels in enumerate(augmented[:9]):
        x = MARGIN + (1 + i % 3) * (tile + GAP)
        sheet.image(pixels, x, top + (i // 3) * (tile + GAP), tile, tile)
    return sheet.figure


def _none_wrong(total: int) -> Figure:
    sheet = Sheet(1.7)
    sheet.text("None were wrong", WIDTH / 2, 0.68, fontsize=22, color=GREEN)
    sheet.text(f"All {total} test images were classified correctly.", WIDTH / 2, 1.15, fontsize=NORMAL)
    return sheet.figure


def _titles(shown: Sequence[Prediction], class_names: Sequence[str], width: float) -> list[tuple[str, ...]]:
    """What stands above wrong predictions: both names on a line where those of every image fit, else one on each."""
    pairs = [(drawable(class_names[p.predicted]), drawable(class_names[p.actual])) for p in shown]
    apart = any(text_width(":".join(pair), SMALL) > width for pair in pairs)
    room = width - text_width(":", SMALL)
    return [
        (f"{LEFT_TO_RIGHT}{shortened(predicted, room, SMALL)}{LEFT_TO_RIGHT}:", shortened(actual, width, SMALL))
        if apart
        # The marks keep the predicted class on the left where both names run from right to left.
        else (f"{LEFT_TO_RIGHT}{predicted}{LEFT_TO_RIGHT}:{LEFT_TO_RIGHT}{actual}",)
        for predicted, actual in pairs
    ]


def _answers(prediction: Prediction, class_names: Sequence[str], width: float) -> tuple[str, ...]:
    """The image's number with the confidence, then the next two choices where there are several classes."""
    others = prediction.ranked[1:3] if prediction.logits else ()
    return (
        f"{prediction.index} · {formats.percent(prediction.confidence)}",
        *(_answer(class_names[guess.label], guess.probability, width) for guess in others),
    )


def _answer(name: str, probability: float, width: float) -> str:
    """`camel 30.1%`, the name shortened to fit."""
    share = f" {formats.percent(probability)}"
    return f"{LEFT_TO_RIGHT}{shortened(name, max(0.3, width - text_width(share, SMALL)), SMALL)}{LEFT_TO_RIGHT}{share}"


def tiles(drawn: Sequence[Tile], columns: int, note: str | None = None) -> Figure:
    """Square images in rows, each under its lines of text; a `note` below all of them."""
    side = tile_width(columns)
    caption = LINE * len(drawn[0].lines) + 0.1
    rows = -(-len(drawn) // columns)
    sheet = Sheet(rows * (caption + side + GAP) + (0.42 if note else MARGIN))
    for i, tile in enumerate(drawn):
        x = (WIDTH - columns * side - (columns - 1) * GAP) / 2 + (i % columns) * (side + GAP)
        y = (i // columns) * (caption + side + GAP)
        for k, text in enumerate(tile.lines):
            colour = INK if k < tile.heading or tile.wrong else QUIET
            sheet.text(text, x + side / 2, y + 0.08 + LINE * (k + 0.5), fontsize=SMALL, color=colour)
        sheet.image(tile.pixels, x, y + caption, side, side)
        if tile.wrong:
            sheet.mark(x, y + caption, side, side)
    if note:
        sheet.text(note, WIDTH / 2, sheet.figure.get_figheight() - 0.24, fontsize=NORMAL, color=QUIET)
    return sheet.figure


def tile_width(columns: int) -> float:
    """Inches; one image alone is not blown up to the full width."""
    return (WIDTH - 2 * MARGIN - (max(columns, 2) - 1) * GAP) / max(columns, 2)


def indexed(index: int, name: str, width: float) -> str:
    """`26 · horse`, the name shortened to fit."""
    number = f"{index} · "
    # The mark keeps the number on the left of a name that runs from right to left.
    return f"{LEFT_TO_RIGHT}{number}{shortened(name, max(0.3, width - text_width(number, SMALL)), SMALL)}"


def titles(images: Sequence[tuple[int, str]], width: float) -> list[tuple[str, ...]]:
    """`26 · horse` for each (index, name): on a line where all of them fit, else on two."""
    if all(text_width(drawable(f"{index} · {name}"), SMALL) <= width for index, name in images):
        return [(indexed(index, name, width),) for index, name in images]
    broken = [_on_two_lines(f"{index} · ", name, width).partition("\n") for index, name in images]
    return [(first.rstrip(), second) for first, _, second in broken]


def _on_two_lines(number: str, name: str, width: float) -> str:
    """The number stands before the first line, and is nothing that the name loses by."""
    return f"{LEFT_TO_RIGHT}{number}{wrapped(name, width, SMALL, text_width(number, SMALL))}"


def only(shown: int, total: int, what: str) -> str | None:
    """`… 60 of 313 test images`; None where all are shown."""
    return None if shown == total else f"… {shown} of {total:,} {what}"


def _reduced(pixels: Pixels) -> NDArray[np.uint8]:
    """At most `ALPHA_PIXELS` a side. Colours and alpha are reduced apart: together, Pillow would weigh the
    colours with alpha, and the hidden ones, which the figure is about, would be lost."""
    image = Image.fromarray(pixels)
    image.thumbnail((ALPHA_PIXELS, ALPHA_PIXELS))
    return np.asarray(image)


def _chequerboard(height: int, width: int) -> NDArray[np.float64]:
    side = max(1, max(height, width) // 24)
    rows, columns = np.indices((height, width)) // side
    return np.where((rows + columns) % 2, 204.0, 255.0)[..., None]
