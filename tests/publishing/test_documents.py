"""Documents as pages: which, in which order, with links that lead somewhere, and nothing in them for Liquid."""

import re
import subprocess
from pathlib import Path

import pytest

from generator.experiment.config.post_settings import SiteSettings
from generator.publishing import documents
from generator.support import git
from generator.support.errors import BadInput
from tests.rendered import DOCS
from tests.sites import put

INDEX = """# Manual

What it is, with [a word](second.md) on the way.

## Beginning

- [First](first.md): this
- [Second](deep/second.md)

## Inside

* [Third](third.md)
"""
FILES = {
    "index.md": INDEX,
    "first.md": "# The `first`\n\n[on](deep/second.md#there), [code](../src/x.py), [web](https://example.org/a.md).\n",
    "deep/second.md": "# Second\n\n## There\n\n[back](../first.md), [up](#there), [top](../index.md), [s](../s.json)\n",
    "third.md": "# Third\n\n| a | b |\n|---|---|\n| `x \\| y` | <!-- f -->1<!-- / --> |\n\n`{{ a }}` {% raw %}\n",
    "unlisted.md": "# Unlisted\n",
    "s.json": "{}",
    "t.json": "{}",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return put(tmp_path / "docs", {name: text.encode() for name, text in FILES.items()})


def test_a_link_to_the_web_in_the_index_is_no_document(folder: Path) -> None:
    with (folder / "index.md").open("a") as index:
        index.write("- [Elsewhere](https://example.org/README.md)\n")
    assert 'href="https://example.org/README.md"' in pages(folder)["docs/index.html"]


def test_a_link_that_is_no_address_stays_what_it_is(folder: Path) -> None:
    put(folder, {"first.md": b"# First\n\n[a](http://[none)\n"})
    with (folder / "index.md").open("a") as index:
        index.write("- [Nowhere](http://[none.md)\n")
    found = pages(folder)
    assert "http://[none" in found["docs/first.html"]
    assert "Nowhere" in found["docs/index.html"]


def test_links_with_an_ampersand_or_a_title_lead_somewhere(folder: Path) -> None:
    put(folder, {"R&D.md": b"# R&D\n", "first.md": b'# First\n\n[a](R&D.md), [b](third.md "The third")\n'})
    with (folder / "index.md").open("a") as index:
        index.write("- [R&D](R&D.md)\n")
    page = pages(folder)["docs/first.html"]
    assert '<a href="R%26D.html">a</a>' in page
    assert '<a href="third.html" title="The third">b</a>' in page


@pytest.mark.parametrize("link", ["my%20doc.md", "<my doc.md>", 'my%20doc.md "Mine"', "my%20doc.md#part"])
def test_the_index_names_documents_as_a_code_host_takes_it(folder: Path, link: str) -> None:
    put(folder, {"my doc.md": b"# My doc\n"})
    with (folder / "index.md").open("a") as index:
        index.write(f"- [Mine]({link}): this\n")
    found = pages(folder)
    assert 'title: "My doc"\nentry: "Mine"\n' in found["docs/my doc.html"]
    assert '<a href="my%20doc.html' in found["docs/index.html"]


@pytest.mark.parametrize("item", ["1. ", "2) ", "+ ", "  - ", "*  "])
def test_an_item_of_any_list_is_one(folder: Path, item: str) -> None:
    (folder / "index.md").write_text(f"# Manual\n\n{item}[First](first.md): this\n", "utf-8")
    assert "docs/first.html" in pages(folder)


def test_a_heading_that_comes_again_has_the_code_hosts_anchor(folder: Path) -> None:
    put(folder, {"first.md": b"# First\n\n[on](#there-1)\n\n## There\n\n## There\n\n## There\n"})
    page = pages(folder)["docs/first.html"]
    assert re.findall(r'<h2 id="([^"]+)"', page) == ["there", "there-1", "there-2"]


def test_a_document_is_listed_once_where_the_index_leads_to_its_parts(folder: Path) -> None:
    before = list(pages(folder))
    with (folder / "index.md").open("a") as index:
        index.write("- [A part](first.md#there)\n- [Here](index.md)\n")
    found = pages(folder)
    assert list(found) == before
    assert 'entry: "First"\ngroup: "Beginning"\norder: 1\n' in found["docs/first.html"]


def test_a_comment_in_code_is_no_title(folder: Path) -> None:
    (folder / "third.md").write_text("Before all:\n\n```sh\n# install it\npip install it\n```\n")
    page = pages(folder)["docs/third.html"]
    assert 'title: "Third"' in page
    assert "# install it" in page


def test_a_title_may_stand_behind_comments_and_blank_lines(folder: Path) -> None:
    (folder / "third.md").write_text("\n<!-- a -->\n<!--\n# b\n-->\n\n# The title\n\nThe text.\n")
    page = pages(folder)["docs/third.html"]
    assert 'title: "The title"' in page
    assert page.endswith("---\n<p>The text.</p>\n")


def pages(folder: Path, repository: str | None = None) -> dict[str, str]:
    found = documents.pages(SiteSettings(docs=folder, repository=repository))
    return {path: content.decode() for path, content in found.items()}


def test_a_byte_order_mark_is_no_text(folder: Path) -> None:
    before = pages(folder)
    for name in ("index.md", "first.md"):
        (folder / name).write_text(FILES[name], "utf-8-sig")
    assert pages(folder) == before


def test_what_the_index_lists_becomes_a_page_in_its_order(folder: Path) -> None:
    found = pages(folder)
    listed = ["docs/index.html", "docs/first.html", "docs/deep/second.html", "docs/third.html"]
    assert list(found) == [*listed, "docs/s.json"]
    matter = found["docs/first.html"].split("---\n")[1]
    assert matter == 'layout: "document"\ntitle: "The first"\nentry: "First"\ngroup: "Beginning"\norder: 1\n'
    assert 'group: "Inside"\norder: 3' in found["docs/third.html"]


def test_without_the_setting_there_is_nothing() -> None:
    assert documents.pages(SiteSettings()) == {}


def test_links_lead_from_page_to_page_and_to_files_beside_them(folder: Path) -> None:
    found = pages(folder)
    assert (
        '<a href="deep/second.html#there">on</a>, code, <a href="https://example.org/a.md">web</a>'
        in (found["docs/first.html"])
    )
    second = found["docs/deep/second.html"]
    for link in ('"../first.html">back', '"#there">up', '"../index.html">top', '"../s.json">s'):
        assert f"<a href={link}</a>" in second
    assert '<h2 id="there">' in second


def test_other_files_are_linked_where_the_repository_is_known(folder: Path) -> None:
    (folder / "first.md").write_text("# F\n\n[a](../generator/a b.py#L1), [u](unlisted.md), [out](../../x), [t](../)\n")
    text = pages(folder, "https://example.org/o/n/")["docs/first.html"]
    base = "https://example.org/o/n/blob/HEAD"
    assert f'<a href="{base}/docs/unlisted.md">u</a>, out' in text
    assert "/../" not in text


def test_a_folder_deep_in_its_repository_is_found_there(folder: Path, tmp_path: Path) -> None:
    deep = tmp_path / "project" / "web"
    folder.rename(put(deep, {"a.py": b""}) / "docs")
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "project")], check=True, env=git.environment())
    (deep / "docs" / "first.md").write_text("# F\n\n[code](../a.py), [read](../../README.md), [out](../../../x)\n")
    text = pages(deep / "docs", "https://example.org/o/n")["docs/first.html"]
    base = "https://example.org/o/n/blob/HEAD"
    assert f'<a href="{base}/web/a.py">code</a>, <a href="{base}/README.md">read</a>, out' in text


