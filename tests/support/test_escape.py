"""Escaping: hostile names and code survive Python-Markdown unchanged and leave Liquid nothing to do."""

import html
import json
import re
from html.parser import HTMLParser

import markdown as python_markdown
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from generator.support import escape

HOSTILE = (
    "a|b", "<script>alert(1)</script>", "{{ x }}", "{% raw %}", "{% endraw %}", "_under_", "$\\foo$",
    "**b**", "`tick`", "[a](b)", "# h", "- item", "1. item", "&amp;", "&#95;", '"quoted"', "جمل", "🐪",
    "~~x~~", ": def", "a\nb", "\u202eevil", "\ue000", "{:.class}", "![x](y)", "http://x.y/", "www.x.org",
    "x\\", "$$a$$", "[TOC]",
)  # fmt: skip
names = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30), st.text("`{}%|<>&_*[]()#\\ a\n", max_size=30))
codes = st.one_of(names, st.lists(names, max_size=6).map("\n".join))


class Text(HTMLParser):
    """Collects a page's visible text and its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.feed(page)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def render(text: str) -> Text:
    extensions = ["tables", "fenced_code", "md_in_html"]
    return Text(python_markdown.markdown(text, extensions=extensions))


@given(names)
@example("a|b")
def test_markdown_holds_no_ascii_punctuation_but_references(name: str) -> None:
    assert re.fullmatch(r"(?:[^!-/:-@\[-`{-~]|&#\d+;)*", escape.markdown(name))


@given(names)
def test_plain_takes_markdown_back(name: str) -> None:
    assert escape.plain(escape.markdown(name)) == escape.clean(name)


@given(names)
def test_prose_shows_the_name_and_nothing_else(name: str) -> None:
    page = render(f"Before {escape.markdown(name)} after.")
    assert page.tags == ["p"]
    assert " ".join(page.text.split()) == " ".join(f"Before {escape.clean(name)} after.".split())


@given(names)
def test_a_table_keeps_its_cells(name: str) -> None:
    page = render(f"| a | b |\n|---|---|\n| {escape.markdown(name)} | x |\n")
    assert page.tags.count("td") == 2
    assert page.text.split() == ["a", "b", *escape.clean(name).split(), "x"]


@given(names)
def test_an_attribute_holds_the_name(name: str) -> None:
    image = f'<img alt="{escape.markdown(name)}" src="x">'
    assert html.unescape(re.fullmatch(r'<img alt="([^"<>]*)" src="x">', image)[1]) == escape.clean(name)  # type: ignore[index]


@given(names)
def test_clean_is_one_line_without_controls(name: str) -> None:
    cleaned = escape.clean(name)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ue000-\uf8ff]", cleaned)
    assert escape.clean(cleaned) == cleaned


def test_clean_keeps_letters_of_every_script() -> None:
    assert escape.clean("جمل 骆驼 🐪 é") == "جمل 骆驼 🐪 é"


@given(codes)
@example("{{ x }}\n```\n````\n{% endraw %}")
@example("{% raw %}")
@example("    indented\n\n\ttab   ")
def test_code_is_shown_as_it_is(code: str) -> None:
    code = "\n".join(map(escape.clean, code.split("\n")))
    fenced = escape.code_fence(code, "text")
    page = render(f"Before.\n\n{fenced}\n\nAfter.")
    shown = [line.rstrip() for line in code.strip("\n").split("\n")]
    assert page.tags == ["p", "pre", "code", "p"]
    assert [line for line in page.text.split("\n") if line] == ["Before.", *filter(None, shown), "After."]


@given(codes)
def test_liquid_finds_nothing_in_code(code: str) -> None:
    fenced = escape.code_fence(code)
    opened, closed = "<!-- {% raw %} -->\n", "\n<!-- {% endraw %} -->"
    if fenced.startswith(opened):
        assert fenced.endswith(closed)
        assert "endraw" not in fenced[len(opened) : -len(closed)]
    else:
        assert "{{" not in fenced
        assert "{%" not in fenced


def test_a_language_is_one_word() -> None:
    with pytest.raises(ValueError, match="python extra"):
        escape.code_fence("x", "python extra")


@given(names)
def test_yaml_string_is_json_on_one_line(name: str) -> None:
    quoted = escape.yaml_string(name)
    assert "\n" not in quoted
    assert json.loads(quoted) == escape.clean(name)
