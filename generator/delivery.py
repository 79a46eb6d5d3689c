"""From results to a published site: post, figures, data, manifest, provenance, preview, history."""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from generator import (
    builds,
    cache,
    example,
    git,
    manifest,
    newlines,
    preview,
    provenance,
    publish,
    render,
    result_files,
    skeleton,
    strict_json,
)
from generator.bench import Bench, Places
from generator.config import Config
from generator.errors import BadInput
from generator.layout import Layout
from generator.results import BuildResults, FigureFile


@dataclass(frozen=True)
class Outcome:
    """What a build gave."""

    results: BuildResults
    ran: tuple[str, ...]
    """Labels of the stages that ran."""
    published: publish.Published
    post: Path
    preview: Path


def expected(config: Config, places: Places, place: Layout) -> dict[str, bytes | None]:
    """Site path of every file that `deliver` may write → its content, None where the results decide it.

    Rendered with made-up results. Raises `BadInput` where a template is at fault.
    """
    post, results = config.post, example.results()
    pages = render.render(post, results, place, templates=places.templates, root=places.root).pages
    figures = example.figures(variant.name for variant in config.variants)
    written = (*result_files.FILES, provenance.NAME, manifest.NAME)
    files: dict[str, bytes | None] = dict.fromkeys(
        (*(page.path for page in pages), *(f"{place.data}/{name}" for name in written))
    )
    files |= dict.fromkeys(path for _, _, path in _figure_paths(place, figures))
    if place.skeleton:
        files |= skeleton.skeleton(post, results, places.templates)
    return files


def check(config: Config, places: Places, place: Layout, *, overwrite: bool) -> None:
    """Refuse before anything is trained what `deliver` would refuse after it. Raises `BadInput`."""
    files = expected(config, places, place)
    manifest_path = manifest.path_for(config.post.asset_folder)
    publish.check(places.site, files, manifest_path=manifest_path, overwrite=overwrite)


def deliver(found: BuildResults, bench: Bench, place: Layout, *, overwrite: bool) -> Outcome:
    """Render the post for its `place`, put everything into the site, whole or not at all, and record the build.

    `overwrite` replaces files in the site that somebody else wrote or edited, and keeps copies. Raises
    `MeasuredPostError`; the site then stays as it was.
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
    before = _manifest_before(places.site, manifest_path, overwrite)
    if place.skeleton:
        files |= skeleton.skeleton(post, found, places.templates)
    origin = f"{place.data}/{provenance.NAME}"
    old = before.files.get(origin) if before else None
    files[origin] = _provenance(bench, files, origin, old)
    made = manifest.make(post_page.path, files, rendered.numbers, rendered.excerpts, before=before)
    files[manifest_path] = manifest.to_text(made).encode()
    published = publish.publish(places.site, files, manifest_path=manifest_path, overwrite=overwrite)
    _record(found, files[origin], places.store)
    # The post's links lead from where it is published; those of the preview from where that file stands.
    prefix = preview.address(places.site / "assets", places.preview)
    page = preview.page(post_page.text, templates=places.templates, assets=place.bases, prefix=prefix)
    cache.write_atomically(places.preview, page.encode())
    return Outcome(found, tuple(bench.ran), published, places.site / post_page.path, places.preview)


def _manifest_before(site: Path, path: str, overwrite: bool) -> manifest.Manifest | None:
    """The manifest of the build before; with `overwrite` a broken one counts as none."""
    try:
        return manifest.read(site, path)
    except BadInput:
        if overwrite:
            return None
        raise


def _figure_files(found: BuildResults, bench: Bench, place: Layout) -> dict[str, bytes]:
    stages = bench.figure_stages()
    paths = _figure_paths(place, found.figures)
    return {path: bench.require(stages[scope]).read_bytes(name) for scope, name, path in paths}


def _figure_paths(place: Layout, figures: Iterable[FigureFile]) -> Iterator[tuple[str, str, str]]:
    """(scope, file name, site path) of every picture."""
    for figure in figures:
        for name in (f"{figure.name}.png", f"{figure.name}.webp"):
            yield figure.scope, name, f"{place.images}/{figure.scope}/{name}"


def _provenance(bench: Bench, files: Mapping[str, bytes], path: str, old: str | None) -> bytes:
    """When, where and from what the build was made; as it was where nothing else in the site changes.

    `old` is the hash of what the build before wrote: an edited one is not taken over.
    """
    site = bench.places.site
    hashes = {p: newlines.fingerprint(content) for p, content in files.items()} | {path: old}
    if all((site / p).is_file() and newlines.fingerprint((site / p).read_bytes()) == h for p, h in hashes.items()):
        return newlines.normalised((site / path).read_bytes())
    now = datetime.now(UTC)
    stages = {stage.label: stage for stage in bench.plan.stages}
    table = {
        "schema_version": strict_json.SCHEMA_VERSION,
        "id": _free_id(bench.places.store / builds.HISTORY, now.strftime("%Y%m%d-%H%M%S")),
        "time": now.isoformat(timespec="seconds"),
        "commit": _commit(bench),
        **provenance.machine(),
        "ran": list(bench.ran),
        "stages": {
            label: provenance.record_of(stage, bench.entries[stage.key.digest].seconds)
            for label, stage in stages.items()
            if stage.key.digest in bench.entries
        },
    }
    return strict_json.to_json(table).encode()


def _free_id(history: Path, wanted: str) -> str:
    """`wanted`, numbered if a build of the same second has it already."""
    names = (f"{wanted}-{number}" for number in itertools.count(2))
    return next(name for name in itertools.chain([wanted], names) if not (history / name).exists())


def _record(found: BuildResults, origin: bytes, store: Path) -> None:
    """Add the build to the history, if it is not in it: a kill may have come between publishing and this."""
    folder = store / builds.HISTORY / json.loads(origin)["id"]
    # The file written last stands for all of them.
    if (folder / provenance.NAME).is_file():
        return
    for name, text in result_files.to_files(found).items():
        cache.write_atomically(folder / name, text.encode())
    cache.write_atomically(folder / provenance.NAME, origin)


def _commit(bench: Bench) -> str | None:
    """The commit the build was made from; None where there is none, or git does not tell it, which is said."""
    try:
        return git.described(bench.places.root)
    except git.Refused as error:
        bench.display.warn(f"the commit is not recorded: {error}")
        return None
