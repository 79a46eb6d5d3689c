"""A real browser reads the built site: complete, within its window, quiet, and accessible, light and dark."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.common.keys import Keys

from generator.experiment.config.post_settings import PostSettings
from generator.post import render
from generator.post.formats.export import export
from generator.post.jekyll import layout
from tests import browsing, links
from tests.browsing import DESKTOP, PHONE, Browser
from tests.factories import ROOT, make_data, make_results
from tests.rendered import (
    DOCS,
    JEKYLL,
    MINIMA_REASON,
    TEMPLATES,
    jekyll,
    make_post,
    make_site,
    minima_is_missing,
    new_blog,
)
from tests.rendered import REASON as NO_JEKYLL
from tests.sites import put

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(browsing.MISSING), reason=browsing.REASON),
    pytest.mark.skipif(JEKYLL is None, reason=NO_JEKYLL),
]

SCREENSHOTS = ROOT / "build-output" / "screenshots"
BASEURL = "/repo"
PAGES = {
    "post": f"/posts/{make_post().slug}.html",
    "index": "/",
    "provenance": f"/provenance/{make_post().slug}.html",
    "not-found": "/404.html",
    "documents": "/docs/",
    "document": "/docs/data.html",
    "settings": "/docs/reference/settings.html",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing.browser() as session:
        yield session


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("site")
    assert jekyll(put(folder / "source", make_site(docs=DOCS)), folder / "target", "--baseurl", BASEURL) == []
    with browsing.served(folder / "target", BASEURL) as address:
        yield address


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_whole_quiet_and_accessible(
    browser: Browser, site: str, page: str, width: int, scheme: str
) -> None:
    browser.open(site + PAGES[page], width, scheme)
    faults, violations = browser.faults(origin_of(site)), browser.violations()
    browser.screenshot(SCREENSHOTS / f"{page}-{width}-{scheme}.png")
    assert faults == []
    assert violations == []


@pytest.fixture(scope="module")
def preview(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The preview page, its site beside it: shared, because the tests only look at it."""
    return make_preview(tmp_path_factory.mktemp("preview"))


