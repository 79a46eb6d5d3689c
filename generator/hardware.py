"""What the processor can do, as far as it decides how a build computes."""

import os
import platform
from pathlib import Path
from typing import Literal

Precision = Literal["float32", "bfloat16"]

BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""Processor flags, as Linux names them, that mean native bfloat16 arithmetic (x86-64 and 64-bit Arm)."""


def precision(setting: Literal["float32", "bfloat16", "auto"]) -> Precision:
    """The precision that `setting` means here: `auto` is bfloat16 where the processor has units for it."""
    if setting != "auto":
        return setting
    return "bfloat16" if BFLOAT16_FLAGS & flags() else "float32"


def flags() -> frozenset[str]:
    """The processor's feature flags; empty where the system does not tell them."""
    for line in _cpuinfo():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()


def processor() -> str:
    """The processor's name where the system tells it, else its architecture."""
    names = (line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def machine() -> str:
    """Processor and count of the cores that this process may use: what one machine takes, another does not."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{processor()}, {cores} cores"


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return []
