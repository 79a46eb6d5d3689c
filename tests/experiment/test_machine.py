"""Machines: which are of one kind, and what is said where results come from several."""

from typing import Any

import pytest

from generator.experiment.machine import ComputedOn, Machine, Made, where_they_differ


def machine(**changes: Any) -> Machine:
    fields: dict[str, Any] = {
        "platform": "Linux x86_64",
        "processor": "Xeon",
        "cpuid": "family 6, model 143, stepping 8",
        "cpus": 2,
        "memory": "24 GiB",
        "limit": None,
        "gpus": (),
        "python": "3.11.7",
        "packages": {"numpy": "2.4.0"},
    }
    return Machine(**(fields | changes))


def made(**changes: Any) -> Made:
    return Made(machine=machine(**changes), precision="float32")


@pytest.mark.parametrize(
    "change",
    [
        {"platform": "Linux aarch64"},
        {"processor": "EPYC"},
        {"cpuid": "family 6, model 106, stepping 6"},
        {"cpus": 4},
        {"limit": "ONEDNN_MAX_CPU_ISA=AVX2"},
        {"gpus": ("H100",)},
    ],
)
def test_what_digits_may_follow_is_another_kind_of_machine(change: dict[str, Any]) -> None:
    assert machine(**change).kind != machine().kind
    found = where_they_differ([("a.head", made()), ("b.head", made(**change)), ("c.head", made())])
    assert [each.stages for each in found] == [("a.head", "c.head"), ("b.head",)]
    assert len({each.machine for each in found}) == 2


def test_memory_packages_and_threads_of_other_processes_make_no_other_kind() -> None:
    same = machine(memory="64 GiB", packages={}, python="3.12.1")
    assert same.kind == machine().kind
    assert where_they_differ([("a.head", made()), ("b.head", Made(machine=same, precision=None))]) == ()


def test_a_stage_without_a_record_is_told_only_where_others_differ() -> None:
    assert where_they_differ([("a.head", made()), ("b.head", None)]) == ()
    found = where_they_differ([("a.head", made()), ("b.head", None), ("c.head", made(cpus=8))])
    assert found[1] == ComputedOn(machine=None, stages=("b.head",))


def test_a_machine_is_described_by_what_tells_it_apart() -> None:
    plain = "Xeon (family 6, model 143, stepping 8), Linux x86_64, 2 processors"
    assert made().where == plain
    with_gpu = machine(cpuid=None, cpus=1, gpus=("H100",), limit="ONEDNN_MAX_CPU_ISA=AVX2")
    used = Made(machine=with_gpu, precision="float32", accelerators=("H100",), threads=1)
    assert used.where == "Xeon, Linux x86_64, 1 processor, H100, ONEDNN_MAX_CPU_ISA=AVX2"
    assert made(gpus=("H100",)).where == f"{plain}, H100 (not used)"
