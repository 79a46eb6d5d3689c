"""Whether a blog's theme puts the baseurl before the addresses in a post, as Chirpy does to image sources.

Liquid and Ruby are read as text: nothing of the blog is executed. Of a theme that is a package only the name is
known.
"""

import re
from collections.abc import Iterator
from contextlib import suppress

from generator.post.jekyll.blog import Blog

PACKAGED = ("chirpy",)
"""Parts of the names of packaged themes that put the baseurl before image sources."""

_TAG = re.compile(r"\{%-?\s*(.*?)\s*-?%\}|\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_BASEURL = re.compile(r"\bsite\.(?:baseurl|url)\b|\|\s*(?:relative|absolute)_url\b")
_SOURCE = re.compile(r"""["'][^"'\n]*(?:<img\b|\bsrc\b)""")
_LINK = re.compile(r"""\s*(?:"[^"]*\bhref=|'[^']*\bhref=)""")
_REPLACES = re.compile(r"\|\s*replace(?:_first)?\s*:([^|]*)")
_SPLITS = re.compile(r"""\|\s*split\s*:\s*["'][^"'\n]*(?:<img\b|\bsrc=)""")
_REBUILDS = re.compile(r"""\bsrc=["']?\{\{-?[^}]*(?:\bsite\.(?:baseurl|url)\b|\|\s*(?:relative|absolute)_url\b)""")
_IN_RUBY = (re.compile(r"\bbaseurl\b"), re.compile(r"\bsrc\b"), re.compile(r"\bg?sub!?\b|\[['\":]src['\"]?\]\s*="))
_ASSIGNS = re.compile(r"assign\s+([\w-]+)\s*=(.*)", re.DOTALL)
_CAPTURES = re.compile(r"capture\s+([\w-]+)")
_INCLUDES = re.compile(r"include(?:_cached)?\s+([\w./-]+)")


def rewrites(blog: Blog) -> tuple[bool, bool]:
    """Whether the theme puts the baseurl before a post's links, and before its image sources, as Chirpy does.

    Such an address must begin with `/assets/`: with the baseurl in it already it would get it twice.
    """
    texts = _texts(blog, blog.text("includes_dir", "_includes").strip("/")) | _texts(
        blog, blog.text("layouts_dir", "_layouts").strip("/")
    )
    with_baseurl = {name for name, text in texts.items() if _BASEURL.search(text)}
    replaced = [(old, text) for text in texts.values() for old in _replaced(text, with_baseurl)]
    links = any(_LINK.match(old) for old, _ in replaced)
    sources = any(not _LINK.match(old) and _SOURCE.search(_tags_of(text)) for old, text in replaced)
    rebuilt = any(_SPLITS.search(_tags_of(text)) and _REBUILDS.search(text) for text in texts.values())
    by_plugin = any(all(p.search(text) for p in _IN_RUBY) for text in _texts(blog, "_plugins").values())
    by_package = any(part in (blog.package or "").lower() for part in PACKAGED)
    return links, sources or rebuilt or by_plugin or by_package


def _texts(blog: Blog, folder: str) -> dict[str, str]:
    """Name → text of the files in one of the blog's folders, as includes and layouts are named."""
    root = blog.source / folder
    texts = {}
    for path in sorted(root.rglob("*.*")):
        with suppress(OSError):  # a folder, or a file that Jekyll will complain of
            texts[path.relative_to(root).as_posix()] = path.read_text("utf-8", errors="replace")
    return texts


def _tags_of(text: str) -> str:
    return "\n".join(tag or shown for tag, shown in _TAG.findall(text))


def _replaced(text: str, with_baseurl: set[str]) -> Iterator[str]:
    """Arguments of the filters of a file that replace something by what holds the baseurl.

    `with_baseurl` are the includes that print it. Followed are variables: what is assigned or captured from the
    baseurl holds it too.
    """
    holding: set[str] = set()
    captured: str | None = None
    for tag in (tag or shown for tag, shown in _TAG.findall(text)):
        yield from (given for given in _REPLACES.findall(tag) if _holds(given, holding, with_baseurl))
        assigns, captures = _ASSIGNS.match(tag), _CAPTURES.match(tag)
        if captures:
            captured = captures[1]
        elif tag == "endcapture":
            captured = None
        elif _holds(assigns[2] if assigns else tag, holding, with_baseurl):
            holding |= {name for name in (assigns[1] if assigns else None, captured) if name}


def _holds(expression: str, holding: set[str], with_baseurl: set[str]) -> bool:
    included = _INCLUDES.match(expression)
    if _BASEURL.search(expression) or (included and included[1] in with_baseurl):
        return True
    # What stands between quotes is text and names no variable.
    return any(name in holding for name in re.findall(r"[\w-]+", re.sub(r"\"[^\"]*\"|'[^']*'", "", expression)))
