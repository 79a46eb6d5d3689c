"""From settings to stages: every stage that a build may run, with its key, without running anything.

A key lists by name all that a stage may read, as its row in `stages.table` declares it. Runs and variants that agree
on all that a stage depends on have the same key for it and share its outcome.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from generator.backbones.registry import BACKBONES
from generator.build import effects
from generator.build.start import Start
from generator.build.storage.key import Key
from generator.data.measure import described
from generator.experiment.config.settings import Config, Run, Sweep, Variant, flatten
from generator.experiment.config.sweeps import laid_out, trials
from generator.experiment.figure_names import COMPARISON, DATA, EXAMPLES, LABELS
from generator.figures import fonts
from generator.stages.asked import PROBE
from generator.stages.job import Job
from generator.stages.stage import Stage
from generator.stages.sweep_table import OF_SWEEPS
from generator.stages.table import STAGES, WORKER
from generator.support import source

EVERYBODY = "all"
"""Owner of the stages that belong to no variant, in labels."""


@dataclass(frozen=True)
class Node:
    """One stage of a run, of a variant, or of the whole build."""

    stage: Stage
    owner: str
    """The run's or the variant's name, or `EVERYBODY`."""
    run: Run
    """Whose settings count: its own, a variant's first, or the baseline's first."""
    key: Key
    settings: Mapping[str, Any]
    given: Mapping[str, Any]
    needs: Mapping[str, "Node"]
    """Name under which its function finds the files → the node that makes them."""
    uses: Mapping[str, "Node"]

    @property
    def name(self) -> str:
        return self.stage.name

    @property
    def label(self) -> str:
        return self.key.label

    def job(self, inputs: Mapping[str, Path], checkpoint: Path) -> Job:
        """What the stage is given, its `inputs` being there."""
        return Job(
            stage=self.name,
            label=self.label,
            runs=self.stage.runs,
            tensorflow=self.stage.tensorflow,
            settings=self.settings,
            given=self.given,
            inputs=inputs,
            checkpoint=checkpoint,
        )


Nodes = Mapping[str, Node]
"""Stage → its node."""

Planner = Callable[[Stage, str, Run, Nodes], Node]
"""Makes a node of a stage, its owner, the run whose settings count, and the nodes that there are."""


@dataclass(frozen=True)
class Plan:
    """All stages of a build."""

    shared: Nodes
    """Stages of the whole build."""
    runs: Mapping[str, Nodes]
    """Name of a run → its stages, those of a variant among those of its first; some may be shared by key."""
    trials: Mapping[str, Nodes] = field(default_factory=dict)
    """Name of a run of a point of a sweep → its stages, the last of which is `validation`."""

    @property
    def trained(self) -> Mapping[str, Nodes]:
        """Both."""
        return {**self.trials, **self.runs}

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every node, in an order in which none comes before one that it needs."""
        return _in_order([self.shared, *self.runs.values(), *self.trials.values()])

    @property
    def wanted(self) -> tuple[Node, ...]:
        """The nodes whose outcome the post needs; the others run only where one of these runs and needs them.

        Of a point of a sweep its score: the network that gave it may be gone.
        """
        scores = [{"validation": nodes["validation"]} for nodes in self.trials.values()]
        found = _in_order([self.shared, *self.runs.values(), *scores])
        return tuple(node for node in found if not (node.stage.for_stages or node.stage.on_request))

    @property
    def once(self) -> tuple[Node, ...]:
        """As `nodes`, without those on request; of those that are shared, the first."""
        counted = [node for node in self.nodes if not node.stage.on_request]
        return tuple({node.key.digest: node for node in reversed(counted)}.values())[::-1]

    @property
    def figures(self) -> dict[str, tuple[Node, ...]]:
        """Scope → the nodes that draw its figures."""
        drawing = ("curves", "figures", "map_figures", "measure_figures", "sweep_figures")
        drawn = {name: _there(nodes, *drawing) for name, nodes in self.runs.items()}
        stages = {EXAMPLES: "examples", LABELS: "label_figures", COMPARISON: "comparison"}
        shared = {scope: _there(self.shared, stage) for scope, stage in stages.items()}
        return {DATA: _there(self.shared, "data_figures"), **drawn, **shared}


