"""Long listings on a page of their own: nothing is lost, everything stays accounted for, and every link leads there."""

import re
from pathlib import Path
from typing import Any

import pytest

from generator.post import bound, manifest, render
from generator.post.formats import appendix, tidying
from generator.post.formats.preview import heading_id
from generator.post.jekyll import layout
from generator.post.render import Rendered
from generator.publishing import deliver
from generator.publishing.verify import verify
from generator.support import escape
from generator.support.formats import FORMATS
from generator.support.places import Places
from tests.factories import ROOT, make_config, make_results, make_variant, with_measurement
from tests.rendered import TEMPLATES, make_post, make_site
from tests.sites import put

BUILD = with_measurement(make_results())
PLACE = layout.own(make_post())
CODE = re.compile(r"^```[a-z]*\n.*?^```$", re.DOTALL | re.MULTILINE)
MOVED = re.compile(r"In the appendix: \[(.*?)\]\((.*?)#([a-z0-9-]+)\)\.")
IDS = re.compile(r' id="([^"]+)"')


def rendered(**changes: Any) -> Rendered:
    return render.render(make_post(**{"appendix": True, **changes}), BUILD)


@pytest.fixture(scope="module")
def page() -> Rendered:
    return rendered()


def test_without_the_setting_the_post_is_whole() -> None:
    plain = rendered(appendix=False)
    assert (len(plain.pages), plain.appendix, plain.whole) == (1, None, plain.text)
    assert "In the appendix" not in plain.text


def test_no_listing_is_lost_and_none_is_there_twice(page: Rendered) -> None:
    before = CODE.findall(rendered(appendix=False).text)
    texts = [each.text for each in page.pages]
    assert sorted(block for text in texts for block in CODE.findall(text)) == sorted(before)
    assert sorted(CODE.findall(page.whole)) == sorted(before)
    assert max(len(re.findall(r"^.+$", block, re.MULTILINE)) for block in CODE.findall(page.text)) <= appendix.LONG + 2
    assert len(page.text) < 0.75 * len(page.whole)


def test_figures_and_headings_stay_in_the_post(page: Rendered) -> None:
    post, beside = (each.text for each in page.pages)
    before = rendered(appendix=False).text
    assert re.findall(r"<figure.*", post) == re.findall(r"<figure.*", before)
    assert tidying.headings(post) == tidying.headings(before)
    assert "<figure" not in beside


def test_every_number_and_excerpt_of_both_pages_is_accounted_for(page: Rendered) -> None:
    before = rendered(appendix=False)
    assert page.appendix is not None
    texts = ((page.numbers, page.excerpts), (page.appendix.numbers, page.appendix.excerpts))
    assert sorted(n.source for numbers, _ in texts for n in numbers) == sorted(n.source for n in before.numbers)
    assert sorted(e.symbol for _, excerpts in texts for e in excerpts) == sorted(e.symbol for e in before.excerpts)
    for (numbers, excerpts), text in zip(texts, page.pages, strict=True):
        lines = text.text.split("\n")
        assert numbers
        assert excerpts
        for number in numbers:
            assert lines[number.line - 1][number.column - 1 :].startswith(number.text)
            assert FORMATS[number.format](bound.value_of(BUILD, number.source)) == number.text
        for excerpt in excerpts:
            assert manifest.fingerprint_of_code(text.text, excerpt.line) == excerpt.sha256


def test_each_listing_leaves_a_sentence_that_leads_to_it(page: Rendered) -> None:
    post, beside = (each.text for each in page.pages)
    moved = MOVED.findall(post)
    assert {address for _, address, _ in moved} == {f"../appendix/{make_post().slug}.html"}
    listings = re.findall(r'<h3 id="([^"]+)">(.*)</h3>', beside)
    assert listings == [(anchor, title) for title, _, anchor in moved]
    assert len({anchor for anchor, _ in listings}) == len(listings) > 15
    sections = re.findall(r"<h2 id=\"[^\"]+\">(.*)</h2>", beside)
    assert [heading for heading in tidying.headings(post) if heading in sections] == sections


