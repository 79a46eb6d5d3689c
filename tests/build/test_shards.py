"""Stages in shards: the same bytes, what a failure or a kill costs, what is left behind, and what is told of it."""

import math
import os
import shutil
import signal
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from generator.build import shards
from generator.build.outlook import Outset, expect
from generator.build.plan import Node, Plan
from generator.build.runner import Runner
from generator.build.start import start
from generator.build.storage import machines
from generator.build.storage.shared import SharedStore
from generator.build.storage.store import Entry, Store
from generator.experiment.config.execution_settings import ExecutionSettings
from generator.experiment.config.store_settings import StoreSettings
from generator.stages import artifacts
from generator.stages.job import Job
from generator.support.display import Display
from generator.support.errors import BuildFailed
from generator.support.progress import Report
from tests.driven import run_command
from tests.fakes import FakeExecutor, Project, Recorder, make_project

COUNT, BATCH = 18, 4
PATIENCE = 60
"""Seconds after which a test that waits has failed."""
SMALL = "execution.shard_images=4"
RANGES = [f"images {first} to {min(first + BATCH - 1, COUNT)} of {COUNT}" for first in range(1, COUNT, BATCH)]
FEATURES = [f"baseline.features, {images}" for images in RANGES]
THIRD = FEATURES[2]
SHARDED = {"baseline.pixels": 5, "baseline.cut": 5, "baseline.features": 5, "augmentation.augmented": 2}
"""Stage → its shards; eight images train."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def plan(project: Project) -> Plan:
    return project.plan()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


class Noting(FakeExecutor):
    """Keeps the labels of its jobs; at one of them a signal arrives, or it fails."""

    def __init__(self, failures: Mapping[str, Exception] | None = None, interrupted: str = "") -> None:
        super().__init__(failures)
        self.begun: list[str] = []
        self.interrupted = interrupted
        self.closed = threading.Event()

    def run(self, job: Job, out: Path, report: Report) -> None:
        self.begun.append(job.label)
        if job.label == self.interrupted:
            os.kill(os.getpid(), signal.SIGINT)
            assert self.closed.wait(PATIENCE), "what runs must be ended"
            raise BuildFailed("killed")
        super().run(job, out, report)

    def close(self) -> None:
        self.closed.set()

    @property
    def features(self) -> list[str]:
        return [label for label in self.begun if label.startswith("baseline.features")]


def wanted(plan: Plan) -> list[Node]:
    return [plan.runs[owner][stage] for owner, _, stage in (label.partition(".") for label in SHARDED)]


def run(
    plan: Plan, store: Store, executor: Noting, *, most: int = 4, jobs: int = 1, force: bool = False
) -> dict[str, Entry]:
    """The entries of the stages that may be sharded."""
    execution = ExecutionSettings(jobs=jobs, shard_images=most)
    runner = Runner(store, executor, Recorder(), force=force, execution=execution)
    return {node.label: runner.require(node) for node in wanted(plan)}


def failing(plan: Plan, store: Store) -> Noting:
    """A build whose third shard of the features fails; the cut is there."""
    executor = Noting({THIRD: BuildFailed(f"{THIRD}: its process was killed")})
    with pytest.raises(BuildFailed, match=rf"^{THIRD}: its process was killed$"):
        run(plan, store, executor)
    return executor


def contents(entries: Mapping[str, Entry]) -> dict[str, dict[str, bytes]]:
    return {
        label: {path.name: path.read_bytes() for path in entry.folder.iterdir() if path.name != "entry.json"}
        for label, entry in entries.items()
    }


@pytest.fixture(scope="module")
def whole(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """The files of the stages that ran without shards."""
    return contents(run(plan, Store(tmp_path_factory.mktemp("whole")), Noting(), most=0))


def kept_of(plan: Plan, store: Store, most: int = BATCH) -> shards.Kept:
    """What a build would take of the shards of the features."""
    features = plan.runs["baseline"]["features"]
    return shards.kept(store, [features], most).get(features.key.digest, shards.Kept(0, COUNT))


def left(root: Path) -> list[Path]:
    """What there is of shards in a store."""
    return [*root.glob("stages/shards/*"), *root.glob("*/shards-*")]


@pytest.mark.parametrize("jobs", [1, 3])
def test_stages_in_shards_have_the_keys_and_bytes_of_whole_ones(
    plan: Plan, store: Store, whole: dict[str, dict[str, bytes]], jobs: int
) -> None:
    executor = Noting()
    entries = run(plan, store, executor, jobs=jobs)
    assert contents(entries) == whole
    assert all(entry.made for entry in entries.values())
    assert left(store.root) == []
    for label, count in SHARDED.items():
        assert label not in executor.begun
        assert sum(each.startswith(f"{label}, images") for each in executor.begun) == count
    again = Noting()
    run(plan, store, again, most=0)
    assert again.begun == []


def test_a_stage_of_few_images_runs_whole(plan: Plan, store: Store) -> None:
    executor = Noting()
    run(plan, store, executor, most=COUNT)
    assert not any("images" in label for label in executor.begun)


def test_a_shard_that_fails_is_named_and_costs_itself(
    plan: Plan, store: Store, whole: dict[str, dict[str, bytes]]
) -> None:
    assert failing(plan, store).features == FEATURES[:3]
    executor = Noting()
    assert contents(run(plan, store, executor)) == whole
    assert executor.features == FEATURES[2:]
    assert left(store.root) == []


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_a_broken_shard_is_made_again_alone(
    plan: Plan, store: Store, whole: dict[str, dict[str, bytes]], damage: str
) -> None:
    failing(plan, store)
    entries = store.root.glob("stages/shards/*/entry.json")
    (folder,) = (entry.parent for entry in entries if FEATURES[1] in entry.read_text())
    if damage == "gone":
        shutil.rmtree(folder)
    else:
        (folder / artifacts.POOLED).write_bytes(b"\0" * (folder / artifacts.POOLED).stat().st_size)
    executor = Noting()
    assert contents(run(plan, store, executor)) == whole
    assert executor.features == FEATURES[1:]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_ends_the_stage_and_keeps_the_shards_that_are_there(plan: Plan, store: Store, jobs: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(plan, store, Noting(interrupted=THIRD), jobs=jobs)
    kept = kept_of(plan, store)
    assert kept.images >= 4
    executor = Noting()
    run(plan, store, executor)
    assert THIRD in executor.features
    assert len(executor.features) == len(FEATURES) - math.ceil(kept.images / BATCH)


def test_force_makes_every_shard_again(plan: Plan, store: Store) -> None:
    failing(plan, store)
    executor = Noting()
    run(plan, store, executor, force=True)
    assert executor.features == FEATURES


def test_shards_are_never_put_into_the_remote_store(plan: Plan, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    store = SharedStore(tmp_path / "store", StoreSettings(remote=str(remote), push=True))
    run(plan, store, Noting())
    assert (remote / "stages" / "features").is_dir()
    assert not (remote / "stages" / "shards").exists()


def test_shards_of_a_stage_that_is_there_are_cleaned_up(
    plan: Plan, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = machines.here()
    with monkeypatch.context() as patch:
        patch.setattr(shards.InShards, "discard", lambda self, found: None)
        run(plan, store, Noting())
    assert len(left(store.root)) == sum(SHARDED.values())
    with monkeypatch.context() as patch:
        patch.setattr(machines, "here", lambda: here.model_copy(update={"processor": "Another processor"}))
        shards.clean(SharedStore(store.root, StoreSettings(same_machine=True)))
    assert len(left(store.root)) == sum(SHARDED.values()), "a stage whose entry is refused is made again, of these"
    shards.clean(store)
    assert left(store.root) == []


def test_shards_that_another_build_still_puts_together_stay(
    plan: Plan, store: Store, whole: dict[str, dict[str, bytes]]
) -> None:
    class Beside(Noting):
        """Another build on the same store begins while the last shard is made; the stage's old entry is there."""

        def run(self, job: Job, out: Path, report: Report) -> None:
            if job.label == FEATURES[-1]:
                shards.clean(Store(store.root))
            super().run(job, out, report)

    run(plan, store, Noting())
    assert contents(run(plan, store, Beside(), force=True)) == whole
    assert left(store.root) == []


