"""What every figure shares: the style, text that is safe to draw, tiles of images, and the encoding.

`style` isolates drawing from a stray matplotlibrc; `new_figure` and `Sheet` make figures of one width;
`drawable`, `shortened` and `wrapped` make outside names (class names, file names, titles) fit to be drawn;
`encode` turns a figure into a `Drawing`: a full-size PNG and a WebP for the page.
"""

import io
import math
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font
from numpy.typing import NDArray
from PIL import Image

from generator.figures import fonts

WIDTH = 6.0
"""Width of every figure, inches. Font sizes are points of it: 12 pt are 11 px on a phone 390 px wide."""
WEB_WIDTH = 960
"""Width of the web image, pixels: sharp on a phone of 390 px, enough for a column of text."""
MOST_PIXELS = 16_383
"""Of a side of a WebP file: https://developers.google.com/speed/webp/docs/riff_container."""
_ROUNDING = 1e-9
"""Inches that a sum of widths may be off."""

CHART_WIDTH, PHOTO_WIDTH = 1920, 1280
"""Width of the full-size PNG, pixels. Photos are stored at about their own size, five or six side by side."""
PHOTO_BUDGET = 150_000
"""Most bytes of a web image with photos, as far as its lowest quality allows."""
CHART_QUALITY = 85
"""Half the bytes of a lossless file, and no difference seen at twice the size."""
PHOTO_QUALITIES = (82, 66, 50, 34)

# Okabe and Ito's colours, told apart with any colour vision. The panel is opaque and a little darker than
# white: it does not glare on a dark page, and images padded with white keep their outline on it.
BLUE, ORANGE, GREEN = "#0072b2", "#d55e00", "#007f5f"
INK, QUIET, RULE, PANEL = "#1d1d1b", "#55554f", "#c9c9c3", "#f6f6f3"

LARGE, NORMAL, SMALL = 14.0, 13.0, 12.0
"""Font sizes, points."""

_STYLE: dict[Any, Any] = {
    "font.family": [fonts.FAMILY],
    "font.size": NORMAL,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.facecolor": PANEL,
    "axes.labelsize": NORMAL,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "lines.linewidth": 2.4,
    "lines.markersize": 6,
    "figure.facecolor": PANEL,
}

LEFT_TO_RIGHT = "\u200e"
"""Invisible mark: text around it is laid out from left to right."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Drawing:
    """One finished figure."""

    name: str
    png: bytes
    """Full size."""
    web: bytes
    """WebP, `WEB_WIDTH` pixels wide, or less where it would be too high."""
    width: int
    """Of the web image, pixels."""
    height: int
    undrawn: tuple[str, ...] = ()
    """Texts on it of which it shows □ in place of some characters, because no font has them."""


@contextmanager
def style(*texts: str) -> Iterator[None]:
    """Matplotlib's built-in defaults with the project's style; what was set before is restored after.

    `texts` are the names from outside that will be drawn: where DejaVu Sans lacks a character of theirs, the fonts of
    this machine that have it stand beside it. Without the reset a matplotlibrc in the home or working folder changes
    the bytes.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        matplotlib.rcParams["font.family"] = [fonts.FAMILY, *map(fonts.register, fonts.beside(texts))]
        yield


def new_figure(height: float, **options: Any) -> Figure:
    """An empty figure `WIDTH` by `height` inches, drawn by Agg and unknown to pyplot."""
    figure = Figure(figsize=(WIDTH, height), **options)
    FigureCanvasAgg(figure)
    return figure


class Sheet:
    """A figure to lay out by hand: one drawing area over all of it, in inches, y counted downwards."""

    def __init__(self, height: float) -> None:
        self.figure = new_figure(height)
        self.axes = self.figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(height, 0), aspect="auto")
        self.axes.set_axis_off()

    def image(self, pixels: Pixels, x: float, y: float, width: float, height: float) -> None:
        """Draw `pixels`, uint8 (h, w, 3), with its upper left corner at (x, y) and a thin outline."""
        box = (x, x + width, y + height, y)
        self.axes.imshow(pixels, extent=box, aspect="auto")
        self._outline(x, y, width, height, color=RULE, linewidth=0.8)

    def mark(self, x: float, y: float, width: float, height: float) -> None:
        """A thick frame around an image, with a cross in its upper left corner: for any colour vision."""
        self._outline(x, y, width, height, color=ORANGE, linewidth=4)
        side = 0.26
        self.axes.fill([x, x + side, x + side, x], [y, y, y + side, y + side], color=ORANGE, linewidth=0)
        inner, outer = 0.3 * side, 0.7 * side
        for ends in ((inner, outer), (outer, inner)):
            self.axes.plot([x + inner, x + outer], [y + end for end in ends], color="white", linewidth=2.4)

    def _outline(self, x: float, y: float, width: float, height: float, **options: Any) -> None:
        corners = [x, x + width, x + width, x, x], [y, y, y + height, y + height, y]
        self.axes.plot(*corners, solid_joinstyle="miter", **options)

    def text(self, text: str, x: float, y: float, **options: Any) -> None:
        """Write `text` (never parsed as mathematics) centred on (x, y) unless `options` say otherwise."""
        settings: dict[str, Any] = {"ha": "center", "va": "center", "parse_math": False} | options
        self.axes.text(x, y, text, **settings)


