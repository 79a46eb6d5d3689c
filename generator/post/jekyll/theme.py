"""Which layout posts have in a blog: its theme is partly its own files and partly a package known by name only."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from generator.post.jekyll.blog import Blog, from_yaml

FOR_POSTS = ("post", "single", "article")
"""Names that themes give the layout of posts, the likeliest first."""

FOR_PAGES = ("page", "default")
"""What a post can make do with."""

PACKAGED = {"minimal-mistakes": "single", "academicpages": "single", "text-theme": "article"}
"""Part of a packaged theme's name → its layout of posts, where that is not `post`."""

_MOST_POSTS = 50
"""Posts that are read to see which layout they have."""

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*\n", re.DOTALL)


def layouts(blog: Blog) -> frozenset[str]:
    """Names of the layouts among the blog's own files."""
    folder = blog.source / blog.text("layouts_dir", "_layouts").strip("/")
    files = (path for path in folder.rglob("*.*") if path.is_file())
    return frozenset(path.relative_to(folder).with_suffix("").as_posix() for path in files)


def layout(blog: Blog, post: str) -> tuple[str | None, bool]:
    """The layout that posts have here, None where nothing tells, and whether it is meant for posts.

    That is the one most of the blog's posts name, the file `post` left out, else the likeliest of those there are.
    """
    own, package = layouts(blog), blog.package
    used = Counter(name for name in islice(_used(blog, post), _MOST_POSTS) if package or name in own)
    if used:
        return used.most_common(1)[0][0], True
    likely = next((name for name in (*FOR_POSTS, *FOR_PAGES) if name in own), None)
    if package is None or likely in FOR_POSTS:
        return likely, likely in FOR_POSTS
    return next((name for part, name in PACKAGED.items() if part in package.lower()), "post"), True


def page_layout(blog: Blog) -> str | None:
    """The layout for a page that is no post: the bare one around all others, which asks for neither title nor date."""
    own = layouts(blog)
    return next((name for name in reversed(FOR_PAGES) if name in own or blog.package), None)


def _used(blog: Blog, post: str) -> Iterator[str]:
    """The layouts that the blog's posts name, the newest post first."""
    files = (path for path in (blog.source / blog.posts).rglob("*.*") if path.is_file() and path.name != post)
    for path in sorted(files, key=lambda path: path.name, reverse=True):
        name = front_matter(path).get("layout")
        if isinstance(name, str):
            yield name


def front_matter(path: Path) -> Mapping[str, Any]:
    """What stands at the head of a page; nothing where it cannot be read."""
    try:
        found = _FRONT_MATTER.match(path.read_text("utf-8-sig", errors="replace").replace("\r\n", "\n"))
        table = from_yaml(found[1]) if found else None
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return {}  # A post that cannot be read says nothing about layouts, and is no business of a build.
    return table if isinstance(table, Mapping) else {}