def test_shards_of_a_stage_that_is_not_there_stay(plan: Plan, store: Store) -> None:
    failing(plan, store)
    shards.clean(store)
    assert len(left(store.root)) == 2


def test_what_is_left_is_estimated(project: Project, plan: Plan, store: Store) -> None:
    config, features = project.config(SMALL), plan.runs["baseline"]["features"]
    there = Outset(config, start(config, project.places.store), plan, store)
    (before,) = expect(there, [features], Display()).work.values()
    failing(plan, store)
    (after,) = expect(there, [features], Display()).work.values()
    assert after.kind == before.kind
    assert after.volume / before.volume == pytest.approx(10 / 18)


def test_shards_of_another_size_do_not_count_as_done(plan: Plan, store: Store) -> None:
    failing(plan, store)
    assert [kept_of(plan, store, most) for most in (4, 8, 0)] == [(8, COUNT), (0, COUNT), (0, COUNT)]
    second = f"baseline.features, images 9 to 16 of {COUNT}"
    with pytest.raises(BuildFailed):
        run(plan, store, Noting({second: BuildFailed("its process was killed")}), most=8)
    assert [kept_of(plan, store, most) for most in (4, 8, 0)] == [(8, COUNT), (8, COUNT), (0, COUNT)]


def test_progress_is_that_of_the_stage(plan: Plan, store: Store) -> None:
    failing(plan, store)
    told: list[dict[str, float]] = []
    features = plan.runs["baseline"]["features"]
    whole = features.job(dict.fromkeys(("pixels",), store.root), Path())
    parts = shards.of(features, whole, 4)
    runner = Runner(store, Noting(), Recorder())
    pixels = runner.require(plan.runs["baseline"]["pixels"]).folder
    whole = features.job({"pixels": pixels}, Path())
    out = store.root / "out"
    out.mkdir()
    shards.InShards(store, Noting(), lambda: None, force=False).run(whole, parts, 1, out, told.append)
    assert told == [{"images": float(done), "of": COUNT} for done in (8, 12, 16, 18)]


# ---- The command -----------------------------------------------------------------------------------------


def test_fault_31_a_build_killed_in_a_shard_goes_on_there(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    project.variants = "baseline"
    begun = run_command(project, "say", "kill=15", "--set", SMALL).stdout.splitlines()
    assert begun[-1] in FEATURES[1:]
    last = FEATURES.index(begun[-1])
    rows = project.explain(SMALL)
    expected = f"{4 * last} of 18 images are done: shards of a build that ended before"
    assert rows["baseline.features"].causes[-1] == expected
    done = run_command(project, "say", "--set", SMALL)
    assert done.returncode == 0, done.stderr
    assert [each for each in done.stdout.splitlines() if each.startswith("baseline.features")] == FEATURES[last:]
    assert left(project.places.store) == []
