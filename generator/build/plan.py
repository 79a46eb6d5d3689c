"""From settings to stages: every stage that a build may run, with its key, without running anything.

A key lists by name all that a stage may read, as its row in `stages.table` declares it. Variants that agree on all
that a stage depends on have the same key for it and share its outcome.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from generator import source
from generator.build.start import Start
from generator.cache import Key
from generator.config import Config, Variant, flatten
from generator.stages.job import Job
from generator.stages.table import STAGES, WORKER, Stage

EVERYBODY = "all"
"""Owner of the stages that belong to no variant, in labels."""


@dataclass(frozen=True)
class Node:
    """One stage of one variant, or of the whole build."""

    stage: Stage
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


@dataclass(frozen=True)
class Plan:
    """All stages of a build."""

    shared: Nodes
    """Stages of the whole build."""
    variants: Mapping[str, Nodes]
    """Variant → its stages; some may be shared with other variants by key."""

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every node, in an order in which none comes before one that it needs."""
        rows = [self.shared, *self.variants.values()]
        found = [row[stage.name] for stage in STAGES for row in rows if stage.name in row]
        return tuple(found)

    @property
    def wanted(self) -> tuple[Node, ...]:
        """The nodes whose outcome the post needs; the others run only where one of these runs and needs them."""
        return tuple(node for node in self.nodes if not node.stage.for_stages)

    @property
    def figures(self) -> dict[str, Node]:
        """Scope → the node that draws its figures."""
        drawn = {name: nodes["figures"] for name, nodes in self.variants.items()}
        return {"data": self.shared["data_figures"], **drawn, "comparison": self.shared["comparison"]}


def plan(config: Config, start: Start) -> Plan:
    """The stages of `config`."""
    shared: dict[str, Node] = {}
    variants: dict[str, dict[str, Node]] = {variant.name: {} for variant in config.variants}
    for stage in STAGES:
        if stage.scope == "build":
            shared[stage.name] = _node(stage, EVERYBODY, config.baseline, config, start, shared)
        elif stage.scope == "variant":
            for variant in config.variants:
                nodes = variants[variant.name]
                nodes[stage.name] = _node(stage, variant.name, variant, config, start, {**shared, **nodes})
        else:
            every = {f"{name}.{inner}": node for name, nodes in variants.items() for inner, node in nodes.items()}
            shared[stage.name] = _node(stage, EVERYBODY, config.baseline, config, start, every)
    return Plan(shared, variants)


def _node(stage: Stage, owner: str, variant: Variant, config: Config, start: Start, known: Nodes) -> Node:
    values = _settings(variant, config)
    paths = [*stage.settings, *(p for p, holds in stage.sometimes.items() if holds(variant.recipe, start.weights))]
    settings = {path: values[path] for path in paths}
    given: dict[str, Any] = {name: GIVEN[name](start, variant, config) for name in stage.given}
    needs, uses = _named(stage.needs, known), _named(stage.uses, known)
    parts: dict[str, Any] = {f"setting {path}": value for path, value in settings.items()}
    parts |= {name: KEYS[name](value) for name, value in given.items()}
    parts |= {f"stage {name}": need.key.digest for name, need in needs.items()}
    parts |= {f"package {package}": version(package) for package in stage.packages}
    symbols = [stage.runs, *(WORKER if stage.tensorflow else ())]
    parts |= {f"source {symbol}": digest for symbol, digest in source.fingerprint(symbols).items()}
    return Node(stage, Key(stage.name, f"{owner}.{stage.name}", parts), settings, given, needs, uses)


def _named(names: Sequence[str], known: Nodes) -> Nodes:
    """The nodes of these names; over all variants, those of each variant under its own name."""
    return {name: node for name, node in known.items() if name in names or name.partition(".")[2] in names}


def _settings(variant: Variant, config: Config) -> dict[str, Any]:
    data = {"data": config.data.model_dump(mode="json")}
    return {**flatten(variant.recipe.model_dump(mode="json")), **flatten(data)}


GIVEN: Mapping[str, Callable[[Start, Variant, Config], Any]] = {
    "dataset": lambda start, variant, config: start.dataset,
    "split": lambda start, variant, config: start.splits[variant.name],
    "weights": lambda start, variant, config: start.weights,
    "precision": lambda start, variant, config: start.precisions[variant.name],
    "titles": lambda start, variant, config: {each.name: each.title for each in config.variants},
}
"""What a row may declare beside settings → where it comes from."""

KEYS: Mapping[str, Callable[[Any], Any]] = {
    "dataset": lambda dataset: dataset.fingerprint,
    "split": lambda split: _digest([split.train, split.validation]),
    "weights": lambda weights: weights.summary.fingerprint,
    "precision": lambda precision: precision,
    "titles": lambda titles: list(titles.values()),
}
"""The same → what of it a key holds."""


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


@cache
def version(package: str) -> str:
    """The installed version of `package`."""
    return metadata.version(package)
