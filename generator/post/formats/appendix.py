"""Long listings of a post on a page of their own, its appendix: the post links to each and keeps one sentence.

A listing is a block of code or of output, or a folded part without a figure, of more than `LONG` lines. `parted` takes
them out of the post's text, whatever templates it comes from, marks of numbers and excerpts included, and gives them by
the section that they stood in. The rest says where the page lies in a site, and how the two pages name each other.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, count
from pathlib import PurePosixPath
from typing import Any

from markupsafe import Markup

from generator.post import bound
from generator.post.formats import tidying
from generator.post.formats.preview import heading_id
from generator.post.jekyll import layout
from generator.post.jekyll.layout import LIQUID, Layout
from generator.support import escape

LONG = 12
"""Lines, blank ones aside, up to which a listing stays in the post."""

FOLDER = "appendix"
"""Of the pages, in the site and in their addresses."""

POST = "{{ post_of_appendix.url | relative_url }}"
"""Liquid for the post's address, wherever its blog has put it."""


@dataclass(frozen=True)
class Listing:
    """One that was moved."""

    anchor: Markup
    title: Markup
    text: Markup


@dataclass(frozen=True)
class Section:
    """A section of the post with what was moved out of it."""

    anchor: Markup
    title: Markup
    """Empty for what stands before the first heading."""
    listings: tuple[Listing, ...]


def slug(place: Layout) -> str:
    """Of the post: its file is named by date and slug."""
    return PurePosixPath(place.post).stem[len("2023-01-31-") :]


def file(place: Layout) -> str:
    """Site path of the page."""
    return f"{FOLDER}/{slug(place)}.md"


def permalink(place: Layout) -> str:
    """Its address below the site's root, the same in every blog."""
    return f"/{FOLDER}/{slug(place)}.html"


def link(place: Layout) -> str:
    """How the post names it."""
    if place.links == LIQUID:
        return f"{{{{ '{permalink(place)}' | relative_url }}}}"
    return place.links.removesuffix("assets/") + permalink(place)[1:]


def of_page(place: Layout) -> dict[str, Any]:
    """What its template is told of the page, beside the listings."""
    find = f'{{% assign post_of_appendix = site.posts | where: "slug", "{slug(place)}" | first %}}'
    return {
        "alone": True,
        "layout": place.page_name,
        # A bare layout shows no title, and some themes list every page that has one among the blog's own.
        "titled": place.page_name in (layout.APPENDIX, "page"),
        "permalink": permalink(place),
        "find_post": Markup(find),
        "post": Markup(POST),
    }


def readdressed(text: str, place: Layout) -> str:
    """A part of the post, without code, with links that lead from its appendix to the same places."""
    for base in set(place.bases):
        if not base.startswith(("/", "{{")):
            text = re.sub(rf'(?<=[("]){re.escape(base)}', "../assets/", text)
    return re.sub(r"\]\(#(?=[a-z0-9-]+\))", f"]({POST}#", text)


def parted(text: str, page: str = "", readdress: Callable[[str], str] = str) -> tuple[str, tuple[Section, ...]]:
    """A post's `text` without its long listings, and these.

    `page` is how the post names the address of the appendix, `readdress` mends the links of what is moved; neither is
    needed where both are one page. A text without long listings comes back as it is.
    """
    parting = _Parting(text, page, readdress)
    return parting.rest, tuple(parting.sections())


_CODE = re.compile(
    r"(?:^<!-- \{% raw %\} -->\n)?^(?P<fence>`{3,})[a-z]*\n.*?^(?P=fence)$(?:\n<!-- \{% endraw %\} -->$)?"
    r"|^<pre><code>.*?</code></pre>$",
    re.DOTALL | re.MULTILINE,
)
# Stands for a block of code while the rest is read; `escape.clean` takes such characters out of what is from outside.
_TOKEN = re.compile("\ue010([0-9]+)\ue011")
_PIECE = re.compile(
    r"^#{2,6} (?P<heading>[^\n]+)$|^\ue010[0-9]+\ue011$"
    r'|^<details markdown="1">\n<summary>(?P<title>[^\n]*)</summary>\n(?P<fold>.*?)^</details>$',
    re.DOTALL | re.MULTILINE,
)
_HEADING = re.compile(r"^#{1,6} ", re.MULTILINE)
_MARKED_UP = re.compile(r"<[^>]*>|&[^;]*;")


class _Parting:
    """Reads a post piece by piece; `heading` is the last one that was read."""

    def __init__(self, text: str, page: str, readdress: Callable[[str], str]) -> None:
        self.page, self.readdress = page, readdress
        self.blocks: list[str] = []
        self.heading = ""
        self.moved: dict[str, list[Listing]] = {}
        pieces = _CODE.sub(self._kept, text)
        # An anchor of the appendix is none of the post's: the two may be one page.
        self.anchors = set(map(heading_id, tidying.headings(pieces)))
        self.rest = self._whole(tidying.BLANKS.sub("\n\n", _PIECE.sub(self._piece, pieces)))

    def sections(self) -> list[Section]:
        return [
            Section(self._anchor("listings", heading_id(title)), Markup(title), tuple(listings))
            for title, listings in self.moved.items()
        ]

    def _kept(self, block: re.Match[str]) -> str:
        self.blocks.append(block[0])
        return f"\ue010{len(self.blocks) - 1}\ue011"

    def _whole(self, text: str) -> str:
        """`text` with its blocks of code."""
        return _TOKEN.sub(lambda token: self.blocks[int(token[1])], text)

    def _piece(self, piece: re.Match[str]) -> str:
        if piece["heading"] is not None:
            self.heading = piece["heading"]
            return piece[0]
        body = piece["fold"] or piece[0]
        # A figure is no listing, and whatever has a heading may be linked to.
        if "<figure" in body or _HEADING.search(body) or _lines(self._whole(body)) <= LONG:
            return piece[0]
        title = piece["title"] or self._title(self._whole(body))
        words = _MARKED_UP.sub(" ", bound.extract(title)[0])
        anchor = self._anchor("listing", heading_id(" ".join(words.split())))
        text = self._whole(self.readdress(body)).strip("\n")
        self.moved.setdefault(self.heading, []).append(Listing(anchor, Markup(title), Markup(text)))
        return f"\nIn the appendix: [{title}]({self.page}#{anchor}).\n"

    def _title(self, code: str) -> str:
        """What a block is called that is not folded, and so has no name."""
        quoted = bound.extract(code)[2]
        if quoted:
            return f"Code of <code>{escape.markdown(quoted[0].symbol.rpartition(':')[2])}</code>"
        return f"Output under {self.heading}" if self.heading else "Output"

    def _anchor(self, prefix: str, words: str) -> Markup:
        """One that nothing else on the page has."""
        wanted = f"{prefix}-{words}" if words else prefix
        free = next(each for each in chain([wanted], (f"{wanted}-{n}" for n in count(2))) if each not in self.anchors)
        self.anchors.add(free)
        return Markup(free)


def _lines(text: str) -> int:
    """Lines that say something: neither blank nor around a block of code or a table."""
    return sum(
        1 for line in text.split("\n") if line.strip() and not line.startswith(("```", "<!-- {%", "<div", "</div"))
    )
