"""The four forms of a comparison: what they say, and that names from outside do no harm in them."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from generator.diff import builds, compare, pictures, report, terminal
from generator.diff.builds import Build, SearchPlaces
from generator.diff.compare import Comparison
from generator.diff.gates import hold, parse_gates
from generator.diff.metrics import MetricChange
from generator.support import escape
from generator.support.errors import BadInput
from tests.factories import make_config, make_data, make_results, make_variant
from tests.sites import FOLDER, make_files, picture, put

HOSTILE = ("<script>alert(1)</script>", "{{ x }}|[red]_a_")


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Build]:
    def build(made: Any = None, shade: int = 100) -> Build:
        site = put(tmp_path / f"site-{len(list(tmp_path.iterdir()))}", make_files(made, shade))
        return builds.find(str(site), SearchPlaces(tmp_path, site, tmp_path / "store", FOLDER))

    return build


@pytest.fixture
def comparison(make: Callable[..., Build]) -> Comparison:
    recipe = make_config("baseline", "head.epochs=10").baseline.recipe
    variants = {
        "baseline": make_variant(wrong=(0, 1, 2, 6, 7, *range(20, 28)), recipe=recipe),
        "augmentation": make_variant("augmentation", wrong=(3,)),
    }
    new = make_results(variants=variants, figures=make_results().figures[:4])
    gates = parse_gates(["test.accuracy=-0.02"])
    return compare.compare(make(), make(new, shade=99), gates=gates)


def table_text(comparison: Comparison, width: int = 160) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None).print(terminal.to_table(comparison))
    return stream.getvalue()


def words(text: str) -> str:
    """A table's text without its lines and runs of blanks."""
    return re.sub(r"[│┃\s]+", " ", text)


def test_the_terminal_table(comparison: Comparison) -> None:
    text = words(table_text(comparison))
    assert "head.epochs 30 10 baseline" in text
    assert "baseline test.accuracy 0.8750 0.6750 −0.2000 −0.3372 to −0.0649 worse, more than chance" in text
    assert "augmentation test.accuracy 0.9500 0.9750 +0.0250 −0.0730 to +0.1350 improved, within chance" in text
    assert "variant augmentation-no-preprocessing: missing" in text
    assert "baseline: 0 mended, 8 broken: more than chance (McNemar, exact: p = 0.0078)" in text
    assert "broken: test/horse/1.png (horse" in text
    assert "figure data/alpha: 96 of 96 pixels differ (100.00%)" in text
    assert "gate passed: augmentation: test.accuracy: 0.95 before, 0.975 now, limit -0.02" in text
    assert "gate missed: baseline: test.accuracy: 0.875 before, 0.675 now, limit -0.02" in text


def test_unchanged_metrics_are_counted_and_not_listed(comparison: Comparison) -> None:
    text = words(table_text(comparison))
    assert "before.loss" not in text
    unchanged = sum(change.status == "unchanged" for change in comparison.metrics)
    assert f"{unchanged} metrics unchanged" in text


def test_the_same_build_has_nothing_to_say(make: Callable[..., Build]) -> None:
    same = compare.compare(make(), make())
    assert table_text(same).splitlines()[-1].strip() == "No differences."
    assert "No differences." in report.to_markdown(same)
    assert "###" not in report.to_markdown(same)
    assert "<h2>" not in report.to_html(same)


def test_markdown(comparison: Comparison) -> None:
    text = report.to_markdown(comparison)
    assert (
        "| baseline | <code>test&#46;accuracy</code> | 0.8750 | 0.6750 | −0.2000 | −0.3372 to −0.0649 |"
        " worse, more than chance |" in text
    )
    assert "**1 of 2 gates missed**" in text
    assert "<summary>8 broken</summary>" in text
    assert "| test&#47;horse&#47;2&#46;png |" in text
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1, table
    assert "\n\n\n" not in text


@pytest.mark.parametrize("limit", [-5, 0, 50])
def test_a_limit_that_no_report_keeps_is_refused(comparison: Comparison, limit: int) -> None:
    with pytest.raises(BadInput, match=rf"--limit {limit}: even without any list the report has \d+") as caught:
        report.to_markdown(comparison, limit=limit)
    enough = int(re.findall(r"\d+", str(caught.value))[-1]) + 10
    assert len(report.to_markdown(comparison, limit=enough)) <= enough


def test_json_holds_everything_but_the_pictures(comparison: Comparison) -> None:
    table = json.loads(report.to_json(comparison))
    assert set(table) == {
        "schema_version", "old", "new", "settings", "metrics", "gates", "predictions", "measured", "figures",
        "environment", "rounding", "nothing", "reviews",
    }  # fmt: skip
    assert len(table["metrics"]) == len(comparison.metrics)
    assert [g["passed"] for g in table["gates"]] == [False, True]
    assert {f["status"] for f in table["figures"]} == {"changed", "missing"}
    assert set(table["figures"][0]) == {"scope", "name", "status", "changed", "pixels"}


