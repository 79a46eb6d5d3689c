"""The build, in order: data, weights, stages, results, pages, site.

    dataset, weights → plan → (each stage: from the store, or run and stored) → BuildResults → pages → site/

`build` does all of it, `explain` says what `build` would do and why.
"""

import json
import tempfile
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator import cache, layout, lock, origins, outlook, publish, render
from generator.bench import Bench, Places
from generator.cache import Store
from generator.config import Config
from generator.delivery import Outcome, check, deliver
from generator.display import Display
from generator.estimate import Expected
from generator.stages import Plan, Stage


@dataclass(frozen=True)
class Explanation:
    """Whether a stage would run, and why."""

    label: str
    runs: bool
    causes: tuple[str, ...]
    expected: Expected | None
    """About how long it would take; None for one that does not run."""


def build(
    config: Config,
    places: Places,
    display: Display,
    *,
    force: bool = False,
    overwrite: bool = False,
    limit: int = 0,
) -> Outcome:
    """Run what has to run, and publish. Raises `MeasuredPostError`; the published site then stays as it was.

    `force` runs every stage again. `overwrite` replaces files in the site that somebody else wrote or edited.
    `limit` is how many bytes the store may keep, 0 for no limit.
    """
    with ExitStack() as stack:
        stack.enter_context(lock.hold(places.store / "lock", f"building {places.site}"))
        stack.enter_context(lock.hold(lock.for_folder(places.site), f"building {places.site}"))
        publish.recover(places.site)
        place = layout.find(places.site, config.post)
        for note in place.notes:
            display.warn(note)
        bench = Bench(config, places, display, force=force)
        stack.callback(bench.worker.close)
        bench.store.clean()
        todo = running(bench.plan, None if force else _missing(bench.plan, bench.store))
        if todo:
            # Before any training: what is in the way must not come to light after an hour of it.
            render.check(places.templates, places.root)
            check(config, places, place, overwrite=overwrite)
            bench.introduce()
            _announce(bench, todo, stack)
        found = bench.collect()
        for stage in bench.plan.stages:
            bench.store.remember(stage.key)
        outcome = deliver(found, bench, place, overwrite=overwrite)
        if limit:
            bench.store.prune(limit, keep=frozenset(stage.key.digest for stage in bench.plan.stages))
        return outcome


def _announce(bench: Bench, todo: list[Stage], stack: ExitStack) -> None:
    """Say what will run and about how long it takes; what it took is kept when the build ends, however it ends."""
    expected = outlook.expect(bench, todo, probe=True)
    stack.callback(outlook.note, bench, expected.work)
    for line in (expected.forecast.sentence(), *expected.forecast.lines()):
        bench.display.say(line)
    bench.display.expect(expected.forecast.seconds)


def explain(config: Config, places: Places) -> list[Explanation]:
    """For every stage whether `build` would run it, and why; one that variants share is listed once.

    Says how long it would take as far as the stages ran on this machine before: nothing is measured.
    Writes nothing: a data set that must be drawn or unpacked first is so in a folder that is removed again.
    """
    with tempfile.TemporaryDirectory() as scratch:
        known = origins.locate(config.data, places.store).folder.is_dir()
        bench = Bench(config, places, Display(), data_store=places.store if known else Path(scratch), looking=True)
    missing = _missing(bench.plan, bench.store)
    forecast = outlook.expect(bench, running(bench.plan, missing), probe=False).forecast
    expected = {each.label: each for each in forecast.stages}
    explanations = []
    for stage in running(bench.plan):
        before, _ = bench.store.remembered(stage.label) or (None, None)
        causes = _causes(stage, before) if stage.key.digest in missing else ()
        explanations.append(Explanation(stage.label, bool(causes), causes, expected.get(stage.label)))
    return explanations


def running(plan: Plan, missing: Collection[str] | None = None) -> list[Stage]:
    """The stages of the keys `missing`, or all of them, in order; one that variants share is there once."""
    once: dict[str, Stage] = {}
    for stage in plan.stages:
        once.setdefault(stage.key.digest, stage)
    return [stage for digest, stage in once.items() if missing is None or digest in missing]


def _missing(plan: Plan, store: Store) -> set[str]:
    """Digests of the keys of the stages that a build would run."""
    missing: set[str] = set()
    waiting = list(plan.wanted)
    while waiting:
        stage = waiting.pop()
        if stage.key.digest not in missing and not store.has(stage.key):
            missing.add(stage.key.digest)
            waiting += stage.needs
    return missing


def _causes(stage: Stage, before: cache.Parts | None) -> tuple[str, ...]:
    """Why a stage would run that ran last with the parts `before`."""
    if before is None:
        return ("never ran",)
    changes = cache.changed(before, stage.key.parts)
    causes = [_cause(name, old, new) for name, (old, new) in changes.items() if not name.startswith("stage ")]
    upstream = [name.removeprefix("stage ") for name in changes if name.startswith("stage ")]
    if upstream and not causes:
        causes = [f"needs {', '.join(upstream)}, which changed"]
    return tuple(causes) or ("its entry is not in the store any more",)


def _cause(name: str, old: Any, new: Any) -> str:
    kind, _, subject = name.partition(" ")
    if kind == "source":
        module, _, symbol = subject.partition(":")
        how = "is new" if old is None else "is gone" if new is None else "changed"
        return f"{module.replace('.', '/')}.py: {symbol} {how}"
    if kind in ("setting", "package"):
        return f"{kind} {subject}: {_shown(old)} → {_shown(new)}"
    return f"{name} changed"


def _shown(value: Any) -> str:
    return "absent" if value is None else json.dumps(value, ensure_ascii=False)
