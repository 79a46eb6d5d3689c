"""Whether another page or post of a site has the address that a post would have: Jekyll publishes one of the two.

What is found follows from front matter, from the names of posts and from the site's own settings.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from generator.post.jekyll import left_out, permalink, theme
from generator.post.jekyll.blog import PAGES, POSTS, Blog
from generator.support.errors import BadInput

_HEAD = 2**13
"""Bytes at the beginning of a page in which its front matter stands: only where these may tell, it is parsed."""
_OF_NAME = frozenset({"title", "slug", "output_ext"})
_OF_CATEGORIES = frozenset({"categories", "slugified_categories"})
_OF_YEAR = frozenset({"year", "short_year"})
_OF_MONTH = _OF_YEAR | {"month", "i_month", "short_month", "long_month"}
_OF_FILE = frozenset({"path", "name", "hour", "minute", "second"})
"""Placeholders that hardly any two posts fill alike."""
_READ = (POSTS, "_pages")
"""Folders that Jekyll, or a usual setting of it, reads though their names begin with an underscore."""
_FOREIGN = ("node_modules", "vendor")
_NAME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})-(.+)")
"""Of a post, without its suffix: date and slug."""


@dataclass(frozen=True)
class Address:
    """That of a post, as a template and what fills it."""

    template: str
    """The permalink that decides it."""
    slug: str
    categories: tuple[str, ...] = ()
    day: str = ""
    """As in 2023-01-31."""

    @property
    def page(self) -> str:
        """Its file in the published site, dates left open. Raises `BadInput` for a placeholder that Jekyll lacks."""
        return permalink.page(self.template, self.categories, "permalink", self.slug)


@dataclass(frozen=True)
class Claim:
    """A page or post that has the address."""

    path: Path
    certain: bool
    """False where dates or categories decide, which plug-ins and front matter may change."""


def by(there: Blog, wanted: Address, own: set[str]) -> Claim | None:
    """What below the source Jekyll publishes at this address, a certain claim first; `own` are none of these."""
    pages = (path for path in _pages(there) if path.relative_to(there.source).as_posix() not in own)
    claims = [claim for path in pages if (claim := _claim(there, path, wanted))]
    return next((claim for claim in claims if claim.certain), claims[0] if claims else None)


def _claim(there: Blog, path: Path, wanted: Address) -> Claim | None:
    other = _address(there, path, wanted)
    if other is None:
        return None
    names = permalink.placeholders(wanted.template) | permalink.placeholders(other.template)
    dated = names - _OF_NAME - _OF_CATEGORIES
    known = 4 if dated <= _OF_YEAR else 7 if dated <= _OF_MONTH else 10
    if dated & _OF_FILE or (dated and other.day[:known] != wanted.day[:known]):
        return None
    try:
        return Claim(path, not names - _OF_NAME) if other.page == wanted.page else None
    except BadInput:  # A plug-in's placeholder.
        return None


def _address(there: Blog, path: Path, wanted: Address) -> Address | None:
    """Of a page or post, where what it says of itself, or its name, may give it the one that is wanted."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD).removeprefix(b"\xef\xbb\xbf")
    below = path.relative_to(there.source).parts[:-1]
    name = _NAME.fullmatch(path.stem) if POSTS in below else None
    if not head.startswith(b"---") or (POSTS in below and name is None):
        return None
    tells = b"permalink" in head or b"slug" in head
    if name and name[2] not in f"{wanted.slug} {wanted.template}" and name[1] != wanted.day and not tells:
        return None  # Told without parsing it: a blog may have thousands.
    matter = theme.front_matter(path)
    given = str(matter.get("permalink") or "")
    if matter.get("published") is False:
        return None
    if name is not None:
        return _of_post(there, matter, below, Address(given, str(matter.get("slug") or name[2]), day=name[1]))
    if not given and permalink.template(there.permalink({}) or "").endswith("/"):  # Then pages are folders, too.
        given = "/".join(("", *below, *((path.stem,) if path.stem != "index" else ()), ""))
    return Address(given, "") if given and not permalink.placeholders(given) else None


def _of_post(there: Blog, matter: Mapping[str, object], below: tuple[str, ...], post: Address) -> Address:
    values = there.defaults(f"{post.day}-{post.slug}.md")
    folders = below[: below.index(POSTS)]
    given = [each for table in (values, matter) for key in ("category", "categories") for each in words(table.get(key))]
    inner = tuple(each for each in folders if each not in there.text("collections_dir", "").split("/"))
    template = post.template or there.permalink(values) or permalink.DEFAULT
    return Address(template, post.slug, (*inner, *given), post.day)


def words(value: object) -> list[str]:
    """Categories as front matter gives them: a list, or words with blanks between."""
    return value.split() if isinstance(value, str) else [str(v) for v in value] if isinstance(value, list) else []


def _pages(there: Blog) -> Iterator[Path]:
    for at, folders, names in os.walk(there.source):
        folders[:] = [each for each in folders if each in _READ or not (each[0] in "_." or each in _FOREIGN)]
        for path in (Path(at, name) for name in names if name.rpartition(".")[2] in PAGES):
            if not left_out.is_excluded(there, path.relative_to(there.source).as_posix()):
                yield path
