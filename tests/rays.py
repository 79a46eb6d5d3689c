"""As much of Ray as decides what happens to stages, without nodes: what a test says is there, is there."""

import sys
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


class Rays:
    """Stands in for the module `ray`; objects are their own references."""

    def __init__(self) -> None:
        self.exceptions = SimpleNamespace(**{error.__name__: error for error in ERRORS})

    def get(self, thing: Any, timeout: float | None = None) -> Any:
        return thing() if callable(thing) else thing


def install(patch: pytest.MonkeyPatch, ray: Rays) -> None:
    """Have `import ray` give this one."""
    patch.setitem(sys.modules, "ray", ray)  # type: ignore[arg-type]
    patch.setitem(sys.modules, "ray.exceptions", ray.exceptions)