def plan(config: Config, start: Start) -> Plan:
    """The stages of `config`.

    Raises `BadInput` where all runs of a variant, or of a point of a sweep, would be one, or a sweep tries nothing.
    """
    effects.check_runs_differ(laid_out(config), start)
    shared: dict[str, Node] = {}
    runs: dict[str, dict[str, Node]] = {run.name: {} for run in config.runs}
    first = config.runs[0]
    node = _planner(config, start)
    for stage in STAGES:
        if stage.measures and start.measure is None:
            continue
        if stage.scope == "build":
            shared[stage.name] = node(stage, EVERYBODY, first, {**shared, **runs[first.name]})
        elif stage.scope == "variants":
            shared[stage.name] = node(stage, EVERYBODY, first, _of_every(runs))
        else:
            for run in config.runs:
                nodes = runs[run.name]
                own = {each.name: runs[each.name] for each in config.runs if each.variant == run.variant}
                known = _of_every(own) if stage.scope == "runs" else {**shared, **nodes}
                if _has(stage, run, start) and (stage.scope == "run" or run.number == 1):
                    nodes[stage.name] = node(stage, run.name, run, known)
    tried = _trials(config, start, shared, node)
    for sweep in config.sweeps:
        if sweep.name in runs:  # decided: its figures are those of its winner
            stage = next(stage for stage in OF_SWEEPS if stage.scope == "sweep")
            known = _of_every({name: tried[name] for names in runs_of(sweep, config) for name in names})
            run = next(run for run in config.runs if run.name == sweep.name)
            runs[sweep.name][stage.name] = node(stage, sweep.name, run, known)
    return Plan(shared, runs, tried)


def _trials(config: Config, start: Start, shared: Nodes, node: Planner) -> dict[str, dict[str, Node]]:
    """Name of a run of a point of a sweep → its stages: `validation` and those that lead to it, of each run."""
    leading: set[str] = set()
    rows = {stage.name: stage for stage in (*STAGES, *OF_SWEEPS)}
    waiting = ["validation"] if config.sweeps else []
    while waiting:
        stage = rows[waiting.pop()]
        leading.add(stage.name)
        waiting += [*stage.needs, *stage.uses]
    found: dict[str, dict[str, Node]] = {}
    for run in trials(config).runs if config.sweeps else ():
        nodes = found[run.name] = {}
        for stage in rows.values():
            if stage.name in leading and stage.scope in ("run", "trial") and _has(stage, run, start):
                nodes[stage.name] = node(stage, run.name, run, {**shared, **nodes})
    for sweep in config.sweeps:
        digests = {point.name: found[point.name]["validation"].key.digest for point in sweep.points}
        effects.check_values_count(sweep, digests)
    return found


def runs_of(sweep: Sweep, config: Config) -> list[list[str]]:
    """Of each point of a sweep the names of its runs, in order."""
    names: dict[str, list[str]] = {point.name: [] for point in sweep.points}
    for run in trials(config).runs:
        if run.variant.name in names:
            names[run.variant.name].append(run.name)
    return list(names.values())


def _has(stage: Stage, run: Run, start: Start) -> bool:
    return stage.where is None or stage.where(run.variant.recipe, start.weights[run.variant.name])


def _of_every(runs: Mapping[str, Nodes]) -> Nodes:
    """The stages of all `runs`, under `<run>.<stage>`."""
    return {f"{name}.{inner}": node for name, nodes in runs.items() for inner, node in nodes.items()}


def probe(config: Config, start: Start, run: Run) -> Job:
    """The job that measures what one batch of a run takes."""
    return asked(PROBE, config, start, run, {}, label="a probe of one batch")


def asked(stage: Stage, config: Config, start: Start, run: Run, inputs: Mapping[str, Path], *, label: str = "") -> Job:
    """The job of what is no stage of a build: it has no key, and its files are whoever asks' own."""
    return Job(
        stage=stage.name,
        label=label or f"{run.name}.{stage.name}",
        runs=stage.runs,
        tensorflow=stage.tensorflow,
        settings=_settings(stage, run, config, start),
        given=_given(stage, run, config, start),
        inputs=inputs,
        checkpoint=Path(),
    )


