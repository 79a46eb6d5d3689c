"""Jekyll's permalinks: the styles that have names, and how deep below the site's root a page comes to lie.

Names and placeholders are those of Jekyll's documentation, https://jekyllrb.com/docs/permalinks/.
"""

import re
from collections.abc import Collection
from pathlib import PurePosixPath

from generator.support.errors import BadInput

STYLES = {
    "date": "/:categories/:year/:month/:day/:title:output_ext",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title:output_ext",
    "weekdate": "/:categories/:year/W:week/:short_day/:title:output_ext",
    "none": "/:categories/:title:output_ext",
}
"""Name of a style → its template. Jekyll knows the names in a configuration, but not in a post."""

DEFAULT = "date"
"""The style of a blog that names none."""

PLACEHOLDERS = frozenset(
    {"categories", "slugified_categories", "collection", "path", "name", "title", "slug", "output_ext"}
    | {"year", "month", "day", "hour", "minute", "second", "i_day", "i_month", "short_year", "short_month"}
    | {"long_month", "y_day", "w_year", "week", "w_day", "short_day", "long_day"}
)

_PLACEHOLDER = re.compile(r":([a-z_]+)")
_SLASHES = re.compile(r"/{2,}")


def template(permalink: str) -> str:
    """`permalink` with a style's name replaced by its template."""
    return STYLES.get(permalink, permalink)


def placeholders(permalink: str) -> set[str]:
    """The names of what the address follows from beside the permalink itself."""
    return set(_PLACEHOLDER.findall(template(permalink)))


def depth(permalink: str, categories: Collection[str], where: str) -> int:
    """How many folders a post's address has below the site's root: 1 for `/posts/a.html`, 2 for `/posts/a/`.

    `categories` are the post's. Raises `BadInput`, naming `where`, for a placeholder that Jekyll does not have.
    """
    return _address(permalink, categories, where).count("/") - 1


def page(permalink: str, categories: Collection[str], where: str, slug: str) -> str:
    """The file of the published site that a post with this `slug` becomes. Raises as `depth`."""
    address = _address(permalink, categories, where, slug)[1:]
    if not address or address.endswith("/"):
        return f"{address}index.html"
    return address if PurePosixPath(address).suffix else f"{address}.html"


def _address(permalink: str, categories: Collection[str], where: str, slug: str = "x") -> str:
    names = list(dict.fromkeys(name.lower() for name in categories))
    values = {"categories": "/".join(names), "slugified_categories": "/".join("x" for name in names if name.strip())}
    values |= {"title": slug, "slug": slug, "output_ext": ".html"}

    def filled(match: re.Match[str]) -> str:
        # In `:month_:day` the line is no part of the name.
        found = next((name for name in (match[1], match[1].removesuffix("_")) if name in PLACEHOLDERS), None)
        if found is None:
            known = ", ".join(f":{name}" for name in sorted(PLACEHOLDERS))
            raise BadInput(f"{where} = {permalink!r}: Jekyll has no placeholder {match[0]}; choose from {known}")
        return values.get(found, "x") + match[1].removeprefix(found)

    # What Jekyll itself does to an address before it uses it.
    plain = f"/{_PLACEHOLDER.sub(filled, template(permalink))}".replace("..", "/").replace("./", "")
    return _SLASHES.sub("/", plain)
