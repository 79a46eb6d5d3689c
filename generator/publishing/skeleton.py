"""The Jekyll site around the post: a post alone is no site that GitHub Pages could build.

`skeleton` gives the files of `templates/site/` as they stand in the site: those named `*.j2` filled in, the
others as they are. `SLUG` in a name becomes the post's slug. Nothing is written here; a build that adds its
post to a blog that is already there leaves the skeleton out.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment

from generator.experiment.config.post_settings import PostSettings
from generator.experiment.results import BuildResults
from generator.post import templating
from generator.publishing.crate import DATA_FILES
from generator.support import escape, formats, newlines
from generator.support.errors import BadInput

FOLDER = "site"
"""The skeleton's folder below the templates."""

# Jekyll drops these from a folder's name where it makes a key of `site.data` of it.
_NOT_IN_DATA_KEYS = re.compile(r"[^\w\s-]+")


def skeleton(post: PostSettings, results: BuildResults, templates: Path) -> dict[str, bytes]:
    """Site path → content of every file of the site that is neither post nor asset of the post.

    Raises `BadInput` where the folder is missing or a template is broken.
    """
    folder = templates / FOLDER
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    if not names:
        raise BadInput(f"{folder}: no site templates there; restore the folder templates/{FOLDER}")
    texts = {"markdown": escape.markdown, "yaml_string": escape.yaml_string}
    environment = templating.environment(folder, filters={**texts, **formats.FORMATS}, kept=templates)
    values = {
        "post": post,
        "results": results,
        "files": DATA_FILES,
        "timezone": timezone(post.date),
        "data_key": _NOT_IN_DATA_KEYS.sub("", post.asset_folder),
    }
    with templating.guarded(folder, in_full=True, advice="; mend the template"):
        return {
            name.replace("SLUG", post.slug).removesuffix(".j2"): _content(folder, name, environment, values)
            for name in names
            if not any(part.startswith(".") for part in name.split("/"))
        }


def timezone(date: datetime) -> str:
    """The time zone that has the offset of `date` all year, as a name that Jekyll understands.

    The signs of such names are reversed by tradition: `Etc/GMT+6` is six hours behind UTC.
    """
    offset = date.utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    if minutes % 60 == 0:
        return f"Etc/GMT{-minutes // 60:+d}" if minutes else "Etc/UTC"
    sign, hours, rest = ("+" if minutes > 0 else "-"), abs(minutes) // 60, abs(minutes) % 60
    reversed_sign = "-" if minutes > 0 else "+"
    return f"<{sign}{hours:02d}{rest:02d}>{reversed_sign}{hours:02d}:{rest:02d}"


def _content(folder: Path, name: str, environment: Environment, values: Mapping[str, Any]) -> bytes:
    if not name.endswith(".j2"):
        return newlines.normalised((folder / name).read_bytes())
    return environment.get_template(name).render(values).encode()
