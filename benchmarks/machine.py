"""The machine that a benchmark ran on, in one line each: processor, memory, versions, what else it was doing."""

import os
import platform
from importlib.metadata import version

from generator.support import hardware

PACKAGES = ("tensorflow", "keras", "numpy", "pillow")


def describe() -> dict[str, str]:
    """Name → what it is on this machine, now."""
    return {
        "processor": hardware.machine(),
        "bfloat16 units": ", ".join(sorted(hardware.BFLOAT16_FLAGS & hardware.flags())) or "none",
        "memory": hardware.memory(),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        **packages(),
        "load before": f"{os.getloadavg()[0]:.1f} processes wanted a core",
    }


def packages(*others: str) -> dict[str, str]:
    """The line of versions, with those of `others`."""
    return {"packages": ", ".join(f"{name} {version(name)}" for name in dict.fromkeys((*PACKAGES, *others)))}


def precisions() -> tuple[str, ...]:
    """Those that the processor has units for; it computes others by these, which measures nothing that a build does."""
    return ("float32", "bfloat16") if hardware.has_bfloat16_units() else ("float32",)


def as_worker() -> None:
    """Have TensorFlow compute here as where a build's stages run, whatever is its default on this processor, and
    without its remarks. Called before it is imported."""
    # Late: what describes a machine needs no stages.
    from generator.stages.table import WORKER_ENVIRONMENT

    os.environ.update(WORKER_ENVIRONMENT, TF_CPP_MIN_LOG_LEVEL="2")


def as_markdown(described: dict[str, str]) -> str:
    """`describe`'s answer as a list."""
    return "\n".join(f"- {name}: {value}" for name, value in described.items())
