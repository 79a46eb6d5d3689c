"""The build, in order: data, weights, stages, results, pages, site.

    data, weights → plan → (each stage: from the store, or run and stored) → BuildResults → pages → site/

`build` does all of it, `explain` says what `build` would do and why, `render_again` does the last two steps.
"""

import json
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.build import effects, outlook, shards, sweeping
from generator.build.clusters.cluster import Cluster
from generator.build.collect import collect, describe, figure_files, steps
from generator.build.estimate import Expected
from generator.build.executor import Executor, Local
from generator.build.outlook import Outset
from generator.build.plan import Node, Plan, plan, probe
from generator.build.runner import Runner
from generator.build.start import Download, Start, introduce, start
from generator.build.storage import key as keys
from generator.build.storage.shared import SharedStore
from generator.build.storage.store import Store
from generator.data import summary
from generator.experiment import provenance
from generator.experiment.config.settings import Config
from generator.post.jekyll import layout
from generator.post.jekyll.layout import Layout
from generator.publishing import publish, standing
from generator.publishing.outcome import BuildRecord, Outcome
from generator.support import lock
from generator.support.display import Display
from generator.support.places import Places, worker_logs

Watch = Callable[[Outset, Runner], None]
"""Is told what a build consists of, and by what it is run."""


@dataclass(frozen=True)
class Explanation:
    """Whether a stage would run, and why."""

    label: str
    runs: bool
    causes: tuple[str, ...]
    expected: Expected | None
    """About how long it would take; None for one that does not run."""
    remote: bool = False
    """Whether it would come from the remote store."""
    needed: bool = True
    """False of one that is in no store and would not run either, because nothing that does needs it."""


def build(
    config: Config,
    places: Places,
    display: Display,
    *,
    force: bool = False,
    overwrite: bool = False,
    limit: int | None = None,
    watch: Watch = lambda there, runner: None,
) -> Outcome:
    """Run what has to run, and publish. Raises `MeasuredPostError`; the published site then stays as it was.

    `force` runs every stage again. `overwrite` replaces files in the site that somebody else wrote or edited.
    `limit` is how many bytes the store may keep; None for no limit. `watch` is told of the plan, and of later ones.
    """
    with ExitStack() as stack:
        stack.enter_context(lock.hold(lock.for_folder(places.site), f"building {places.site}"))
        place = _place(config, places, display)
        store = SharedStore(places.store, config.store, display.warn, display.say)
        told = [Download(display, what) for what in ("weights", "data")]
        begun = start(config, places.store, progress=told[0], data_progress=told[1])
        planned = plan(config, begun)
        stack.enter_context(store.using(node.key for node in planned.nodes))
        executor = _executor(config, places, store, display, stack)
        runner = Runner(store, executor, display, force=force, execution=config.execution)
        shards.clean(store)
        decided = None if force else sweeping.from_store(config, begun, planned, store, store.find)
        config, begun, planned = decided.build if decided else (config, begun, planned)
        watch(Outset(config, begun, planned, store, force), runner)
        todo = planned.once if force else missing(planned, store)
        if todo:
            if any(node.stage.tensorflow for node in todo):
                executor.begin()
            _check(config, begun, places, place, overwrite=overwrite)
            _introduce(config, begun, planned, display)
            _announce(Outset(config, begun, planned, store, force), todo, runner, executor, display, stack)
        described = describe(config, begun, planned, runner)
        for remark in summary.every_remark(described, config.baseline.recipe.split) if todo else ():
            display.warn(f"data: {remark}")
        decided = decided or sweeping.decide(config, begun, planned, runner, store, display, force=force)
        config, begun, planned = decided.build
        watch(Outset(config, begun, planned, store, force), runner)
        stack.enter_context(store.using(decided.keys))
        found = sweeping.with_results(collect(config, begun, planned, runner, described, display, places.root), decided)
        runner.remember(planned.nodes)
        figures, record = figure_files(planned, runner), _record(planned, runner)
        given = (found, figures, record, config, places, place, display)
        outcome = standing.find(*given) or _deliver(*given, overwrite=overwrite)
        if limit is not None:
            store.prune(limit)
        return outcome


def render_again(config: Config, places: Places, display: Display, *, overwrite: bool = False) -> Outcome:
    """Render what is published from its own results, with templates, documents and the post's settings as they are.

    Needs neither data nor store, and computes nothing. Raises as `build` does, and `BadInput` where pages would not be
    those of the published build.
    """
    with lock.hold(lock.for_folder(places.site), f"building {places.site}"):
        place = _place(config, places, display)
        # Late: no build needs it.
        from generator.publishing import published

        there = published.read(places.site, config)
        record = BuildRecord((), there.stages, there.origin)
        found = (there.results, there.figures, record, config, places, place, display)
        return _deliver(*found, overwrite=overwrite, ran=there.ran)


def _place(config: Config, places: Places, display: Display) -> Layout:
    """Where the post goes, in the site as it was before publishing was interrupted, if it was."""
    publish.recover(places.site)
    place = layout.find(places.site, config.post)
    for note in place.notes:
        display.warn(note)
    return place


def _check(config: Config, begun: Start, places: Places, place: Layout, *, overwrite: bool) -> None:
    """Refuse before any training what must not come to light after an hour of it."""
    # Late, as in `_deliver`: a build that changes nothing needs neither templates nor Markdown.
    from generator.post.shape import Shape
    from generator.publishing.deliver import check

    shape = Shape(config, begun.dataset.class_names, begun.measure is not None)
    check(config, places, place, shape, overwrite=overwrite)


