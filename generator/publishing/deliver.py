"""From results to a published site: post, figures, data, manifest, provenance, preview, history."""

import itertools
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from generator.data.folders.listing import listed
from generator.experiment import provenance
from generator.experiment.config.post_settings import PostSettings
from generator.experiment.config.settings import Config
from generator.experiment.files import result_files
from generator.experiment.results import BuildResults
from generator.post import example, manifest, render
from generator.post.formats import appendix
from generator.post.jekyll import permalink
from generator.post.jekyll.layout import Layout
from generator.post.render import Rendered
from generator.post.shape import Shape
from generator.publishing import crate, documents, publish, skeleton, standing
from generator.publishing.outcome import BuildRecord, Outcome
from generator.support import git, lock, newlines, strict_json
from generator.support.display import Display
from generator.support.errors import BadInput, choices
from generator.support.files import FREE_SPACE_OR_NAME, write_atomically
from generator.support.places import HISTORY, Places


def expected(config: Config, places: Places, place: Layout) -> dict[str, bytes | None]:
    """Site path of every file that `deliver` may write → its content, None where the results decide it.

    Raises `BadInput` where a template of the site is at fault.
    """
    post = config.post
    sweeps = (sweep.name for sweep in config.sweeps)
    figures = example.figures((variant.name for variant in config.variants), config.questions, sweeps)
    written = (*result_files.EVERY, provenance.NAME, crate.NAME, manifest.NAME)
    files: dict[str, bytes | None] = dict.fromkeys((place.post, *(f"{place.data}/{name}" for name in written)))
    files |= dict.fromkeys(
        f"{place.images}/{figure.scope}/{figure.name}{suffix}" for figure in figures for suffix in (".png", ".webp")
    )
    if post.appendix:
        files[appendix.file(place)] = None
    if place.skeleton:
        files |= skeleton.skeleton(post, example.results(), places.templates) | documents.pages(config.site)
    return files


def check(config: Config, places: Places, place: Layout, shape: Shape, *, overwrite: bool) -> None:
    """Refuse before anything is trained what `deliver` would refuse after it. Raises `BadInput`.

    The post is tried with results of the `shape` that those of the build will have.
    """
    render.check(places.templates, places.root, post=config.post, place=place, shape=shape)
    files = expected(config, places, place)
    _check_place(place, config.post, files, places.site)
    _check_replaced(place, shape.class_names, places.site, overwrite=overwrite)
    manifest_path = manifest.path_for(config.post.asset_folder)
    publish.check(places.site, files, manifest_path=manifest_path, overwrite=overwrite)


def deliver(
    found: BuildResults,
    figures: Mapping[str, bytes],
    record: BuildRecord,
    config: Config,
    places: Places,
    place: Layout,
    display: Display,
    *,
    overwrite: bool,
    ran: Mapping[str, str] | None = None,
) -> Outcome:
    """Render the post for its `place`, put everything into the site, whole or not at all, and record the build.

    `figures` holds `<scope>/<file>` → content. `overwrite` replaces files in the site that somebody else wrote or
    edited, and keeps copies. `ran` holds symbol → SHA-256 of the code that pages may quote, where that of today may be
    other code than what ran. Raises `MeasuredPostError`; the site then stays as it was.
    """
    post, decided_by = config.post, standing.key(found, figures, config, places, place)
    render.check_rules(places.templates, places.root, post.templates)  # Where nothing was computed nobody did.
    rendered, found, figures = _rendered(found, figures, post, place, places)
    if ran is not None:
        _check_quoted(rendered, ran)
    remarks = _remarks(rendered)
    for remark in remarks:
        display.warn(remark)
    files = {page.path: page.text.encode() for page in rendered.pages}
    files |= {f"{place.data}/{name}": text.encode() for name, text in result_files.to_files(found).items()}
    files |= {f"{place.images}/{path}": content for path, content in figures.items()}
    manifest_path = manifest.path_for(post.asset_folder)
    publish.recover(places.site)
    before = _manifest_before(places.site, manifest_path, overwrite)
    if place.skeleton:
        files |= skeleton.skeleton(post, found, places.templates) | documents.pages(config.site)
    _check_place(place, post, files, places.site)
    _check_replaced(place, found.data.class_names, places.site, overwrite=overwrite)
    origin = f"{place.data}/{provenance.NAME}"
    old = before.files.get(origin) if before else None
    # No other build of this store may take the same id before this one is in the history.
    with lock.wait_for(places.store / "publishing.lock", f"publishing {places.site}"):
        files[origin] = _provenance(record, places, display, files, origin, old)
        files[f"{place.data}/{crate.NAME}"] = crate.make(post, found, _below(place.data, files)).encode()
        text = (rendered.post, files, rendered.numbers, rendered.excerpts)
        made = manifest.make(*text, appendix=rendered.appendix, before=before)
        files[manifest_path] = manifest.to_text(made).encode()
        published = publish.publish(places.site, files, manifest_path=manifest_path, overwrite=overwrite)
        _record(found, files[origin], places.store)
    _write_preview(rendered, places, place)
    outcome = Outcome(found, record.ran, published, places.site / rendered.post, places.preview)
    standing.keep(decided_by, outcome, files, remarks, places, manifest_path)
    return outcome


