"""From results to a published site: post, figures, data, manifest, provenance, preview, history."""

import itertools
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from generator import (
    builds,
    hardware,
    manifest,
    preview,
    publish,
    render,
    result_files,
    skeleton,
    strict_json,
)
from generator.config import PostSettings
from generator.errors import BadInput
from generator.files import file_hash, write_atomically
from generator.places import Places
from generator.results import BuildResults

PROVENANCE = "provenance.json"


@dataclass(frozen=True)
class Made:
    """One stage's entry."""

    key: str
    seconds: float
    """How long it took when it ran."""


@dataclass(frozen=True)
class BuildRecord:
    """What a build did, for its provenance."""

    ran: tuple[str, ...]
    """Labels of the stages that ran."""
    stages: Mapping[str, Made]
    """Label → entry, of every stage that the results come from."""


@dataclass(frozen=True)
class Outcome:
    """What a build gave."""

    results: BuildResults
    ran: tuple[str, ...]
    """Labels of the stages that ran."""
    published: publish.Published
    post: Path
    preview: Path


def deliver(
    found: BuildResults,
    figures: Mapping[str, bytes],
    record: BuildRecord,
    post: PostSettings,
    places: Places,
    *,
    force: bool,
) -> Outcome:
    """Render the post, put everything into the site, whole or not at all, and record the build.

    `figures` holds `<scope>/<file>` → content. `force` overwrites files in the site that were edited by hand.
    Raises `MeasuredPostError`; the site then stays as it was.
    """
    rendered = render.render(post, found, templates=places.templates, root=places.root)
    post_page = rendered.pages[0]
    data_folder = f"assets/data/{post.asset_folder}"
    files = {page.path: page.text.encode() for page in rendered.pages}
    files |= {f"{data_folder}/{name}": text.encode() for name, text in result_files.to_files(found).items()}
    files |= {f"assets/images/{post.asset_folder}/{path}": content for path, content in figures.items()}
    manifest_path = manifest.path_for(post.asset_folder)
    publish.recover(places.site)
    before = _manifest_before(places.site, manifest_path, force)
    if skeleton.belongs(places.site, before.files if before else ()):
        files |= skeleton.skeleton(post, found, places.templates)
    provenance = f"{data_folder}/{PROVENANCE}"
    old = before.files.get(provenance) if before else None
    files[provenance] = _provenance(record, places, files, provenance, old)
    made = manifest.make(post_page.path, files, rendered.numbers, rendered.excerpts, before=before)
    files[manifest_path] = manifest.to_text(made).encode()
    published = publish.publish(places.site, files, manifest_path=manifest_path, force=force)
    _record(found, files[provenance], places.store)
    # The post's links lead from where it is published; those of the preview from where that file stands.
    prefix = Path(os.path.relpath(places.site / "assets", places.preview.parent)).as_posix() + "/"
    page = preview.page(post_page.text, templates=places.templates, assets=render.asset_base(post), prefix=prefix)
    write_atomically(places.preview, page.encode())
    return Outcome(found, record.ran, published, places.site / post_page.path, places.preview)


def _manifest_before(site: Path, path: str, force: bool) -> manifest.Manifest | None:
    """The manifest of the build before; with `force` a broken one counts as none."""
    try:
        return manifest.read(site, path)
    except BadInput:
        if force:
            return None
        raise


def _provenance(record: BuildRecord, places: Places, files: Mapping[str, bytes], path: str, old: str | None) -> bytes:
    """When, where and from what the build was made; as it was where nothing else in the site changes.

    `old` is the hash of what the build before wrote: an edited one is not taken over.
    """
    site = places.site
    same = all((site / p).is_file() and (site / p).read_bytes() == content for p, content in files.items())
    if same and (site / path).is_file() and file_hash(site / path) == old:
        return (site / path).read_bytes()
    now = datetime.now(UTC)
    table = {
        "schema_version": strict_json.SCHEMA_VERSION,
        "id": _free_id(places.store / builds.HISTORY, now.strftime("%Y%m%d-%H%M%S")),
        "time": now.isoformat(timespec="seconds"),
        "commit": _commit(places.root),
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": hardware.processor(),
        "python": platform.python_version(),
        "ran": list(record.ran),
        "stages": {
            label: {"key": made.key, "seconds": round(made.seconds, 2)} for label, made in record.stages.items()
        },
    }
    return strict_json.to_json(table).encode()


def _free_id(history: Path, wanted: str) -> str:
    """`wanted`, numbered if a build of the same second has it already."""
    names = (f"{wanted}-{number}" for number in itertools.count(2))
    return next(name for name in itertools.chain([wanted], names) if not (history / name).exists())


def _record(found: BuildResults, provenance: bytes, store: Path) -> None:
    """Add the build to the history, if it is not in it: a kill may have come between publishing and this."""
    folder = store / builds.HISTORY / json.loads(provenance)["id"]
    # The file written last stands for all of them.
    if (folder / PROVENANCE).is_file():
        return
    for name, text in result_files.to_files(found).items():
        write_atomically(folder / name, text.encode())
    write_atomically(folder / PROVENANCE, provenance)


def _commit(root: Path) -> str | None:
    """The commit the build was made from, marked if files were changed since; None outside a repository."""
    command = ["git", "-C", str(root), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
