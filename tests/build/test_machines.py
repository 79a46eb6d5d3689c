"""The record of the machine: left by what ran a stage, kept in its entry, absent in old ones."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generator.build.storage import machines
from generator.build.storage.key import Key
from generator.build.storage.store import ENTRY, Store
from generator.stages.job import Job

KEY = Key("head", "baseline.head", {"setting head.epochs": 30})


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    machines.here.cache_clear()
    yield
    machines.here.cache_clear()


def job(**given: Any) -> Job:
    return Job("head", "baseline.head", "module:name", True, {}, given, {}, Path())


def run(asked: Job, out: Path, report: object) -> None:
    (out / "result.json").write_text("{}")


def test_an_entry_tells_the_machine_that_made_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    record = machines.recorded(run, lambda: (3, ("NVIDIA H100",)))
    created = store.create(KEY, lambda out: record(job(precision="bfloat16"), out, lambda figures: None))
    found = store.find(KEY)
    assert found is not None
    assert found.made == created.made
    assert found.made is not None
    assert found.made.precision == "bfloat16"
    assert (found.made.threads, found.made.accelerators) == (3, ("NVIDIA H100",))
    assert {"numpy", "tensorflow", "pillow"} <= set(found.made.machine.packages)
    # It is no file of the stage: stages list their inputs' folders.
    assert {path.name for path in found.folder.iterdir()} == {"result.json", ENTRY}


def test_a_process_without_tensorflow_says_nothing_of_accelerators_and_threads(tmp_path: Path) -> None:
    machines.note(job(), tmp_path)
    found = machines.parsed(machines.taken(tmp_path)["made"])
    assert found is not None
    assert (found.precision, found.accelerators, found.threads) == (None, None, None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("record", [None, {}, {"machine": {"processor": "Xeon"}}, "Xeon"])
def test_what_made_an_entry_of_another_version_is_unknown(record: Any, tmp_path: Path) -> None:
    store = Store(tmp_path)
    folder = store.create(KEY, lambda out: run(job(), out, None)).folder
    table = json.loads((folder / ENTRY).read_text())
    assert "made" not in table
    if record is not None:
        table["made"] = record
    (folder / ENTRY).write_text(json.dumps(table))
    found = store.find(KEY)
    assert found is not None
    assert found.made is None


def test_a_stage_that_fails_leaves_no_record(tmp_path: Path) -> None:
    def fail(asked: Job, out: Path, report: object) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        machines.recorded(fail, lambda: None)(job(), tmp_path, lambda figures: None)
    assert list(tmp_path.iterdir()) == []
