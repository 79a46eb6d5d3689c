"""Whether another page or post of a site has the address that a post would have: Jekyll publishes one of the two.

What is found is what stands in front matter, and the names of posts where the address is made of these.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from generator.post.jekyll import permalink, theme
from generator.post.jekyll.blog import PAGES, POSTS

_HEAD = 2**13
"""Bytes at the beginning of a page in which its front matter stands: only where these name a permalink is it parsed."""
_OF_NAME = frozenset({"title", "slug", "output_ext"})
_OF_POST = _OF_NAME | {"categories", "slugified_categories"}
"""Placeholders for what is known of a post; a date tells posts of one name apart."""
_READ = (POSTS, "_pages")
"""Folders that Jekyll, or a usual setting of it, reads though their names begin with an underscore."""
_FOREIGN = ("node_modules", "vendor")


@dataclass(frozen=True)
class Address:
    """That of a post, as a template and filled in."""

    template: str
    """The permalink that decides it."""
    slug: str
    categories: tuple[str, ...]

    @property
    def page(self) -> str | None:
        """Its file in the published site; None where a date or the like is part of it: others hardly have that."""
        if permalink.placeholders(self.template) - _OF_POST:
            return None
        return permalink.page(self.template, self.categories, "permalink", self.slug)


def by(source: Path, address: Address, own: set[str]) -> Path | None:
    """The page or post below `source`, which Jekyll reads, that has this address; `own` are none of these."""
    wanted = address.page
    if wanted is None:
        return None
    pages = (path for path in _pages(source) if path.relative_to(source).as_posix() not in own)
    return next((path for path in pages if _page(path, address.template) == wanted), None)


def _page(path: Path, template: str) -> str | None:
    """What a page or post becomes, as far as its front matter, or its name as a post, says so."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    given = theme.front_matter(path).get("permalink") if b"permalink" in head else None
    if isinstance(given, str) and not permalink.placeholders(given):
        return permalink.page(given, (), "permalink", "")
    if given is not None or POSTS not in path.parts or permalink.placeholders(template) - _OF_NAME:
        return None
    slug = "-".join(path.stem.split("-")[3:])
    return permalink.page(template, (), "permalink", slug) if slug else None


def _pages(source: Path) -> Iterator[Path]:
    for at, folders, names in os.walk(source):
        folders[:] = [each for each in folders if each in _READ or not (each[0] in "_." or each in _FOREIGN)]
        yield from (Path(at, name) for name in names if name.rpartition(".")[2] in PAGES)