class Page(HTMLParser):
    """Collects the tags of a page and whatever it would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]


def test_the_page_needs_nothing_from_outside(comparison: Comparison) -> None:
    page = Page(report.to_html(comparison, {"test/horse/1.png": picture()}))
    changed = [figure for figure in comparison.figures if figure.status == "changed"]
    missing = [f for f in comparison.figures if f.status == "missing" and f.scope != "augmentation-no-preprocessing"]
    assert page.tags.count("img") == 3 * len(changed) + len(missing) + 1
    assert all(url.startswith("data:") for url in page.fetched)
    assert "url(" not in report.to_html(comparison)
    assert "script" not in page.tags


def test_hostile_names_do_no_harm(make: Callable[..., Build]) -> None:
    def hostile(wrong: tuple[int, ...]) -> Any:
        variants = {"baseline": make_variant(wrong=wrong, names=HOSTILE)}
        return make_results(data=make_data(class_names=HOSTILE), variants=variants, figures=())

    comparison = compare.compare(make(hostile((1, 2))), make(hostile((2, 3))))
    page = Page(report.to_html(comparison))
    assert "script" not in page.tags
    markdown = report.to_markdown(comparison)
    assert "<script" not in markdown
    assert "{{" not in markdown
    for table in re.findall(r"(?:^\|.*\n)+", markdown, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1, table
    assert "{{ x }}|[red]_a_" in table_text(comparison, width=1000)


@pytest.mark.parametrize("name", ["Cardiomegaly|Emphysema", "a` <b>x</b> @team `c", "{{ x }}"])
def test_a_metric_named_after_a_class_stays_in_its_cell(comparison: Comparison, name: str) -> None:
    """A code span keeps neither a backtick nor a bar; HTML's `code` keeps references, and nobody is mentioned."""
    changes = (MetricChange("baseline", f"classes.{name}.recall", 0.9, 0.8, "worse"),)
    held = tuple(hold(parse_gates([f"classes.{name}.recall=0"]), changes))
    markdown = report.to_markdown(replace(comparison, metrics=changes, gates=held))
    assert name not in markdown
    assert markdown.count(f"<code>classes&#46;{escape.markdown(name)}&#46;recall</code>") == 2
    for table in re.findall(r"(?:^\|.*\n)+", markdown, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_thumbnails_are_read_from_the_data_set(comparison: Comparison, tmp_path: Path) -> None:
    put(tmp_path / "data", {"test/horse/1.png": picture(size=(300, 200)), "test/horse/2.png": b"broken"})
    made = report.thumbnails(comparison, (tmp_path / "data").joinpath)
    assert list(made) == ["test/horse/1.png"]
    with Image.open(io.BytesIO(made["test/horse/1.png"])) as thumbnail:
        assert thumbnail.size == (96, 64)


def test_whatever_a_build_reads_has_a_thumbnail(comparison: Comparison, tmp_path: Path) -> None:
    photo, deep = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (30, 20)).save(photo, "JPEG", exif=b"Exif\0\0no TIFF")
    Image.fromarray(np.linspace(0, 4095, 400).reshape(20, 20).astype(np.uint16)).save(deep, "PNG")
    put(tmp_path / "data", {"test/horse/1.png": photo.getvalue(), "test/horse/2.png": deep.getvalue()})
    made = report.thumbnails(comparison, (tmp_path / "data").joinpath)
    assert list(made) == ["test/horse/1.png", "test/horse/2.png"]
    with Image.open(io.BytesIO(made["test/horse/2.png"])) as thumbnail:
        assert 110 < np.asarray(thumbnail)[..., 0].mean() < 145


def test_changed_pixels_are_marked_red() -> None:
    with Image.open(io.BytesIO(picture())) as image:
        changed = image.copy()
    changed.putpixel((3, 2), (0, 0, 0))
    stream = io.BytesIO()
    changed.save(stream, "PNG")
    with Image.open(io.BytesIO(pictures.marked(picture(), stream.getvalue()))) as marked:
        colours = {(x, y): marked.getpixel((x, y)) for x in range(12) for y in range(8)}
    red = colours.pop((3, 2))
    assert isinstance(red, tuple)
    assert red[0] > 200 > 60 > red[1]
    assert set(colours.values()) == {(216, 216, 216)}


@pytest.mark.parametrize(("name", "form"), [("diff.md.j2", report.to_markdown), ("diff.html.j2", report.to_html)])
@pytest.mark.parametrize("slip", ["{{ nobody }}", "{% if %}"])
def test_a_slip_in_a_template_is_named_with_its_line(
    comparison: Comparison,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    form: Callable[[Comparison], str],
    slip: str,
) -> None:
    monkeypatch.setattr(report, "TEMPLATES", tmp_path / "templates")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / name).write_text(f"\n{slip}")
    with pytest.raises(BadInput, match=rf"^templates/{name}:2: "):
        form(comparison)


def test_a_page_of_many_images_shows_some_lists_some_and_counts_the_rest(
    comparison: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pair,) = (pair for pair in comparison.predictions if pair.variant == "baseline")
    assert len(pair.of("broken")) == 8
    monkeypatch.setattr(report, "MOST", 2)
    monkeypatch.setattr(report, "LISTED", 5)
    page = report.to_html(comparison)
    broken = page.partition('class="broken">8 broken')[2].partition("<h4")[0]
    assert broken.count("<figcaption>") == 2
    assert broken.count("<li>") == 3
    assert "And 3 further ones, which" in broken
    asked: list[str] = []

    def gone(name: str) -> Path:
        asked.append(name)
        raise FileNotFoundError

    report.thumbnails(comparison, gone)
    assert len(asked) == sum(min(2, len(each.of(o))) for each in comparison.predictions for o in report.OUTCOMES)
