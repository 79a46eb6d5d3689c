"""The exported page holds all that it shows, asks for nothing, and is otherwise the page it was made from."""

import base64
import re
from pathlib import Path

import pytest

from generator.post.formats.export import export
from generator.support.errors import BadInput
from tests.sites import picture

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<link rel="stylesheet" href="style.css">
<link rel="icon" href="icon.svg">
</head>
<body>
<p>A &lt;b&gt; &#123;&#123; x &#125;&#125; caf&eacute; <br>
<a href="https://example.org/a.png">web</a> <a href="#top">up</a> <a href="http://[none">nowhere</a></p>
<figure>
<a href="images/a%20b.png">
<img src="images/a%20b.webp" alt="&#60;x&#62; &quot;quoted&quot;" width="12" height="8" loading="lazy"></a>
</figure>
<pre><code>if a &lt; b &amp;&amp; c: # a comment</code></pre>
<!-- a remark -->
<script>if (1 < 2 && "a" > "b") { document.title = "</" + "p>"; }</script>
</body>
</html>
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a b.webp").write_bytes(picture("webp"))
    (tmp_path / "style.css").write_text("p > b { color: red; }\n")
    (tmp_path / "icon.svg").write_text("<svg/>")
    return tmp_path


def test_images_styles_and_icon_are_in_the_file(folder: Path) -> None:
    page = export(PAGE, folder)
    assert f'src="data:image/webp;base64,{base64.b64encode(picture("webp")).decode()}"' in page
    assert "<style>\np > b { color: red; }\n</style>" in page
    assert 'href="data:image/svg+xml;base64,PHN2Zy8+"' in page


def test_no_address_of_another_file_is_left(folder: Path) -> None:
    addresses = re.findall(r'(?:src|href)="([^"]*)"', export(PAGE, folder))
    assert [a for a in addresses if not a.startswith(("data:", "https://", "http://[", "#"))] == []
    assert "https://example.org/a.png" in addresses
    assert "#top" in addresses


def test_a_figure_that_links_to_its_larger_file_fills_the_window_instead(folder: Path) -> None:
    page = export(PAGE, folder)
    figure = page[page.index("<figure") : page.index("</figure>")]
    assert '<figure id="figure-1">\n<a href="#figure-1-enlarged" id="figure-1-enlarged" class="enlarge">' in figure
    assert figure.rstrip().endswith('</a><a class="reduce" href="#figure-1">Close</a>')
    assert page.count("Close") == 1


def test_everything_else_stays_as_it_is(folder: Path) -> None:
    before = PAGE.splitlines()
    after = export(PAGE, folder).splitlines()
    kept = [
        line
        for line in before
        if "style.css" not in line and "icon.svg" not in line and "images/" not in line and "figure" not in line
    ]
    assert [line for line in kept if line not in after] == []
    assert 'alt="&lt;x&gt; &quot;quoted&quot;" width="12" height="8" loading="lazy"' in export(PAGE, folder)


def test_a_policy_forbids_every_request(folder: Path) -> None:
    head = export(PAGE, folder).split("<head>")[1].lstrip()
    assert head.startswith('<meta http-equiv="Content-Security-Policy" content="default-src &#x27;none&#x27;;')


def test_a_missing_image_is_named(folder: Path) -> None:
    (folder / "images" / "a b.webp").unlink()
    with pytest.raises(BadInput, match=r"a b\.webp: cannot be read .*build the site again"):
        export(PAGE, folder)


def test_an_image_of_unknown_kind_is_refused(folder: Path) -> None:
    with pytest.raises(BadInput, match=r"x\.tiff: cannot be put into one file"):
        export('<img src="x.tiff">', folder)
