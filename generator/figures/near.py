"""Near-duplicates side by side: two pairs in a row, each image under its file's name, class and part.

All lengths are inches; call `sheet` within `canvas.style`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from generator.figures.canvas import LEFT_TO_RIGHT, SMALL, Pixels, shortened, text_width
from generator.figures.sheets import GAP, Tile, only, tile_width, tiles


@dataclass(frozen=True)
class Side:
    """One image of a pair."""

    pixels: Pixels
    file: str
    """Path below the data set's root."""
    class_name: str
    part: str
    """What it is used for, in a word."""


def sheet(pairs: Sequence[tuple[Side, Side]], total: int) -> Figure:
    """The pairs, of which there must be one, by number; a note says of how many (`total`) they are the first."""
    columns = 4 if len(pairs) > 1 else 2
    room = tile_width(columns) + GAP / 2
    drawn = [Tile(side.pixels, _lines(number, side, room)) for number, pair in enumerate(pairs, 1) for side in pair]
    return tiles(drawn, columns, only(len(pairs), total, "pairs"))


def _lines(number: int, side: Side, room: float) -> tuple[str, str, str]:
    first = f"{number} · "
    name = shortened(side.file.rpartition("/")[2], room - text_width(first, SMALL), SMALL)
    # The mark keeps the number on the left of a name that runs from right to left.
    return f"{LEFT_TO_RIGHT}{first}{name}", shortened(side.class_name, room, SMALL), side.part
