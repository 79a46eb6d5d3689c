"""Holds a site against its manifests: is every number, figure, excerpt and file still what the build made?

`verify` lists what is not, each as a `Finding` that names it. It reads the site alone: neither TensorFlow nor
the templates are needed, so that a reader or a CI job can check a published post.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from generator.experiment import exported
from generator.experiment.files import map_files, result_files
from generator.experiment.results import BuildResults, VariantResult
from generator.experiment.statistics.recount import disagreements
from generator.post import bound, manifest
from generator.post.manifest import Excerpt, Manifest, Number, Text
from generator.publishing import crate, durable
from generator.support import newlines
from generator.support.errors import BadInput, printable
from generator.support.formats import FORMATS

OF_MODEL = f"build/{manifest.NAME}"
"""Where the manifest of a network in a file lies, in that network's folder."""

Kind = Literal["manifest", "file", "figure", "results", "number", "outdated", "excerpt"]
"""`outdated`: a number that the program computes from the results, and that comes out otherwise than in the post; where
nothing else is found it is the program that has changed."""

_ANSWERS = "answers."
"""What sources begin with that results do not hold but work out."""

_WORD = re.compile(r"[^\s|()<>]{1,40}")


@dataclass(frozen=True)
class Finding:
    """One thing in the site that is not what the build made."""

    kind: Kind
    place: str
    """Site path, for a number or an excerpt with its line and column."""
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


def verify(site: Path) -> tuple[Finding, ...]:
    """What is wrong in `site`, for every post of this program in it; empty if nothing is.

    Raises `BadInput` where there is no such post.
    """
    places = manifest.find(site)
    if not places:
        raise BadInput(f"{site}: holds no {manifest.NAME} of a build; build the site, or name it with --site DIR")
    return tuple(finding for place in places for finding in of_post(site, place))


def of_post(site: Path, place: str) -> tuple[Finding, ...]:
    """What is wrong with the post whose manifest lies at the site path `place`."""
    return tuple(_findings(site, place))


def verify_model(folder: Path) -> tuple[Finding, ...]:
    """What is wrong in the `folder` of a network in a file: its files, the numbers of its card.

    Raises `BadInput` where there is no such network.
    """
    if not (folder / OF_MODEL).is_file():
        raise BadInput(f"{folder}: holds no {OF_MODEL} of a model; write one with build.py model --out DIR")
    return of_post(folder, OF_MODEL)


def _findings(site: Path, place: str) -> Iterator[Finding]:
    try:
        record = manifest.read(site, place)
    except BadInput as error:
        yield Finding("manifest", place, str(error))
        return
    if record is None:
        return
    figures = {figure.path: figure for figure in record.figures}
    for path, digest in record.files.items():
        content = _content(site, path)
        if content is None or newlines.fingerprint(content) != digest:
            yield _figure(path, content, figures[path]) if path in figures else _file(path, content)
    yield from _unlisted(record)
    yield from _miscrated(site, str(PurePosixPath(place).parent), record)
    yield from _results_and_post(site, place, record)


def _content(site: Path, path: str) -> bytes | None:
    """What is at `path`, None if nothing can be read there."""
    try:
        # A manifest may have come with somebody else's site: it must not name files outside.
        durable.check(site, path)
        return (site / path).read_bytes()
    except (OSError, ValueError, BadInput):  # ValueError: a name that no file can have
        return None


def _file(path: str, content: bytes | None) -> Finding:
    return Finding("file", path, "is missing" if content is None else "is not the file that the build wrote")


def _figure(path: str, content: bytes | None, figure: manifest.Figure) -> Finding:
    name = f"figure {figure.name} of {figure.scope}"
    if content is None:
        return Finding("figure", path, f"{name} is missing")
    try:
        same = manifest.pixels_of(content) == figure.pixels
    except ValueError as error:
        return Finding("figure", path, f"{name} cannot be decoded ({error})")
    what = "has the same pixels but other bytes: it was encoded again" if same else "has other pixels"
    return Finding("figure", path, f"{name} {what}")


def _unlisted(record: Manifest) -> Iterator[Finding]:
    """What the manifest speaks of without listing its file: then nothing would check it."""
    for path in (*(text.path for text in record.texts), *(figure.path for figure in record.figures)):
        if path not in record.files:
            yield Finding("manifest", path, "is in the manifest without a hash")


def _miscrated(site: Path, folder: str, record: Manifest) -> Iterator[Finding]:
    """What the crate, where the build wrote one, says otherwise of the files beside it."""
    path = f"{folder}/{crate.NAME}"
    text = _content(site, path) if path in record.files else None
    if text is None:
        return
    listed = (PurePosixPath(each) for each in record.files)
    names = {each.name for each in listed if str(each.parent) == folder and each.name != crate.NAME}
    said = newlines.normalised(text).decode("utf-8", errors="replace")
    for fault in crate.disagreements(said, lambda name: _content(site, f"{folder}/{name}"), names):
        yield Finding("results", path, fault)


