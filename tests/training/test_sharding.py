"""Shards of the stages that compute have the bits of the whole, also where a worker was killed in one of them."""

import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.train

from generator.build.executor import Local  # noqa: E402
from generator.build.runner import Runner  # noqa: E402
from generator.build.storage.store import Store  # noqa: E402
from generator.experiment.config.execution_settings import ExecutionSettings  # noqa: E402
from generator.stages import artifacts, sharding, workspace  # noqa: E402  # needs TensorFlow
from generator.stages.job import Job  # noqa: E402
from generator.support.errors import BuildFailed  # noqa: E402
from generator.support.hardware import Precision  # noqa: E402
from generator.support.progress import Report  # noqa: E402
from tests.build.test_shards import BATCH, FEATURES, THIRD, left  # noqa: E402
from tests.fakes import Recorder, make_project  # noqa: E402
from tests.training import shortened, test_augmenting  # noqa: E402
from tests.training.test_augmenting import make_inputs  # noqa: E402
from tests.training.test_epochs import IMAGES, make_dataset, make_job  # noqa: E402

MOST = 4
"""Images of a shard: one batch, so that each has another number of batches before it."""
SETTINGS = {**test_augmenting.SETTINGS, "head.epochs": 2, "fine_tuning.from_layer": 53}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Path]:
    with shortened.in_stages():
        yield make_inputs(tmp_path / "store")


def job(stage: str, store: Path, precision: Precision, **settings: Any) -> Job:
    changed = SETTINGS | {name.replace("__", "."): value for name, value in settings.items()}
    made = make_job(stage, store, changed, dataset=make_dataset(np.arange(IMAGES) % 2), precision=precision)
    module = "augmenting" if stage == "augmented" else "learning"
    inputs = {name: folder for name, folder in made.inputs.items() if stage == "augmented" or name != "split"}
    return replace(made, runs=f"generator.stages.{module}:{stage}", inputs=inputs)


def run(todo: Job, out: Path) -> None:
    out.mkdir(parents=True)
    workspace.run(todo, out, lambda figures: None)


def in_shards(kind: sharding.Sharding, whole: Job, folder: Path) -> Path:
    folders = []
    for images in reversed(sharding.split(kind, whole, MOST)):  # in any order
        shard = sharding.shard(kind, whole, images, folder / f"inputs-{images.start}")
        folders.insert(0, folder / f"shard-{images.start}")
        run(replace(shard, checkpoint=folder / f"checkpoint-{images.start}"), folders[0])
    assert len(folders) > 1
    (folder / "out").mkdir()
    sharding.join(kind, whole, folders, folder / "out")
    return folder / "out"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("precision", ["float32", pytest.param("bfloat16", marks=pytest.mark.bfloat16)])
def test_what_shards_compute_together_is_what_the_whole_stage_computes(
    store: Path, tmp_path: Path, precision: Precision
) -> None:
    # `features` starts from the images first, and then at the cut.
    stages: list[tuple[str, sharding.Sharding]] = [("features", "rows"), ("cut", "rows"), ("features", "rows")]
    for number, (stage, kind) in enumerate([*stages, ("augmented", "passes")]):
        whole, folder = job(stage, store, precision), tmp_path / str(number)
        run(whole, folder / "whole")
        expected = contents(folder / "whole")
        assert any(name.endswith(".npy") for name in expected)
        assert contents(in_shards(kind, whole, folder)) == expected
        if stage == "cut":
            (folder / "whole").rename(store / "cut")


def test_past_the_budget_no_shard_keeps_anything(store: Path, tmp_path: Path) -> None:
    within = job("cut", store, "float32")
    run(within, tmp_path / "within")
    stored = np.load(tmp_path / "within" / artifacts.OUTPUTS).nbytes
    beyond = job("cut", store, "float32", data__max_stored_bytes=stored - 1)
    assert set(contents(in_shards("rows", beyond, tmp_path / "beyond"))) == {artifacts.CUT}


class Killed(Local):
    """Keeps the labels of its jobs; in the first that is called `THIRD` its process is killed."""

    begun: list[str]
    killed = False

    def run(self, job: Job, out: Path, report: Report) -> None:
        self.begun.append(job.label)
        if job.label == THIRD and not self.killed:
            self.killed = True
            (worker,) = self._workers
            # In the middle: tracing the graph alone takes longer.
            threading.Timer(0.1, os.kill, (worker._process.pid, signal.SIGKILL)).start()
        super().run(job, out, report)


def test_fault_44_a_worker_killed_in_the_third_of_five_shards_costs_that_shard(tmp_path: Path) -> None:
    node = make_project(tmp_path / "project").plan().runs["baseline"]["features"]
    executor, store = Killed(tmp_path / "worker.log"), Store(tmp_path / "store")

    def features(store: Store, most: int) -> bytes:
        executor.begun = []
        runner = Runner(store, executor, Recorder(), execution=ExecutionSettings(shard_images=most))
        return runner.require(node).read_bytes(artifacts.POOLED)

    try:
        expected = features(Store(tmp_path / "whole"), 0)
        with pytest.raises(BuildFailed, match=rf"{THIRD}: its process was killed by SIGKILL"):
            features(store, BATCH)
        assert executor.begun[-3:] == FEATURES[:3]
        assert features(store, BATCH) == expected
        assert executor.begun == FEATURES[2:]
    finally:
        executor.close()
    assert left(store.root) == []
