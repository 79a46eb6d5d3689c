"""Runs the stages of a plan: each from the store if it is there, else by an executor, with all that it needs.

A `Runner` is asked for a stage; it asks for the stages that this one needs, from the end backwards.
"""

from collections.abc import Iterable
from pathlib import Path

from generator.build.executor import Executor
from generator.build.plan import Node
from generator.build.store import Entry, Store
from generator.support.display import Display


class Runner:
    """The entries of the stages that were asked for, and which of them ran."""

    def __init__(self, store: Store, executor: Executor, display: Display, *, force: bool = False) -> None:
        """With `force` every stage that is asked for runs, whatever the store has."""
        self._store = store
        self._executor = executor
        self._display = display
        self._force = force
        self.entries: dict[str, Entry] = {}
        """Digest of a key → its entry."""
        self.ran: list[str] = []
        """Labels of the stages that ran."""

    def require(self, node: Node) -> Entry:
        """The outcome of a stage. Raises what its function raises, and `BuildFailed` where the store refuses."""
        known = self.entries.get(node.key.digest)
        if known is None:
            known = None if self._force else self._store.find(node.key)
            if known is None:
                known = self._run(node)
            self._store.remember(node.key)
            self.entries[node.key.digest] = known
        return known

    def _run(self, node: Node) -> Entry:
        # What it uses is there if this build needs that too; it is not worth computing for this stage alone.
        used = {name: use for name, use in node.uses.items() if use.key.digest in self.entries}
        inputs = {name: self._input(each) for name, each in {**node.needs, **used}.items()}

        def write(out: Path) -> None:
            with self._display.stage(node.label) as report:
                self._executor.run(node.job(inputs, self._store.checkpoint(node.key)), out, report)
            self.ran.append(node.label)

        return self._store.create(node.key, write, anew=self._force)

    def _input(self, node: Node) -> Path:
        """Folder of a stage's files, large ones checked too; a broken one is made again."""
        entry = self.require(node)
        if self._store.find(node.key, thorough=True) is None:
            del self.entries[node.key.digest]
            entry = self.require(node)
        return entry.folder

    def remember(self, nodes: Iterable[Node]) -> None:
        """Make these the newest of their labels, as far as they are in the store."""
        for node in nodes:
            self._store.remember(node.key)