def _results_and_post(site: Path, place: str, record: Manifest) -> Iterator[Finding]:
    try:
        build = _results(site, str(PurePosixPath(place).parent))
        sources = _sources(site, str(PurePosixPath(place).parent), build)
    except (BadInput, LookupError, ValueError) as error:
        why = str(error) if isinstance(error, BadInput) else f"the results do not fit together ({error!r})"
        yield Finding("results", place, why)
        return
    yield from _missing_figures(build, record)
    yield from _miscounted(build, str(PurePosixPath(place).parent))
    yield from _mismapped(build, str(PurePosixPath(place).parent))
    for page in record.texts:
        yield from _page(site, page, sources)


def _page(site: Path, page: Text, sources: Mapping[str, Any]) -> Iterator[Finding]:
    content = _content(site, page.path)
    if content is None:
        return
    text = newlines.normalised(content).decode("utf-8", errors="replace")
    lines = text.split("\n")
    for number in page.numbers:
        yield from _number(number, sources, page.path, lines)
    for excerpt in page.excerpts:
        yield from _excerpt(excerpt, page.path, text)


def _results(site: Path, folder: str) -> BuildResults:
    return result_files.read(lambda name: _content(site, f"{folder}/{name}"), folder, errors="replace")


def _sources(site: Path, folder: str, build: BuildResults) -> Mapping[str, Any]:
    """What numbers may come from: the results, and of a network in a file what is known of that file."""
    content = _content(site, f"{folder}/{exported.NAME}")
    if content is None:
        return exported.of_results(build)
    return exported.sources(build, exported.from_text(content.decode("utf-8", "replace"), f"{folder}/{exported.NAME}"))


def _missing_figures(build: BuildResults, record: Manifest) -> Iterator[Finding]:
    drawn = {(figure.scope, figure.name) for figure in record.figures}
    for figure in build.figures:
        if (figure.scope, figure.name) not in drawn:
            message = f"figure {figure.name} of {figure.scope} belongs to the results but not to this site"
            yield Finding("figure", record.post, f"{message}: they are of different builds")


def _miscounted(build: BuildResults, folder: str) -> Iterator[Finding]:
    """Scores that are not those of the predictions beside them, of both phases of every run."""
    for name, variant in build.variants.items():
        runs = [(f"variants.{name}", variant), *((f"variants.{name}.runs.{i}", r) for i, r in enumerate(variant.runs))]
        phases = [pair for where, run in runs for pair in ((where, run), (f"{where}.after_head", run.after_head))]
        for owner, outcome in phases:
            for path in disagreements(outcome, len(build.data.class_names)):
                message = f"{owner}.{path} is not what {result_files.PREDICTIONS} gives: they are of different builds"
                yield Finding("results", f"{folder}/{result_files.METRICS}", message)


def _mismapped(build: BuildResults, folder: str) -> Iterator[Finding]:
    """Activation maps that are not of the predictions beside them, or do not give their logits."""
    for name, variant in build.variants.items():
        for fault in _faults_of_maps(variant):
            yield Finding("results", f"{folder}/{map_files.MAPS}", f"{name}: {fault}: they are of different builds")


def _faults_of_maps(variant: VariantResult) -> Iterator[str]:
    maps, tested = variant.activation_maps, variant.predictions
    if maps is None:
        return
    if len(maps.images) != len(tested):
        yield f"there are {len(maps.images)} maps of {len(tested)} test images in {result_files.PREDICTIONS}"
        return
    for file in maps.disagreements(tested):
        yield f"the map of {printable(file)} does not give its logit in {result_files.PREDICTIONS}"


def _number(number: Number, sources: Mapping[str, Any], post: str, lines: list[str]) -> Iterator[Finding]:
    place = f"{post}:{number.line}:{number.column}"
    try:
        expected = FORMATS[number.format](bound.value_of(sources, number.source))
    except (BadInput, KeyError, ValueError, OverflowError) as error:
        yield Finding("number", place, f"{number.source} as {number.format!r} cannot be computed ({error})")
        return
    there = lines[number.line - 1][number.column - 1 :] if number.line <= len(lines) else ""
    if number.text != expected:
        message = f"{number.source} is {expected} in the results, the post was built with {number.text}"
        if "(" in number.source or number.source.startswith(_ANSWERS):  # worked out of the results, and none of them
            why = "they are of different builds, or it is computed otherwise now; if this is all, render the post anew"
            yield Finding("outdated", place, f"{message}: {why}")
        else:
            yield Finding("number", place, f"{message}: they are of different builds")
    if not _stands_alone(there, number.text):
        word = _WORD.match(there)
        found = printable(word[0].rstrip(".,;:")) if word else "something else"
        yield Finding("number", place, f"expected {number.text} ({number.source}), found {found}")


def _stands_alone(there: str, text: str) -> bool:
    """Whether `text` stands there and does not go on as a longer number."""
    rest = there[len(text) :]
    further = rest[1:] if rest[:1] in (".", ",") else rest
    return there.startswith(text) and not further[:1].isdigit()


def _excerpt(excerpt: Excerpt, post: str, text: str) -> Iterator[Finding]:
    place = f"{post}:{excerpt.line}"
    try:
        same = manifest.fingerprint_of_code(text, excerpt.line) == excerpt.sha256
    except ValueError as error:
        yield Finding("excerpt", place, f"the excerpt of {excerpt.symbol} is missing ({error})")
        return
    if not same:
        yield Finding("excerpt", place, f"the excerpt of {excerpt.symbol} is not the code that was quoted")
