"""Stages side by side: which of them is ready, in what order they begin, and what becomes of the rest if one fails.

A `Schedule` knows which stages wait for which; threads take what is ready from it. Those that need TensorFlow go to
threads that each have a worker's process, all others to the thread that asked: it draws and decodes, and signals
reach it. The first in order begins first, so that what was asked for first is finished first.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from generator.build.plan import Node
from generator.support.errors import BuildFailed

Fits = Callable[[Node], bool]
Make = Callable[[Node], None]
"""Runs a stage. Raises `BuildFailed` where that fails."""


class Schedule:
    """Stages that are still to be begun."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        """`nodes`: in the order of their urgency, each key once."""
        known = {node.key.digest for node in nodes}
        self._left = list(nodes)
        self._needs = {node.key.digest: {n.key.digest for n in node.needs.values()} & known for node in nodes}
        self._uses = {node.key.digest: {n.key.digest for n in node.uses.values()} & known for node in nodes}
        self._changed = threading.Condition()

    def take(self, fits: Fits) -> Node | None:
        """The next stage that `fits`, as soon as one is ready; None if there will be none."""
        with self._changed:
            while any(fits(node) for node in self._left):
                ready = (node for node in self._left if fits(node) and self._is_ready(node))
                if found := next(ready, None):
                    self._left.remove(found)
                    return found
                self._changed.wait()
        return None

    def finish(self, node: Node) -> None:
        """The outcome of `node` is there."""
        with self._changed:
            self._settle(node)

    def fail(self, node: Node) -> None:
        """There will be no outcome of `node`, nor of any stage that needs it."""
        with self._changed:
            lost = [each for each in self._left if node.key.digest in self._needs[each.key.digest]]
            self._left = [each for each in self._left if each not in lost]
            self._settle(node)
        for each in lost:
            self.fail(each)

    def stop(self) -> None:
        """Nothing more is begun."""
        with self._changed:
            self._left = []
            self._changed.notify_all()

    def _is_ready(self, node: Node) -> bool:
        return not self._needs[node.key.digest] and not self._uses[node.key.digest]

    def _settle(self, node: Node) -> None:
        """Let nobody wait for `node` any more."""
        for waiting in (*self._needs.values(), *self._uses.values()):
            waiting.discard(node.key.digest)
        self._changed.notify_all()


def run(
    nodes: Sequence[Node],
    jobs: int,
    make: Make,
    interrupt: Callable[[], None],
    here: Fits = lambda node: not node.stage.tensorflow,
) -> None:
    """Make all `nodes`: what is to be made `here` in the thread that asked, up to `jobs` of the others at a time.

    What fails takes what needs it along.
    Anything but `BuildFailed` stops it all and is raised, also what arrives here meanwhile (Ctrl-C); `interrupt` ends
    the stages that run then.
    """
    schedule = Schedule(nodes)

    def work(fits: Fits) -> None:
        while node := schedule.take(fits):
            try:
                make(node)
            except BuildFailed:
                schedule.fail(node)
            except BaseException:
                schedule.stop()
                raise
            else:
                schedule.finish(node)

    with ThreadPoolExecutor(jobs, "stages") as threads:
        try:
            working = [threads.submit(work, lambda node: not here(node)) for _ in range(jobs)]
            work(here)
            for done in wait(working, return_when=FIRST_EXCEPTION).done:
                done.result()
        except BaseException:
            schedule.stop()
            interrupt()
            raise