def _planner(config: Config, start: Start) -> Planner:
    """Makes the nodes of one plan; the source of a stage is read once for all of them."""

    reading = source.Reading()

    @cache
    def sources(*symbols: str) -> dict[str, str]:
        return {f"source {symbol}": digest for symbol, digest in reading.fingerprint(symbols).items()}

    def node(stage: Stage, owner: str, run: Run, known: Nodes) -> Node:
        settings, given = _settings(stage, run, config, start), _given(stage, run, config, start)
        needs, uses = _named(stage.needs, known), _named(stage.uses, known)
        images = start.measure if stage.measures and start.measure else start.dataset
        packages = (*stage.packages, *(images.decoders if stage.decodes else ()))
        parts: dict[str, Any] = {f"setting {path}": value for path, value in settings.items()}
        parts |= {name: KEYS[name](value) for name, value in given.items()}
        parts |= fonts.key(text for kind in stage.draws for text in TEXTS[kind](start, config))
        parts |= {f"stage {name}": need.key.digest for name, need in needs.items()}
        parts |= {f"package {package}": version(package) for package in packages}
        parts |= sources(stage.runs, *(WORKER if stage.tensorflow else ()))
        return Node(stage, owner, run, Key(stage.name, f"{owner}.{stage.name}", parts), settings, given, needs, uses)

    return node


def _settings(stage: Stage, run: Run, config: Config, start: Start) -> dict[str, Any]:
    """Path → value of every setting that the stage may read here."""
    recipe, weights = run.variant.recipe, start.weights[run.variant.name]
    data = config.data.model_copy(update=dict(recipe.data))
    tables = {"data": data.model_dump(mode="json"), "seeds": run.seeds.model_dump()}
    values = flatten({**recipe.model_dump(mode="json"), **tables})
    sometimes = [path for path, holds in stage.sometimes.items() if holds(recipe, weights)]
    return {path: values[path] for path in (*stage.settings, *sometimes)}


def _given(stage: Stage, run: Run, config: Config, start: Start) -> dict[str, Any]:
    return {name: GIVEN[name](start, run.variant, config) for name in stage.given}


def _in_order(rows: Sequence[Nodes]) -> tuple[Node, ...]:
    return tuple(row[stage.name] for stage in (*STAGES, *OF_SWEEPS) for row in rows if stage.name in row)


def _there(nodes: Nodes, *names: str) -> tuple[Node, ...]:
    return tuple(nodes[name] for name in names if name in nodes)


def _named(names: Sequence[str], known: Nodes) -> Nodes:
    """The nodes of these names; over all runs, those of each run under its own name."""
    return {name: node for name, node in known.items() if name in names or name.partition(".")[2] in names}


GIVEN: Mapping[str, Callable[[Start, Variant, Config], Any]] = {
    "classes": lambda start, variant, config: len(start.dataset.class_names),
    "dataset": lambda start, variant, config: start.dataset,
    "measure": lambda start, variant, config: start.measure and replace(start.measure, attributes={}),
    "attributes": lambda start, variant, config: start.measure.attributes if start.measure else {},
    "backbone": lambda start, variant, config: BACKBONES[variant.recipe.model.backbone],
    "weights": lambda start, variant, config: start.weights[variant.name],
    "precision": lambda start, variant, config: start.precisions[variant.name],
    "titles": lambda start, variant, config: {each.name: each.title for each in config.variants},
    "questions": lambda start, variant, config: config.questions,
    "runs": lambda start, variant, config: {
        each.name: [run.name for run in config.runs if run.variant == each] for each in config.variants
    },
    "points": lambda start, variant, config: runs_of(
        next(sweep for sweep in config.sweeps if sweep.name == variant.name), config
    ),
}
"""What a row may declare beside settings → where it comes from."""

KEYS: Mapping[str, Callable[[Any], Any]] = {
    "classes": lambda classes: classes,
    "dataset": lambda dataset: dataset.fingerprint,
    "measure": lambda measure: measure.fingerprint,
    "attributes": described,
    "backbone": lambda backbone: backbone.key,
    "weights": lambda weights: weights.summary.fingerprint,
    "precision": lambda precision: precision,
    "titles": lambda titles: list(titles.values()),
    "questions": lambda questions: {name: list(question.compare) for name, question in questions.items()},
    "runs": lambda runs: [len(names) for names in runs.values()],
    "points": lambda points: [len(names) for names in points],
}
"""The same → what of it a key holds."""

TEXTS: Mapping[str, Callable[[Start, Config], Iterable[str]]] = {
    "classes": lambda start, config: start.dataset.class_names,
    "files": lambda start, config: [sample.name for sample in start.dataset.samples],
    "titles": lambda start, config: [variant.title for variant in config.variants],
    "attributes": lambda start, config: start.measure.texts if start.measure else (),
}
"""What a row may draw → the names themselves."""


@cache
def version(package: str) -> str:
    """The installed version of `package`."""
    return metadata.version(package)
