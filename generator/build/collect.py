"""From the store's entries to results: every variant's numbers, the data set's summary, the figures."""

import math
import platform
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from generator.backbones.weights_summary import WeightsSummary
from generator.build import measured
from generator.build.plan import Node, Nodes, Plan
from generator.build.runner import Runner
from generator.build.start import Start
from generator.build.storage.store import Entry
from generator.data import dataset, summary
from generator.data.near import NearReport
from generator.data.pixels import PixelReport
from generator.experiment.config.settings import Config, Variant
from generator.experiment.data_summary import DataSummary, Similarity
from generator.experiment.figure_names import DATA
from generator.experiment.label_review import LabelReview
from generator.experiment.machine import ComputedOn, where_they_differ
from generator.experiment.outcomes import PHASES
from generator.experiment.results import BuildResults, Environment, FigureFile, VariantResult
from generator.stages import artifacts
from generator.support import program, strict_json
from generator.support.display import Display
from generator.support.errors import BuildFailed


def describe(config: Config, begun: Start, plan: Plan, runner: Runner) -> DataSummary:
    """The data set, decoded and split for every variant: what is wrong with it shows before anything is trained.

    Raises `BadInput` where there are near-duplicates and these are refused.
    """
    table = runner.require(plan.runs[config.baseline.name]["pixels"]).read_json(artifacts.REPORT)
    report = strict_json.validated(PixelReport, table, "pixels")
    near = strict_json.validated(NearReport, runner.require(plan.shared["near"]).read_json(artifacts.NEAR), "near")
    splits = {name: runner.require(nodes["split"]) for name, nodes in plan.runs.items()}
    baseline = artifacts.read_split(splits[config.baseline.name].folder)
    measured.describe(config, begun, plan, runner)
    stratified = dataset.stratifies(begun.dataset, config.baseline.recipe.split.stratified)
    found = summary.summarise(begun.dataset, report, baseline, config.data, near=near, stratified=stratified)
    summary.refuse_near(found)
    return found


def collect(
    config: Config, begun: Start, plan: Plan, runner: Runner, described: DataSummary, display: Display, root: Path
) -> BuildResults:
    """Every variant's results and figures. Raises `BuildFailed` listing every run that failed."""
    runner.prepare(_in_order(plan))
    _train_all(plan, runner, display)
    variants = {v.name: _variant_result(v, config, begun, plan, runner) for v in config.variants}
    return BuildResults(
        profile=config.profile,
        data=_with_features(described, plan, runner),
        measure=measured.describe(config, begun, plan, runner),
        labels=_labels(plan, runner),
        weights=begun.weights[config.baseline.name].summary,
        seeds=config.seeds,
        questions=config.questions,
        environment=environment(root, computed_on(plan.wanted, runner)),
        variants=variants,
        figures=tuple(figure for figure, _ in _drawn(plan, runner)),
    )


def collect_one(
    variant: Variant, config: Config, begun: Start, plan: Plan, runner: Runner, described: DataSummary, root: Path
) -> BuildResults:
    """As `collect` for one variant whose stages are all in the store, without figures and the review of labels."""
    own = [node for run in config.runs if run.variant == variant for node in plan.runs[run.name].values()]
    return BuildResults(
        profile=config.profile,
        data=described,
        measure=measured.describe(config, begun, plan, runner),
        weights=begun.weights[config.baseline.name].summary,
        seeds=config.seeds,
        environment=environment(root, computed_on(own, runner)),
        variants={variant.name: _variant_result(variant, config, begun, plan, runner)},
    )


def _with_features(described: DataSummary, plan: Plan, runner: Runner) -> DataSummary:
    """The data set, with what the features say of its near-duplicates where there are some."""
    if described.near is None or not described.near.pairs:
        return described
    rows = runner.require(plan.shared["near_features"]).read_json(artifacts.RESULT)["similar"]
    said = [strict_json.validated(Similarity, row, "near_features") for row in rows]
    pairs = [pair.model_copy(update={"features": one}) for pair, one in zip(described.near.pairs, said, strict=True)]
    return described.model_copy(update={"near": described.near.model_copy(update={"pairs": tuple(pairs)})})


def figure_files(plan: Plan, runner: Runner) -> dict[str, bytes]:
    """`<scope>/<file>` → content of every figure, as PNG and as WebP."""
    return {
        f"{figure.scope}/{name}": entry.read_bytes(name)
        for figure, entry in _drawn(plan, runner)
        for name in (f"{figure.name}.png", f"{figure.name}.webp")
    }


def steps(node: Node, plan: Plan, runner: Runner) -> int | None:
    """Training steps that a stage's entry took; None where it does not train, or went on after a kill."""
    entry = runner.entries.get(node.key.digest)
    if node.name not in PHASES or entry is None or entry.resumed:
        return None
    split = artifacts.read_split(runner.require(plan.trained[node.owner]["split"]).folder)
    epochs, batch_size = len(entry.read_json(artifacts.RESULT)["history"]), int(node.settings["data.batch_size"])
    return epochs * math.ceil(len(split.train) / batch_size)


