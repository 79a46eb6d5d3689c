"""The build, in order: data, weights, stages, results, pages, site.

    data, weights → plan → (each stage: from the store, or run and stored) → BuildResults → pages → site/

`build` does all of it, `explain` says what `build` would do and why.
"""

import json
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator import cache, lock, origins, render
from generator.build.collect import collect, figure_files
from generator.build.executor import Local
from generator.build.plan import Node, Plan, plan
from generator.build.runner import Runner
from generator.build.start import Download, introduce, start
from generator.cache import Store
from generator.config import Config
from generator.delivery import BuildRecord, Made, Outcome, deliver
from generator.display import Display
from generator.places import Places


@dataclass(frozen=True)
class Explanation:
    """Whether a stage would run, and why."""

    label: str
    runs: bool
    causes: tuple[str, ...]
    seconds: float | None
    """How long it took when it last ran, if it ever did."""


def build(config: Config, places: Places, display: Display, *, force: bool = False, limit: int = 0) -> Outcome:
    """Run what has to run, and publish. Raises `MeasuredPostError`; the published site then stays as it was.

    `force` runs every stage again and overwrites files in the site that were edited by hand. `limit` is how
    many bytes the store may keep, 0 for no limit.
    """
    with ExitStack() as stack:
        stack.enter_context(lock.hold(places.store / "lock", f"building {places.site}"))
        stack.enter_context(lock.hold(lock.for_folder(places.site), f"building {places.site}"))
        begun = start(config, places.store, progress=Download(display))
        planned, store = plan(config, begun), Store(places.store, display.warn)
        executor = Local(places.store / "worker.log")
        stack.callback(executor.close)
        store.clean()
        if force or _missing(planned, store):
            # Before any training: a slip in a template must not come to light after an hour of it.
            render.check(places.templates, places.root)
            introduce(begun, display)
        runner = Runner(store, executor, display, force=force)
        found = collect(config, begun, planned, runner, display, places.root)
        runner.remember(planned.nodes)
        outcome = deliver(
            found, figure_files(found, planned, runner), _record(planned, runner), config.post, places, force=force
        )
        if limit:
            store.prune(limit, keep=frozenset(node.key.digest for node in planned.nodes))
        return outcome


def explain(config: Config, places: Places) -> list[Explanation]:
    """For every stage whether `build` would run it, and why; one that variants share is listed once.

    Writes nothing: a data set that must be drawn or unpacked first is so in a folder that is removed again.
    """
    store = Store(places.store)
    with tempfile.TemporaryDirectory() as scratch:
        known = origins.locate(config.data, places.store).folder.is_dir()
        begun = start(config, places.store, data_store=None if known else Path(scratch), download=False)
        planned = plan(config, begun)
    missing = _missing(planned, store)
    explanations = []
    for node in {node.key.digest: node for node in reversed(planned.nodes)}.values():
        before, seconds = store.remembered(node.label) or (None, None)
        causes = _causes(node, before) if node.key.digest in missing else ()
        explanations.append(Explanation(node.label, bool(causes), causes, seconds))
    return explanations[::-1]


def _record(planned: Plan, runner: Runner) -> BuildRecord:
    entries = {node.label: (node, runner.entries.get(node.key.digest)) for node in planned.nodes}
    made = {label: Made(node.key.digest, entry.seconds) for label, (node, entry) in entries.items() if entry}
    return BuildRecord(tuple(runner.ran), made)


def _missing(planned: Plan, store: Store) -> set[str]:
    """Digests of the keys of the stages that a build would run."""
    missing: set[str] = set()
    waiting = list(planned.wanted)
    while waiting:
        node = waiting.pop()
        if node.key.digest not in missing and not store.has(node.key):
            missing.add(node.key.digest)
            waiting += node.needs.values()
    return missing


def _causes(node: Node, before: cache.Parts | None) -> tuple[str, ...]:
    """Why a stage would run that ran last with the parts `before`."""
    if before is None:
        return ("never ran",)
    changes = cache.changed(before, node.key.parts)
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