def encode(name: str, figure: Figure, *, photos: bool = False, texts: Iterable[str] = ()) -> Drawing:
    """`figure`, on which `texts` from outside stand, as a `Drawing`.

    One with `photos` is stored smaller, its web image with loss.
    """
    full = _pixels(figure, PHOTO_WIDTH if photos else CHART_WIDTH)
    width = min(WEB_WIDTH, MOST_PIXELS * full.width // full.height)
    web = full.resize((width, round(full.height * width / full.width)), Image.Resampling.LANCZOS)
    # Pillow writes neither time nor program into the files: the same pixels give the same bytes.
    return Drawing(
        name=name,
        png=_saved(full, "PNG", compress_level=6),
        web=_photo_webp(web) if photos else _saved(web, "WEBP", quality=CHART_QUALITY, method=6),
        width=web.width,
        height=web.height,
        undrawn=tuple(dict.fromkeys(text for text in texts if drawable(text).count(MISSING) > text.count(MISSING))),
    )


def drawable(text: str) -> str:
    """`text` on one line, every character one that a font of the style has; others become □, invisible ones go.

    So no missing glyph is ever looked for, which would print a warning for each.
    """
    line = unicodedata.normalize("NFC", " ".join(text.split()))
    visible = [c for c in line if unicodedata.category(c) not in _INVISIBLE and c not in _SELECTORS]
    files = _font_files()
    return "".join(c if any(ord(c) in _glyphs(file) for file in files) else MISSING for c in visible) or MISSING


def shortened(text: str, width: float, size: float = NORMAL) -> str:
    """`text` as `drawable`, with its middle cut out where it is wider than `width` inches at `size` points.

    Beginning and end are kept because long names often differ in one of them only.
    """
    text = drawable(text)
    if text_width(text, size) <= width + _ROUNDING:
        return text
    return _cut(text, max(1, _most_kept(text, width, size)))


def _cut(text: str, kept: int) -> str:
    """So many characters of `text`, half of them from its beginning and half from its end."""
    return f"{text[: (kept + 1) // 2].rstrip()}…{text[len(text) - kept // 2 :].lstrip()}"


def _most_kept(text: str, width: float, size: float) -> int:
    """Characters that `_cut` may keep."""
    return bisect_right(range(len(text)), width, key=lambda kept: text_width(_cut(text, kept), size)) - 1


def wrapped(text: str, width: float, size: float = NORMAL, indent: float = 0.0) -> str:
    """`text` as `drawable`, on two lines where one is wider than `width` inches at `size` points.

    The first line is `indent` inches shorter, and may be empty where that gives room for what stands there. It is
    broken behind a blank, a hyphen or the like, so that the wider line is as narrow as can be, or anywhere where there
    is none. Where that does not do, the middle of the whole is cut out, as by `shortened`.
    """
    text = drawable(text)
    if len(text) == 1 or indent + text_width(text, size) <= width + _ROUNDING:
        return text

    def broken(line: str, breaks: Iterable[int]) -> tuple[float, str]:
        """The width of the wider line, and both."""
        pairs = [(line[:at].rstrip(), line[at:]) for at in breaks]
        return min(
            ((max(indent + text_width(a, size), text_width(b, size)), f"{a}\n{b}") for a, b in pairs),
            default=(math.inf, line),
        )

    start = [0] if indent else []
    words = [match.end() for match in re.finditer(r"[\s._-]+", text[:-1])]
    found = broken(text, [*start, *(words or range(1, len(text)))])
    # Two lines hold no more than this, with a blank that goes where the line is broken.
    kept = min(len(text) - 1, _most_kept(text, 2 * width - indent + text_width("n", size), size))
    while found[0] > width + _ROUNDING and kept > 1:
        line = _cut(text, kept)
        found = broken(line, [*start, *(match.end() for match in re.finditer(r"[\s._…-]+", line[:-1]))])
        kept -= 1
    return found[1] if found[0] <= width + _ROUNDING else shortened(text, width - indent, size)


def text_width(text: str, size: float) -> float:
    """Width of the widest line of `text` (regular weight), inches."""
    if "\n" in text:
        return max(text_width(line, size) for line in text.split("\n"))
    font = get_font(list(_font_files()))
    font.set_size(size, 72)
    font.set_text(text, 0.0)
    return float(font.get_width_height()[0]) / 64 / 72


MISSING = "□"
"""Stands for a character that no font has."""

_INVISIBLE = {"Cc", "Cf", "Cn", "Co"}
_SELECTORS = {chr(code) for code in range(0xFE00, 0xFE10)}


def _font_files() -> tuple[str, ...]:
    """Files of the style's fonts, the own one first; of that alone outside a style."""
    files = {font.name: font.path for font in fonts.registered()}
    return (fonts.own_file(), *(files[name] for name in matplotlib.rcParams["font.family"] if name in files))


@cache
def _glyphs(file: str) -> frozenset[int]:
    return frozenset(get_font(file).get_charmap())


def _pixels(figure: Figure, width: int) -> Image.Image:
    figure.set_dpi(width / WIDTH)
    canvas: Any = figure.canvas
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _photo_webp(image: Image.Image) -> bytes:
    """The best quality that keeps the budget, else the lowest."""
    for quality in PHOTO_QUALITIES:
        data = _saved(image, "WEBP", quality=quality, method=6)
        if len(data) <= PHOTO_BUDGET:
            break
    return data