def _deliver(*given: Any, **how: Any) -> Outcome:
    from generator.publishing.deliver import deliver

    return deliver(*given, **how)


def _executor(config: Config, places: Places, store: SharedStore, display: Display, stack: ExitStack) -> Executor:
    """What runs the stages, closed when the build ends; each of its processes has a log of its own."""
    settings = config.execution
    count = 1 if settings.ray else settings.jobs
    logs = [stack.enter_context(lock.first_free(worker_logs(places.store), store.marks)) for _ in range(count)]
    executor: Executor = (
        Cluster(settings, logs[0], display.say, display.warn, same_machine=config.store.same_machine)
        if settings.ray
        else Local(*logs)
    )
    stack.callback(executor.close)
    return executor


def _introduce(config: Config, begun: Start, planned: Plan, display: Display) -> None:
    """Say what was taken for what, and which variants are one."""
    introduce(begun, config, display)
    for remark in effects.twins(config, {name: nodes["evaluation"].key.digest for name, nodes in planned.runs.items()}):
        display.warn(remark)


def _announce(
    there: Outset, todo: tuple[Node, ...], runner: Runner, executor: Executor, display: Display, stack: ExitStack
) -> None:
    """Say what will run and about how long it takes; what it took is kept when the build ends, however it ends."""
    if any(node.stage.tensorflow for node in todo):
        runner.jobs = executor.start()

    def measure(node: Node) -> dict[str, float]:
        figures: dict[str, float] = {}
        with tempfile.TemporaryDirectory() as nothing:
            executor.run(probe(there.config, there.begun, node.run), Path(nothing), figures.update)
        return figures

    expected = outlook.expect(there, todo, display, measure)
    stack.callback(outlook.note, there, runner, expected.work)
    for line in (expected.forecast.sentence(), *expected.forecast.lines()):
        display.say(line)
    if runner.jobs > 1:
        display.say(f"up to {runner.jobs} stages run at a time; the times are those of one after the other")
    display.expect(expected.forecast.seconds)


def explain(config: Config, places: Places, display: Display) -> list[Explanation]:
    """For every stage whether `build` would run it, and why; one that variants share is listed once.

    What was taken for what goes to `display`: whoever asks first wants to know how the data set is read, too.

    Says how long it would take as far as the stages ran on this machine before: nothing is measured.
    Writes nothing: a data set that must be drawn or unpacked first is so in a folder that is removed again.
    """
    store = SharedStore(places.store, config.store, display.warn)
    with tempfile.TemporaryDirectory() as scratch:
        # Drawing takes half a minute, and where nothing is drawn nothing was measured, unless it was elsewhere.
        draw = config.store.remote is not None
        begun = start(config, places.store, data_store=Path(scratch), download=False, draw=draw)
        planned = plan(config, begun)
    decided = sweeping.from_store(config, begun, planned, store, store.there)
    open_sweeps = () if decided else config.sweeps
    config, begun, planned = decided.build if decided else (config, begun, planned)
    _introduce(config, begun, planned, display)
    running = missing(planned, store)
    forecast = outlook.expect(Outset(config, begun, planned, store), running, display).forecast
    expected, due = {each.label: each for each in forecast.stages}, {node.key.digest for node in running}
    explanations, begun_in_shards = [], shards.kept(store, planned.once, config.execution.shard_images)
    for node in planned.once:
        before, _ = store.remembered(node.label) or (None, None)
        runs, refusal = node.key.digest in due, store.refusal(node.key)
        causes = ((refusal,) if refusal else _causes(node, before)) if runs else ()
        if runs and (some := begun_in_shards.get(node.key.digest)):
            causes = (*causes, f"{some.images} of {some.of} images are done: shards of a build that ended before")
        remote = not runs and store.is_remote(node.key)
        needed = runs or store.has(node.key)
        explanations.append(Explanation(node.label, runs, causes, expected.get(node.label), remote, needed))
    return [*explanations, *(Explanation(each.name, True, (sweeping.OPEN,), None) for each in open_sweeps)]


def _record(planned: Plan, runner: Runner) -> BuildRecord:
    entries = [(node, runner.entries.get(node.key.digest)) for node in planned.nodes]
    known: dict[str, str] = {}
    made = {
        node.label: provenance.record_of(node, entry.seconds, steps(node, planned, runner), entry.made, known)
        for node, entry in entries
        if entry
    }
    return BuildRecord(tuple(runner.ran), made)


def missing(planned: Plan, store: Store) -> tuple[Node, ...]:
    """The nodes that a build would run, in order, each key once."""
    digests: set[str] = set()
    settled = sweeping.settled(planned, store)
    waiting = [node for node in planned.wanted if node.key.digest not in settled]
    while waiting:
        node = waiting.pop()
        if node.key.digest not in digests and not store.has(node.key):
            digests.add(node.key.digest)
            waiting += node.needs.values()
    return tuple(node for node in planned.once if node.key.digest in digests)


def _causes(node: Node, before: keys.Parts | None) -> tuple[str, ...]:
    """Why a stage would run that ran last with the parts `before`."""
    if before is None:
        return ("never ran",)
    changes = keys.changed(before, node.key.parts)
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
