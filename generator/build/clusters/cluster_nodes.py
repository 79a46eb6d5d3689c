"""The way to a cluster of Ray: connecting, what its nodes have, and what a stage needs of one."""

import logging
import os
import secrets
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from generator.support.errors import BadInput, BuildFailed
from generator.support.places import ROOT

MODULES = (ROOT / "generator",)
"""What a node is sent of the program."""
LEFT_OUT = ("**/__pycache__", "**/embedded", "**/templates")
"""What of it no node needs: weights travel as inputs do."""

LOCAL = "local"
"""The address of a cluster that Ray starts for one build."""
SECONDS = 10
"""Longest wait for an answer at an address."""

ADVICE = "start a cluster with `ray start --head`, or look for its address with `ray status` there"


Tell = Callable[..., None]
"""Sends the number of a stage, 0 for none, a kind, and what of it."""


@dataclass(frozen=True)
class Needs:
    """What a stage asks Ray for."""

    cpus: int
    gpus: int
    memory: int
    """Bytes; 0: nothing is asked."""

    @property
    def options(self) -> dict[str, Any]:
        memory = {"memory": self.memory} if self.memory else {}
        return {"num_cpus": self.cpus, "num_gpus": self.gpus, **memory}

    @property
    def bundle(self) -> dict[str, int]:
        """The same by the names that nodes' resources have."""
        wanted = {"CPU": self.cpus, "GPU": self.gpus, "memory": self.memory}
        return {name: amount for name, amount in wanted.items() if amount}

    @property
    def words(self) -> str:
        parts = [f"{self.cpus} CPU{'s' * (self.cpus > 1)}"]
        parts += [f"{self.gpus} GPU{'s' * (self.gpus > 1)}"] if self.gpus else []
        parts += [f"{self.memory / 2**30:g} GiB of memory"] if self.memory else []
        return " and ".join(parts)

    def fit(self, node: Mapping[str, float]) -> int:
        """How many stages at a time the resources of a node are enough for."""
        return int(min(node.get(name, 0) // amount for name, amount in self.bundle.items()))


def connect(address: str, tell: Tell) -> None:
    """Have Ray connect to the cluster at `address`. Raises `BuildFailed` and `BadInput`."""
    _check_answers(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address == LOCAL and "RAY_AUTH_MODE" not in os.environ:
        # Else Ray would write a token into the user's home, for a cluster that ends with this build.
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
    import ray

    code: dict[str, Any] = {"py_modules": [str(path) for path in MODULES], "excludes": list(LEFT_OUT)}
    try:
        context = ray.init(address, runtime_env=code, log_to_driver=False, logging_level=logging.WARNING)
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        if "ersion mismatch" in reason:
            raise BadInput(f"ray: the cluster at {address} is another one than this: {reason}") from None
        raise BuildFailed(
            f"ray: {address} cannot be reached ({reason}); is `ray start --head` running there, "
            "with the RAY_AUTH_TOKEN that is set here?"
        ) from None
    dashboard = getattr(context, "dashboard_url", None)
    if dashboard:
        tell(0, "say", f"ray: dashboard at http://{dashboard}")


def _check_answers(address: str) -> None:
    """Raise `BuildFailed` where nobody answers: Ray itself would wait for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), SECONDS).close()
    except OSError as error:
        raise BuildFailed(f"ray: nobody answers at {address} ({error.strerror or error}); {ADVICE}") from None


def looked_at(nodes: Iterable[Mapping[str, Any]], packages: Iterable[str]) -> list[dict[str, str] | Exception]:
    """Of each node Python's version and those of the packages that it has, or the error where it does not say.

    A cluster lists a node that was just lost for some seconds more.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    def look(names: list[str]) -> dict[str, str]:
        # Sent as it stands here, so that it also runs where packages of the program are missing.
        import platform
        from importlib import metadata

        there = {each.name.lower() for each in metadata.distributions() if each.name}
        return {"Python": platform.python_version(), **{n: metadata.version(n) for n in names if n in there}}

    def answer(asked: Any) -> dict[str, str] | Exception:
        try:
            found: dict[str, str] | Exception = ray.get(asked)
        except Exception as error:
            found = error
        return found

    task = ray.remote(look)
    placed = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=False) for node in nodes]
    asked = [task.options(num_cpus=0, scheduling_strategy=each).remote(list(packages)) for each in placed]
    return [answer(each) for each in asked]
