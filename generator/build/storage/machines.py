"""Which machine made what: a stage's record is written by the process that ran it, wherever that was.

`note` leaves the record among the stage's files, `left` looks at it there, `taken` takes it from there into the entry,
`parsed` reads it.
`recorded` notes for a process that runs stages, `hand_on` for one that copies an entry. Nothing that is computed
depends on it.
"""

import json
import platform
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from generator.experiment.machine import Machine, Made
from generator.support import hardware
from generator.support.progress import Report

if TYPE_CHECKING:
    from generator.stages.job import Body, Job

RECORD = ".made.json"
"""Beside a stage's files until they become an entry."""

HANDED_ON = ("made", "seconds", "resumed")
"""What an entry says that a copy of it says, too."""

Devices = tuple[int, tuple[str, ...]]
"""TensorFlow's threads and the accelerators it computes on."""


def recorded(run: "Body", devices: Callable[[], Devices | None], nodes: int | None = None) -> "Body":
    """`run`, with the machine noted among the files of the stage that it ran; `nodes`: with how many it did."""

    def run_and_note(job: "Job", out: Path, report: Report) -> None:
        run(job, out, report)
        note(job, out, devices(), nodes)

    return run_and_note


def note(job: "Job", out: Path, devices: Devices | None = None, nodes: int | None = None) -> None:
    """Leave in `out` what is known of the machine that this process runs on; `devices` in one with TensorFlow."""
    threads, accelerators = devices or (None, None)
    precision = job.given.get("precision")
    leave(Made(machine=here(), precision=precision, accelerators=accelerators, threads=threads, nodes=nodes), out)


def leave(made: Made, out: Path) -> None:
    """Leave a record in `out`."""
    (out / RECORD).write_text(json.dumps({"made": made.model_dump(mode="json")}), "utf-8")


def hand_on(entry: Mapping[str, Any], out: Path) -> None:
    """Leave in `out` what `entry`, of which it is a copy, says of how it was made."""
    (out / RECORD).write_text(json.dumps({name: entry[name] for name in HANDED_ON if name in entry}), "utf-8")


def left(out: Path) -> dict[str, Any]:
    """What was left in `out`."""
    try:
        record: dict[str, Any] = json.loads((out / RECORD).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return record


def taken(out: Path) -> dict[str, Any]:
    """The same, and it is gone from there then: a part of the entry that `out` becomes."""
    record = left(out)
    (out / RECORD).unlink(missing_ok=True)
    return record


def parsed(record: Any) -> Made | None:
    """The record in an entry; None where there is none, or one of another version of the program."""
    try:
        return Made.model_validate(record)
    except ValidationError:
        return None


@cache
def here() -> Machine:
    """The machine that this process runs on."""
    gpus = hardware.gpus()
    return Machine(
        platform=f"{platform.system()} {platform.machine()}",
        processor=hardware.processor(),
        cpuid=hardware.cpuid() or None,
        cpus=hardware.cpus(),
        memory=hardware.memory() or None,
        limit=hardware.limit() or None,
        gpus=gpus,
        python=platform.python_version(),
        packages=_packages(libraries=bool(gpus)),
    )


def _packages(*, libraries: bool) -> dict[str, str]:
    """Versions of the packages that stages need, as far as they are there, with NVIDIA's `libraries` if these count."""
    from generator.stages.table import STAGES  # Late: who looks into a store runs no stage.

    names = {package for stage in STAGES for package in stage.packages}
    if libraries:
        names |= {each.name for each in metadata.distributions() if each.name.startswith("nvidia-")}
    found = {}
    for name in sorted(names):
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
