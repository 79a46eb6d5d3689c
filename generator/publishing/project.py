"""The files that a project of one's own begins with: settings, a place for sections, environment, workflows.

Made of the templates in `templates/project/`; nothing is written here.
"""

import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import generator
from generator.experiment.config import post_settings
from generator.experiment.config.settings import DataSettings
from generator.post import templating
from generator.post.jekyll import blog
from generator.support import places, program
from generator.support.addresses import is_address
from generator.support.errors import BadInput, printable
from generator.support.places import EXPERIMENT, TEMPLATES

FOLDER = "project"
"""The templates' folder below the program's."""

FILES = {
    EXPERIMENT: "experiment.toml.j2",
    "Makefile": "Makefile.j2",
    "requirements.txt": "requirements.txt.j2",
    "constraints.txt": "constraints.txt.j2",
    "README.md": "README.md.j2",
    "templates/README.md": "sections.md.j2",
    ".gitignore": "gitignore.j2",
    ".gitattributes": "gitattributes.j2",
    ".github/workflows/verify.yml": "verify.yml.j2",
    ".github/workflows/pages.yml": "pages.yml.j2",
}
"""File → its template, under a name that means nothing to git where the templates lie."""

OF_OWN_SITE = (".github/workflows/pages.yml",)
"""What a project has none of whose post goes into a blog: that is published as it always was."""


@dataclass(frozen=True)
class Requirement:
    """How pip gets this program in this version."""

    line: str
    note: str = ""
    """What the user has to know, where the line alone does not do."""


def files(folder: Path, *, data: str | None, title: str | None, site: Path | None, now: datetime) -> dict[str, str]:
    """Path below `folder` → content of every file of a new project there.

    `data` is what `data.path` may be, and `site` somebody's Jekyll site; both count from where the command is typed.
    Raises `BadInput` for what is not there.
    """
    if title is not None and (not title.strip() or printable(title) != title):
        raise BadInput(f"--title {printable(title)!r}: expected a line of text")
    values = {
        "title": title,
        "slug": post_settings.slug_of((title or folder.resolve().name).replace("/", " ")),
        "date": now.replace(second=0, microsecond=0).isoformat(),
        "data": _data(data, folder),
        "site": None if site is None else _site(site, folder),
        "requirement": requirement().line,
        "packages": program.packages(),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "platform": f"{platform.system()} {platform.machine()}",
    }
    return {
        name: _rendered(template, values) for name, template in FILES.items() if site is None or name not in OF_OWN_SITE
    }


def requirement() -> Requirement:
    """This program's own line for pip: its version, and where it comes from if that is no package index.

    pip notes the latter, https://packaging.python.org/en/latest/specifications/direct-url/.
    """
    version = f"{program.DISTRIBUTION}=={generator.__version__}"
    if program.COMMAND != program.DISTRIBUTION:
        note = f"this is a checkout; until an index has {version}, make site PIP_FIND_LINKS=DIR finds its wheel in DIR"
        return Requirement(version, note)
    noted = metadata.distribution(program.DISTRIBUTION).read_text("direct_url.json")
    origin = json.loads(noted) if noted else {}
    address, git = origin.get("url", ""), origin.get("vcs_info")
    if git:
        return Requirement(f"{program.DISTRIBUTION} @ {git['vcs']}+{address}@{git['commit_id']}")
    if address.startswith("file:"):
        where = Path(unquote(urlsplit(address).path))
        note = f"this program was installed from {where}; until an index has {version}, make site PIP_FIND_LINKS=DIR"
        return Requirement(version, f"{note} finds its wheel in DIR")
    return Requirement(f"{program.DISTRIBUTION} @ {address}" if address else version)


def _data(given: str | None, folder: Path) -> str:
    if given is None or given == "sample" or is_address(given):
        return given or DataSettings().path
    if given.startswith("kaggle:"):
        # Late: no other project needs what reads images.
        from generator.data import origins

        origins.on_kaggle(given)
        return given
    return _seen_from(folder, places.expanded(given, "--data"), "--data", "a folder or an archive of images")


def _site(given: Path, folder: Path) -> str:
    path = places.expanded(given, "--blog")
    named = _seen_from(folder, path, "--blog", "the folder of a Jekyll site")
    if blog.find(path) is None:
        raise BadInput(
            f"--blog {given}: expected a Jekyll site, with a _config.yml; leave --blog out for a site of its own"
        )
    return named


def _seen_from(folder: Path, path: Path, option: str, expected: str) -> str:
    """`path` from `folder`, as a file there names it."""
    if not path.exists():
        raise BadInput(f"{option} {printable(path)}: no such file or folder; expected {expected}")
    seen = Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    if printable(seen) != seen:
        raise BadInput(f"{option} {printable(path)}: its name cannot be printed; rename it")
    if ":" in seen:  # as `beside` tells an address
        raise BadInput(f"{option} {printable(path)}: with a colon it would be taken for an address; rename it")
    return seen


def _rendered(template: str, values: Mapping[str, Any]) -> str:
    folder = TEMPLATES / FOLDER
    environment = templating.environment(folder, filters={"toml": _toml})
    with templating.guarded(folder, in_full=True, advice="; mend the template"):
        return environment.get_template(template).render(values)


def _toml(text: str) -> str:
    """A string of TOML; what can be printed is written alike in JSON."""
    return json.dumps(text, ensure_ascii=False)
