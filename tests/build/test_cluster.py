"""Stages on nodes of Ray, of which two real ones run on this machine. The stages themselves are fakes."""

import importlib.util
import json
import multiprocessing
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from generator import pipeline
from generator.build.clusters import cluster
from generator.build.clusters.cluster import Cluster, ClusterLost
from generator.experiment.config.execution_settings import ExecutionSettings
from generator.support.errors import BadInput, BuildFailed
from tests import fakes
from tests.fakes import Project, Recorder, make_project, timeless
from tests.stations import Nodes, wait_until

NEEDS_RAY = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install ray")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that was built without a cluster; of one variant, because its two runs have stages side by side."""
    project = make_project(tmp_path_factory.mktemp("template"))
    project.variants = "baseline"
    with pytest.MonkeyPatch.context() as patch:
        fakes.install(patch.setattr)
        project.build("seeds=2")
    return project


@pytest.fixture
def fresh(template: Project, tmp_path: Path) -> Project:
    """The same project, of which nothing was built."""
    shutil.copytree(template.data, tmp_path / "project" / "animals")
    return Project(tmp_path / "project", template.variants)


def returned(project: Project, label: str) -> Path:
    """Where the builder has the checkpoint of a stage of two runs once it came back from its node."""
    (node,) = (node for node in project.plan("seeds=2").nodes if node.label == label)
    return project.places.store / "checkpoints" / f"{node.stage.name}-{node.key.digest}.npz"


@NEEDS_RAY
@pytest.mark.cluster
def test_two_nodes_give_the_bytes_of_one_process_and_a_killed_node_costs_an_epoch(
    nodes: Nodes, template: Project, fresh: Project
) -> None:
    waited_for, checkpoint = nodes.hold / "baseline.fine_tuning epoch 4", returned(fresh, "baseline.fine_tuning")
    waited_for.touch()
    display = Recorder()
    killed: list[int] = []

    def kill() -> None:
        reached = nodes.hold / f"{waited_for.name} reached"
        wait_until(lambda: reached.exists() and checkpoint.exists(), waited_for.name)
        killed.append(next(n for n in (1, 2) if int(reached.read_text()) in nodes.processes(n)))
        nodes.kill(killed[0])
        waited_for.unlink()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    outcome = fresh.build("seeds=2", f"execution.ray={nodes.address}", display=display)
    killer.join()
    assert killed
    assert timeless(fresh.site()) == timeless(template.site())
    assert any(label == "baseline.fine_tuning" for label in outcome.ran)
    # Ray may place it on the lost node once more before it notices.
    lost = [line for line in display.warnings if line.startswith("baseline.fine_tuning: ")]
    assert lost
    assert all("was lost; it goes on elsewhere, from its last epoch that came back" in line for line in lost)
    assert "up to 2 stages run at a time" in "\n".join(display.lines)


@NEEDS_RAY
@pytest.mark.cluster
def test_two_nodes_fine_tune_together_and_where_one_is_lost_the_other_goes_on(
    nodes: Nodes, template: Project, fresh: Project
) -> None:
    waited_for, checkpoint = nodes.hold / "baseline.fine_tuning epoch 4", returned(fresh, "baseline.fine_tuning")
    waited_for.touch()
    display = Recorder()

    def kill() -> None:
        reached = nodes.hold / f"{waited_for.name} reached"
        wait_until(lambda: reached.exists() and checkpoint.exists(), waited_for.name)
        nodes.kill(2)
        waited_for.unlink()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    fresh.build("seeds=2", f"execution.ray={nodes.address}", "execution.nodes=2", display=display)
    killer.join()
    assert timeless(fresh.site()) == timeless(template.site())
    (lost,) = (line for line in display.warnings if "its last epoch that came back" in line)
    assert lost.startswith("baseline.fine_tuning: its ")
    assert "baseline.fine_tuning: 2 nodes were to train together, 1 can" in display.warnings
    (provenance,) = fresh.places.site.glob("assets/data/*/provenance.json")
    stages = json.loads(provenance.read_text("utf-8"))["stages"]
    assert "nodes" not in stages["baseline.head"]