@pytest.fixture(scope="module")
def exported(preview: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported file, alone in its folder: shared likewise."""
    path = tmp_path_factory.mktemp("elsewhere") / "post.html"
    path.write_text(export(preview.read_text("utf-8"), preview.parent), "utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_the_preview_is_whole_quiet_and_accessible(browser: Browser, preview: Path, width: int, scheme: str) -> None:
    with browsing.served(preview.parent) as address:
        browser.open(f"{address}/preview.html", width, scheme)
        faults, violations = browser.faults(origin_of(address)), browser.violations()
    browser.screenshot(SCREENSHOTS / f"preview-{width}-{scheme}.png")
    assert faults == []
    assert violations == []


def test_the_exported_file_opens_without_a_request(browser: Browser, exported: Path) -> None:
    browser.open(exported.as_uri(), PHONE)
    assert browser.faults(exported.as_uri()) == []
    browser.open(exported.as_uri())
    assert browser.requests() == [exported.as_uri()]
    assert browser.violations() == []
    assert browser.script("return document.images.length") == len(make_results().figures)
    assert exported.stat().st_size < 5_000_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_the_appendix_is_whole_quiet_and_accessible(
    browser: Browser, with_appendix: str, width: int, scheme: str
) -> None:
    browser.open(f"{with_appendix}/appendix/{make_post().slug}.html", width, scheme)
    faults, violations = browser.faults(origin_of(with_appendix)), browser.violations()
    browser.screenshot(SCREENSHOTS / f"appendix-{width}-{scheme}.png")
    assert faults == []
    assert violations == []


@pytest.fixture(scope="module")
def with_appendix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("appendix")
    files = make_site(post=make_post(appendix=True))
    assert jekyll(put(folder / "source", files), folder / "target", "--baseurl", BASEURL) == []
    with browsing.served(folder / "target", BASEURL) as address:
        yield address


def test_on_one_page_the_listings_are_reached_and_accessible(browser: Browser, tmp_path: Path) -> None:
    exported = tmp_path / "post.html"
    page = make_preview(tmp_path, make_post(appendix=True))
    exported.write_text(export(page.read_text("utf-8"), tmp_path), "utf-8")
    browser.open(exported.as_uri())
    assert browser.violations() == []
    links = "[...document.querySelectorAll('main a')].filter((a) => a.getAttribute('href')?.startsWith('#listing-'))"
    reached = browser.script(f"return {links}.map((a) => document.getElementById(a.hash.slice(1))?.textContent)")
    assert reached == browser.script(f"return {links}.map((a) => a.textContent)")
    assert len(reached) > 15


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_figures_of_the_exported_file_enlarge_and_close_without_scripts(
    browser: Browser, exported: Path, tmp_path: Path, width: int
) -> None:
    page = tmp_path / "post.html"
    page.write_text(re.sub("<script.*?</script>", "", exported.read_text("utf-8"), flags=re.DOTALL), "utf-8")
    browser.open(page.as_uri(), width)
    before = browser.script(_FIGURE)
    browser.script("document.querySelector('#figure-2 a').focus()")
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    opened = browser.script(_FIGURE)
    assert opened["image"] > 1.2 * before["image"]
    assert (opened["top"], opened["left"]) == (0, 0)
    # What scrolls is reached with the keyboard by the script that is left out here.
    left = ("scrollable-region-focusable: <pre", "scrollable-region-focusable: <table")
    assert [each for each in browser.violations() if not each.startswith(left)] == []
    browser.driver.switch_to.active_element.send_keys(Keys.TAB)
    assert browser.script(_FOCUS) == ["Close", "solid"]
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    closed = browser.script(_FIGURE)
    assert closed["image"] == before["image"]
    assert -1 < closed["top"] < 900


_FIGURE = """
const link = document.querySelector("#figure-2 a"), box = link.getBoundingClientRect();
return {top: box.top, left: box.left, image: link.firstChild.getBoundingClientRect().width};
"""
_FOCUS = """
const there = document.activeElement;
return [there.textContent, getComputedStyle(there).outlineStyle];
"""


def test_the_exported_file_prints(browser: Browser, exported: Path) -> None:
    """On paper the folded parts are open, nothing is cut off at the right, and the site's furniture is gone."""
    browser.driver.get(exported.as_uri())
    pdf = browser.command(
        "Page.printToPDF", printBackground=True, preferCSSPageSize=True, paperWidth=8.27, paperHeight=11.69
    )
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    (SCREENSHOTS / "post.pdf").write_bytes(base64.b64decode(pdf["data"]))
    browser.command("Emulation.setEmulatedMedia", media="print")
    try:
        shown = browser.script(_PRINTED)
    finally:
        browser.command("Emulation.setEmulatedMedia", media="")
    assert shown["folded"] == []
    assert shown["furniture"] == []
    assert shown["colour"] == "rgb(255, 255, 255)"


def test_tables_are_sorted_and_predictions_filtered(browser: Browser, exported: Path) -> None:
    browser.open(exported.as_uri())
    before = browser.script(_LOGITS)
    assert len(before) == 40
    seen = []
    for state in ("ascending", "descending", None):
        browser.script(f"{_PREDICTIONS} heads[4].querySelector('button').click()")
        assert browser.script(f"{_PREDICTIONS} return heads[4].getAttribute('aria-sort')") == state
        seen.append(browser.script(_LOGITS))
    assert seen == [sorted(before), sorted(before, reverse=True), before]
    for choice, wrong in (("wrong", [True]), ("right", [False]), ("all", [False, True])):
        shown = browser.script(f"{_PREDICTIONS} const choice = {choice!r}; {_CHOSEN}")
        assert sorted(set(shown)) == wrong
    # A button in a head is reached and pressed by the keyboard; its name is the head's.
    assert browser.script(f"{_PREDICTIONS} return heads[4].querySelector('button').textContent") == "Logit"
    assert browser.violations() == []


SCRIPT = (TEMPLATES / "site" / "_includes" / "tables.html").read_text("utf-8")


def tables_page(folder: Path, *tables: list[str]) -> str:
    """The address of a page of tables with the site's script; each is its rows, of cells with bars between them."""

    def table(head: str, *rows: str) -> str:
        heads = "".join(f"<th>{cell}</th>" for cell in head.split("|"))
        body = "".join(f"<tr><td>{row.replace('|', '</td><td>')}</td></tr>" for row in rows)
        return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"

    page = folder / "tables.html"
    body = "".join(table(*each) for each in tables)
    page.write_text(f'<!doctype html><meta charset="utf-8"><div class="page">{body}</div>{SCRIPT}', "utf-8")
    return page.as_uri()


@pytest.mark.parametrize(
    ("rows", "up", "down"),
    [
        (["a|2", "b|none", "c|10"], "acb", "cab"),
        (["both|12", "b|7", "a|5"], ["a", "b", "both"], ["both", "b", "a"]),  # a class of that name
        (["b|7", "a|5", "both|12"], ["a", "b", "both"], ["b", "a", "both"]),
        (["b|0.9", "a|none", "c|0.8", "all, or their mean|0.85"], [*"cba", "all, or their mean"], None),
    ],
)
def test_what_is_no_number_and_what_is_a_total_stand_last(
    browser: Browser, tmp_path: Path, rows: list[str], up: list[str] | str, down: list[str] | str | None
) -> None:
    browser.open(tables_page(tmp_path, ["Class|Images", *rows]))
    press = "document.querySelectorAll('.sort')[1].click();"
    names = "return [...document.querySelectorAll('tbody tr')].map((row) => row.cells[0].textContent)"
    assert browser.script(press + names) == [*up]
    second = browser.script(press + names)
    assert second == [*down] if down else second[-2:] == ["a", "all, or their mean"]
    assert browser.script(press + names) == [row.partition("|")[0] for row in rows]


@pytest.mark.parametrize(("wrong", "filters"), [(0, 0), (1, 1), (11, 1), (12, 0)])
def test_what_is_all_wrong_or_all_right_needs_no_filter(
    browser: Browser, tmp_path: Path, wrong: int, filters: int
) -> None:
    rows = [f"{i}.png|camel|{'horse' if i < wrong else 'camel'}" for i in range(12)]
    browser.open(tables_page(tmp_path, ["File|Actual|Predicted", *rows]))
    assert browser.script("return document.querySelectorAll('.filter').length") == filters


_PREDICTIONS = """
const table = [...document.querySelectorAll("table")].find((t) => t.tHead && t.tHead.textContent.includes("Logit"));
const heads = table.tHead.rows[0].cells, rows = [...table.tBodies[0].rows];
"""
_LOGITS = f"{_PREDICTIONS} return rows.map((row) => Number(row.cells[4].textContent))"
_CHOSEN = """
const select = document.querySelector(".filter select");
select.value = choice;
select.dispatchEvent(new Event("change"));
return rows.filter((r) => !r.hidden).map((r) => r.cells[2].textContent !== r.cells[3].textContent);
"""
_PRINTED = """
const height = (part) => part.getBoundingClientRect().height;
const inside = [...document.querySelectorAll("details:not(.contents-above)")].flatMap((d) => [...d.children].slice(1));
const told = (part) => part.outerHTML.slice(0, 80);
return {
  // What chooses rows has no use on paper.
  folded: inside.filter((part) => height(part) === 0 && !part.matches(".filter")).map(told),
  furniture: [...document.querySelectorAll("nav, .skip, .filter")].filter(height).map(told),
  colour: getComputedStyle(document.body).backgroundColor,
};
"""


def make_preview(folder: Path, post: PostSettings | None = None) -> Path:
    """The preview page with the site's files beside it; gives the page's path."""
    post, build, page = post or make_post(), make_results(), folder / "preview.html"
    put(folder / "site", make_site(build, post))
    rendered = render.render(post, build, templates=TEMPLATES, root=ROOT)
    text = render.preview(rendered, layout.own(post), templates=TEMPLATES, site=folder / "site", target=page)
    page.write_text(text, "utf-8")
    return page


@pytest.fixture(scope="module")
def in_minima(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("minima")
    blog = new_blog(folder / "blog")
    put(blog, make_site(place=layout.find(blog, make_post())))
    assert jekyll(blog, folder / "target") == []
    assert links.broken(folder / "target", "") == []
    with browsing.served(folder / "target") as address:
        yield address


@pytest.mark.skipif(minima_is_missing(), reason=MINIMA_REASON)
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_the_post_looks_right_in_a_new_blog(browser: Browser, in_minima: str, width: int) -> None:
    browser.open(f"{in_minima}/computer-vision/2023/01/31/{make_post().slug}.html", width)
    faults = browser.faults(origin_of(in_minima))
    ratios = browser.script("return [...document.querySelectorAll('figure img')].map((i) => i.width / i.height)")
    # What a theme gets wrong is its own.
    tables = [each for each in browser.violations() if '<div style="overflow-x' in each]
    browser.screenshot(SCREENSHOTS / f"minima-{width}.png")
    assert faults == tables == []
    assert ratios == pytest.approx([figure.width / figure.height for figure in make_results().figures], rel=0.01)


def origin_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}/"


def test_the_checks_see_what_is_wrong(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(BAD_PAGE)
    with browsing.served(tmp_path) as address:
        browser.open(f"{address}/page.html", PHONE)
        faults = "\n".join(browser.faults(origin_of(address)))
        found = {violation.split(":")[0] for violation in browser.violations()}
    for expected in ("broken image", "console: ", "request to http://example.org/x.png", "404 ", "px wide in a window"):
        assert expected in faults
    assert {"image-alt", "color-contrast", "html-has-lang"} <= found


BAD_PAGE = """<!doctype html><head><title>Bad</title><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,"></head><body><h1>Bad</h1>
<img src="missing.png"><img src="http://example.org/x.png">
<p>Plain</p><p>Plain</p><div style="background: #111"><p>Plain on black</p></div>
<p style="color: #ccc; background: #fff">Faint</p><div style="width: 2000px">wide</div>
<script>console.error("an error")</script></body>
"""


def test_hostile_class_names_run_nothing(browser: Browser, tmp_path: Path) -> None:
    names = ("<script>alert(1)</script>", '"><img src=x onerror=alert(2)>{{ x }}')
    files = make_site(make_results(data=make_data(class_names=names)))
    assert jekyll(put(tmp_path / "source", files), tmp_path / "target") == []
    with browsing.served(tmp_path / "target") as address:
        for page in (PAGES[name] for name in ("post", "index", "provenance", "not-found")):
            browser.open(address + page, PHONE)  # an alert would end this call with an error
            assert browser.faults(origin_of(address)) == []
            assert names[0] in browser.script("return document.body.textContent") or page in ("/", "/404.html")


def test_the_page_weighs_less_than_two_megabytes(browser: Browser, site: str) -> None:
    browser.open(site + PAGES["post"])
    sizes = browser.script("return performance.getEntries().filter((e) => e.transferSize).map((e) => e.transferSize)")
    assert len(sizes) > 5
    assert sum(sizes) < 2_000_000


def test_a_figure_of_the_preview_leads_to_its_full_size(browser: Browser, preview: Path) -> None:
    browser.open(preview.as_uri())
    links = browser.script("return [...document.querySelectorAll('figure > a')].map((a) => a.href)")
    assert len(links) == len(make_results().figures)
    assert [link for link in links if not Path(urlsplit(link).path).is_file()] == []


def test_a_figure_leads_to_its_full_size(browser: Browser, site: str) -> None:
    browser.open(site + PAGES["post"])
    links = browser.script("return [...document.querySelectorAll('figure > a')].map((a) => [a.href, a.firstChild.src])")
    assert len(links) == len(make_results().figures)
    assert [pair for pair in links if pair[0].removesuffix(".png") != pair[1].removesuffix(".webp")] == []


def test_without_scripts_the_page_is_complete(browser: Browser, site: str) -> None:
    browser.open(site + PAGES["post"])
    text = browser.script("return document.body.innerText")
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.driver.get(site + PAGES["post"])
        snapshot = browser.command("DOMSnapshot.captureSnapshot", computedStyles=[])
    finally:
        browser.command("Emulation.setScriptExecutionDisabled", value=False)
    assert "Reproduction Notes" in text
    assert any("Reproduction Notes" in string for string in snapshot["strings"])
