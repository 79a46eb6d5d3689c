"""What a build is about to do and how long it takes: the estimate (`estimate`) of a build's own stages.

`expect` looks at the stages that run and forecasts them; where something costly never ran on this machine it has one
batch measured. `note` keeps what they took for the next time.
"""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from statistics import mean
from typing import NamedTuple

from generator.build import estimate, shards, timings
from generator.build.estimate import COSTLY, Counts, Forecast, Speed, Work
from generator.build.plan import Node, Plan
from generator.build.runner import Runner
from generator.build.start import Start
from generator.build.storage import machines
from generator.build.storage.store import Entry, Store
from generator.build.timings import Timing
from generator.data import decoding
from generator.experiment.config.settings import Config
from generator.support.display import Display
from generator.support.errors import BuildFailed, MeasuredPostError
from generator.support.hardware import Precision
from generator.training.checkpoint_files import read_text

DECODED = 4
"""Images that are decoded to see what one takes."""

Measure = Callable[[Node], Mapping[str, float]]
"""Runs the probe of a node's network and gives what it reports."""


@dataclass(frozen=True)
class Outlook:
    """A forecast, and the work that it is of."""

    forecast: Forecast
    work: Mapping[str, Work]
    """Label of each stage that runs → what it has to do."""


class Network(NamedTuple):
    """A network as far as it decides how long an image takes."""

    precision: Precision
    backbone: str
    from_layer: int | str


@dataclass(frozen=True)
class Outset:
    """What is known before the first stage runs."""

    config: Config
    begun: Start
    plan: Plan
    store: Store
    force: bool = False

    def network(self, node: Node) -> Network:
        """What decides how long an image takes."""
        variant = node.run.variant
        recipe, precision = variant.recipe, self.begun.precisions[variant.name]
        return Network(precision, recipe.model.backbone, recipe.fine_tuning.from_layer)


def expect(there: Outset, running: Sequence[Node], display: Display, measure: Measure | None = None) -> Outlook:
    """The outlook of the nodes `running`, in order and each once. Changes nothing; without `measure` nothing runs."""
    # `features` takes what `cut` stored where some stage of this build needs that.
    needed = frozenset(need.key.digest for node in running for need in node.needs.values())
    kept = {} if there.force else shards.kept(there.store, running, there.config.execution.shard_images)
    work = {node.label: _left(_work(there, node, needed), kept.get(node.key.digest)) for node in running}
    planned, known = len(there.plan.once), timings.read(there.store.root)
    forecast = estimate.forecast(work, planned, known)
    unknown = [each.label for each in forecast.stages if each.seconds is None]
    if measure and any(node.label in unknown and node.name in COSTLY for node in running):
        probed = _probed(there, {node.label: node for node in running}, work, unknown, display, measure)
        forecast = estimate.forecast(work, planned, known, probed)
    return Outlook(forecast, work)


def note(there: Outset, runner: Runner, work: Mapping[str, Work]) -> None:
    """Keep what the stages took that ran on such a machine, of each that had TensorFlow's process for itself."""
    entries = {node.label: runner.entries.get(node.key.digest) for node in there.plan.nodes}
    took = [(work[label], entries[label]) for label in runner.ran if label in work and label not in runner.overlapped]
    # Nothing follows of one that had nothing left to compute, nor of one that went on after a kill: not all its seconds
    # are known.
    mine = [(todo, entry) for todo, entry in took if entry and todo.volume and not entry.resumed and _is_here(entry)]
    done = {todo.kind: Timing(todo.volume, entry.seconds) for todo, entry in mine}
    if done and there.store.root.is_dir():
        with suppress(BuildFailed), there.store.alone():  # stopped while another build has it
            timings.record(there.store.root, done)


def _is_here(entry: Entry) -> bool:
    """Whether it was made by a machine of this kind: a node of a cluster may be another."""
    return entry.made is None or entry.made.machine.kind == machines.here().kind


def speed(there: Outset, node: Node, measure: Measure) -> Speed:
    """The probe of `node`'s network. Raises what the executor does when it fails."""
    return Speed(decode=_decode_seconds(there), **measure(node))


def _work(there: Outset, node: Node, needed: frozenset[str]) -> Work:
    variant, data = node.run.variant, there.config.data
    split = there.begun.splits[node.run.name]
    measured = len(there.begun.measure.samples) if there.begun.measure else 0
    counts = Counts(len(there.begun.dataset.samples), len(split.train), len(split.validation), measured)
    cut = any(use.key.digest in needed for use in node.uses.values())
    precision, done = there.begun.precisions[variant.name], 0 if there.force else _finished_epochs(there.store, node)
    todo = estimate.work(node.name, variant.recipe, precision, data, counts, done=done, cut=cut)
    return replace(todo, beside=not node.stage.tensorflow)


def _left(todo: Work, kept: shards.Kept | None) -> Work:
    """What is left where a killed build has made some shards."""
    if kept is None:
        return todo
    share = 1 - kept.images / kept.of
    names = ("volume", "decoded", "lower", "upper", "augmented", "kept")
    return replace(todo, **{name: share * getattr(todo, name) for name in names})


def _finished_epochs(store: Store, node: Node) -> int:
    """Epochs that a killed build has finished of `node`."""
    found = read_text(store.checkpoint_path(node.key))
    return len(json.loads(found)) if found else 0


def _probed(
    there: Outset,
    running: Mapping[str, Node],
    work: Mapping[str, Work],
    unknown: Sequence[str],
    display: Display,
    measure: Measure,
) -> dict[str, float]:
    """Label → seconds of the stages `unknown`, from one batch for each kind of network among them."""
    measured: dict[Network, Speed] = {}
    try:
        with display.stage("a probe of one batch"):
            for node in [running[label] for label in unknown if running[label].name in COSTLY]:
                if there.network(node) not in measured:
                    measured[there.network(node)] = speed(there, node, measure)
    except (MeasuredPostError, RuntimeError, TypeError) as error:
        # An estimate is no reason to fail: what is wrong with the worker shows when the first stage runs.
        display.warn(f"no estimate: {str(error).splitlines()[0]}")
        return {}
    otherwise = next(iter(measured.values()))
    return {
        label: _predicted(there, node, work[label], measured.get(there.network(node), otherwise))
        for label, node in running.items()
        if label in unknown
    }


def _predicted(there: Outset, node: Node, todo: Work, found: Speed) -> float:
    precision, most = there.network(node).precision, there.config.data.max_stored_bytes
    return estimate.predicted(todo, precision, len(there.begun.dataset.samples), found, estimate.costs(), most)


def _decode_seconds(there: Outset) -> float:
    """Seconds to decode an image, all cores at work; 0 if none of those tried can be, which its own stage reports."""
    data, samples = there.config.data, there.begun.dataset.samples
    taken = []
    for sample in samples[:: max(1, len(samples) // DECODED)][:DECODED]:
        started = time.perf_counter()
        with suppress(decoding.BadImage, OSError):
            content = sample.path.read_bytes()
            decoding.decode_bytes(content, size=data.image_size, alpha=data.alpha, max_pixels=data.max_pixels)
            taken.append(time.perf_counter() - started)
    return mean(taken) / (os.cpu_count() or 1) if taken else 0.0
