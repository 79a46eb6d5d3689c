"""As much of Ray as decides what happens to stages, without nodes: what a test says is there, is there."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest


class RayError(Exception):
    """Ray's own."""


class RayTaskError(RayError):
    """What was asked for raised something."""


class RayActorError(RayError):
    """A station is gone."""

    actor_init_failed = False


class NodeDiedError(RayError):
    """A node is gone."""


class ObjectLostError(RayError):
    """What a node kept is gone with it."""


class OutOfMemoryError(RayError):
    """A node had no memory left."""


ERRORS = (RayError, RayTaskError, RayActorError, NodeDiedError, ObjectLostError, OutOfMemoryError)


class Actor:
    """A station, on one of the nodes that have room when somebody looks; until then it waits."""

    def __init__(self, ray: "Rays", station: Any, node: str = "") -> None:
        self._ray, self._station = ray, station
        self._node = node
        self.killed = False

    @property
    def node(self) -> str:
        if not self._node and self._ray.room:
            self._node = self._ray.room.pop(0)
        return self._node

    def __getattr__(self, name: str) -> Any:
        return SimpleNamespace(remote=lambda *arguments: Call(self, name, arguments))

    def answer(self, name: str, arguments: tuple[Any, ...]) -> Any:
        if self.killed or self.node in self._ray.lost:
            raise RayActorError("The actor died because its node has died.")
        if not self.node:
            raise AssertionError("this would be waited for for ever")
        return (self.node, f"address of {self.node}") if name == "where" else getattr(self._station, name)(*arguments)


class Group:
    """A hold on several nodes, once so many have room."""

    def __init__(self, ray: "Rays", count: int) -> None:
        self._ray, self._count = ray, count
        self.nodes: list[str] = []

    @property
    def node(self) -> str:
        """That of the first, as soon as it has all."""
        if not self.nodes and len(set(self._ray.room)) >= self._count:
            self.nodes = sorted(set(self._ray.room))[: self._count]
            for node in self.nodes:
                self._ray.room.remove(node)
        return self.nodes[0] if self.nodes else ""

    def ready(self) -> "Call":
        return Call(self, "ready", ())


@dataclass(frozen=True)
class Call:
    """What was asked of a station, or of a hold on nodes."""

    actor: Actor | Group
    name: str
    arguments: tuple[Any, ...]


class Rays:
    """Stands in for the module `ray`; objects in its store are their own references."""

    def __init__(self, *room: str) -> None:
        """`room`: the nodes that new stations come to, in turn."""
        self.exceptions = SimpleNamespace(**{error.__name__: error for error in ERRORS})
        self.room = list(room)
        self.lost: set[str] = set()
        self.actors: list[Actor] = []
        self.groups: list[Group] = []
        """Those that nobody let go."""
        self.util = SimpleNamespace(
            placement_group=self.hold, remove_placement_group=lambda group: self.groups.remove(group)
        )
        self.meanwhile: Callable[[], None] = lambda: None
        """What happens while somebody waits."""

    def remote(self, kind: type) -> Any:
        def options(scheduling_strategy: Any = None, **others: Any) -> Any:
            def made(*arguments: Any) -> Actor:
                placed = scheduling_strategy
                node = placed.placement_group.nodes[placed.placement_group_bundle_index] if placed else ""
                self.actors.append(Actor(self, kind(*arguments), node))
                return self.actors[-1]

            return SimpleNamespace(remote=made)

        return SimpleNamespace(options=options)

    def hold(self, bundles: list[dict[str, int]], strategy: str, **others: Any) -> Group:
        assert strategy == "STRICT_SPREAD"
        self.groups.append(Group(self, len(bundles)))
        return self.groups[-1]

    def nodes(self) -> list[dict[str, Any]]:
        alive = {f"n{number}": number < 3 and f"n{number}" not in self.lost for number in (1, 2, 3)}
        return [{"NodeID": name, "Alive": there, "Resources": {"CPU": 1.0}} for name, there in alive.items()]

    def wait(self, calls: list[Call], timeout: float, num_returns: int = 1) -> tuple[list[Call], list[Call]]:
        ready = [call for call in calls if call.actor.node]
        if not ready:
            self.meanwhile()
        return ready, [call for call in calls if call not in ready]

    def get(self, thing: Any, timeout: float | None = None) -> Any:
        if isinstance(thing, list):
            return [self.get(each) for each in thing]
        return thing.actor.answer(thing.name, thing.arguments) if isinstance(thing, Call) else thing

    def put(self, piece: bytes) -> bytes:
        return piece

    def kill(self, actor: Actor) -> None:
        actor.killed = True

    def shutdown(self) -> None:
        """Nothing is connected."""


class Willing:
    """A station that is done at once."""

    def __init__(self, threads: int, gpus: int) -> None:
        """No thread and no accelerator is needed."""

    def begin(self, order: Any) -> str:
        return ""

    def port(self) -> int:
        return 7000

    def take(self) -> list[tuple[str, Any]]:
        return [("done", [])]

    def end(self) -> None:
        """Nothing was begun."""


class Refusing(Willing):
    """A station on a node that lacks something."""

    def begin(self, order: Any) -> str:
        return "no-such-package missing and not 3.0"


def install(patch: pytest.MonkeyPatch, ray: Rays) -> None:
    """Have `import ray` give this one."""
    patch.setitem(sys.modules, "ray", ray)  # type: ignore[arg-type]
    patch.setitem(sys.modules, "ray.exceptions", ray.exceptions)
    placing = SimpleNamespace(
        PlacementGroupSchedulingStrategy=lambda group, index: SimpleNamespace(
            placement_group=group, placement_group_bundle_index=index
        )
    )
    patch.setitem(sys.modules, "ray.util.scheduling_strategies", placing)
