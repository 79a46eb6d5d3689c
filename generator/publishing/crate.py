"""The results as an RO-Crate: one JSON-LD file beside the data files, for programs that collect research data.

RO-Crate 1.1, https://www.researchobject.org/ro-crate/specification/1.1/: the files with sizes and hashes, the run that
made them with its software, machines and inputs, licence, authors and what is cited. `make` writes it from results and
provenance, so that it changes only where these do; `disagreements` holds it against the files.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

import generator
from generator.backbones.registry import BACKBONES
from generator.experiment import provenance
from generator.experiment.config.post_settings import PostSettings, organisation
from generator.experiment.files import label_files, map_files, measurement_files
from generator.experiment.files.result_files import HISTORY, METRICS, PREDICTIONS, RECORD
from generator.experiment.results import BuildResults
from generator.post import manifest
from generator.post.prose import networks, writeup
from generator.support import newlines, strict_json
from generator.support.errors import BadInput

NAME = "ro-crate-metadata.json"

SPECIFICATION = "https://w3id.org/ro/crate/1.1"

DATA_FILES = {
    METRICS: "every metric and setting, for tools that compare builds",
    HISTORY: "loss and accuracy of each epoch",
    PREDICTIONS: "the outcome for each image that the networks learnt from or were tested with, after either phase",
    RECORD: "model summaries, package versions and the list of figures",
    provenance.NAME: "when, where and from which commit the build ran",
    NAME: "what these files are, for programs that collect research data (RO-Crate)",
    manifest.NAME: "where each number, figure and excerpt of the post came from, with hashes",
}
"""File that every build has → what is said of it, here and on the provenance page."""

FURTHER_FILES = {
    map_files.MAPS: "where the fine-tuned network looks, for each test image, by region",
    measurement_files.MEASURE: "the outcome for each image to measure with, after either phase",
    measurement_files.IMAGES: "the images to measure with and their attributes",
    label_files.LABELS: "what the frozen features say of each label",
}
"""Those that not every build has; the others are in `DATA_FILES`."""

NO_LICENSE = "No licence is stated: ask the authors before you use these files for more than the law allows."

_TYPES = {".json": "application/json", ".csv": "text/csv"}
_SOFTWARE = "#measured-post"

Entity = dict[str, Any]


def make(post: PostSettings, results: BuildResults, files: Mapping[str, bytes]) -> str:
    """The crate of the data files (name → content), the provenance among them; the manifest, made later, is not.

    The same files give the same bytes: the only time in it is that of the provenance.
    """
    record = strict_json.parse_json(files[provenance.NAME].decode(), provenance.NAME)
    entities = [_file(name, content) for name, content in sorted(files.items())]
    # The manifest has this file's hash, so this one cannot have the manifest's.
    entities.append(_file(manifest.NAME, None))
    machines, inputs, cited = _machines(record), _inputs(results), _cited(results)
    authors = [_author(f"#author-{i}", name) for i, name in enumerate(post.authors, start=1)]
    software = list(_software(results))
    action = _action(record, results, (software[0], *machines), inputs, entities)
    root = _root(post, results, entities, authors, cited, action)
    others = (*authors, *_license(post), *cited, action, *software, *machines, *inputs)
    graph = [_descriptor(), root, *entities, *others]
    # Not sorted: readers expect the descriptor first.
    context = [f"{SPECIFICATION}/context", {"sha256": "http://schema.org/sha256"}]
    return json.dumps({"@context": context, "@graph": graph}, indent=2, ensure_ascii=False) + "\n"


def disagreements(text: str, content: Callable[[str], bytes | None], names: Iterable[str]) -> Iterator[str]:
    """What the crate says otherwise than the data files: of `names`, whose `content` is None where there is none."""
    try:
        graph = strict_json.parse_json(text, NAME)["@graph"]
        told = {str(each["name"]): each for each in graph if each["@type"] == "File"}
    except (KeyError, TypeError, ValueError, BadInput) as error:
        yield f"is no crate that the build wrote ({error!r})"
        return
    for name in sorted({*names, *told}):
        found = content(name)
        if name not in told or found is None:
            yield f"{name} is {'missing' if found is None else 'not in the crate'}"
        elif "sha256" in told[name] and told[name]["sha256"] != newlines.fingerprint(found):
            yield f"{name} has another hash in the crate"


def _entity(identifier: str, kind: str, /, **fields: Any) -> Entity:
    """One node of the graph, without what there is nothing to say of."""
    return {"@id": identifier, "@type": kind, **{name: value for name, value in fields.items() if value}}


def _links(entities: Sequence[Entity]) -> list[Entity] | Entity:
    """To entities; to a single one without a list around it, as the specification has it."""
    links = [{"@id": each["@id"]} for each in entities]
    return links[0] if len(links) == 1 else links


def _descriptor() -> Entity:
    return _entity(NAME, "CreativeWork", conformsTo={"@id": SPECIFICATION}, about={"@id": "./"})


def _root(
    post: PostSettings,
    results: BuildResults,
    files: Sequence[Entity],
    authors: Sequence[Entity],
    cited: Sequence[Entity],
    action: Entity,
) -> Entity:
    names = ", ".join(results.data.class_names)
    title = writeup.title(post, results.data.class_names)
    return _entity(
        "./",
        "Dataset",
        name=title,
        description=f"Results of transfer learning on images of {names}: scores, predictions and settings of every "
        f"variant. The post about them and its figures are listed in {manifest.NAME}.",
        datePublished=post.date.isoformat(),
        keywords=list(networks.retagged(post.tags, results.variants)),
        author=_links(authors),
        license=_links(list(_license(post))) or NO_LICENSE,
        citation=_links(cited),
        hasPart=_links(files),
        mentions=_links([action]),
    )


def _file(name: str, content: bytes | None) -> Entity:
    told = {} if content is None else {"contentSize": str(len(content)), "sha256": hashlib.sha256(content).hexdigest()}
    return _entity(
        quote(name),
        "File",
        name=name,
        description=(DATA_FILES | FURTHER_FILES).get(name),
        encodingFormat=_TYPES[PurePosixPath(name).suffix],
        **told,
    )


def _author(identifier: str, name: str) -> Entity:
    group = organisation(name)
    return _entity(identifier, "Organization" if group else "Person", name=group or name)


def _license(post: PostSettings) -> Iterator[Entity]:
    if post.license:
        is_address = ":" in post.license
        address = post.license if is_address else f"https://spdx.org/licenses/{post.license}"
        yield _entity(address, "CreativeWork", name=post.license, description="The licence of these files.")


def _cited(results: BuildResults) -> list[Entity]:
    """Where the networks were published that the variants use."""
    names = dict.fromkeys(variant.recipe.model.backbone for variant in results.variants.values())
    papers = {paper.address: paper for name in names for paper in [BACKBONES[name].paper]}
    return [
        _entity(address, "ScholarlyArticle", name=paper.title, author=paper.authors, datePublished=str(paper.year))
        for address, paper in papers.items()
    ]


def _software(results: BuildResults) -> Iterator[Entity]:
    """The program, then what it ran on."""
    packages = [
        _entity(
            f"https://pypi.org/project/{name}/{version}/",
            "SoftwareApplication",
            name=name,
            softwareVersion=version,
            url=f"https://pypi.org/project/{name}/",
        )
        for name, version in results.environment.packages.items()
    ]
    python = _entity(
        "https://www.python.org/",
        "SoftwareApplication",
        name="Python",
        softwareVersion=results.environment.python,
        url="https://www.python.org/",
    )
    yield _entity(
        _SOFTWARE,
        "SoftwareApplication",
        name="Measured Post",
        softwareVersion=generator.__version__,
        description="Runs an image-classification experiment and writes the post about it.",
        softwareRequirements=_links([python, *packages]),
    )
    yield from (python, *packages)


def _machines(record: Mapping[str, Any]) -> list[Entity]:
    """Those that stages ran on, else the one that published."""
    told = record.get("machines") or [record]
    return [
        _entity(f"#machine-{i}", "IndividualProduct", name=each["processor"], description=_described(each))
        for i, each in enumerate(told, start=1)
    ]


def _described(machine: Mapping[str, Any]) -> str:
    count = machine.get("cpus") or machine.get("cores")
    parts = (
        machine.get("platform"),
        f"processors: {count}" if count else None,
        f"memory: {machine['memory']}" if machine.get("memory") else None,
        machine.get("cpuid"),
        *machine.get("gpus", ()),
        f"Python {machine['python']}" if machine.get("python") else None,
    )
    return ", ".join(part for part in parts if part)


def _inputs(results: BuildResults) -> list[Entity]:
    """The images, and the weights that the variants started from; told apart by fingerprints, not published."""
    data = results.data
    weights = [results.weights, *(variant.weights for variant in results.variants.values() if variant.weights)]
    by_fingerprint = {each.fingerprint: each for each in weights}
    return [
        _entity("#data", "CreativeWork", name=f"Images: {data.source}", identifier=f"sha256:{data.fingerprint}"),
        *(
            _entity(
                f"#weights-{i}",
                "CreativeWork",
                name=f"Weights: {each.used} {each.name}".strip(),
                identifier=f"sha256:{fingerprint}" if each.used != "random" else "random",
            )
            for i, (fingerprint, each) in enumerate(by_fingerprint.items(), start=1)
        ),
    ]


def _action(
    record: Mapping[str, Any],
    results: BuildResults,
    instruments: Sequence[Entity],
    inputs: Sequence[Entity],
    files: Sequence[Entity],
) -> Entity:
    """The build: what was used, by what, to make the files."""
    variants, commit, of = ", ".join(results.variants), record["commit"], record.get("results_of")
    done = f"Trained and evaluated {variants} and published the post"
    if of:
        done = f"Rendered the post again from the results of build {of['id']} ({of['time']}): {variants}"
    return _entity(
        "#build",
        "CreateAction",
        name=f"Build {record['id']}",
        description=done + (f", from commit {commit} of the repository with the settings." if commit else "."),
        endTime=record["time"],
        instrument=_links(instruments),
        object=_links(inputs),
        result=_links(files),
    )
