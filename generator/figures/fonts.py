"""Finds fonts of this machine for characters that the figures' own font, DejaVu Sans, does not have.

`beside` gives the fonts that a text needs, `notice` what to tell the user where there is none, `key` what figures with
the text depend on. Matplotlib is imported late: plain names, nearly all there are, need no other font and no import.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from generator.support.files import known_hash

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

FAMILY = "DejaVu Sans"
"""Comes with Matplotlib, so that figures are the same everywhere."""
_COVERED = "\u024f"
"""Up to here, Latin Extended-B, DejaVu Sans has every visible character."""
_INVISIBLE = {"Cc", "Cf", "Cn", "Co", "Cs", "Zs", "Zl", "Zp"}
_EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "KANGXI", "IDEOGRAPHIC")


_registered: "list[Font]" = []


@dataclass(frozen=True)
class Font:
    """A font file."""

    family: str
    path: str

    @property
    def name(self) -> str:
        """What Matplotlib knows it by: one that stands for this file alone, since families have many files."""
        return f"{self.family} in {self.path}"


def own_file() -> str:
    """Path of the figures' own font."""
    import matplotlib

    return str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")


def beside(texts: Iterable[str]) -> tuple[Font, ...]:
    """The fonts, in order of preference, of the characters of `texts` that DejaVu Sans lacks and another font has."""
    wanted = {font for c in _uncovered(texts) if (font := _font_of(c))}
    return tuple(font for font in _fonts() if font in wanted) if wanted else ()


def lacking(texts: Iterable[str]) -> str:
    """The characters of `texts`, in order of their numbers, that no font of this machine draws."""
    return "".join(c for c in _uncovered(texts) if not _font_of(c))


def register(font: Font) -> str:
    """Make `font` known to Matplotlib in this process; gives the family name that means it."""
    from matplotlib import font_manager

    if font not in _registered:
        for weight in (400, 700):  # Bold text has it too: Matplotlib warns of a weight that a family lacks.
            entry = font_manager.FontEntry(fname=font.path, name=font.name, weight=weight, style="normal")
            font_manager.fontManager.ttflist.append(entry)
        _registered.append(font)
    return font.name


def registered() -> tuple[Font, ...]:
    """The fonts made known so far."""
    return tuple(_registered)


def key(texts: Iterable[str]) -> dict[str, str]:
    """What a figure with these texts depends on beyond them: nothing, unless DejaVu Sans lacks a character."""
    listed = list(texts)
    parts = {f"font {font.family}": known_hash(Path(font.path)) for font in beside(listed)}
    missing = lacking(listed)
    return parts | ({"characters without a font": missing} if missing else {})


def notice(texts: Iterable[str]) -> str | None:
    """What the user should know of characters that will not be drawn; None where all are."""
    missing = lacking(texts)
    if not missing:
        return None
    advice = ", ".join(sorted({_advice(c) for c in missing}))
    shown = " ".join(missing[:20]) + (" …" if len(missing) > 20 else "")
    return (
        f"no font of this machine has {shown}: figures show □ in their place and the captions give the names; "
        f"to have them drawn, install {advice}"
    )


def _uncovered(texts: Iterable[str]) -> list[str]:
    """The visible characters that DejaVu Sans lacks, in order; composed, as they are drawn."""
    found = {c for t in texts if not t.isascii() for c in unicodedata.normalize("NFC", t) if c > _COVERED}
    visible = sorted(c for c in found if unicodedata.category(c) not in _INVISIBLE and not "\ufe00" <= c <= "\ufe0f")
    return [c for c in visible if not _open(own_file()).get_char_index(ord(c))] if visible else []


@cache
def _font_of(character: str) -> Font | None:
    """The most preferred font that draws `character`, whatever the others in the text are."""
    return next((font for font in _fonts() if _draws(font.path, character)), None)


@cache
def _fonts() -> tuple[Font, ...]:
    """All fonts of this machine that can be drawn at any size: plain before bold, Noto Sans before others.

    The folders are read anew, because Matplotlib's own list does not have what was installed since it was made.
    """
    from matplotlib import font_manager

    ranked = []
    for path in sorted(font_manager.findSystemFonts()):
        try:
            font = _open(path)
            entry = font_manager.ttfFontProperty(font)
        except Exception:  # A damaged font is of no use, and none of ours.
            continue
        if font.scalable:
            plain = entry.weight == 400 and entry.style == "normal"
            noto = font.family_name.startswith("Noto Sans") and "Mono" not in font.family_name
            ranked.append((not plain, not noto, font.family_name, path))
    return tuple(Font(family, path) for _, _, family, path in sorted(ranked))


@cache
def _open(path: str) -> "FT2Font":
    from matplotlib import ft2font

    return ft2font.FT2Font(path)


def _draws(path: str, character: str) -> bool:
    """Whether the font has an outline for it: some hold coloured bitmaps only, which Matplotlib does not draw."""
    font = _open(path)
    try:
        if not font.get_char_index(ord(character)):
            return False
        font.load_char(ord(character))
        return len(font.get_path()[0]) > 0
    except RuntimeError:
        return False


def _advice(character: str) -> str:
    """A font that has the character, with Debian's package of it."""
    script = unicodedata.name(character, "").partition(" ")[0]
    if script in _EAST_ASIAN:
        return "Noto Sans CJK (package fonts-noto-cjk)"
    if unicodedata.category(character) in ("So", "Sk"):
        return "Symbola (package fonts-symbola)"
    return f"Noto Sans {script.title()} (package fonts-noto-core)"
