"""The post as one HTML page, converted with Python-Markdown, for looking at it without Jekyll.

`page` takes the post's Markdown and gives the page; colours and type are the site's own, so that what is seen
here is what Jekyll will show.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Collection
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import quote

import markdown
from markdown.extensions.codehilite import CodeHiliteExtension
from markdown.extensions.toc import TocExtension
from markupsafe import Markup

from generator.post import templating

TEMPLATE = "preview.html.j2"
STYLES: Final = ("post.css", "code.css", "site.css")
"""Style sheets below `site/assets/css/` of the templates, put into the page."""

SCRIPTS: Final = ("tables.html", "scrollable.html")
"""Scripts below `site/_includes/`, put into the page; what they do is nothing that the page needs."""

_ASSETS = "/assets/"
_PREFIX = "\0prefix/"
"""Stands for a link's new beginning, which may look like one of the old ones."""

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_LIQUID_COMMENT = re.compile(r"^<!-- \{% (?:end)?raw %\} -->\n", re.MULTILINE)
_HEADING = re.compile(r'<h([23]) id="([^"]*)">(.*?)</h\1>', re.DOTALL)


def page(post: str, *, templates: Path, assets: Collection[str], prefix: str) -> str:
    """The preview of a post's text, front matter included.

    Links that begin with one of `assets` will begin with `prefix`, which leads from where the page will stand to
    the site's `assets/`; all end in a slash. Raises `BadInput` where a template is at fault.
    """
    matter, text = _split(post)
    body = _with_prefix(text, assets, prefix)
    folder = templates / "site"
    with templating.guarded(templates):
        styles = [(folder / "assets" / "css" / name).read_text("utf-8") for name in STYLES]
        environment = templating.environment(templates, autoescape=True, kept=templates)
        return environment.get_template(TEMPLATE).render(
            title=matter.get("title", ""),
            description=matter.get("description", ""),
            date=matter.get("date", "").partition(" ")[0],
            css=Markup("\n".join(styles)),
            contents=_contents(body),
            body=Markup(body),
            script=Markup("".join((folder / "_includes" / name).read_text("utf-8") for name in SCRIPTS)),
        )  # fmt: skip


def address(folder: Path, page: Path) -> str:
    """How a link in the file `page` names `folder`: the way there, percent-encoded, with a slash at the end."""
    return quote(os.fsencode(os.path.relpath(folder, page.parent))) + "/"


def heading_id(heading: str, _separator: str = "-") -> str:
    """The anchor that kramdown and GitHub give a plain ASCII heading."""
    kept = re.sub(r"[^a-z0-9 -]", "", re.sub(r"^[^a-z]+", "", heading.lower()))
    return kept.replace(" ", "-")


def _split(post: str) -> tuple[dict[str, str], str]:
    """Front matter, of which only single lines are read, and the text after it."""
    match = _FRONT_MATTER.match(post)
    if match is None:
        return {}, post
    pairs = (line.partition(": ") for line in match[1].split("\n"))
    values = {key: json.loads(value) if value.startswith('"') else value for key, _, value in pairs}
    return values, post[match.end() :]


@lru_cache(maxsize=64)
def html(text: str, anchor: Callable[[str, str], str] = heading_id) -> str:
    """Markdown as HTML; `anchor` gives the id of a heading, one that comes again is numbered as kramdown and GitHub do.

    Kept for a while: a build looks at the pages that it will publish before it trains, `serve` after every change.
    """
    seen: Counter[str] = Counter()

    def numbered(heading: str, separator: str) -> str:
        found = anchor(heading, separator)
        seen[found] += 1
        return found if seen[found] == 1 else f"{found}-{seen[found] - 1}"

    converter = markdown.Markdown(
        extensions=[
            "tables",
            "fenced_code",
            "md_in_html",
            CodeHiliteExtension(guess_lang=False, css_class="highlight"),
            TocExtension(slugify=numbered),
        ]
    )
    return str(converter.convert(_LIQUID_COMMENT.sub("", text)))


def _with_prefix(text: str, assets: Collection[str], prefix: str) -> str:
    """`text` as HTML, with links that begin with `prefix` in place of one of `assets`."""
    for base in assets:
        # Liquid comes before Markdown, which would take its blanks and quotes for the end of the address.
        text = text.replace(base, _ASSETS) if base.startswith("{{") else text
    body = html(text)
    for base in {*assets, _ASSETS} if assets else ():
        body = body.replace(f'="{base}', f'="{_PREFIX}')
    return body.replace(_PREFIX, prefix)


def _contents(body: str) -> Markup:
    items = (
        f'<li class="level-{level}"><a href="#{anchor}">{words}</a></li>'
        for level, anchor, words in _HEADING.findall(body)
    )
    return Markup('<ul class="contents">\n{}\n</ul>').format(Markup("\n".join(items)))