def test_code_bars_comments_and_liquid_stay_what_they_are(folder: Path) -> None:
    text = pages(folder)["docs/third.html"]
    assert "<code>x | y</code>" in text
    assert "<td>1</td>" in text
    assert "&#123;&#123; a }}" in text
    assert re.findall(r"\{\{|\{%|<!--", text) == []


def test_a_document_that_is_listed_and_missing_is_named(folder: Path) -> None:
    (folder / "third.md").unlink()
    with pytest.raises(BadInput, match=r"third\.md: cannot be read .*listed in .*index\.md"):
        pages(folder)


def test_a_folder_without_an_index_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"index\.md: cannot be read .*site\.docs asks for it"):
        pages(tmp_path / "docs")


def test_what_lies_elsewhere_is_not_published(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("{}")
    (folder / "s.json").unlink()
    (folder / "s.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(BadInput, match="leads out of"):
        pages(folder)


def test_text_that_is_none_is_named(folder: Path) -> None:
    (folder / "first.md").write_bytes(b"# \xff\n")
    with pytest.raises(BadInput, match=r"first\.md: not text in UTF-8"):
        pages(folder)


def test_every_document_of_the_project_is_in_the_index() -> None:
    listed = {each.source for each in documents.documents(DOCS)}
    assert listed == {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}, (
        "docs/index.md lists what becomes a page"
    )


def test_no_markup_is_left_over_on_the_projects_pages() -> None:
    """A list without a blank line before it, or a fence within one, would be a paragraph of hyphens."""
    for path, text in pages(DOCS).items():
        prose = re.sub(r"<(pre|code)\b.*?</\1>", "", text.partition("\n---\n")[2], flags=re.DOTALL)
        assert re.findall(r"^(?:[-*|] |\d+\. |```|#+ ).*", prose, re.MULTILINE) == [], path
