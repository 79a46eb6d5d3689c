"""Sweeps of a build: their points are trained and validated, then the best of each becomes a variant.

Which point wins is known only when all are validated, so a build with sweeps is planned twice: with the points first,
and with the winners among its variants then. A point is trained up to its validation, and no stage of it sees a test
image. A point whose loss is no number any more has lost; that is kept in the store, because the same settings would
diverge again. Any other failure is one of the build.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from generator.build.plan import Node, Nodes, Plan, plan, runs_of
from generator.build.runner import Runner
from generator.build.start import Start
from generator.build.storage import machines
from generator.build.storage.key import Key
from generator.build.storage.store import Entry, Store
from generator.experiment.config.settings import Config, Sweep, Variant
from generator.experiment.config.sweeps import changed
from generator.experiment.machine import Made
from generator.experiment.outcomes import PHASES, Prediction, Score
from generator.experiment.results import BuildResults
from generator.experiment.sweep_results import Lead, Point, SweepResult
from generator.stages import artifacts
from generator.support import strict_json
from generator.support.display import Display
from generator.support.errors import BuildFailed, Diverged
from generator.support.statistics import bootstrap, few_runs

OPEN = "the best of its points, known once these are validated: then it is evaluated and drawn"
"""Why it cannot be said yet which stages a winner has."""
_WHY = "why.json"
"""File of an entry that keeps how a stage diverged."""

Find = Callable[[Key], Entry | None]


@dataclass(frozen=True)
class Decided:
    """A build whose sweeps have their winners."""

    config: Config
    """The winners among its variants, and of each sweep the points that did not diverge."""
    begun: Start
    planned: Plan
    known: Mapping[str, Entry | None]
    """Name of a run of a point → its validation; None where it diverged."""
    asked: Config
    """As it was before."""
    notes: tuple[Key, ...]
    """Of the entries that tell how a point diverged, if there are any."""

    @property
    def build(self) -> tuple[Config, Start, Plan]:
        return self.config, self.begun, self.planned

    @property
    def keys(self) -> tuple[Key, ...]:
        """Of the entries that the build needs."""
        return (*self.notes, *(node.key for node in self.planned.nodes))


def from_store(config: Config, begun: Start, planned: Plan, store: Store, find: Find) -> Decided | None:
    """The winners, if the store knows the validation of every point, as `find` tells; nothing runs."""
    known: dict[str, Entry | None] = {}
    for name, nodes in planned.trials.items():
        known[name] = None
        if not _has_diverged(nodes, store):
            known[name] = find(nodes["validation"].key)
            if known[name] is None:
                return None
    return _decided(config, begun, planned, known)


def decide(
    config: Config, begun: Start, planned: Plan, runner: Runner, store: Store, display: Display, *, force: bool = False
) -> Decided:
    """The same, every point trained. Raises `BuildFailed` where one failed by no fault of its settings."""
    known: dict[str, Entry | None] = {}
    failures: dict[str, BuildFailed] = {}
    made: set[str] = set()
    open_ones = [nodes for nodes in planned.trials.values() if force or not _has_diverged(nodes, store)]
    runner.prepare([nodes["validation"] for nodes in open_ones])
    for name, nodes in planned.trials.items():
        known[name] = None
        # By force nothing is known but what this call has found out.
        diverged = made & {_note(nodes[phase]).digest for phase in PHASES} if force else _has_diverged(nodes, store)
        if diverged:
            continue
        try:
            known[name] = runner.require(nodes["validation"])
        except Diverged as error:
            phase = "fine_tuning" if store.has(nodes["head"].key) else "head"
            note = _note(nodes[phase])
            made.add(note.digest)
            store.create(note, partial(_write, str(error)))
            display.warn(f"{error}; {name} is out of the choice")
        except BuildFailed as error:
            failures[name] = error
            display.warn(f"{name} failed: {error}")
    if failures:
        lines = "\n".join(f"{name} failed: {error}" for name, error in failures.items())
        raise BuildFailed(f"{lines}\nthe site stays as it was; what was finished is kept")
    return _decided(config, begun, planned, known)


def settled(planned: Plan, store: Store) -> frozenset[str]:
    """Digests of the validations that do not run, because it is known that the training before diverges."""
    return frozenset(nodes["validation"].key.digest for nodes in planned.trials.values() if _has_diverged(nodes, store))


def with_results(found: BuildResults, decided: Decided) -> BuildResults:
    """The results of a build with those of its sweeps."""
    sweeps = {sweep.name: _result(sweep, decided) for sweep in decided.asked.sweeps}
    return found.changed(sweeps=sweeps)


def _decided(config: Config, begun: Start, planned: Plan, known: Mapping[str, Entry | None]) -> Decided:
    """With the winners, where `known` is the validation of each run, None of one that diverged.

    Raises `BuildFailed` where all points of a sweep diverged.
    """
    if not config.sweeps:
        return Decided(config, begun, planned, {}, config, ())
    winners, left = [], []
    for sweep in config.sweeps:
        finished: dict[str, list[Entry]] = {}
        for point, names in zip(sweep.points, runs_of(sweep, config), strict=True):
            entries = [entry for entry in map(known.get, names) if entry]
            if len(entries) == len(names):
                finished[point.name] = entries
        if not finished:
            raise BuildFailed(
                f"sweeps.{sweep.name}: the loss of every point is not a number any more; lower the learning rates"
            )
        points = tuple(point for point in sweep.points if point.name in finished)
        best = min(points, key=lambda point: fmean(_score(entry).loss for entry in finished[point.name]))
        winners.append((best, best.model_copy(update={"name": sweep.name, "title": sweep.title})))
        left.append(sweep.model_copy(update={"points": points}))
    final = changed(config, (*config.variants, *(winner for _, winner in winners)), tuple(left))
    started = _called(begun, final, winners)
    notes = tuple(_note(nodes[phase]) for nodes in planned.trials.values() for phase in PHASES)
    return Decided(final, started, plan(final, started), known, config, notes)


def _called(begun: Start, final: Config, winners: Sequence[tuple[Variant, Variant]]) -> Start:
    """What is known of each winner, which is that of its point, by the name of the variant that it became."""
    of_point = {winner.name: point.name for point, winner in winners}
    splits = {
        run.name: begun.splits[run.name.replace(run.variant.name, of_point[run.variant.name], 1)]
        for run in final.runs
        if run.variant.name in of_point
    }
    return replace(
        begun,
        weights={**begun.weights, **{name: begun.weights[point] for name, point in of_point.items()}},
        precisions={**begun.precisions, **{name: begun.precisions[point] for name, point in of_point.items()}},
        splits={**begun.splits, **splits},
    )


def _result(sweep: Sweep, decided: Decided) -> SweepResult:
    scored = [
        (point, [decided.known[run] for run in runs])
        for point, runs in zip(sweep.points, runs_of(sweep, decided.asked), strict=True)
    ]
    points = [
        Point(
            number=number,
            settings={path: point.changes[path] for path in sweep.settings},
            scores=tuple(_score(entry) for entry in runs if entry) if all(runs) else (),
        )
        for number, (point, runs) in enumerate(scored, start=1)
    ]
    result = SweepResult(
        title=sweep.title,
        of=sweep.of,
        settings=tuple(sweep.settings),
        combinations=math.prod(map(len, sweep.settings.values())),
        draw_seed=None if sweep.draw is None else sweep.draw_seed,
        points=tuple(points),
        lead=None,
    )
    if len(result.finished) < 2:
        return result
    best, second = ([e for e in scored[point.number - 1][1] if e] for point in result.finished[:2])
    return result.model_copy(update={"lead": _lead(best, second, len(result.finished) - 1)})


def _lead(best: Sequence[Entry], second: Sequence[Entry], others: int) -> Lead | None:
    """From the losses of the same images in runs of the same numbers."""
    runs = [_differences(*pair) for pair in zip(best, second, strict=True)]
    if min(len(losses) for losses in runs) < 2:
        return None
    if len(runs) == 1:
        found = bootstrap.of_mean(runs[0])
    else:
        found = few_runs.wider(bootstrap.two_stage(runs), few_runs.nested([fmean(losses) for losses in runs]))
    return Lead(low=found.low, high=found.high, p=found.p, others=others)


def _differences(best: Entry, second: Entry) -> tuple[float, ...]:
    """Of each image that validates the second's loss less the best one's."""
    pairs = zip(_predictions(best), _predictions(second), strict=True)
    return tuple(other.loss - one.loss for one, other in pairs)


def _score(entry: Entry) -> Score:
    table = entry.read_json(artifacts.RESULT)["score"]
    return strict_json.validated(Score, table, "validation: results in the store")


def _predictions(entry: Entry) -> list[Prediction]:
    rows = entry.read_json(artifacts.RESULT)["predictions"]
    return [strict_json.validated(Prediction, row, "validation: results in the store") for row in rows]


def _has_diverged(nodes: Nodes, store: Store) -> bool:
    """By what the store keeps, in which there may be an older note beside a validation that was forced."""
    return not store.has(nodes["validation"].key) and any(store.has(_note(nodes[phase])) for phase in PHASES)


def _note(node: Node) -> Key:
    """Of the entry that keeps that a stage diverged: what it depends on is that stage."""
    return Key("diverged", f"{node.label}.diverged", {f"stage {node.name}": node.key.digest})


def _write(why: str, out: Path) -> None:
    table: dict[str, Any] = {"why": why}
    (out / _WHY).write_text(json.dumps(table), "utf-8")
    machines.leave(Made(machine=machines.here(), precision=None), out)