def _check_place(place: Layout, post: PostSettings, files: Collection[str], site: Path) -> None:
    """Refuse an address that another page has, and in a site of this program a layout that is not there.

    `files` are those of the build, beside which there may be others in `site`. Raises `BadInput`.
    """
    if place.permalink:
        page = permalink.page(place.permalink, post.categories, "post.permalink", post.slug)
        of_page = (str(PurePosixPath(page).with_suffix(suffix)) for suffix in (".html", ".md", ".markdown"))
        if other := next((path for path in of_page if path in files or (site / path).is_file()), None):
            wrong = f"post.permalink = {place.permalink!r}: {page} is the page of {other}"
            raise BadInput(f"{wrong}; choose an address of the post's own, as in /posts/{post.slug}.html")
    if place.foreign:
        return
    there = (path.relative_to(site).as_posix() for path in (site / "_layouts").rglob("*.*"))
    layouts = (path.removeprefix("_layouts/") for path in (*there, *files) if path.startswith("_layouts/"))
    known = sorted({str(PurePosixPath(path).with_suffix("")) for path in layouts})
    if place.name not in known:
        raise BadInput(f"post.layout = {place.name!r}: the site has no such layout; {choices(str(place.name), known)}")


def _check_replaced(place: Layout, class_names: Sequence[str], site: Path, *, overwrite: bool) -> None:
    """Raise `BadInput` where the post would take the place of another one, on other classes, without being it.

    A post that has another date or another folder for its assets is itself; one of other classes too only by chance.
    """
    for path, record in manifest.readable(site).items() if not overwrite else ():
        same = (path == manifest.path_for(place.asset_folder), record.post == place.post)
        others = _classes_of(site / PurePosixPath(path).parent) if any(same) and not all(same) else []
        if others and others != list(class_names):
            raise BadInput(
                f"{site / record.post}: a post on {listed(others)} is there already, with the same "
                f"{'post.asset_folder' if same[0] else 'name'}; give this one a post.slug and a post.asset_folder "
                "of its own, or use --overwrite to replace it"
            )


def _classes_of(data: Path) -> list[str]:
    """The classes of the results in a folder of data; none where they cannot be read."""
    path = data / result_files.METRICS
    try:
        return list(strict_json.parse_json(path.read_text("utf-8"), str(path))["data"]["class_names"])
    except (OSError, ValueError, LookupError, TypeError, BadInput):
        return []


def _write_preview(rendered: Rendered, places: Places, place: Layout) -> None:
    page = render.preview(rendered, place, templates=places.templates, site=places.site, target=places.preview)
    # Builds of other sites may have the same place for it.
    with lock.wait_for(lock.for_folder(places.preview), f"writing {places.preview}"):
        write_atomically(places.preview, page.encode(), f"{FREE_SPACE_OR_NAME} with --preview")


def _remarks(rendered: Rendered) -> tuple[str, ...]:
    """What whoever builds should know of the post."""
    anchors = ", ".join(f"#{anchor}" for anchor in rendered.unlinked)
    return (f"post: links to {anchors} became plain text, because it has no such heading",) if anchors else ()


