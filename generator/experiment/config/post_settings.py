"""What may be set of the post and of the site around it; nothing that is computed depends on any of it."""

import hashlib
import re
import unicodedata
from datetime import datetime
from pathlib import Path, PurePath
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, field_validator

from generator.support.strict_json import Record

LONGEST = 100
"""Characters of a name: with a date, a suffix and what marks an unfinished file it still is one of a file."""

NAME = re.compile(rf"(?=.{{1,{LONGEST}}}\Z)[a-z0-9]+(-[a-z0-9]+)*")
"""Names that become folder names, URLs and heading anchors."""

NAMES = f"lower-case words, digits and single hyphens, {LONGEST} characters at most"
"""What `NAME` takes, for messages."""


LICENSE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*|https?://[^\s<>\"]+")
"""An identifier or an address of a licence."""


def organisation(author: str) -> str | None:
    """The name of the organisation that one of `PostSettings.authors` is; None of a person."""
    return author[1:-1] if len(author) > 2 and author.startswith("{") and author.endswith("}") else None


def _not_empty(value: object) -> object:
    if value == "":
        raise ValueError("must be a path; a folder without a name would be the one where the command is typed")
    return value


Folder = Annotated[Path, BeforeValidator(_not_empty)]


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank; a page would have nothing there, and a link no text")
    return value


Words = Annotated[str, AfterValidator(_not_blank), WithJsonSchema({"type": "string", "pattern": r"\S"})]


class PostSettings(Record):
    """What the post is called and where it stands in the Jekyll site."""

    title: Words | None = None
    """None: one that names the classes."""
    description: Words | None = None
    """One or two sentences for lists of posts and search engines. None: what was learned, on images of what."""
    date: datetime
    """Of the post, with its offset from UTC; Jekyll sorts by it, and the file is named by it."""
    slug: str
    """Of the address and the file's name; where there is none it is the name of the data."""
    writeup: bool | Literal["auto"] = "auto"
    """Whether the run is held against the original write-up. `auto`: where classes and network are those of it."""
    layout: Words | None = None
    """Jekyll's layout; None for the one that the site's posts have."""
    categories: tuple[Words, ...] = ()
    """Jekyll's; in a blog they may be part of the address."""
    tags: tuple[Words, ...] = ()
    """Jekyll's. One that names the network is replaced by the network that is used."""
    authors: tuple[Words, ...] = ()
    """Who the post is by, each as in `Given Family`, an organisation as in `{The Group}`: for metadata and citation."""
    license: str | None = None
    """Of the published results: an identifier of SPDX, as in `CC-BY-4.0`, or an address. None: nothing is said."""
    bibtex: bool = False
    """Whether the post ends with how to cite it."""
    appendix: bool = False
    """Whether long listings (code, summaries, logs, lists) have a page of their own, to which the post links."""
    permalink: str | None = None
    """A path with or without placeholders, or the name of a style. None: `/posts/<slug>.html`, in a blog its own."""
    assets: Literal["auto", "relative", "absolute", "liquid", "theme"] = "auto"
    """How the post's links name its assets (docs/publishing.md). `auto`: `relative`, in somebody's blog `liquid`."""
    jekyll_config: tuple[str, ...] = ()
    """Files given to `jekyll --config`, below the blog's folder; none for the one that Jekyll reads by itself."""
    asset_folder: str = Field(default_factory=lambda given: given["slug"])
    """Folder below `assets/images/` and `assets/data/`; the slug's name unless it is given."""

    templates: Folder | None = None
    """A folder of the user's own templates, laid over the project's; in the file it is below the file's own folder."""

    @field_validator("date")
    @classmethod
    def _date_has_an_offset(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValueError("needs an offset from UTC, as in 2023-01-31T12:38:00-06:00")
        # `%Y` does not pad the year, and Jekyll passes over a file whose year is short.
        if value.year < 1000:
            raise ValueError("needs a year of four digits, 1000 or later")
        return value

    @field_validator("slug")
    @classmethod
    def _slug_fits_a_url(cls, value: str) -> str:
        if not NAME.fullmatch(value):
            raise ValueError(f"must be {NAMES}, as in my-first-post")
        return value

    @field_validator("license")
    @classmethod
    def _license_can_be_looked_up(cls, value: str | None) -> str | None:
        if value is not None and not LICENSE.fullmatch(value):
            raise ValueError("must be an identifier of https://spdx.org/licenses/, as in CC-BY-4.0, or an address")
        return value

    @field_validator("permalink")
    @classmethod
    def _permalink_leads_to_a_page(cls, value: str | None) -> str | None:
        # To Jekyll a suffix is the file's, whatever is in it; what a browser asks for ends before ? and #.
        name = (value or "").rpartition("/")[2]
        if re.search(r"[?#\\]", value or "") or not re.fullmatch(r"[^.]*|.+\.html?", name, re.IGNORECASE):
            raise ValueError("must lead to a page, as /notes/my-post/ and /notes/my-post.html do")
        return value

    @field_validator("asset_folder")
    @classmethod
    def _folder_is_one_plain_name(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value) or len(value) > LONGEST:
            raise ValueError(f"must be one folder name of letters, digits, '.', '_' and '-', at most {LONGEST} of them")
        return value

    @property
    def file_name(self) -> str:
        """The post's file name in `_posts/`: Jekyll takes date and slug from it."""
        return f"{self.date:%Y-%m-%d}-{self.slug}.md"


class SiteSettings(Record):
    """The site that the post goes into. But for its folder nothing of it concerns somebody's blog."""

    folder: Folder | None = None
    """The Jekyll site; in the file it is below the file's own folder. None: `site/` there. `--site` names another.
    `verify`, `diff` and `serve` know no profile and need it for a profile's site."""
    docs: Folder | None = None
    """A folder of documents that become pages of the site; in the file it is below the file's own folder."""
    repository: str | None = Field(
        default=None, pattern=r"^https?://[^\s<>\"]+$", examples=["https://github.com/OWNER/NAME"]
    )
    """Address of the repository, as in `https://github.com/OWNER/NAME`: documents link to its files."""


def slug_of(path: str) -> str:
    """The name of a data set in plain lower case: `Bear vs Kangaroo.tar.gz` is bear-vs-kangaroo.

    A name of which nothing is left so has some characters of its hash: posts of one slug would take each other's place.
    """
    path = re.sub("[?#].*", "", path) if "://" in path else path
    name = re.sub(r"(\.tar)?\.(zip|tar|tgz|gz|tbz2?|bz2)$", "", PurePath(path).name, flags=re.IGNORECASE)
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    plain = "-".join(re.findall("[a-z0-9]+", letters))[:LONGEST].rstrip("-")
    if plain or not name.strip("."):
        return plain or "images"
    spelt = unicodedata.normalize("NFC", name).encode(errors="surrogateescape")
    return f"images-{hashlib.sha256(spelt).hexdigest()[:6]}"
