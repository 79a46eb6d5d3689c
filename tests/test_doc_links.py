"""Links in documents lead somewhere, as files of the repository; those of their pages are followed in `test_jekyll`."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from generator.publishing.documents import anchor
from generator.support.places import ROOT
from tools import write_docs

CODE = re.compile(r"^(```+|~~~+).*?^\1|(`+)(?!`).*?(?<!`)\2(?!`)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


def targets(text: str) -> list[str]:
    return [found[1] for found in LINK.finditer(CODE.sub("", text))]


def anchors(text: str) -> list[str]:
    """What a code host makes of the headings, code in them included."""
    blocks = re.sub(r"^(```+|~~~+).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)
    return [
        anchor(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")) for heading in HEADING.findall(blocks)
    ]


def fault(path: Path, target: str) -> str | None:
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return None
    leads = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not leads.exists():
        return "no such file"
    if not leads.is_relative_to(ROOT):
        return "leads out of the repository"
    if parts.fragment and leads.suffix == ".md" and unquote(parts.fragment) not in anchors(leads.read_text("utf-8")):
        return "no such heading"
    return None


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", write_docs.documents(), ids=name_of)
def test_every_link_of_a_document_leads_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    assert [(target, found) for target in targets(text) if (found := fault(path, target))] == []


@pytest.mark.parametrize("path", [path for path in write_docs.documents() if path.name != "CHANGELOG.md"], ids=name_of)
def test_no_heading_of_a_document_stands_twice(path: Path) -> None:
    found = anchors(path.read_text("utf-8"))
    assert sorted(each for each in set(found) if found.count(each) > 1) == []


def test_what_leads_nowhere_is_found() -> None:
    text = "[a](x.md), `[b](y.md)`\n\n```\n[c](z.md)\n```\n\n![d](post.png) [e [f]](#g)"
    assert targets(text) == ["x.md", "post.png", "#g"]
    data = ROOT / "docs" / "data.md"
    assert fault(data, "no.md") == "no such file"
    assert fault(data, "#no") == "no such heading"
    assert fault(data, "../../x/../..") == "leads out of the repository"
    assert [fault(data, target) for target in ("#labels", "https://example.org", "post.png", "../generator")] == [
        None
    ] * 4