def test_on_one_page_every_link_leads_to_an_anchor_and_none_is_there_twice(page: Rendered) -> None:
    anchors = [*map(heading_id, tidying.headings(page.whole)), *IDS.findall(CODE.sub("", page.whole))]
    assert len(anchors) == len(set(anchors))
    links = re.findall(r"\]\(#([^)]+)\)", CODE.sub("", page.whole))
    assert {anchor for _, _, anchor in MOVED.findall(page.text)} <= set(links) <= set(anchors)
    assert f"/{appendix.FOLDER}/" not in page.whole
    assert appendix.POST not in page.whole


def test_a_post_without_long_listings_has_no_appendix(tmp_path: Path) -> None:
    short = '{% include "front-matter.md.j2" %}\n\n## Mine\n\n{{ excerpt("generator.training.network:build_base") }}\n'
    put(tmp_path / "own", {"post.md.j2": short.encode()})
    found = rendered(templates=tmp_path / "own")
    assert (len(found.pages), found.appendix, found.whole) == (1, None, found.text)


def test_listings_of_own_templates_move_too(tmp_path: Path) -> None:
    long = (
        '{% import "macros.md.j2" as m with context %}\n{% include "front-matter.md.j2" %}\n\n## Mine\n\n'
        '{% call m.fold("All of them") %}\n{% for image in baseline.predictions %}\n- {{ image.index | integer }},'
        " see [mine](#mine)\n{% endfor %}\n{% endcall %}\n"
    )
    put(tmp_path / "own", {"post.md.j2": long.encode()})
    post, beside = rendered(templates=tmp_path / "own").pages
    assert "## Mine\n\nIn the appendix: [All of them](" in post.text
    assert f"- 39, see [mine]({appendix.POST}#mine)" in beside.text


def test_titles_from_outside_stay_text() -> None:
    title = '<b>"|`{{ x }} [a](b)'
    build = make_results(variants={"baseline": make_variant(), "augmentation": make_variant("augmentation")})
    hostile = build.variants["augmentation"].model_copy(update={"title": title})
    build = build.changed(variants={**build.variants, "augmentation": hostile})
    for each in render.render(make_post(appendix=True), build).pages:
        assert title not in CODE.sub("", each.text)
    _, sections = appendix.parted(f"## A\n\n{fold(escape.markdown(title), 20)}")
    (listing,) = sections[0].listings
    assert listing.title == escape.markdown(title)
    assert re.fullmatch("listing-[a-z0-9-]+", listing.anchor)


# ---- What is a listing -----------------------------------------------------------------------------------


def fold(title: str, lines: int, more: str = "") -> str:
    inside = "\n".join(f"- {k}" for k in range(lines))
    return f'<details markdown="1">\n<summary>{title}</summary>\n\n{inside}\n{more}\n</details>\n'


def block(lines: int, inside: str = "x") -> str:
    return escape.code_fence("\n".join([inside] * lines)) + "\n"


LONG = appendix.LONG


@pytest.mark.parametrize(
    ("text", "moves"),
    [
        (block(LONG), False),
        (block(LONG + 1), True),
        (block(LONG + 1, "{{ x }}"), True),
        (block(LONG + 1, "{% endraw %}"), True),
        (block(LONG + 1, "x ```"), True),
        (fold("A", LONG), False),
        (fold("A", LONG + 1), True),
        (fold("A", 2, "\n" + block(LONG, "</details>")), True),
        (fold("A", LONG + 1, "\n<figure>\n</figure>\n"), False),
        (fold("A", LONG + 1, "\n### B\n"), False),
        ("|a|\n|-|\n" + "|1|\n" * 40, False),
    ],
)
def test_long_blocks_and_folds_without_figures_move_whole(text: str, moves: bool) -> None:
    before = f"## Section\n\nText.\n\n{text}\nMore.\n"
    rest, sections = appendix.parted(before, "page.html")
    if not moves:
        assert (rest, sections) == (before, ())
        return
    (section,) = sections
    (listing,) = section.listings
    assert section.title == "Section"
    assert rest == f"## Section\n\nText.\n\nIn the appendix: [{listing.title}](page.html#{listing.anchor}).\n\nMore.\n"
    assert listing.text.strip() in text


def test_anchors_of_equal_titles_and_of_the_post_s_headings_differ() -> None:
    text = f"## A\n\n{fold('B', 20)}\n{fold('B', 20)}\n## Listing B 2\n\n{block(20)}"
    _, sections = appendix.parted(text)
    anchors = [listing.anchor for section in sections for listing in section.listings]
    assert anchors == ["listing-b", "listing-b-3", "listing-output-under-listing-b-2"]


