"""In which precision a processor computes: by its flags and by what oneDNN is allowed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from generator.support import hardware
from generator.support.errors import BadInput
from tests.factories import ROOT

AVX2 = "fpu sse4_1 avx avx2 fma"
ALDER_LAKE = f"{AVX2} avx_vnni"
LUNAR_LAKE = f"{ALDER_LAKE} avx_vnni_int8 avx_ne_convert"
KNIGHTS_LANDING = f"{AVX2} avx512f avx512cd avx512er avx512pf"
SKYLAKE = f"{AVX2} avx512f avx512cd avx512bw avx512vl avx512dq"
ZEN_4 = f"{SKYLAKE} avx512_vnni avx512_bf16"
SAPPHIRE_RAPIDS = f"{ZEN_4} avx_vnni avx512_fp16 amx_tile amx_int8 amx_bf16"
GRANITE_WITH_CONVERT = f"{SAPPHIRE_RAPIDS} avx_vnni_int8 avx_ne_convert"
NEOVERSE_V1 = "fp asimd fphp asimdhp sve i8mm bf16"
UNKNOWN = ""


@pytest.fixture(autouse=True)
def _unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in hardware.LIMITS:
        monkeypatch.delenv(name, raising=False)


def give(monkeypatch: pytest.MonkeyPatch, flags: str, limit: str, name: str = "ONEDNN_MAX_CPU_ISA") -> None:
    """Let the processor have `flags` and oneDNN be limited to `limit`."""
    monkeypatch.setattr(hardware, "flags", lambda: frozenset(flags.split()))
    monkeypatch.setenv(name, limit)


@pytest.mark.parametrize(
    ("flags", "limit", "automatic", "computed"),
    [
        # No AVX-512: TensorFlow computes bfloat16 itself, whatever oneDNN is allowed.
        (AVX2, "", "float32", True),
        (AVX2, "AVX2", "float32", True),
        (ALDER_LAKE, "", "float32", True),
        (ALDER_LAKE, "SSE41", "float32", True),
        (NEOVERSE_V1, "", "float32", True),
        (NEOVERSE_V1, "AVX2", "float32", True),
        (UNKNOWN, "", "float32", True),
        # oneDNN computes it by rounding.
        (SKYLAKE, "", "float32", True),
        (LUNAR_LAKE, "", "float32", True),
        (LUNAR_LAKE, "AVX2_VNNI_2", "float32", True),
        (LUNAR_LAKE, "AVX2_VNNI", "float32", False),
        (ZEN_4, "AVX512_CORE", "float32", True),
        (SAPPHIRE_RAPIDS, "AVX512_CORE_VNNI", "float32", True),
        (GRANITE_WITH_CONVERT, "AVX2_VNNI_2", "float32", True),
        # It has units.
        (ZEN_4, "", "bfloat16", True),
        (ZEN_4, "ALL", "bfloat16", True),
        (ZEN_4, "no limit that oneDNN knows", "bfloat16", True),
        (SAPPHIRE_RAPIDS, "", "bfloat16", True),
        (SAPPHIRE_RAPIDS, "AVX512_CORE_BF16", "bfloat16", True),
        (SAPPHIRE_RAPIDS, "AVX512_CORE_AMX", "bfloat16", True),
        # TensorFlow gives it to oneDNN, which may not or cannot.
        (SAPPHIRE_RAPIDS, "AVX2", "float32", False),
        (SAPPHIRE_RAPIDS, "avx2", "float32", False),
        (SAPPHIRE_RAPIDS, "SSE41", "float32", False),
        (SAPPHIRE_RAPIDS, "AVX2_VNNI_2", "float32", False),
        (SKYLAKE, "AVX", "float32", False),
        (KNIGHTS_LANDING, "", "float32", False),
    ],
)
def test_fault_45_auto_is_bfloat16_with_units_only_and_what_cannot_be_computed_is_refused(
    monkeypatch: pytest.MonkeyPatch, flags: str, limit: str, automatic: str, computed: bool
) -> None:
    give(monkeypatch, flags, limit)
    assert hardware.precision("auto") == automatic
    assert hardware.precision("float32") == "float32"
    assert hardware.computes_bfloat16() == computed
    if computed:
        assert hardware.precision("bfloat16") == "bfloat16"
    else:
        with pytest.raises(BadInput, match=r"^model\.precision: bfloat16 cannot be computed .* float32 or auto$"):
            hardware.precision("bfloat16")


def test_fault_45_the_message_names_the_variable_that_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, ZEN_4, "AVX2", "DNNL_MAX_CPU_ISA")
    with pytest.raises(BadInput, match="under DNNL_MAX_CPU_ISA=AVX2; unset that variable, or"):
        hardware.precision("bfloat16")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "")
    assert hardware.precision("auto") == "float32", "an empty variable does not count"
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")
    assert hardware.precision("auto") == "bfloat16", "the new name goes first"


COMPUTE = """
import os, sys
import tensorflow as tf

def compute():
    images, kernel = tf.ones((2, 8, 8, 4), tf.bfloat16), tf.ones((3, 3, 4, 4), tf.bfloat16)
    print(int(tf.reduce_sum(tf.matmul(kernel[0], kernel[1]))), end=" ")
    print(int(tf.reduce_sum(tf.function(tf.nn.conv2d)(images, kernel, 1, "VALID"))), end=" ", flush=True)

for limit in sys.argv[1:]:
    child = os.fork()
    if not child:
        os.environ["ONEDNN_MAX_CPU_ISA"] = limit
        compute()
        os._exit(0)
    print("ended with", os.waitpid(child, 0)[1], flush=True)
"""
"""TensorFlow is imported once; oneDNN reads its limit when it first computes, in each child for itself."""


@pytest.mark.train
def test_fault_45_tensorflow_computes_bfloat16_where_it_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = ("", "AVX2", "AVX512_CORE")
    done = subprocess.run(
        [sys.executable, "-c", COMPUTE, *limits], capture_output=True, text=True, check=True, cwd=ROOT,
        env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": "1"}, timeout=300,
    )  # fmt: skip
    for limit, told in zip(limits, done.stdout.splitlines(), strict=True):
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
        assert (told == "192 10368 ended with 0") == hardware.computes_bfloat16(), (limit, told, done.stderr)


def test_gpus_are_those_that_the_driver_lists(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hardware, "_NVIDIA", tmp_path)
    assert hardware.gpus() == ()
    for bus in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / bus).mkdir()
        (tmp_path / bus / "information").write_text("Model: \t\t NVIDIA H100\nIRQ:   \t\t 11\n")
    assert hardware.gpus() == ("NVIDIA H100", "NVIDIA H100")


def test_what_limits_the_instructions_is_told_as_it_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hardware.limit() == ""
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "avx2")
    assert hardware.limit() == "ONEDNN_MAX_CPU_ISA=avx2"