def computed_on(nodes: Iterable[Node], runner: Runner) -> tuple[ComputedOn, ...]:
    """Where results were computed, if on several kinds of machine. What is drawn or decoded is the same on any."""
    # Not what serves other stages alone: whether it is asked for depends on what else ran.
    computed = [node for node in nodes if node.stage.tensorflow and not node.stage.for_stages]
    return where_they_differ((node.label, runner.require(node).made) for node in computed)


def environment(root: Path, machines: tuple[ComputedOn, ...]) -> Environment:
    """Python's version, those of the packages that the program in `root` depends on, and the machines."""
    return Environment(python=platform.python_version(), packages=program.packages(root), machines=machines)


TRAINED = ("architecture", "evaluation", "head_evaluation", "activation_maps", "measurement")
"""Stages of a run that results are read from. The evaluation before what needs less: with what it needs `cut` is there,
which spares `features` half of its work."""


def _in_order(plan: Plan) -> Iterator[Node]:
    """What the results need, run by run, and then what is drawn; of the points of a sweep nothing.

    Of the data first, since these figures wait for no run: they are drawn while the first one trains.
    """
    yield from plan.figures[DATA]
    for nodes in plan.runs.values():
        yield from (nodes[stage] for stage in TRAINED if stage in nodes)
    own = {node.key.digest for nodes in (plan.shared, *plan.runs.values()) for node in nodes.values()}
    yield from (node for node in plan.wanted if node.key.digest in own)


def _train_all(plan: Plan, runner: Runner, display: Display) -> None:
    """Run what the results are read from; one run's failure does not keep the others from finishing."""
    failures: dict[str, BuildFailed] = {}
    for name, nodes in plan.runs.items():
        try:
            for stage in TRAINED:
                if stage in nodes:
                    runner.require(nodes[stage])
        except BuildFailed as error:
            failures[name] = error
            display.warn(f"{name} failed: {error}")
    if failures:
        finished = [name for name in plan.runs if name not in failures]
        kept = f"; finished and kept: {', '.join(finished)}" if finished else ""
        lines = "\n".join(f"{name} failed: {error}" for name, error in failures.items())
        raise BuildFailed(f"{lines}\nthe site stays as it was{kept}")


def _variant_result(variant: Variant, config: Config, begun: Start, plan: Plan, runner: Runner) -> VariantResult:
    nodes = plan.runs[variant.name]
    maps = runner.require(nodes["activation_maps"]).read_json(artifacts.RESULT)
    further = [run for run in config.runs if run.variant == variant and run.number > 1]
    table = {
        "name": variant.name,
        "title": variant.title,
        "changes": variant.changes,
        "recipe": variant.recipe,
        "precision": begun.precisions[variant.name],
        "weights": _own_weights(variant, begun),
        **_run_outcome(nodes, begun, runner),
        **runner.require(nodes["architecture"]).read_json(artifacts.RESULT),
        "activation_maps": {**maps["grid"], "images": maps["images"]},
        "runs": [
            {"number": run.number, "seeds": run.seeds, **_run_outcome(plan.runs[run.name], begun, runner)}
            for run in further
        ],
    }
    return strict_json.validated(VariantResult, table, f"{variant.name}: results in the store")


def _run_outcome(nodes: Nodes, begun: Start, runner: Runner) -> dict[str, Any]:
    """The fields of a `RunOutcome`, not yet validated."""
    found = {
        stage: runner.require(nodes[stage]).read_json(artifacts.RESULT)
        for stage in ("head", "head_evaluation", "fine_tuning", "evaluation")
    }
    return {
        "before": found["head"]["before"],
        "head": found["head"]["history"],
        "fine_tuning": found["fine_tuning"]["history"],
        "after_head": found["head_evaluation"]["outcome"],
        **found["evaluation"]["outcome"],
        "measurement": measured.measurement(begun, nodes, runner),
    }


def _labels(plan: Plan, runner: Runner) -> LabelReview:
    table = runner.require(plan.shared["labels"]).read_json(artifacts.RESULT)
    return strict_json.validated(LabelReview, table["labels"], "labels: results in the store")


def _own_weights(variant: Variant, begun: Start) -> WeightsSummary | None:
    """Those of a variant whose base starts from others than the baseline's, which is the first."""
    baseline, own = next(iter(begun.weights.values())).summary, begun.weights[variant.name].summary
    return own if own != baseline else None


def _drawn(plan: Plan, runner: Runner) -> Iterator[tuple[FigureFile, Entry]]:
    """Every figure with the entry that has its files."""
    for scope, nodes in plan.figures.items():
        for entry in map(runner.require, nodes):
            for row in entry.read_json(artifacts.FIGURES):
                yield FigureFile.model_validate({"scope": scope, **row}), entry
