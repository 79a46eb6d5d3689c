"""The preview: one HTML page from the post's Markdown."""

from pathlib import Path

from generator.post.formats import preview
from tests.factories import ROOT

POST = """---
title: "A \\"title\\" <b>"
date: 2023-01-31 12:38:00 -0600
description: "About it"
---

## One heading

Text with [a link](../assets/data/x/metrics.json).

### Another heading

<!-- {% raw %} -->
```python
print("{{ x }}")
```
<!-- {% endraw %} -->

<figure>
<a href="../assets/images/x/y.png"><img src="../assets/images/x/y.webp" width="1" height="1" alt="y"></a>
</figure>
"""


def page(text: str = POST, prefix: str = "../site/assets/", templates: Path = ROOT / "templates") -> str:
    return preview.page(text, templates=templates, assets=("../assets/",), prefix=prefix)


def test_title_and_description_come_from_the_front_matter_escaped() -> None:
    assert "<h1>A &#34;title&#34; &lt;b&gt;</h1>" in page()
    assert '<meta name="description" content="About it">' in page()
    assert "---" not in page().partition("</style>")[2]


def test_links_lead_to_the_site() -> None:
    html = page()
    assert 'src="../site/assets/images/x/y.webp"' in html
    assert 'href="../site/assets/data/x/metrics.json"' in html
    assert '"../assets' not in html


def test_liquid_comments_are_gone_and_code_stays() -> None:
    html = page()
    assert "raw %}" not in html
    assert "{{ x }}" in html


def test_contents_name_the_headings() -> None:
    html = page()
    assert '<li class="level-2"><a href="#one-heading">One heading</a></li>' in html
    assert '<h3 id="another-heading">Another heading</h3>' in html


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert "http" not in page().replace("http-equiv", "")


def test_anchors_are_those_of_kramdown() -> None:
    assert preview.heading_id("2 Wrong-Predictions of ResNet50") == "wrong-predictions-of-resnet50"
