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
    cache,
    hardware,
    manifest,
    preview,
    publish,
    render,
    result_files,
    skeleton,
    strict_json,
)
from generator.bench import Bench
from generator.errors import BadInput
from generator.layout import Layout
from generator.results import BuildResults

PROVENANCE = "provenance.json"


@dataclass(frozen=True)
class Outcome:
    """What a build gave."""

    results: BuildResults
    ran: tuple[str, ...]
    """Labels of the stages that ran."""
    published: publish.Published
    post: Path
    preview: Path


def deliver(found: BuildResults, bench: Bench, place: Layout, *, force: bool) -> Outcome:
    """Render the post for its `place`, put everything into the site, whole or not at all, and record the build.

    `force` overwrites files in the site that were edited by hand. Raises `MeasuredPostError`; the site then
    stays as it was.
    """
    config, places = bench.config, bench.places
    post = config.post
    rendered = render.render(post, found, place, templates=places.templates, root=places.root)
    post_page = rendered.pages[0]
    files = {page.path: page.text.encode() for page in rendered.pages}
    files |= {f"{place.data}/{name}": text.encode() for name, text in result_files.to_files(found).items()}
    files |= _figure_files(found, bench, place)
    manifest_path = manifest.path_for(post.asset_folder)
    publish.recover(places.site)
    before = _manifest_before(places.site, manifest_path, force)
    if place.skeleton:
        files |= skeleton.skeleton(post, found, places.templates)
    provenance = f"{place.data}/{PROVENANCE}"
    old = before.files.get(provenance) if before else None
    files[provenance] = _provenance(bench, files, provenance, old)
    made = manifest.make(post_page.path, files, rendered.numbers, rendered.excerpts, before=before)
    files[manifest_path] = manifest.to_text(made).encode()
    published = publish.publish(places.site, files, manifest_path=manifest_path, force=force)
    _record(found, files[provenance], places.store)
    # The post's links lead from where it is published; those of the preview from where that file stands.
    prefix = Path(os.path.relpath(places.site / "assets", places.preview.parent)).as_posix() + "/"
    page = preview.page(post_page.text, templates=places.templates, assets=place.bases, prefix=prefix)
    cache.write_atomically(places.preview, page.encode())
    return Outcome(found, tuple(bench.ran), published, places.site / post_page.path, places.preview)


def _manifest_before(site: Path, path: str, force: bool) -> manifest.Manifest | None:
    """The manifest of the build before; with `force` a broken one counts as none."""
    try:
        return manifest.read(site, path)
    except BadInput:
        if force:
            return None
        raise


def _figure_files(found: BuildResults, bench: Bench, place: Layout) -> dict[str, bytes]:
    stages = bench.figure_stages()
    return {
        f"{place.images}/{figure.scope}/{name}": bench.require(stages[figure.scope]).read_bytes(name)
        for figure in found.figures
        for name in (f"{figure.name}.png", f"{figure.name}.webp")
    }


def _provenance(bench: Bench, files: Mapping[str, bytes], path: str, old: str | None) -> bytes:
    """When, where and from what the build was made; as it was where nothing else in the site changes.

    `old` is the hash of what the build before wrote: an edited one is not taken over.
    """
    site = bench.places.site
    same = all((site / p).is_file() and (site / p).read_bytes() == content for p, content in files.items())
    if same and (site / path).is_file() and cache.file_hash(site / path) == old:
        return (site / path).read_bytes()
    now = datetime.now(UTC)
    stages = {stage.label: stage for stage in bench.plan.stages}
    table = {
        "schema_version": strict_json.SCHEMA_VERSION,
        "id": _free_id(bench.places.store / builds.HISTORY, now.strftime("%Y%m%d-%H%M%S")),
        "time": now.isoformat(timespec="seconds"),
        "commit": _commit(bench.places.root),
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": hardware.processor(),
        "python": platform.python_version(),
        "ran": list(bench.ran),
        "stages": {
            label: {"key": stage.key.digest, "seconds": round(bench.entries[stage.key.digest].seconds, 2)}
            for label, stage in stages.items()
            if stage.key.digest in bench.entries
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
        cache.write_atomically(folder / name, text.encode())
    cache.write_atomically(folder / PROVENANCE, provenance)


def _commit(root: Path) -> str | None:
    """The commit the build was made from, marked if files were changed since; None outside a repository."""
    command = ["git", "-C", str(root), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
