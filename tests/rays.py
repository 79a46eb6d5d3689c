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


class OutOfMemoryError(RayError):
    """A node had no memory left."""


ERRORS = (RayError, RayTaskError, RayActorError, NodeDiedError, OutOfMemoryError)


class Actor:
    """A station, on one of the nodes that have room when somebody looks; until then it waits."""

    def __init__(self, ray: "Rays", station: Any) -> None:
        self._ray, self._station = ray, station
        self._node = ""
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


@dataclass(frozen=True)
class Call:
    """What was asked of a station."""

    actor: Actor
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
        self.meanwhile: Callable[[], None] = lambda: None
        """What happens while somebody waits."""

    def remote(self, kind: type) -> Any:
        def made(*arguments: Any) -> Actor:
            self.actors.append(Actor(self, kind(*arguments)))
            return self.actors[-1]

        return SimpleNamespace(options=lambda **options: SimpleNamespace(remote=made))

    def nodes(self) -> list[dict[str, Any]]:
        return [{"NodeID": f"n{number}", "Alive": number < 3, "Resources": {"CPU": 1.0}} for number in (1, 2, 3)]

    def wait(self, calls: list[Call], timeout: float) -> tuple[list[Call], list[Call]]:
        ready = [call for call in calls if call.actor.node]
        if not ready:
            self.meanwhile()
        return ready, [call for call in calls if call not in ready]

    def get(self, thing: Any, timeout: float | None = None) -> Any:
        return thing.actor.answer(thing.name, thing.arguments) if isinstance(thing, Call) else thing

    def kill(self, actor: Actor) -> None:
        actor.killed = True

    def shutdown(self) -> None:
        """Nothing is connected."""


class Willing:
    """A station that is done at once."""

    def __init__(self, threads: int) -> None:
        """No thread is needed."""

    def begin(self, order: Any) -> str:
        return ""

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
