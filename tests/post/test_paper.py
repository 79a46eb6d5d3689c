"""A PDF of the post: pages with numbers, everything folded away open; clear errors where nothing can print."""

import re
import zlib
from pathlib import Path

import pytest

from generator import cli
from generator.post.formats import paper
from generator.support.errors import BadInput, BuildFailed
from tests import browsing
from tests.factories import ROOT

PAGE = """<!doctype html>
<html lang="en"><head><title>Two animals</title><style>{css}</style></head><body><main><article class="page">
<h1>Two animals</h1>
<details class="contents-above"><summary>Contents</summary><p>list</p></details>
<details><summary>The code</summary><p>folded</p></details>
<details open><summary>Open</summary></details>
<img src="data:," loading="lazy" width="100" height="300" alt="tall">
<img src="data:," width="100" height="100" alt="square">
{text}
</article></main></body></html>
"""


def program(folder: Path, script: str) -> Path:
    """A browser on the PATH that does what `script` says; `$TARGET` is the file to print to."""
    folder.mkdir(exist_ok=True)
    path = folder / "chromium"
    lines = ["#!/bin/sh", 'for each in "$@"; do case $each in --print-to-pdf=*) TARGET=${each#*=};; esac; done', script]
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of programs beside the shell's own."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


def test_without_a_browser_it_says_which_were_looked_for(path: Path) -> None:
    with pytest.raises(
        BadInput, match=r"none of chromium, .*google-chrome.* is on the PATH; install one .*export FILE"
    ):
        paper.browser()


def test_without_a_browser_nothing_is_trained(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = [part for name in ("store", "site") for part in (f"--{name}", str(tmp_path / name))]
    assert cli.main([*places, "--preview", str(tmp_path / "p.html"), "--export", str(tmp_path / "post.pdf")]) == 2
    assert "a PDF needs Chromium" in capsys.readouterr().err
    assert not (tmp_path / "store").exists()


def test_a_browser_that_prints_nothing_is_named_with_what_it_said(path: Path, tmp_path: Path) -> None:
    found = program(path, "echo no display >&2; exit 3")
    with pytest.raises(BuildFailed, match=rf"{re.escape(str(found))}: printed no PDF \(exit status 3: no display\)"):
        paper.to_pdf("<p>x</p>", tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bin"]


def test_what_is_printed_is_open_loaded_and_its_tall_pictures_are_marked(path: Path, tmp_path: Path) -> None:
    program(path, 'printf %s \'%PDF-\' > "$TARGET"; /bin/cat "${TARGET%pdf}html" >> "$TARGET"')
    printed = paper.to_pdf(PAGE.format(css="", text=""), tmp_path / "out").decode()
    assert printed.startswith("%PDF-")
    assert printed.count("<details open>") == 2
    assert '<details class="contents-above">' in printed
    assert "loading=" not in printed
    assert re.findall(r'<img class="tall" [^>]*alt="(\w+)"', printed) == ["tall"]


CSS = (ROOT / "templates/site/assets/css/post.css").read_text("utf-8")
REALLY = pytest.mark.skipif(browsing.CHROMIUM is None, reason=browsing.REASON)


@REALLY
@pytest.mark.browser
def test_chromium_prints_a_page_for_each(tmp_path: Path) -> None:
    css = CSS + "h2 { break-before: page }"
    pdf, longer = (paper.to_pdf(PAGE.format(css=css, text="<h2>On</h2>" * headings), tmp_path) for headings in (1, 3))
    assert pages(longer) == pages(pdf) + 2
    assert b"Two animals" in pdf
    assert list(tmp_path.iterdir()) == []


@REALLY
@pytest.mark.browser
@pytest.mark.parametrize("numbered", [True, False])
def test_pages_are_numbered_by_the_style_sheet(tmp_path: Path, numbered: bool) -> None:
    """A page without any text has some where its number is printed."""
    css = CSS if numbered else re.sub("@bottom-center.*", "", CSS)
    empty = '<div style="break-after: page; height: 1px"></div>'
    pdf = paper.to_pdf(f"<!doctype html><title>x</title><style>{css}</style>{empty * 2}", tmp_path)
    streams = re.findall(rb"/FlateDecode.*?stream\r?\n(.*?)endstream", pdf, re.DOTALL)
    assert any(b"BT" in zlib.decompress(stream) for stream in streams) == numbered


def pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))
