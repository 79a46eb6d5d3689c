"""Lays out test images beside their class activation maps, which lie over the same pixels in grey.

Two colours that any colour vision tells apart say for which class a place speaks, on one scale for all images. Where
colours are not printed a line does, around what is at least half as strong as the strongest place of its image: solid
for one class, broken for the other. All lengths are inches; call these within `canvas.style`.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from generator.experiment.outcomes import Prediction
from generator.figures.canvas import BLUE, INK, ORANGE, QUIET, SMALL, WIDTH, Pixels, Sheet, shortened
from generator.figures.examples import answer
from generator.figures.sheets import GAP, LINE, MARGIN, indexed, tile_width

Map = NDArray[np.float32]
Mapped = tuple[Prediction, Pixels, Map]
"""A test image's prediction, its pixels, uint8 (s, s, 3), and its map, float32 (s, s)."""

PAIRS = 2
"""Images beside each other, each with its map."""
PALE = 0.5
"""How much of the grey image under a map is white."""
BEND = 0.6
"""Exponent of the tint: below 1, so that an image of weak places does not look as if it had none."""
HALF = 0.5
"""Share of an image's strongest place from which on a line is drawn."""
ABOVE, BELOW = "solid", "dashed"
"""Lines around what is above and below 0."""
KEY = 0.85
"""Height of the key below the images."""


def beside_images(images: Sequence[Mapped], class_names: Sequence[str]) -> Figure:
    """Each image, framed where it is called by a wrong name, and on its right where its logit comes from."""
    strongest = max(float(np.abs(places).max()) for _, _, places in images) or 1.0
    side, caption = tile_width(2 * PAIRS), 2 * LINE + 0.1
    rows = -(-len(images) // PAIRS)
    sheet = Sheet(rows * (caption + side + GAP) + KEY)
    for i, (prediction, pixels, places) in enumerate(images):
        x = MARGIN + (i % PAIRS) * 2 * (side + GAP)
        y = (i // PAIRS) * (caption + side + GAP)
        _titled(sheet, prediction, class_names, x, y, 2 * side + GAP / 2)
        sheet.image(pixels, x, y + caption, side, side)
        if prediction.wrong:
            sheet.mark(x, y + caption, side, side)
        sheet.image(overlaid(pixels, places / strongest), x + side + GAP / 2, y + caption, side, side)
        _lines(sheet, places, x + side + GAP / 2, y + caption, side)
    _key(sheet, strongest, _speaking(images, class_names))
    return sheet.figure


def overlaid(pixels: Pixels, places: Map) -> Pixels:
    """The image in pale grey, each place tinted the more, the further from 0 its value, between -1 and 1, is."""
    grey = pixels.astype(np.float64) @ (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow
    pale = (PALE * 255 + (1 - PALE) * grey)[..., None]
    weight = np.abs(places)[..., None] ** BEND
    colour = np.where((places > 0)[..., None], to_rgb(ORANGE), to_rgb(BLUE))
    tinted: Pixels = np.rint(pale * (1 - weight + weight * colour)).clip(0, 255).astype(np.uint8)
    return tinted


def _speaking(images: Sequence[Mapped], class_names: Sequence[str]) -> tuple[str, str]:
    """What the two colours mean: below 0, above 0."""
    if any(prediction.logits for prediction, _, _ in images):
        return "against the name it gave", "for the name it gave"
    against, for_ = (f"for {shortened(name, WIDTH / 2 - 1.2, SMALL)}" for name in class_names)
    return against, for_


def _titled(sheet: Sheet, prediction: Prediction, names: Sequence[str], x: float, y: float, width: float) -> None:
    texts = (indexed(prediction.index, names[prediction.actual], width), answer(prediction, names, width))
    for k, text in enumerate(texts):
        colour = QUIET if k and not prediction.wrong else INK
        sheet.text(text, x + width / 2, y + 0.08 + LINE * (k + 0.5), fontsize=SMALL, color=colour)


def _lines(sheet: Sheet, places: Map, x: float, y: float, side: float) -> None:
    """Around what is strong."""
    strong = HALF * float(np.abs(places).max())
    middles = (np.arange(len(places)) + 0.5) * side / len(places)
    for level, style in ((strong, ABOVE), (-strong, BELOW)):
        if places.min() < level < places.max():
            sheet.axes.contour(
                x + middles, y + middles, places, levels=[level], colors=INK, linestyles=style, linewidths=1.1
            )


def _signed(value: float) -> str:
    """`+12.3`; two digits of a small value, which would else be +0.0."""
    text = f"{value:+.1f}" if abs(value) >= 1 else f"{value:+.2g}"
    return text.replace("-", "−") if value else "0"


def _key(sheet: Sheet, strongest: float, speaking: tuple[str, str]) -> None:
    """The colours, to the strongest place of all images on either side, and the lines, with what they mean."""
    width, height = 0.6 * WIDTH, 0.16
    x, y = (WIDTH - width) / 2, sheet.figure.get_figheight() - KEY + 0.12
    scale = np.tile(np.linspace(-1, 1, 256, dtype=np.float32), (16, 1))
    sheet.image(overlaid(np.full((16, 256, 3), 255, np.uint8), scale), x, y, width, height)
    for value, at in ((-strongest, x), (0.0, x + width / 2), (strongest, x + width)):
        sheet.text(_signed(value), at, y + height + 0.13, fontsize=SMALL)
    below = y + height + 0.36
    for text, align, edge, inwards, style in (
        (speaking[0], "left", MARGIN, 1, BELOW),
        (speaking[1], "right", WIDTH - MARGIN, -1, ABOVE),
    ):
        sheet.axes.plot([edge, edge + 0.36 * inwards], [below, below], color=INK, linestyle=style, linewidth=1.1)
        sheet.text(text, edge + 0.44 * inwards, below, fontsize=SMALL, ha=align)
