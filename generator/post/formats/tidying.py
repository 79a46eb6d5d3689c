"""A rendered post made fit for a page: tables that scroll, links into the post that lead somewhere, sound headings."""

import re
from collections import Counter
from collections.abc import Callable

from generator.post.formats.preview import heading_id
from generator.support.errors import BadInput

BLANKS = re.compile(r"\n{3,}")
"""Blank lines where one is enough."""
_CODE = re.compile(r"(^(`{3,})[a-z]*\n.*?^\2$)", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#{2,6} (.+)$", re.MULTILINE)
_LINK = re.compile(
    r"\[(?P<words>[^\[\]]+)\]\(#(?P<anchor>[a-z0-9-]+)\)"
    # As in a figure's caption, where no renderer reads Markdown.
    r'|<a href="#(?P<html_anchor>[a-z0-9-]+)">(?P<html_words>[^<>]+)</a>'
)
_TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)
_SCROLLING = '<div style="overflow-x: auto"{} markdown="1">\n\n{}\n</div>\n'
_REACHED = ' tabindex="0" role="group" aria-label="Table"'
"""What lets the keyboard scroll it; so many regions of one name would be landmarks that nobody can tell apart."""


def tidy(text: str, *, foreign: bool = False) -> str:
    """`text` with tables that scroll by themselves, without blank lines at its ends or two in a row.

    In a blog whose theme does not think of wide tables, they would make the whole page scroll sideways. A `foreign`
    blog has no script that lets the keyboard reach those that scroll, so there it reaches every one.
    """
    scrolling = _SCROLLING.format(_REACHED if foreign else "", "{}")
    return spaced(_outside_code(text, lambda part: _TABLE.sub(lambda table: scrolling.format(table[0]), part)))


def spaced(text: str) -> str:
    """`text` without blank lines at its ends or two in a row."""
    return _outside_code(text, lambda part: BLANKS.sub("\n\n", part)).strip("\n") + "\n"


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    # Of each three parts, the first is text, the second a block of code, the third its fence.
    parts = [part for i, part in enumerate(_CODE.split(text)) if i % 3 != 2]
    parts[::2] = map(change, parts[::2])
    return "".join(parts)


def linked(text: str) -> tuple[str, tuple[str, ...]]:
    """`text` with links into itself that lead to a heading, and the anchors of the others, which become plain text.

    A user may leave out a section that others link to.
    """
    there, missing = set(map(heading_id, headings(text))), set()

    def kept(link: re.Match[str]) -> str:
        anchor = link["anchor"] or link["html_anchor"]
        if anchor in there:
            return link[0]
        missing.add(anchor)
        return link["words"] or link["html_words"]

    changed = _outside_code(text, lambda part: _LINK.sub(kept, part))
    return changed, tuple(sorted(missing))


def headings(text: str) -> list[str]:
    """Its headings in Markdown, in order."""
    return _HEADING.findall(_CODE.sub("", text))


def check_headings(text: str) -> None:
    """Raise `BadInput` for a heading whose anchor would differ between renderers."""
    found = headings(text)
    ids = Counter(map(heading_id, found))
    for heading in found:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9 -]*", heading) or ids[heading_id(heading)] > 1:
            raise BadInput(
                f"templates: the heading {heading!r} must be plain ASCII words and stand once, or its anchor "
                "would differ between renderers"
            )
