"""Runs the stages of a plan: each from the store if it is there, else by an executor, with all that it needs.

A `Runner` is asked for a stage; it asks for the stages that this one needs, from the end backwards.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from generator.build import schedule, shards
from generator.build.executor import Executor
from generator.build.plan import Node
from generator.build.storage.store import Entry, Store
from generator.experiment.config.execution_settings import ExecutionSettings
from generator.support.display import Display
from generator.support.errors import BuildFailed


class Runner:
    """The entries of the stages that were asked for, and which of them ran."""

    def __init__(
        self,
        store: Store,
        executor: Executor,
        display: Display,
        *,
        force: bool = False,
        execution: ExecutionSettings | None = None,
    ) -> None:
        """With `force` every stage that is asked for runs, whatever the store has."""
        self._store = store
        self._executor = executor
        self._display = display
        self._force = force
        execution = execution or ExecutionSettings()
        self._shard_images = execution.shard_images
        self.jobs = execution.jobs
        """How many stages that need TensorFlow `prepare` runs at a time, and how many shards of one stage."""
        self._in_shards = shards.InShards(store, executor, self._interrupt, force=force)
        self.entries: dict[str, Entry] = {}
        """Digest of a key → its entry."""
        self.ran: list[str] = []
        """Labels of the stages that ran."""
        self.overlapped: set[str] = set()
        """Labels of those that ran in a process for TensorFlow beside another that did: it takes all processors, so
        that their seconds say nothing of them alone. What is drawn meanwhile takes one, for a moment."""
        self._running: set[str] = set()
        """Labels of those that run in such a process."""
        self._failed: dict[str, BuildFailed] = {}
        """Digest of a key → why there is no outcome."""
        self._replacing = threading.RLock()
        """Held while an input that is broken is made again, which may need another one that is."""

    def require(self, node: Node) -> Entry:
        """The outcome of a stage. Raises what its function raises, and `BuildFailed` where the store refuses."""
        if node.key.digest in self._failed:
            raise self._failed[node.key.digest]
        known = self.entries.get(node.key.digest)
        if known is None:
            known = None if self._force else self._store.find(node.key)
            if known is None:
                known = self._run(node)
            self._store.remember(node.key)
            self.entries[node.key.digest] = known
        return known

    def prepare(self, nodes: Iterable[Node]) -> None:
        """Run what is missing for `nodes`, what needs no TensorFlow beside what does; what fails is raised when it is
        required."""
        schedule.run(self._missing(nodes), self.jobs, self._prepared, self._interrupt)

    def _interrupt(self) -> None:
        self._store.stop()
        self._executor.close()

    def _prepared(self, node: Node) -> None:
        try:
            self.require(node)
        except BuildFailed as error:
            self._failed[node.key.digest] = error
            raise

    def _missing(self, nodes: Iterable[Node]) -> list[Node]:
        """What must run for `nodes`, in the order in which `require` would run it."""
        found: dict[str, Node] = {}

        def visit(node: Node) -> None:
            digest = node.key.digest
            if digest in found or digest in self.entries:
                return
            entry = None if self._force else self._store.find(node.key)
            if entry:
                self.entries[digest] = entry
                return
            for need in node.needs.values():
                visit(need)
            found[digest] = node

        for node in nodes:
            visit(node)
        return list(found.values())

    def _run(self, node: Node) -> Entry:
        # What it uses is there if this build needs that too; it is not worth computing for this stage alone.
        used = {name: use for name, use in node.uses.items() if use.key.digest in self.entries}
        inputs = {name: self._input(each) for name, each in {**node.needs, **used}.items()}
        job = node.job(inputs, self._store.checkpoint(node.key))
        parts = shards.of(node, job, self._shard_images)

        def write(out: Path) -> None:
            in_processes = node.stage.tensorflow or bool(parts)
            with self._noted(node.label, in_processes), self._display.stage(node.label) as report:
                if parts:
                    self.overlapped |= {node.label} if self.jobs > 1 else set()
                    self._in_shards.run(job, parts, self.jobs, out, report)
                else:
                    self._executor.run(job, out, report)
            self.ran.append(node.label)

        entry = self._store.create(node.key, write, anew=self._force)
        self._in_shards.discard(parts)
        return entry

    @contextmanager
    def _noted(self, label: str, in_processes: bool) -> Iterator[None]:
        """Note which stages run at the same time, of those that run in processes for TensorFlow."""
        self._running |= {label} if in_processes else set()
        if len(self._running) > 1:
            self.overlapped |= self._running
        try:
            yield
        finally:
            self._running.discard(label)

    def _input(self, node: Node) -> Path:
        """Folder of a stage's files, large ones checked too; a broken one is made again."""
        entry = self.require(node)
        if self._store.find(node.key, thorough=True) is None:
            # Several stages may meet it at once: the first makes it again, the others take that.
            with self._replacing:
                if self.entries.get(node.key.digest) is entry:
                    del self.entries[node.key.digest]
                entry = self.require(node)
        return entry.folder

    def remember(self, nodes: Iterable[Node]) -> None:
        """Make these the newest of their labels, as far as they are in the store."""
        for node in nodes:
            self._store.remember(node.key)
