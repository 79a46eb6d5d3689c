"""Names in any script are drawn by a font that has them, or the user and the reader are told."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager, ft2font

from generator import cli
from generator.figures import canvas, confusion, fonts
from generator.figures.canvas import Drawing
from tests import factories, fakes

NAMES = ("猫", "狗")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """The font files of this machine: none, until a test adds some."""
    paths: list[str] = []
    known = list(font_manager.fontManager.ttflist)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: list(paths))
    monkeypatch.setattr(fonts, "_registered", [])
    forget()
    yield paths
    forget()
    font_manager.fontManager.ttflist[:] = known


def forget() -> None:
    for cached in (fonts._font_of, fonts._fonts, fonts._open):
        cached.cache_clear()


def make_font(path: Path, family: str, characters: str, *, weight: int = 400, empty: str = "") -> str:
    """A font in which each character is a square of a size of its own; those `empty` have no outline."""
    glyphs, widths = {".notdef": TTGlyphPen(None).glyph()}, {".notdef": (1000, 0)}
    for number, character in enumerate(characters, start=1):
        pen = TTGlyphPen(None)
        if character not in empty:
            side = 300 + 60 * number
            pen.moveTo((0, 0))
            for corner in ((0, side), (side, side), (side, 0)):
                pen.lineTo(corner)
            pen.closePath()
        glyphs[f"g{number}"], widths[f"g{number}"] = pen.glyph(), (1000, 0)
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap({ord(c): f"g{i}" for i, c in enumerate(characters, start=1)})
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(widths)
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular" if weight == 400 else "Bold"})
    builder.setupOS2(usWeightClass=weight)
    builder.setupPost()
    builder.save(path)
    return str(path)


def matrix(names: tuple[str, str]) -> Drawing:
    with canvas.style(*names):
        figure = confusion.confusion_matrix(factories.make_variant(names=names).confusion, names)
        return canvas.encode("x", figure, texts=names)


def test_fault_63_a_font_that_has_the_names_draws_them(installed: list[str], tmp_path: Path) -> None:
    without = matrix(NAMES)
    assert without.undrawn == NAMES
    installed.append(make_font(tmp_path / "a.ttf", "Some Han", "猫狗"))
    forget()
    with canvas.style(*NAMES):
        assert canvas.drawable("猫 and 狗") == "猫 and 狗"
        assert canvas.text_width("猫狗", 12) > canvas.text_width("猫", 12) > 0
        assert canvas.shortened("猫" * 40, 1.0).endswith("猫")
    drawn = matrix(NAMES)
    assert drawn.undrawn == ()
    assert drawn.png != without.png
    assert drawn.png != matrix(("狗", "猫")).png, "each character has its own glyph"
    assert drawn.png == matrix(NAMES).png


def test_fault_63_each_character_has_the_most_preferred_font_that_draws_it(
    installed: list[str], tmp_path: Path
) -> None:
    installed += [
        make_font(tmp_path / "1.ttf", "A Han", "猫狗字"),
        make_font(tmp_path / "2.ttf", "Noto Sans Bold", "猫狗字", weight=700),
        make_font(tmp_path / "3.ttf", "Noto Sans Han", "猫"),
        make_font(tmp_path / "4.ttf", "Noto Sans Blank", "狗", empty="狗"),
        make_font(tmp_path / "5.ttf", "B Emoji", "🐕"),
    ]
    (tmp_path / "6.ttf").write_bytes(b"no font")
    installed.append(str(tmp_path / "6.ttf"))
    assert [font.family for font in fonts.beside(["猫"])] == ["Noto Sans Han"]
    assert [font.family for font in fonts.beside(["猫 狗", "🐕\ufe0f"])] == ["Noto Sans Han", "A Han", "B Emoji"]
    assert fonts.beside(["camel", "Bär", "Верблюд", "جمل"]) == ()


@pytest.mark.parametrize(
    ("names", "advice"),
    [
        (NAMES, "has 狗 猫: figures show □ in their place .* install Noto Sans CJK .package fonts-noto-cjk."),
        (("बिल्ली", "b"), r"install Noto Sans Devanagari .package fonts-noto-core.$"),
        (("🐕", "b"), r"install Symbola .package fonts-symbola.$"),
        (("한국", "ねこ"), r"install Noto Sans CJK .package fonts-noto-cjk.$"),
    ],
)
def test_fault_63_without_a_font_the_build_warns_before_training_and_the_post_gives_the_names(
    installed: list[str],
    tmp_path: Path,
    names: tuple[str, str],
    advice: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = fakes.make_project(tmp_path)
    for split in ("train", "test"):
        for old, new in zip(("camel", "horse"), names, strict=True):
            shutil.move(project.data / split / old, project.data / split / new)
    fakes.install(monkeypatch.setattr)
    quick = fakes.quick_drawing
    drawn = {"confusion-matrix": names}
    monkeypatch.setattr(
        fakes, "quick_drawing", lambda name, *content: replace(quick(name, *content), undrawn=drawn.get(name, ()))
    )
    assert cli.main(project.arguments()) == 0
    said = capsys.readouterr().err
    assert said.index("warning: no font of this machine has") < said.index("baseline.head")
    warning = next(line for line in said.splitlines() if "no font of this machine" in line)
    assert re.search(advice, warning), warning
    post = next((project.places.site / "_posts").iterdir()).read_text("utf-8")
    missing = f"No font of the machine that drew it has all characters of {names[0]}, {names[1]}; each that is missing"
    assert post.count(missing) == len(project.variants.split(","))


def test_fault_63_the_font_is_part_of_the_figures_keys_only_where_a_name_needs_it(
    installed: list[str], tmp_path: Path
) -> None:
    project = fakes.make_project(tmp_path)
    assert parts(project) == set()
    for split in ("train", "test"):
        (project.data / split / "horse").rename(project.data / split / "猫")
    assert parts(project) == {"characters without a font"}
    installed.append(make_font(tmp_path / "a.ttf", "Some Han", "猫狗"))
    forget()
    assert parts(project) == {"font Some Han"}


def parts(project: fakes.Project) -> set[str]:
    """What the keys of the figures have of fonts."""
    plan = project.plan()
    drawn = (plan.shared["data_figures"], plan.runs["baseline"]["figures"])
    found = [{name for name in stage.key.parts if "font" in name and not name.startswith("source")} for stage in drawn]
    assert found[0] == found[1]
    assert not any(
        "font" in name for name in plan.runs["baseline"]["pixels"].key.parts if not name.startswith("source")
    )
    return found[0]


@pytest.mark.usefixtures("installed")
def test_fault_63_plain_names_ask_for_no_font(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(font_manager, "findSystemFonts", None)
    monkeypatch.setattr(ft2font, "FT2Font", None)
    assert fonts.beside(["camel", "Bär", "Dromedár", "ł"]) == ()
    assert fonts.key(["camel", "Bär"]) == {}
    assert fonts.notice(["camel", "Bär"]) is None
