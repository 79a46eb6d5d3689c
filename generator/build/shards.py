"""Stages in shards (`stages.sharding`): each is an entry of the store for as long as the whole stage's is not there.

A shard is kept under the key of the whole stage and its range of images, so that after a kill, or where a shard failed,
only what is missing is made. No key depends on shards, nor does a byte of what the stage gives.
"""

import json
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from generator.build import schedule
from generator.build.executor import Executor
from generator.build.plan import Node
from generator.build.storage import machines
from generator.build.storage.key import SHARDS, Key
from generator.build.storage.store import ENTRY, Entry, Store
from generator.stages import sharding
from generator.stages.job import Job
from generator.stages.stage import Sharding
from generator.support.display import fraction
from generator.support.errors import BuildFailed
from generator.support.progress import Figures, Report


class Kept(NamedTuple):
    """What is there of a stage that was begun in shards."""

    images: int
    of: int


@dataclass(frozen=True)
class Shard:
    """A part of a stage."""

    node: Node
    """The stage's, with the shard's own key."""
    images: range


def of(node: Node, whole: Job, most: int) -> tuple[Shard, ...]:
    """The shards of a stage, at most `most` images each; none where it runs whole."""
    if node.stage.shards is None:
        return ()
    ranges = sharding.split(node.stage.shards, whole, most)
    return tuple(Shard(replace(node, key=_key(node, images, ranges[-1].stop)), images) for images in ranges)


def _key(node: Node, images: range, count: int) -> Key:
    label = f"{node.label}, images {images.start + 1} to {images.stop} of {count}"
    parts = {"of": [node.name, node.key.digest], "images": [images.start, images.stop], "count": count}
    return Key(SHARDS, label, parts)


class InShards:
    """Runs stages in shards."""

    def __init__(self, store: Store, executor: Executor, interrupt: Callable[[], None], *, force: bool) -> None:
        """`interrupt` ends all that runs; with `force` shards that are there are made again."""
        self._store, self._executor, self._interrupt, self._force = store, executor, interrupt, force

    def run(self, whole: Job, shards: Sequence[Shard], jobs: int, out: Path, report: Report) -> None:
        """As an executor's `run` of the stage `whole`, `jobs` shards at a time.

        A shard that fails is named, and those that were made before are kept.
        """
        with self._store.using(shard.node.key for shard in shards):
            entries = self._kept(shards)
            missing = [shard for shard in shards if shard.images not in entries]
            self._make(whole, missing, jobs, entries, report)
            made = [entries[shard.images] for shard in shards]
            sharding.join(_kind(shards[0]), whole, [entry.folder for entry in made], out)
            _note(made, out)

    def discard(self, shards: Sequence[Shard]) -> None:
        """Remove the shards of a stage whose entry is there."""
        for shard in shards:
            if self._store.has(shard.node.key):
                self._store.discard(shard.node.key)

    def _kept(self, shards: Sequence[Shard]) -> dict[range, Entry]:
        """Those of an earlier build."""
        found = {} if self._force else {s.images: self._store.find(s.node.key, thorough=True) for s in shards}
        return {images: entry for images, entry in found.items() if entry}

    def _make(
        self, whole: Job, shards: Sequence[Shard], jobs: int, entries: dict[range, Entry], report: Report
    ) -> None:
        """Add the entries of `shards`, which are not there yet."""
        progress = _Progress(sum(map(len, entries)), shards, report)
        by_key = {shard.node.key.digest: shard for shard in shards}
        failures: list[BuildFailed] = []

        def make(node: Node) -> None:
            if failures:  # The stage has failed: the next build goes on from here.
                raise failures[0]
            shard = by_key[node.key.digest]
            try:
                entries[shard.images] = self._entry(whole, shard, progress.of(shard))
            except BuildFailed as error:
                failures.append(error)
                raise

        nodes = [shard.node for shard in shards]
        schedule.run(nodes, jobs, make, self._interrupt, here=lambda node: jobs == 1)
        if failures:
            raise failures[0]

    def _entry(self, whole: Job, shard: Shard, report: Report) -> Entry:
        key = shard.node.key

        def write(out: Path) -> None:
            # Beside the shard's own files: where this process dies, both go.
            with _removed(out.with_name(f"{out.name}.inputs")) as inputs:
                job = sharding.shard(_kind(shard), whole, shard.images, inputs)
                job = replace(job, label=key.label, checkpoint=self._store.checkpoint(key))
                self._executor.run(job, out, report)

        entry = self._store.create(key, write, anew=self._force)
        report({"images": 1, "of": 1})
        return entry


@contextmanager
def _removed(folder: Path) -> Iterator[Path]:
    """A folder that is not there before the block, and not after it."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Progress:
    """What the shards report, as progress of the whole stage."""

    def __init__(self, kept: int, shards: Sequence[Shard], report: Report) -> None:
        """`kept` images are done already."""
        self._kept, self._of = kept, kept + sum(len(shard.images) for shard in shards)
        self._done: dict[range, float] = {}
        self._report, self._reporting = report, threading.Lock()
        self._tell()

    def of(self, shard: Shard) -> Report:
        def report(figures: Figures) -> None:
            with self._reporting:
                self._done[shard.images] = fraction(figures) * len(shard.images)
                self._tell()

        return report

    def _tell(self) -> None:
        self._report({"images": self._kept + sum(self._done.values()), "of": self._of})


def _kind(shard: Shard) -> Sharding:
    kind = shard.node.stage.shards
    assert kind is not None  # else it is no shard
    return kind


def _note(made: Sequence[Entry], out: Path) -> None:
    """Leave in `out` which machine made the stage: of several kinds of them one that is not of this kind."""
    known = [entry.made for entry in made if entry.made]
    elsewhere = [each for each in known if each.machine.kind != machines.here().kind]
    for one in [*elsewhere, *known][:1]:
        machines.hand_on({"made": one.model_dump(mode="json")}, out)


def kept(store: Store, nodes: Iterable[Node], most: int) -> dict[str, Kept]:
    """Digest of a stage's key → what of its shards a build with at most `most` images in each would take.

    Those of another size are of no use to it, though they may hold the same images. Changes nothing.
    """
    there: dict[str, set[range]] = {}
    counts: dict[str, int] = {}
    for _, (_, digest), images, count in _listed(store):
        there.setdefault(digest, set()).add(images)
        counts[digest] = count
    found = {}
    for node in nodes:
        digest = node.key.digest
        ranges = sharding.borders(counts.get(digest, 0), node.settings.get("data.batch_size", 1), most)
        taken = [each for each in ranges if each in there[digest]]
        if taken:
            found[digest] = Kept(sum(map(len, taken)), counts[digest])
    return found


def clean(store: Store) -> None:
    """As the store's own `clean`; and remove shards whose whole stage is there, of a build killed between the two."""
    store.clean()
    for key, (stage, digest), _, _ in _listed(store):
        if store.is_made(stage, digest):
            store.discard(key)


def _listed(store: Store) -> Iterator[tuple[Key, tuple[str, str], range, int]]:
    """Of every shard in the store its key, stage and digest of the whole, its images, and how many the whole has."""
    for path in sorted((store.root / "stages" / SHARDS).glob(f"*/{ENTRY}")):
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            table = json.loads(path.read_text("utf-8"))
            parts = table["parts"]
            (stage, digest), (start, stop), count = parts["of"], parts["images"], parts["count"]
            yield Key(SHARDS, table["label"], parts), (stage, digest), range(start, stop), count
