"""Stages side by side that need the same input: what becomes of one that is broken."""

import threading
from pathlib import Path

import pytest

from generator.build.runner import Runner
from generator.build.storage import store as storage
from generator.build.storage.key import Key
from generator.build.storage.store import Entry, Store
from generator.experiment.config.execution_settings import ExecutionSettings
from generator.stages import artifacts
from tests.fakes import FakeExecutor, Recorder, make_project

PATIENCE = 30
"""Seconds after which a test that waits has failed."""


class Meeting(Store):
    """Two stages find out at the same time that the input `met` is broken."""

    def __init__(self, root: Path, met: Key) -> None:
        super().__init__(root)
        self._met, self._both = met, threading.Barrier(2)
        self._waiting = 2

    def find(self, key: Key, *, thorough: bool = False) -> Entry | None:
        found = super().find(key, thorough=thorough)
        if thorough and key.digest == self._met.digest and self._waiting:
            self._both.wait(PATIENCE)
            self._waiting = 0
        return found


def test_a_broken_input_that_two_stages_meet_is_made_again_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "SMALL", 0)  # Every file is a large one, which is checked when it is about to be read.
    planned = make_project(tmp_path / "project").plan()
    pixels, split = (planned.runs["baseline"][name] for name in ("pixels", "split"))
    before = Runner(Store(tmp_path / "store"), FakeExecutor(), Recorder())
    before.require(split)
    path = before.require(pixels).folder / artifacts.PIXELS
    path.write_bytes(b"\0" * path.stat().st_size)

    store = Meeting(tmp_path / "store", pixels.key)
    runner = Runner(store, FakeExecutor(jobs=2), Recorder(), execution=ExecutionSettings(jobs=2))
    both = (planned.runs["baseline"]["features"], planned.runs["augmentation"]["augmented"])
    runner.prepare(both)
    assert [label for label in runner.ran if label.endswith(".pixels")] in (
        ["baseline.pixels"],
        ["augmentation.pixels"],
    )
    assert {node.label for node in both} <= set(runner.ran)
