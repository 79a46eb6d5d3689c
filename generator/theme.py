"""What a blog's theme does with a post: which layout posts have in it, and whether it changes image sources.

A theme is partly files of the blog and partly a package somewhere else, of which only the name is known here.
Liquid is read as text: nothing of the blog is executed.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from generator.blog import Blog

LAYOUTS = ("post", "single", "article", "posts", "page", "default")
"""Names of layouts, those that a theme is likely to have for posts first."""

PACKAGED = {"minimal-mistakes": "single", "academicpages": "single", "text-theme": "article"}
"""Part of a packaged theme's name → its layout of posts, where that is not `post`."""

REWRITING = ("chirpy",)
"""Parts of the names of packaged themes that put the baseurl before image sources."""

_MOST_POSTS = 50
"""Posts that are read to see which layout they have."""

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*\n", re.DOTALL)
_TAG = re.compile(r"\{%-?\s*(.*?)\s*-?%\}|\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_BASEURL = re.compile(r"\bsite\.(?:baseurl|url)\b|\|\s*(?:relative|absolute)_url\b")
_SOURCE = re.compile(r"""["'][^"'\n]*(?:<img\b|\bsrc\b)""")
_LINK = re.compile(r"""\s*(?:"[^"]*\bhref=|'[^']*\bhref=)""")
_REPLACES = re.compile(r"\|\s*replace(?:_first)?\s*:([^|]*)")
_ASSIGNS = re.compile(r"assign\s+([\w-]+)\s*=(.*)", re.DOTALL)
_CAPTURES = re.compile(r"capture\s+([\w-]+)")
_INCLUDES = re.compile(r"include(?:_cached)?\s+([\w./-]+)")


def packaged(blog: Blog) -> str | None:
    """The name of the theme whose files lie elsewhere; None if all of the theme lies in the blog."""
    return blog.text("theme", "") or blog.text("remote_theme", "") or None


def layouts(blog: Blog) -> frozenset[str]:
    """Names of the layouts among the blog's own files."""
    folder = blog.source / blog.text("layouts_dir", "_layouts").strip("/")
    files = (path for path in folder.rglob("*.*") if path.is_file())
    return frozenset(path.relative_to(folder).with_suffix("").as_posix() for path in files)


def layout(blog: Blog) -> str | None:
    """The layout that posts have here; None where nothing tells.

    That is the one most of the blog's posts name, else the likeliest of those there are.
    """
    own, package = layouts(blog), packaged(blog)
    used = Counter(name for name in islice(_used(blog), _MOST_POSTS) if package or name in own)
    if used:
        return used.most_common(1)[0][0]
    likely = next((name for name in LAYOUTS if name in own), None)
    if package is None or likely in LAYOUTS[:3]:
        return likely
    return next((name for part, name in PACKAGED.items() if part in package.lower()), "post")


def rewrites(blog: Blog) -> tuple[bool, bool]:
    """Whether the theme puts the baseurl before a post's links, and before its image sources, as Chirpy does.

    Such an address must begin with `/assets/`: with the baseurl in it already it would get it twice.
    """
    package = packaged(blog) or ""
    folders = [blog.source / "_includes", blog.source / blog.text("layouts_dir", "_layouts").strip("/")]
    files = {p.relative_to(f).as_posix(): p for f in folders for p in sorted(f.rglob("*.*")) if p.is_file()}
    texts = {name: path.read_text("utf-8", errors="replace") for name, path in files.items()}
    with_baseurl = {name for name, text in texts.items() if _BASEURL.search(text)}
    replaced = [(old, text) for text in texts.values() for old in _replaced(text, with_baseurl)]
    links = any(_LINK.match(old) for old, _ in replaced)
    sources = any(not _LINK.match(old) and _SOURCE.search(_tags_of(text)) for old, text in replaced)
    return links, sources or any(part in package.lower() for part in REWRITING)


def _used(blog: Blog) -> Iterator[str]:
    """The layouts that the blog's posts name, the newest post first."""
    folder = blog.source / blog.posts
    for path in sorted((p for p in folder.rglob("*.*") if p.is_file()), key=lambda p: p.name, reverse=True):
        name = _front_matter(path).get("layout")
        if isinstance(name, str):
            yield name


def _front_matter(path: Path) -> Mapping[str, Any]:
    try:
        found = _FRONT_MATTER.match(path.read_text("utf-8-sig", errors="replace").replace("\r\n", "\n"))
        table = yaml.safe_load(found[1]) if found else None
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return {}  # A post that cannot be read says nothing about layouts, and is no business of a build.
    return table if isinstance(table, Mapping) else {}


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
