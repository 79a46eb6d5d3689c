"""The machine that a benchmark ran on, in one line each: processor, memory, versions, what else it was doing."""

import os
import platform
from importlib.metadata import version

from generator.support import hardware

PACKAGES = ("tensorflow", "keras", "numpy", "pillow")


def describe() -> dict[str, str]:
    """Name → what it is on this machine, now."""
    return {
        "processor": f"{hardware.processor()}, {cores()} cores",
        "bfloat16 units": ", ".join(sorted(hardware.BFLOAT16_FLAGS & hardware.flags())) or "none",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "load before": f"{os.getloadavg()[0]:.1f} processes wanted a core",
    }


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def as_markdown(described: dict[str, str]) -> str:
    """`describe`'s answer as a list."""
    return "\n".join(f"- {name}: {value}" for name, value in described.items())
