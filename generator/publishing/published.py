"""A build as it lies in a site, read back so that its pages can be rendered anew and nothing computed.

`read` takes only what the build wrote (`verify`), also where the program computes a number from that otherwise now:
then figures that answer questions are drawn anew, which follow from results alone. It takes it for settings that ask
for what was run: these are held against all of them that the results tell; of data and of weights that is the name and
not the place, of the sample's seed nothing. The code that pages may quote is that of their excerpts: of no other is it
known whether it ran.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from generator.data import origins
from generator.experiment import provenance
from generator.experiment.config import settings
from generator.experiment.config.settings import Config, DataSettings, Sweep
from generator.experiment.figure_names import COMPARISON
from generator.experiment.files import result_files
from generator.experiment.results import BuildResults
from generator.experiment.sweep_results import SweepResult
from generator.post import manifest
from generator.post.manifest import Manifest
from generator.publishing import verify
from generator.support.errors import BadInput

MOST = 5
"""Most settings that a refusal names."""


@dataclass(frozen=True)
class PublishedBuild:
    """All that pages are rendered from."""

    results: BuildResults
    figures: dict[str, bytes]
    """`<scope>/<file>` → content."""
    origin: dict[str, Any]
    """Id, time and commit of the build that computed."""
    stages: dict[str, dict[str, Any]]
    """Label → `provenance.record_of` the stage."""
    ran: dict[str, str]
    """Symbol → SHA-256 of its code as it ran, for all that the pages quote."""


def read(site: Path, config: Config) -> PublishedBuild:
    """The build in `site` whose post has these settings.

    Raises `BadInput` where there is none, where it is not as it was written, or where `config` asks for another
    experiment.
    """
    place = manifest.path_for(config.post.asset_folder)
    record = manifest.read(site, place)
    if record is None:
        raise BadInput(f"{site}: holds no build of this post ({place} is missing); build it")
    findings = verify.of_post(site, place)
    if wrong := [finding for finding in findings if finding.kind != "outdated"]:
        raise BadInput(f"{wrong[0]}, so the site is not what was built; see verify, and build")
    data = site / PurePosixPath(place).parent
    made = (data / provenance.NAME).read_bytes()
    results = result_files.read(lambda name: _content(data / name), str(data))
    config = _of_built(config, results)
    _check(results, config)
    results = results.changed(questions=config.questions)  # The same, in the order in which the settings ask them now.
    figures = {f"{f.scope}/{PurePosixPath(f.path).name}": (site / f.path).read_bytes() for f in record.figures}
    if findings:  # What is worked out otherwise now stands in figures, too.
        figures |= {path: content for path, content in _answers_drawn(results) if path in figures}
    return PublishedBuild(
        results=results,
        figures=figures,
        origin=provenance.origin(made),
        stages=provenance.stages_of(made),
        ran=_quoted(record),
    )


def _answers_drawn(results: BuildResults) -> Iterator[tuple[str, bytes]]:
    """(path in the folder of figures, content) of the figures that follow from results alone: those of the answers."""
    # Late: most pages are rendered anew with the figures that they have.
    from generator.figures import charts

    for drawing in charts.draw_answers(list(results.answers.values())):
        yield f"{COMPARISON}/{drawing.name}.png", drawing.png
        yield f"{COMPARISON}/{drawing.name}.webp", drawing.web


def _of_built(config: Config, results: BuildResults) -> Config:
    """`config`, which is of all variants of its file, without the sweeps and questions of such as were not built."""
    sweeps = tuple(sweep for sweep in config.sweeps if sweep.name in results.sweeps)
    questions = {name: each for name, each in config.questions.items() if set(each.variants) <= set(results.variants)}
    return config.model_copy(update={"sweeps": sweeps, "questions": questions})


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _quoted(record: Manifest) -> dict[str, str]:
    return {excerpt.symbol: excerpt.sha256 for text in record.texts for excerpt in text.excerpts}


def _check(results: BuildResults, config: Config) -> None:
    """Raise `BadInput` where the settings ask for something else than what was run."""
    found = list(_differences(results, config))
    if found:
        more = f" (and {len(found) - MOST} more)" if len(found) > MOST else ""
        raise BadInput(
            f"the settings ask for another experiment than the one that was built: {'; '.join(found[:MOST])}{more}. "
            "Give the options that it was built with, or build"
        )


def _differences(results: BuildResults, config: Config) -> Iterator[str]:
    yield from _changed("data.", *_data(results, config.data))
    yield from _changed("weights.", *_weights(results, config))
    wanted = {variant.name: variant for variant in config.variants}
    for name, variant in results.variants.items():
        if name in results.sweeps:
            continue  # Its settings are those that won.
        if name not in wanted:
            yield f"the settings have no variant {name}"
            continue
        asked = wanted[name]
        yield from _changed(
            f"{name}: ",
            {"title": variant.title, **variant.recipe.model_dump(mode="json")},
            {"title": asked.title, **asked.recipe.model_dump(mode="json")},
        )
    yield from _changed("", _whole(results), _whole(config))
    yield from _of_sweeps(results, config)


def _whole(of: BuildResults | Config) -> dict[str, Any]:
    """What the variants share, in the words of the settings."""
    questions = {name: question.model_dump(mode="json") for name, question in of.questions.items()}
    return {"profile": of.profile, "seeds": of.seeds.model_dump(mode="json"), "questions": questions}


Table = dict[str, Any]


def _data(results: BuildResults, asked: DataSettings) -> tuple[Table, Table]:
    """Settings of the data set as far as results, of which older ones tell less, tell them; the same as asked for."""
    data, measure = results.data, results.measure
    told: Table = {
        "path": asked.path if origins.may_be(asked.path, data.source, data.kind) else data.source,
        "image_size": data.image_size,
        "batch_size": data.batch_size,
        "group": data.grouping.by if data.grouping else None,
    }
    if data.held_out:
        told |= {"test_fraction": data.held_out.fraction, "test_seed": data.held_out.seed}
    if data.near:
        told["near_duplicates"] = data.near.handling
    if asked.layout != "auto":
        told["layout"] = data.layout
    if measure and measure.seed is not None:
        told["measure_seed"] = measure.seed
    wanted = {name: getattr(asked, name) for name in told}
    if data.kind == asked.path == "sample":
        counted = {"sample_train": data.train_total, "sample_test": data.test_total}
        counted["measure"] = measure.total if measure else 0
        told |= {"sample_classes": sorted(data.class_names), **counted}
        # As many of each class, rounded down.
        classes = len(data.class_names)
        wanted |= {name: getattr(asked, name) // classes * classes for name in counted}
        wanted["sample_classes"] = sorted(asked.sample_classes)
    return told, wanted


def _weights(results: BuildResults, config: Config) -> tuple[Table, Table]:
    """Network → the weights that were requested for it, by the variants that name none; the same as asked for."""
    variants = {v.recipe.model.backbone: v for v in results.variants.values() if v.recipe.model.weights is None}
    told = {name: (variant.weights or results.weights).requested for name, variant in variants.items()}
    # Results have a file's name without folders.
    return told, {name: Path(config.weights_of(v.recipe.model)).name for name, v in variants.items()}


def _of_sweeps(results: BuildResults, config: Config) -> Iterator[str]:
    wanted = {sweep.name: sweep for sweep in config.sweeps}
    for name, built in results.sweeps.items():
        if name not in wanted:
            yield f"the settings have no sweep {name}"
            continue
        asked = wanted[name]
        yield from _changed(f"sweeps.{name}.", _tried(built), _to_try(asked))
        if built.winner.number <= len(asked.points):
            point = asked.points[built.winner.number - 1]
            recipe = results.variants[name].recipe.model_dump(mode="json")
            yield from _changed(f"{name}: ", recipe, point.recipe.model_dump(mode="json"))


def _tried(sweep: SweepResult) -> Table:
    points = {point.number: point.settings for point in sweep.points}
    return {"title": sweep.title, "of": sweep.of, "draw_seed": sweep.draw_seed, "points": points}


def _to_try(sweep: Sweep) -> Table:
    """As `_tried`."""
    points = {
        number: {path: point.changes[path] for path in sweep.settings} for number, point in enumerate(sweep.points, 1)
    }
    draw_seed = None if sweep.draw is None else sweep.draw_seed
    return {"title": sweep.title, "of": sweep.of, "draw_seed": draw_seed, "points": points}


def _changed(where: str, built: dict[str, Any], asked: dict[str, Any]) -> Iterator[str]:
    for name, (old, new) in settings.differences(built, asked).items():
        yield f"{where}{name} was {json.dumps(old)}, is {json.dumps(new)}"
