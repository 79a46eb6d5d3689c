"""Draws the images whose labels the features contradict most, each with its file, its label and what they say.

All lengths are inches; call this within `canvas.style`.
"""

from collections.abc import Sequence

from matplotlib.figure import Figure

from generator.experiment.label_review import Judged
from generator.figures.canvas import LEFT_TO_RIGHT, SMALL, Pixels, drawable, shortened, text_width
from generator.figures.sheets import GAP, Tile, only, tile_width, tiles
from generator.support import formats

MOST = 12
"""Images on one sheet."""
COLUMNS = 3


def suspicious(marked: Sequence[Judged], class_names: Sequence[str], pixels: Pixels) -> Figure:
    """The first `MOST` of one or more `marked` images; `pixels` is uint8 (n, s, s, 3), all images by their index."""
    shown = marked[:MOST]
    columns = min(COLUMNS, len(shown))
    room = tile_width(columns) + GAP / 2
    drawn = [Tile(pixels[image.index], _lines(image, class_names, room)) for image in shown]
    return tiles(drawn, columns, only(len(shown), len(marked), "marked images"))


def _lines(image: Judged, class_names: Sequence[str], room: float) -> tuple[str, ...]:
    """`train/cat/7.png`, without its folders where that is too wide, `given: cat` and `dog 97.3%`."""
    path = drawable(image.file)
    share = f" {formats.percent(image.probability)}"
    return (
        shortened(path if text_width(path, SMALL) <= room else image.file.rpartition("/")[2], room, SMALL),
        _beside("given: ", class_names[image.label], "", room),
        _beside("", class_names[image.predicted], share, room),
    )


def _beside(before: str, name: str, behind: str, room: float) -> str:
    """A name, shortened to fit, between two texts that stay on its sides where it runs from right to left."""
    left = room - text_width(before + behind, SMALL)
    return f"{LEFT_TO_RIGHT}{before}{shortened(name, max(0.3, left), SMALL)}{LEFT_TO_RIGHT}{behind}"