def _rendered(
    found: BuildResults, figures: Mapping[str, bytes], post: PostSettings, place: Layout, places: Places
) -> tuple[Rendered, BuildResults, Mapping[str, bytes]]:
    """The pages, and what of results and figures belongs to them."""
    rendered = render.render(post, found, place, templates=places.templates, root=places.root)
    if post.templates is None:
        return rendered, found, figures
    found, figures = _shown(found, figures, rendered.text)
    # Numbers have a figure's place in the list as their source.
    return render.render(post, found, place, templates=places.templates, root=places.root), found, figures


def _shown(found: BuildResults, figures: Mapping[str, bytes], text: str) -> tuple[BuildResults, dict[str, bytes]]:
    """The results and `figures` less those that the post of somebody's own templates does not show."""
    kept = tuple(each for each in found.figures if f"/{each.scope}/{each.name}.png" in text)
    stems = {f"{each.scope}/{each.name}" for each in kept}
    files = {path: content for path, content in figures.items() if path.rpartition(".")[0] in stems}
    return found.changed(figures=kept), files


def _check_quoted(rendered: Rendered, ran: Mapping[str, str]) -> None:
    """Raise `BadInput` where a page would quote code of which it is not known that it ran."""
    excerpts = (*rendered.excerpts, *(rendered.appendix.excerpts if rendered.appendix else ()))
    for each in excerpts:
        if each.symbol not in ran:
            raise BadInput(f"{each.symbol}: no page quoted this code when it ran, so it may be other code now; build")
        if ran[each.symbol] != each.sha256:
            raise BadInput(f"{each.symbol}: the page quotes this code, and what ran was other code; build")


def _below(folder: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Name → content of the files in a folder of the site."""
    return {path.removeprefix(f"{folder}/"): text for path, text in files.items() if path.startswith(f"{folder}/")}


def _manifest_before(site: Path, path: str, overwrite: bool) -> manifest.Manifest | None:
    """The manifest of the build before; with `overwrite` a broken one counts as none."""
    try:
        return manifest.read(site, path)
    except BadInput:
        if overwrite:
            return None
        raise


def _provenance(
    record: BuildRecord, places: Places, display: Display, files: Mapping[str, bytes], path: str, old: str | None
) -> bytes:
    """When, where and from what the build was made; as it was where nothing else in the site changes.

    `old` is the hash of what the build before wrote: an edited one is not taken over.
    """
    site = places.site
    hashes = {p: newlines.fingerprint(content) for p, content in files.items()} | {path: old}
    if all((site / p).is_file() and newlines.fingerprint((site / p).read_bytes()) == h for p, h in hashes.items()):
        return newlines.normalised((site / path).read_bytes())
    now = datetime.now(UTC)
    table = {
        "schema_version": strict_json.SCHEMA_VERSION,
        "id": _free_id(places.store / HISTORY, now.strftime("%Y%m%d-%H%M%S")),
        "time": now.isoformat(timespec="seconds"),
        "commit": _commit(places, display),
        **provenance.machine(),
        "ran": list(record.ran),
        **({"results_of": record.results_of} if record.results_of else {}),
        **provenance.machines_apart(record.stages),
    }
    return strict_json.to_json(table).encode()


def _free_id(history: Path, wanted: str) -> str:
    """`wanted`, numbered if a build of the same second has it already."""
    names = (f"{wanted}-{number}" for number in itertools.count(2))
    return next(name for name in itertools.chain([wanted], names) if not (history / name).exists())


def _record(found: BuildResults, origin: bytes, store: Path) -> None:
    """Add the build to the history, if it is not in it: a kill may have come between publishing and this."""
    folder = store / HISTORY / json.loads(origin)["id"]
    # The file written last stands for all of them.
    if (folder / provenance.NAME).is_file():
        return
    for name, text in result_files.to_files(found).items():
        write_atomically(folder / name, text.encode())
    write_atomically(folder / provenance.NAME, origin)


def _commit(places: Places, display: Display) -> str | None:
    """The commit the build was made from; None where there is none, or git does not tell it, which is said."""
    try:
        return git.described(places.repository, places.site)
    except git.Refused as error:
        display.warn(f"the commit is not recorded: {error}")
        return None
