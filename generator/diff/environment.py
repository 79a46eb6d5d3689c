"""Compares what two builds ran with: Python and the packages, folded into one sentence and a list."""

from collections.abc import Mapping
from dataclasses import dataclass

from generator.experiment.config import settings
from generator.experiment.results import Environment


@dataclass(frozen=True)
class VersionChange:
    """Python, or a package that differs."""

    name: str
    old: str
    """The version; empty where it is absent."""
    new: str


@dataclass(frozen=True)
class EnvironmentChange:
    """All that differs between two environments."""

    summary: str
    """In one sentence without its full stop; empty where nothing differs."""
    changes: tuple[VersionChange, ...]


def compare(old: Environment, new: Environment, labels: tuple[str, str]) -> EnvironmentChange:
    """What differs; a `metrics.json` that was kept alone does not tell its environment, which is said once."""
    unknown = [label for label, side in zip(labels, (old, new), strict=True) if not side.python]
    if unknown:
        which = f"of {unknown[0]}" if len(unknown) == 1 else "of both sides"
        return EnvironmentChange(f"the environment {which} is not known, so packages are not compared", ())
    found = settings.differences(_versions(old), _versions(new))
    changes = tuple(VersionChange(name, *(value or "" for value in values)) for name, values in found.items())
    return EnvironmentChange(_summary(changes), changes)


def _versions(environment: Environment) -> Mapping[str, str]:
    return {"Python": environment.python, **environment.packages}


def _summary(changes: tuple[VersionChange, ...]) -> str:
    packages = sum(change.name != "Python" for change in changes)
    counted = [f"{packages} package{'s' if packages > 1 else ''}"] if packages else []
    if len(changes) > packages:
        counted.insert(0, "Python")
    return f"{' and '.join(counted)} differ{'s' if len(changes) == 1 else ''}" if changes else ""