# ---- Where it lies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        ({}, "../appendix/a-b.html"),
        ({"permalink": "/a-b.html"}, "appendix/a-b.html"),
        ({"permalink": "/:year/:month/:title/"}, "../../../appendix/a-b.html"),
        ({"assets": "absolute"}, "/appendix/a-b.html"),
        ({"assets": "liquid"}, "{{ '/appendix/a-b.html' | relative_url }}"),
    ],
)
def test_the_post_names_its_address_as_it_names_assets(changes: dict[str, Any], address: str) -> None:
    place = layout.own(make_post(slug="a-b", **changes))
    assert (appendix.link(place), appendix.file(place)) == (address, "appendix/a-b.md")
    moved = appendix.readdressed(f"[x]({place.links}data/x.csv) [y](#z)", place)
    assets = "../assets/" if place.links.endswith("../assets/") or place.links == "assets/" else place.links
    assert moved == f"[x]({assets}data/x.csv) [y]({appendix.POST}#z)"


def test_a_second_post_in_an_older_site_takes_a_layout_that_is_there(tmp_path: Path) -> None:
    files = make_site(post=make_post(slug="first", asset_folder="first"))
    put(tmp_path, files | {"assets/data/first/manifest.json": b"{}"})
    first = manifest.to_text(manifest.make("_posts/2023-01-31-first.md", {"_config.yml": b""})).encode()
    put(tmp_path, {"assets/data/first/manifest.json": first})
    assert layout.find(tmp_path, make_post()).page_name == layout.APPENDIX
    (tmp_path / "_layouts/appendix.html").unlink()
    assert layout.find(tmp_path, make_post()).page_name == "page"


def test_what_is_in_its_place_is_known_before_anything_is_trained(tmp_path: Path) -> None:
    places = Places(ROOT, tmp_path / "store", tmp_path / "site", tmp_path / "preview.html")
    config = make_config()
    for asked in (True, False):
        changed = config.model_copy(update={"post": make_post(appendix=asked)})
        assert (appendix.file(PLACE) in deliver.expected(changed, places, PLACE)) == asked


# ---- verify ----------------------------------------------------------------------------------------------


def test_verify_holds_the_appendix_against_the_results(tmp_path: Path, page: Rendered) -> None:
    post = make_post(appendix=True)
    files = make_site(BUILD, post)
    record = f"{PLACE.data}/{manifest.NAME}"
    del files[record]
    made = manifest.make(page.post, files, page.numbers, page.excerpts, appendix=page.appendix)
    put(tmp_path, {**files, record: manifest.to_text(made).encode()})
    assert verify(tmp_path) == ()
    assert manifest.read(tmp_path, record) == made
    path, text = page.pages[1].path, page.pages[1].text
    assert page.appendix is not None
    number, excerpt = page.appendix.numbers[5], page.appendix.excerpts[0]
    lines = text.split("\n")
    line = lines[number.line - 1]
    wrong = "".join(str((int(c) + 1) % 10) if c.isdigit() else c for c in number.text)
    lines[number.line - 1] = line[: number.column - 1] + wrong + line[number.column - 1 + len(number.text) :]
    lines[excerpt.line] += " # changed"
    forged = {**files, path: "\n".join(lines).encode()}
    forged_record = manifest.make(page.post, forged, page.numbers, page.excerpts, appendix=page.appendix)
    put(tmp_path, {**forged, record: manifest.to_text(forged_record).encode()})
    found = {(each.kind, each.place) for each in verify(tmp_path)}
    assert found == {("number", f"{path}:{number.line}:{number.column}"), ("excerpt", f"{path}:{excerpt.line}")}
    del files[path]
    with_none = manifest.make(page.post, files, page.numbers, page.excerpts, appendix=page.appendix)
    put(tmp_path, {record: manifest.to_text(with_none).encode()})
    assert {(each.kind, each.place) for each in verify(tmp_path)} > {("manifest", path)}
    put(tmp_path, {record: manifest.to_text(forged_record).encode()})
    (tmp_path / path).unlink()
    assert [(each.kind, each.place) for each in verify(tmp_path)] == [("file", path)]


def test_the_templates_are_those_that_are_checked() -> None:
    assert TEMPLATES / "appendix.md.j2" in render.lint.templates_of(TEMPLATES)
