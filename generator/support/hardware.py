"""What the processor can do, as far as it decides how a build computes.

TensorFlow gives bfloat16 to oneDNN where the processor has AVX-512 or AVX-NE-CONVERT, and computes it itself
on every other one (`tensorflow/core/util/util.cc: IsDataTypeSupportedByOneDNNOnThisCPU`). It does not ask whether
oneDNN was told to use fewer instructions than there are; then the first operation fails, or ends the process. Tried
with TensorFlow 2.21 and its oneDNN 3.7.3 on a processor with AMX, limited and not, and on emulated ones: Haswell, which
has AVX2, and a 64-bit Arm with bfloat16 units.
"""

import os
import platform
from contextlib import suppress
from pathlib import Path
from typing import Literal

from generator.support.errors import BadInput, printable

Precision = Literal["float32", "bfloat16"]

BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
"""Processor flags, as Linux names them, that mean units for bfloat16. Arm's `bf16` does too, but TensorFlow 2.21 does
not use them: its bfloat16 is the same there as on the oldest processors."""

GIVEN_TO_ONEDNN = frozenset({"avx512f", "avx_ne_convert"})
"""Processor flags of which either makes TensorFlow give bfloat16 to oneDNN."""

AVX512_CORE = frozenset({"avx512f", "avx512bw", "avx512vl", "avx512dq"})
AVX2_VNNI_2 = frozenset({"avx_vnni", "avx_vnni_int8", "avx_ne_convert"})
"""Processor flags behind oneDNN's two instruction sets that compute in bfloat16, with units for it or by rounding
(its `cpu_isa_traits.hpp: mayiuse`, `platform.cpp: has_data_type_support`)."""

LIMITS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
"""Variables that limit oneDNN's instructions on x86-64; the first that is not empty counts, in capitals or not."""

BELOW_AVX2_VNNI_2 = frozenset({"sse41", "avx", "avx2", "avx2_vnni"})
BELOW_AVX512_CORE = BELOW_AVX2_VNNI_2 | {"avx2_vnni_2"}
BELOW_UNITS = BELOW_AVX512_CORE | {"avx512_core", "avx512_core_vnni"}
"""Limits that deny oneDNN the first instruction set, the second, and bfloat16 units. A name that it does not know is
no limit."""

_CPUID = ("cpu family", "model", "stepping", "cpu implementer", "cpu variant", "cpu part", "cpu revision")
"""Lines of `/proc/cpuinfo` on x86-64, then on Arm."""

_NVIDIA = Path("/proc/driver/nvidia/gpus")


def precision(setting: Literal["float32", "bfloat16", "auto"]) -> Precision:
    """The precision that `setting` means here: `auto` is bfloat16 where the processor has units that may be used.

    Raises `BadInput` for a bfloat16 that cannot be computed here.
    """
    if setting == "auto":
        return "bfloat16" if has_bfloat16_units() else "float32"
    if setting == "bfloat16" and not computes_bfloat16():
        variable, limit = _limit()
        why = f"under {variable}={printable(limit)}; unset that variable" if limit else "by oneDNN on this processor"
        raise BadInput(f"model.precision: bfloat16 cannot be computed {why}, or choose float32 or auto")
    return setting


def has_bfloat16_units() -> bool:
    """Whether the processor has units for bfloat16 and oneDNN may use them."""
    return bool(BFLOAT16_FLAGS & flags()) and not _limited_to(BELOW_UNITS)


def computes_bfloat16() -> bool:
    """Whether TensorFlow can compute in bfloat16 on this processor at all, with units or without."""
    have = flags()
    if not GIVEN_TO_ONEDNN & have:
        return True
    avx512, avx2 = not _limited_to(BELOW_AVX512_CORE), not _limited_to(BELOW_AVX2_VNNI_2)
    return (have >= AVX512_CORE and avx512) or (have >= AVX2_VNNI_2 and avx2)


def _limited_to(names: frozenset[str]) -> bool:
    return _limit()[1].lower() in names


def _limit() -> tuple[str, str]:
    """The variable that limits oneDNN and its value, as they stand; two empty strings if none does."""
    return next(((name, value) for name in LIMITS if (value := os.environ.get(name, ""))), ("", ""))


def flags() -> frozenset[str]:
    """The processor's feature flags; empty where the system does not tell them."""
    for line in cpuinfo():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()


def processor() -> str:
    """The processor's name where the system tells it, else its architecture."""
    names = (line.partition(":")[2].strip() for line in cpuinfo() if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def cpuid() -> str:
    """What tells processors of one name apart: `family 6, model 143, stepping 8`; empty where it is not told."""
    lines = (line.partition(":") for line in cpuinfo())
    told = {name.strip().lower(): value.strip() for name, _, value in lines}
    return ", ".join(f"{name.split()[-1]} {told[name]}" for name in _CPUID if told.get(name))


def machine() -> str:
    """Processor and count of the cores that this process may use: what one machine takes, another does not."""
    return f"{processor()}, {cores()} cores"


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpus() -> int:
    """Processors that the system counts, whether or not this process may use them."""
    return os.cpu_count() or 1


def limit() -> str:
    """What limits oneDNN's instructions, as `ONEDNN_MAX_CPU_ISA=AVX2`; empty where nothing does."""
    variable, value = _limit()
    return f"{variable}={printable(value)}" if variable else ""


def gpus() -> tuple[str, ...]:
    """Names of the GPUs that NVIDIA's driver for Linux lists, whether or not TensorFlow can use them."""
    names = []
    for path in sorted(_NVIDIA.glob("*/information")):
        with suppress(OSError, ValueError):
            lines = (line.partition(":") for line in path.read_text("utf-8").splitlines())
            names += [value.strip() for name, _, value in lines if name == "Model"]
    return tuple(names)


def gpu_numbers() -> tuple[str, ...]:
    """The GPUs that a process may use, as `CUDA_VISIBLE_DEVICES` names them."""
    told = os.environ.get("CUDA_VISIBLE_DEVICES")
    if told is None:
        return tuple(str(number) for number in range(len(gpus())))
    return tuple(name.strip() for name in told.split(",") if name.strip())


def memory() -> str:
    """Memory of the machine in whole GiB, `24 GiB`; empty where the system does not tell it."""
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (AttributeError, ValueError, OSError):
        return ""


def cpuinfo() -> list[str]:
    """The lines of Linux' `/proc/cpuinfo`; none on another system."""
    try:
        return Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return []