@NEEDS_RAY
@pytest.mark.cluster
def test_a_killed_head_is_one_clear_error_and_the_next_build_goes_on(
    nodes: Nodes, template: Project, fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_CLIENT_RECONNECT_GRACE_PERIOD", "5")  # seconds, of Ray's 30
    waited_for, checkpoint = nodes.hold / "baseline.fine_tuning epoch 4", returned(fresh, "baseline.fine_tuning")
    waited_for.touch()

    def kill() -> None:
        reached = nodes.hold / f"{waited_for.name} reached"
        wait_until(lambda: reached.exists() and checkpoint.exists(), waited_for.name)
        nodes.end()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    with pytest.raises(
        ClusterLost, match=r"^ray: the connection to ray://127\.0\.0\.1:\d+ was lost \(.*run the same command"
    ):
        fresh.build("seeds=2", f"execution.ray={nodes.client_address}")
    killer.join()
    assert not (fresh.places.site / "_posts").exists()
    with pytest.MonkeyPatch.context() as patch:
        events: list[str] = []
        fakes.install(patch.setattr, hook=events.append)
        fresh.build("seeds=2")
    assert "baseline.fine_tuning epoch 3" not in events
    assert "baseline.fine_tuning epoch 4" in events
    assert timeless(fresh.site()) == timeless(template.site())


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r'^--ray needs Ray, the extra "cluster" of this project: pip install ray$'):
        Cluster(ExecutionSettings(ray="local"), tmp_path / "log", print, print)


@NEEDS_RAY
def test_where_nobody_answers_that_is_said_at_once(fresh: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch.setattr)
    with pytest.raises(BuildFailed, match=r"^ray: nobody answers at 127\.0\.0\.1:9 \(.*\); start a cluster with"):
        fresh.build("execution.ray=127.0.0.1:9")


def test_a_build_in_which_nothing_runs_asks_no_cluster(template: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "Cluster", lambda *arguments, **how: Never())
    assert template.build("seeds=2", "execution.ray=127.0.0.1:9").ran == ()


def test_no_more_stages_are_handed_out_at_a_time_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """However many threads ask: stages in shards run at a time, and so do the shards of each."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    ours, theirs = multiprocessing.Pipe()
    monkeypatch.setattr(cluster.worker, "start", lambda *arguments: (None, ours))
    executor = Cluster(ExecutionSettings(ray="local"), tmp_path / "log", print, print)
    theirs.send((0, "ready", 2))
    assert executor.start() == 2
    job: Any = SimpleNamespace(tensorflow=True, label="baseline.features")
    with ThreadPoolExecutor(4) as threads, closing(theirs):
        asked = [threads.submit(executor.run, job, tmp_path, print) for _ in range(4)]
        numbers, begun = [theirs.recv()[0], theirs.recv()[0]], 2
        while numbers:
            assert not theirs.poll(0.2)
            theirs.send((numbers.pop(), "done"))
            if begun < len(asked):
                numbers.append(theirs.recv()[0])
                begun += 1
    assert [each.result() for each in asked] == [None] * 4


def test_what_cannot_be_said_does_not_end_the_connection(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    ours, theirs = multiprocessing.Pipe()
    monkeypatch.setattr(cluster.worker, "start", lambda *arguments: (None, ours))

    def unable(text: str) -> None:
        raise OSError("the terminal is gone")

    executor = Cluster(ExecutionSettings(ray="local"), tmp_path / "log", unable, unable)
    with closing(theirs):
        theirs.send((0, "say", "ray: connecting"))
        theirs.send((0, "ready", 2))
        assert executor.start() == 2


class Never:
    """An executor that nobody may ask."""

    def close(self) -> None:
        """Nothing was begun."""
