"""A machine as far as it decides what digits come out, and what an entry of the store says of the one that made it."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from generator.support.hardware import Precision
from generator.support.strict_json import Record


class Kind(NamedTuple):
    """What two machines agree on where the same work, with the same packages, may be taken to give the same digits."""

    platform: str
    processor: str
    cpuid: str | None
    cpus: int
    limit: str | None
    gpus: tuple[str, ...]


class Machine(Record):
    """A machine, and the packages on it. No name, address or owner."""

    platform: str
    """System and architecture, `Linux x86_64`."""
    processor: str
    cpuid: str | None
    """Family, model and stepping, which tell processors of one name apart; None where the system does not."""
    cpus: int
    """Processors that the system counts: TensorFlow's threads follow them, and sums follow the threads."""
    memory: str | None
    limit: str | None
    """What limits oneDNN's instructions, `ONEDNN_MAX_CPU_ISA=AVX2`; None where nothing does."""
    gpus: tuple[str, ...]
    """Those that NVIDIA's driver lists, by name."""
    python: str
    packages: dict[str, str]
    """Those that some stage's outcome depends on → version; with GPUs also NVIDIA's libraries."""

    @property
    def kind(self) -> Kind:
        return Kind(self.platform, self.processor, self.cpuid, self.cpus, self.limit, self.gpus)


class Made(Record):
    """What an entry of the store says of how it was made."""

    machine: Machine
    precision: Precision | None
    """Of the base's arithmetic; None for a stage that has none."""
    accelerators: tuple[str, ...] | None = None
    """Those that TensorFlow computed on; None of a stage that runs without it."""
    threads: int | None = None
    """That one operation of TensorFlow used at most; None likewise."""
    nodes: int | None = None
    """Of a cluster that shared its batches, this machine the first of them; None: it alone."""

    @property
    def where(self) -> str:
        """All that tells machines apart, as a phrase."""
        of = self.machine
        parts = (
            f"{of.processor} ({of.cpuid})" if of.cpuid else of.processor,
            of.platform,
            f"{of.cpus} processor{'s' if of.cpus > 1 else ''}",
            *(self.accelerators or (f"{name} (not used)" for name in of.gpus)),
            of.limit,
        )
        return ", ".join(part for part in parts if part)

    @property
    def told(self) -> dict[str, Any]:
        """What it says beside the machine, as far as there is something to say."""
        return self.model_dump(mode="json", exclude={"machine"}, exclude_none=True)


class ComputedOn(Record):
    """A kind of machine, and what was computed on it."""

    machine: str | None
    """None: the store does not say, because an earlier version of the program made the entries."""
    stages: tuple[str, ...]
    """Their labels, `baseline.head`."""


def where_they_differ(made: Iterable[tuple[str, Made | None]]) -> tuple[ComputedOn, ...]:
    """Every kind of machine with the labels of the stages that it computed; nothing where they were of one kind.

    A stage of which nothing is recorded makes no difference by itself.
    """
    stages: dict[Kind | None, list[str]] = {}
    texts: dict[Kind | None, str] = {}
    for label, record in made:
        kind = record.machine.kind if record else None
        stages.setdefault(kind, []).append(label)
        if record:
            texts.setdefault(kind, record.where)
    if len(texts) < 2:
        return ()
    return tuple(ComputedOn(machine=texts.get(kind), stages=tuple(labels)) for kind, labels in stages.items())
