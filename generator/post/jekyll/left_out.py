"""What settings of somebody's blog keep Jekyll from publishing of a post, and what they make of it.

Jekyll says nothing of it, and neither does the post: it is left out, or its figures are, or its links lead nowhere.
"""

import fnmatch
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from generator.experiment.config.post_settings import PostSettings
from generator.post.jekyll.blog import Blog

_FILES = (
    "assets/data/{folder}/metrics.json",
    "assets/data/{folder}/history.csv",
    "assets/images/{folder}/baseline/confusion-matrix.png",
    "assets/images/{folder}/baseline/confusion-matrix.webp",
)
"""Of each kind of file beside a post one that every post has."""


def notes(blog: Blog, post: PostSettings, given: Mapping[str, Any]) -> tuple[str, ...]:
    """A line each, with the setting and what to say there; `given` is what the blog's `defaults` give the post."""
    found = (*_hidden(blog, post, given), *_excluded(blog, post), *_read(blog))
    return tuple(f"{blog.where}: {each}" for each in found)


def _hidden(blog: Blog, post: PostSettings, given: Mapping[str, Any]) -> Iterator[str]:
    settings, gone = blog.settings, "Jekyll leaves the post out"
    if post.date > datetime.now(UTC) and settings.get("future") is not True:
        yield f"{gone} until {post.date:%Y-%m-%d}; say 'future: true' there"
    if given.get("published", True) in (False, None) and settings.get("unpublished") is not True:
        yield f"{gone}, for defaults say 'published: false'; say 'published: true' there for posts"
    suffixes = settings.get("markdown_ext")
    if isinstance(suffixes, str) and "md" not in suffixes.lower().split(","):
        yield f"markdown_ext = {suffixes!r}: to Jekyll the post is no Markdown and no page; say '{suffixes},md' there"
    most = settings.get("limit_posts")
    if isinstance(most, int) and 0 < most <= _later(blog, post):
        yield f"limit_posts = {most}: {gone}, for as many have a later date; raise it"


def _later(blog: Blog, post: PostSettings) -> int:
    """How many posts come before this one, the newest first: their files begin with their dates."""
    return sum(path.name > post.file_name for path in (blog.source / blog.posts).rglob("[0-9]*.*"))


def _excluded(blog: Blog, post: PostSettings) -> Iterator[str]:
    includes, excludes = (_patterns(blog, name) for name in ("include", "exclude"))
    files = [f"{blog.posts}/{post.file_name}", *(file.format(folder=post.asset_folder) for file in _FILES)]
    files += [f"appendix/{post.slug}.md"] if post.appendix else []
    for pattern in excludes:
        # What both name is included, https://jekyllrb.com/docs/configuration/options/.
        gone = [] if pattern in includes else [file for file in files if _leaves_out(pattern, includes, file)]
        if gone:
            yield f"exclude: Jekyll leaves out {gone[0]}, which {pattern!r} matches; take it from the list"


def is_excluded(blog: Blog, file: str) -> bool:
    """Whether `exclude` keeps Jekyll from reading a file."""
    includes, excludes = (_patterns(blog, name) for name in ("include", "exclude"))
    return any(pattern not in includes and _leaves_out(pattern, includes, file) for pattern in excludes)


def _patterns(blog: Blog, name: str) -> list[str]:
    listed = blog.settings.get(name)
    return [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []


def _leaves_out(pattern: str, includes: list[str], file: str) -> bool:
    """Whether Jekyll passes over the file, or over a folder on the way to it."""
    way = [file, *map(str, PurePosixPath(file).parents)][:-1]
    # Which folders hold posts is not asked of `exclude`.
    way = way[:1] if "_posts" in PurePosixPath(file).parts else way
    return any(
        _matches(pattern, path) and not any(_matches(each, PurePosixPath(path).name) for each in includes)
        for path in way
    )


def _matches(pattern: str, path: str) -> bool:
    """As Jekyll's `EntryFilter` has it: a pattern whose `*` passes over slashes, or how a path begins."""
    pattern = pattern.lstrip("/")
    return path.startswith(pattern) or fnmatch.fnmatchcase(path, pattern.replace("[^", "[!"))


def _read(blog: Blog) -> Iterator[str]:
    """What becomes of the post's Markdown."""
    kramdown, by = blog.settings.get("kramdown"), blog.settings.get("markdown")
    if not isinstance(kramdown, Mapping) or str(by or "kramdown").lower() != "kramdown":
        return
    if kramdown.get("auto_ids") in (False, "false"):
        yield "kramdown.auto_ids: no heading has an anchor, so links within the post lead nowhere; say 'true' there"
    if kramdown.get("auto_id_prefix"):
        yield "kramdown.auto_id_prefix: headings have other anchors than links within the post; take it out there"
    if kramdown.get("input") not in (None, "GFM"):
        yield "kramdown.input: code in the post shows as plain text; say 'GFM' there"
