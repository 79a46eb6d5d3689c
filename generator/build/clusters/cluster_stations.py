"""The stations that a build has on the nodes of a cluster: hired for a stage, kept for the next one, given back.

Ray places them by what a stage needs, and not on nodes that were refused.
"""

import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from generator.build.clusters.cluster_node import Station
from generator.build.clusters.cluster_nodes import SECONDS, Needs, Tell
from generator.support.errors import BadInput, BuildFailed

IDLE = 30.0
"""Seconds after which a station without work gives back what it holds."""
TOLD_AFTER = 15.0
"""Seconds after which whoever waits for a node is told."""
FAREWELL = 3.0
"""Longest wait for stations that are ended in the middle of a stage, seconds."""
LOOK = 1.0
"""Seconds between two looks whether another station has become free, of whoever waits for a node."""

Node = Mapping[str, Any]
"""As Ray lists it."""


class Hired(NamedTuple):
    """A station on some node."""

    actor: Any
    node: str
    address: str


class Stations:
    """All that a build has at a time."""

    kind = Station

    def __init__(self, tell: Tell) -> None:
        self.needs = Needs(1, 0, 0)
        self.tell = tell
        self._refused: set[str] = set()
        self._idle: list[tuple[float, Hired]] = []
        self._hired: set[Any] = set()
        self._looking = threading.Lock()
        self._closed = False

    def hire(self, label: str) -> Hired:
        """A station that has nothing to do, or a new one as soon as a node has room for it; `label` is who waits.

        Raises `BuildFailed` where the build was stopped.
        """
        self.check_open()
        if rested := self._rested():
            return rested
        actor = self.new(**({"label_selector": self.selector} if self.selector else {}))
        hired = None
        try:
            hired = self._first(actor, label)
        finally:
            if not hired or hired.actor is not actor:
                self.dismiss(actor)
        return hired

    @property
    def selector(self) -> dict[str, str]:
        """What Ray is told so that it places nothing on nodes that were refused; empty where none was."""
        with self._looking:
            return {"ray.io/node-id": f"!in({','.join(self._refused)})"} if self._refused else {}

    def new(self, **where: Any) -> Any:
        """The actor of a new station, placed as Ray is told by `where` as soon as a node has room for it."""
        import ray

        options = {**self.needs.options, **where, "max_restarts": 0}
        actor = ray.remote(self.kind).options(**options).remote(os.cpu_count() or 1, self.needs.gpus)
        self._hired.add(actor)
        return actor

    def waiting(self, asked: Any, label: str, what: str) -> Iterator[None]:
        """Comes by again and again until Ray has an answer; `label` waits for `what` then, and says so after a while.

        Raises `BuildFailed` where the build was stopped.
        """
        import ray

        told_at = time.monotonic() + TOLD_AFTER
        while not ray.wait([asked], timeout=LOOK)[0]:
            self.check_open()
            yield
            if time.monotonic() >= told_at:
                self.tell(0, "say", f"{label}: waits for {what} to be free")
                told_at = math.inf

    def _first(self, actor: Any, label: str) -> Hired:
        """The station `actor` once a node has room for it, or another whose stage ends before that."""
        import ray

        where = actor.where.remote()
        for _ in self.waiting(where, label, f"a node with {self.needs.words}"):
            if rested := self._rested():
                return rested
        node, address = ray.get(where)
        return Hired(actor, node, address)

    def _rested(self) -> Hired | None:
        """A station without work, which has some from now on."""
        with self._looking:
            return self._idle.pop()[1] if self._idle else None

    def keep(self, hired: Hired) -> None:
        """Have a station wait for the next stage."""
        with self._looking:
            self._idle.append((time.monotonic(), hired))

    def release(self, least: float = IDLE) -> None:
        """End the stations that have been without work for `least` seconds."""
        now = time.monotonic()
        self.end(*self._taken(lambda since, hired: now - since >= least))

    def end(self, *stations: Hired) -> None:
        """End stations in good order."""
        self._end([hired.actor for hired in stations], SECONDS)

    def dismiss(self, actor: Any) -> None:
        """End a station, whatever it does; it may not have begun yet."""
        import ray

        self._hired.discard(actor)
        with suppress(Exception):
            ray.kill(actor)

    def lose(self, hired: Hired) -> None:
        """Forget a station that is gone, and those without work on its node, which may be gone as well."""
        for each in (hired, *self._taken(lambda since, other: other.node == hired.node)):
            self.dismiss(each.actor)

    def refuse(self, node: str, address: str, why: str) -> None:
        """Have no station on a node from now on."""
        with self._looking:
            known = node in self._refused
            self._refused.add(node)
        if not known:
            self.tell(0, "warn", f"ray: node {address} is refused: {why}")
        self.end(*self._taken(lambda since, other: other.node == node))

    def able(self, nodes: Iterable[Node]) -> list[Node]:
        """Those of `nodes` that stations may come to.

        Raises `BadInput` where there would be some, but all were refused. Where there is none, one may join.
        """
        fitting = [node for node in nodes if node["Alive"] and self.needs.fit(node["Resources"])]
        able = [node for node in fitting if node["NodeID"] not in self._refused]
        if fitting and not able:
            raise BadInput(
                "ray: no node is left that may run a stage, each was refused; install there what requirements.txt "
                "lists and what the warnings name, or build in their image, on a machine like theirs"
            )
        return able

    def check_open(self) -> None:
        """Raise `BuildFailed` where the build was stopped."""
        if self._closed:
            raise BuildFailed("the build was stopped")

    def close(self) -> None:
        """End all, also in the middle of a stage, and hire no more."""
        # First: who runs a stage on one of them must not take it for lost.
        self._closed = True
        self.release(0)
        # One that still waits for a node does not answer, and has no files to remove.
        self._end(list(self._hired), FAREWELL)

    def _end(self, actors: list[Any], seconds: float) -> None:
        """Have stations end in good order, which removes their files, and after so many seconds whatever they do."""
        import ray

        if not actors:
            return
        # All at once: of those that nobody reaches each would be waited for.
        with suppress(Exception):
            asked = [actor.end.remote() for actor in actors]
            ray.wait(asked, num_returns=len(asked), timeout=seconds)
        for actor in actors:
            self.dismiss(actor)

    def _taken(self, ending: Callable[[float, Hired], bool]) -> list[Hired]:
        """The stations without work that are to end, which are no longer kept; since when they are is given, too."""
        with self._looking:
            taken = [hired for since, hired in self._idle if ending(since, hired)]
            self._idle = [(since, hired) for since, hired in self._idle if hired not in taken]
        return taken
