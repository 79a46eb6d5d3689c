"""How it stands with a stage: done, at work, or what it waits for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from generator.build.plan import Node
from generator.live.board import Snapshot
from generator.support.display import duration
from generator.support.progress import Figures

Kind = Literal["done", "kept", "running", "waiting", "failed", "lost"]

_NAMED = 2
"""Stages that are named as what another one waits for; of more the first."""


@dataclass(frozen=True)
class State:
    """How it stands with a stage, in a word and in words."""

    kind: Kind
    text: str


def state(node: Node, seen: Snapshot) -> State:
    """How it stands with `node`."""
    digest = node.key.digest
    if digest in seen.running:
        running = seen.running[digest]
        return State("running", ", ".join(part for part in (_progress(running.figures), _left(running.left)) if part))
    if digest in seen.entries:
        return State("done", "done")
    if digest in seen.failed:
        return State("failed", f"failed: {seen.failed[digest].why}")
    if digest in seen.kept:
        return State("kept", "is in the store")
    return _waiting(node, seen)


def is_there(node: Node, seen: Snapshot) -> bool:
    """Whether a stage's outcome is there or may be taken."""
    return node.key.digest in seen.entries or (node.key.digest in seen.kept and node.key.digest not in seen.running)


def _waiting(node: Node, seen: Snapshot) -> State:
    behind = list({each.key.digest: each for each in _behind(node, seen)}.values())
    failed = [seen.failed[each.key.digest].label for each in behind if each.key.digest in seen.failed]
    if failed:
        return State("lost", f"will not be made: {_listed(failed)} failed")
    running = [seen.running[each.key.digest].label for each in behind if each.key.digest in seen.running]
    if running:
        return State("waiting", f"waits for {_listed(running)}")
    missing = [need.label for need in node.needs.values() if not is_there(need, seen)]
    return State("waiting", f"waits for {_listed(missing)}" if missing else "waits for its turn")


def _behind(node: Node, seen: Snapshot) -> Iterator[Node]:
    """The stages without an outcome that `node` leads back to."""
    visited: set[str] = set()
    waiting = [*node.needs.values()]
    while waiting:
        each = waiting.pop(0)
        if each.key.digest in visited or is_there(each, seen):
            continue
        visited.add(each.key.digest)
        yield each
        waiting += each.needs.values()


def _progress(figures: Figures) -> str:
    if "epochs" in figures:
        return f"epoch {figures['epoch']:.0f} of {figures['epochs']:.0f}"
    return f"{figures['images']:.0f} of {figures['of']:.0f} images" if "of" in figures else "at work"


def _left(seconds: float | None) -> str:
    return "" if seconds is None else f"{duration(seconds)} left"


def _listed(labels: list[str]) -> str:
    """`a`, `a and b`, `a, b and 4 more`."""
    rest = len(labels) - _NAMED
    shown = [*labels[:_NAMED], f"{rest} more"] if rest > 0 else labels
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
