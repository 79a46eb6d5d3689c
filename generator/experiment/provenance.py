"""Where, when and from what a build was made, as `provenance.json` beside its results tells it.

`parse` reads what a build wrote, `machine` is what one writes of the machine, `work_of` names a stage's work apart
from the precision that its machine computes in.
"""

import hashlib
import json
import platform
from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel, Field, ValidationError

from generator.experiment.machine import Made
from generator.support import hardware

NAME = "provenance.json"
EVALUATED = ".evaluation"
"""Ends the labels of the stages that give a run's results."""


class Processor(BaseModel):
    """What of a machine tells the digits it gives from another's; the number of cores changes none."""

    platform: str
    processor: str
    cpuid: str | None = None
    """Family, model and stepping; None where the system does not tell them, or the record is older."""

    def is_another_than(self, other: "Processor") -> bool:
        # Virtual machines call processors of several generations by one name.
        told_apart = None not in (self.cpuid, other.cpuid) and self.cpuid != other.cpuid
        return told_apart or (self.platform, self.processor) != (other.platform, other.processor)

    def beside(self, other: "Processor") -> str:
        """The processor by name, and by what tells it from `other` where the names are one."""
        same = self.processor == other.processor
        parts = [
            self.processor,
            self.cpuid if same else None,
            self.platform if self.platform != other.platform else None,
        ]
        return ", ".join(filter(None, parts))


class StageRecord(BaseModel):
    """One stage of a build."""

    key: str
    work: str | None = None
    """As `work_of` gives it; None in records that are older than it."""
    machine: int | None = Field(default=None, ge=0)
    """Position in `machines` of the one that did it; None where that was not recorded."""


class Provenance(Processor):
    """What a comparison needs to know of a build's circumstances; the file holds more.

    Its processor is that of the machine that built the site, which may have trained nothing of it.
    """

    id: str
    python: str
    stages: dict[str, StageRecord]
    machines: tuple[Processor, ...] = ()

    def processors_beside(self, other: "Provenance") -> tuple[Processor, Processor]:
        """This build's and `other`'s of the first evaluation that was done on two, else of the first of all."""
        shared = [name for name in self.stages if name.endswith(EVALUATED) and name in other.stages]
        pairs = [(self._of(name), other._of(name)) for name in shared] or [(self, other)]
        return next((pair for pair in pairs if pair[0].is_another_than(pair[1])), pairs[0])

    def _of(self, stage: str) -> Processor:
        """The processor that did a stage, as far as the file tells; else the one that built the site."""
        position = self.stages[stage].machine
        return self if position is None or position >= len(self.machines) else self.machines[position]

    def does_the_work_of(self, other: "Provenance") -> bool:
        """Whether every stage of both did the same: code, settings, data, weights and packages.

        False where an older record cannot tell: the keys differ, as they do in another precision, and the work is
        not noted.
        """
        shared = self.stages.keys() & other.stages.keys()
        evaluated = {name for name in self.stages | other.stages if name.endswith(EVALUATED)}
        return bool(evaluated) and evaluated <= shared and all(_same(self.stages[n], other.stages[n]) for n in shared)


class Keyed(Protocol):
    """What `work_of` asks of a stage's key; `build.storage.key.Key` is one."""

    @property
    def stage(self) -> str: ...
    @property
    def parts(self) -> Mapping[str, Any]: ...
    @property
    def digest(self) -> str: ...


class Staged(Protocol):
    """What `work_of` asks of a stage; `build.plan.Node` is one."""

    @property
    def key(self) -> "Keyed": ...
    @property
    def needs(self) -> Mapping[str, "Staged"]: ...


PRECISION = "precision"
"""The part of a key that `model.precision = "auto"` fills in from the processor."""


def parse(content: bytes | None) -> Provenance | None:
    """What the file says; None where there is none, or it is no such file: then nothing is known."""
    if content is None:
        return None
    try:
        return Provenance.model_validate(json.loads(content))
    except (ValueError, ValidationError, RecursionError):
        return None


def machine() -> dict[str, str | int | None]:
    """The machine that this process runs on."""
    return {
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": hardware.processor(),
        "cores": hardware.cores(),
        "memory": hardware.memory() or None,
        "cpuid": hardware.cpuid() or None,
        "python": platform.python_version(),
    }


def work_of(stage: Staged, known: dict[str, str] | None = None) -> str:
    """SHA-256 of all that the stage's outcome depends on, apart from the precision of the arithmetic.

    `known` keeps, by key, what was found on the way: stages have most of their needs in common.
    """
    known = {} if known is None else known
    if stage.key.digest not in known:
        # A need stands in the parts by its key, which has the precision in it.
        parts = {name: value for name, value in stage.key.parts.items() if not _is_precision_or_need(name)}
        needs = [work_of(need, known) for need in stage.needs.values()]
        text = json.dumps([stage.key.stage, parts, needs], sort_keys=True)
        known[stage.key.digest] = hashlib.sha256(text.encode()).hexdigest()
    return known[stage.key.digest]


def record_of(
    stage: Staged,
    seconds: float,
    steps: int | None = None,
    made: Made | None = None,
    known: dict[str, str] | None = None,
) -> Mapping[str, Any]:
    """A stage's entry in the file; `steps` is how many steps of training the seconds are of, where that is known.

    The seconds of a step have its share of what else the stage does, validation above all. `machine` is the one that
    did it, null where the store does not tell. `known` as for `work_of`.
    """
    record: dict[str, Any] = {"key": stage.key.digest, "work": work_of(stage, known), "seconds": round(seconds, 2)}
    if steps is not None:
        record |= {"steps": steps, "seconds_per_step": round(seconds / steps, 4)}
    if made:
        record |= made.told
    return {**record, "machine": made.machine.model_dump(mode="json") if made else None}


def machines_apart(stages: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The file's `machines` and `stages`: each machine is told once, and stages name theirs by its position."""
    machines: list[Any] = []
    listed = {}
    for label, record in stages.items():
        machine = record["machine"]
        if machine is not None and machine not in machines:
            machines.append(machine)
        listed[label] = {**record, "machine": None if machine is None else machines.index(machine)}
    return {"machines": machines, "stages": listed}


def origin(content: bytes) -> dict[str, Any]:
    """Id, time and commit of the build whose results a file tells of, also where these were rendered again since."""
    table = json.loads(content)
    return table.get("results_of") or {name: table[name] for name in ("id", "time", "commit")}


def stages_of(content: bytes) -> dict[str, dict[str, Any]]:
    """The stages that a file tells of, each with its machine, if it is known: `machines_apart` the other way round."""
    table = json.loads(content)

    def machine(position: int | None) -> Any:
        return None if position is None else table["machines"][position]

    return {label: {**record, "machine": machine(record.get("machine"))} for label, record in table["stages"].items()}


def _is_precision_or_need(name: str) -> bool:
    return name == PRECISION or name.startswith("stage ")


def _same(one: StageRecord, other: StageRecord) -> bool:
    return one.key == other.key or (one.work is not None and one.work == other.work)
