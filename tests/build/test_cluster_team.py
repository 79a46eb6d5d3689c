"""Several stations that run one stage, by a stand-in for Ray."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.build.clusters import cluster_link, cluster_stations
from generator.build.clusters.cluster_link import Link
from generator.build.clusters.cluster_node import Order
from generator.build.clusters.cluster_stations import Stations
from generator.build.worker import ALONE, Place
from generator.experiment.config.execution_settings import ExecutionSettings
from generator.support.errors import BadInput, BuildFailed
from tests import rays
from tests.fakes import Project, make_built
from tests.rays import Rays

ADDRESSES = ("address of n1:7000", "address of n2:7000")

Told = list[tuple[Any, ...]]
Run = Callable[..., Told]


class Member(rays.Willing):
    """A station that notes its orders, and is asked once more before it is done."""

    places: list[Place]
    others: tuple[str, Any] = ("progress", {"epoch": 1.0})
    """What those tell that are not the first."""

    def begin(self, order: Order) -> str:
        self.place = order.place
        self.places.append(order.place)
        self.asked = 0
        return ""

    def take(self) -> list[tuple[str, Any]]:
        self.asked += 1
        if self.asked > 1:
            return [("done", [])]
        return [("progress", {"epoch": 7.0})] if self.place.number == 0 else [self.others]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_built(tmp_path_factory.mktemp("project"))


@pytest.fixture
def run(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a stage that two nodes may share on stations of a kind; gives all that is told."""
    monkeypatch.setattr(Member, "places", [], raising=False)

    def run(ray: Rays, kind: type = Member, stage: str = "fine_tuning") -> Told:
        rays.install(monkeypatch, ray)
        monkeypatch.setattr(Stations, "kind", kind)
        told: Told = []
        link = Link(ExecutionSettings(ray="local", nodes=2), lambda *message: told.append(message))
        job = project.plan().runs["baseline"][stage].job({}, tmp_path / "checkpoint.npz")
        link.run(1, job, tmp_path / "out")
        return told

    return run


def test_a_team_knows_its_members_and_the_first_one_speaks(run: Run) -> None:
    ray = Rays("n2", "n1")
    assert run(ray) == [(1, "progress", {"epoch": 7.0}), (1, "done")]
    assert Member.places == [Place(0, ADDRESSES), Place(1, ADDRESSES)]
    assert [actor.node for actor in ray.actors] == ["n1", "n2"]
    # Their processes can be of no use to another stage.
    assert all(actor.killed for actor in ray.actors)
    assert ray.groups == []


def test_stages_that_train_no_more_than_a_head_run_on_one_node(run: Run) -> None:
    ray = Rays("n1", "n2")
    assert run(ray, stage="head")[-1] == (1, "done")
    assert Member.places == [ALONE]


def test_a_lost_member_ends_the_others_and_those_left_go_on(run: Run) -> None:
    ray = Rays("n1", "n2")

    class Lost(Member):
        def take(self) -> list[tuple[str, Any]]:
            if self.place.addresses:
                ray.lost.add("n2")
                ray.room.append("n1")
            return super().take()

    told = run(ray, Lost)
    lost = "its node address of n1 or address of n2 was lost; it goes on elsewhere, from its beginning"
    assert told[0] == (0, "warn", f"baseline.fine_tuning: {lost}")
    assert told[1] == (0, "warn", "baseline.fine_tuning: 2 nodes were to train together, 1 can")
    assert told[-1] == (1, "done")
    assert Member.places[-1] == ALONE
    assert [actor.killed for actor in ray.actors] == [True, True, False]
    assert ray.groups == []


def test_where_members_lose_each_other_another_team_begins(run: Run) -> None:
    ray = Rays("n1", "n2", "n1", "n2")

    class Parting(Member):
        @property
        def others(self) -> tuple[str, Any]:  # type: ignore[override]
            first = len(self.places) == 2
            return ("Parted", "baseline.fine_tuning: gone") if first else ("progress", {})

    told = run(ray, Parting)
    assert [kind for _, kind, *_ in told] == ["warn", "progress", "done"]
    assert [place.number for place in Member.places] == [0, 1, 0, 1]
    assert ray.groups == []


def test_an_error_of_any_member_is_the_stages(run: Run) -> None:
    class Refusing(Member):
        others = ("BadInput", "weights.h5: holds NaN")

    ray = Rays("n1", "n2")
    assert run(ray, Refusing) == [(1, "BadInput", "weights.h5: holds NaN")]
    assert all(actor.killed for actor in ray.actors)
    assert ray.groups == []


def test_who_waits_for_several_nodes_makes_room_and_goes_on_with_fewer_where_one_is_lost(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = Rays("n1")
    monkeypatch.setattr(cluster_stations, "TOLD_AFTER", 0)
    looks = iter((lambda: None, lambda: ray.lost.add("n2")))
    ray.meanwhile = lambda: next(looks)()
    told = run(ray)
    assert [text for _, kind, text in told[:-2]] == [
        "baseline.fine_tuning: waits for 2 nodes with 1 CPU each to be free",
        "baseline.fine_tuning: 2 nodes were to train together, 1 can",
    ]
    assert told[-1] == (1, "done")
    assert Member.places == [ALONE]
    assert ray.groups == []


def test_a_refused_node_is_in_no_team(run: Run) -> None:
    class Picky(Member):
        def begin(self, order: Order) -> str:
            return "numpy 1.0 and not 2.0" if order.place.number else super().begin(order)

    ray = Rays("n1", "n2", "n1")
    told = run(ray, Picky)
    assert told[0] == (0, "warn", "ray: node address of n2 is refused: numpy 1.0 and not 2.0")
    assert told[1] == (0, "warn", "baseline.fine_tuning: 2 nodes were to train together, 1 can")
    assert told[-1] == (1, "done")


def test_more_nodes_than_there_are_is_refused_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = Rays()
    nodes = [{**node, "NodeManagerAddress": ""} for node in ray.nodes()]
    rays.install(monkeypatch, ray)
    monkeypatch.setattr(ray, "nodes", lambda: nodes)
    monkeypatch.setattr(cluster_link, "connect", lambda address, tell: None)
    monkeypatch.setattr(cluster_link, "looked_at", lambda nodes, versions: [{} for _ in nodes])
    monkeypatch.setattr(cluster_link, "differing", lambda *found: "")
    settings = ExecutionSettings(ray="local", cpus=1, nodes=3)
    with pytest.raises(
        BadInput, match=r"^execution\.nodes = 3, but 2 of the cluster's nodes can run a stage \(1 CPU\)"
    ):
        Link(settings, lambda *message: None).open()
    assert Link(ExecutionSettings(ray="local", cpus=1, nodes=2), lambda *message: None).open() == 2


def test_a_node_that_does_not_answer_is_told_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that was just lost and is still listed."""
    ray, told = Rays(), []
    nodes = [{**node, "NodeManagerAddress": f"address of {node['NodeID']}"} for node in ray.nodes()]
    rays.install(monkeypatch, ray)
    monkeypatch.setattr(ray, "nodes", lambda: nodes)
    monkeypatch.setattr(cluster_link, "connect", lambda address, tell: None)
    answers: list[Any] = [rays.NodeDiedError("gone"), {}]
    monkeypatch.setattr(cluster_link, "looked_at", lambda nodes, versions: answers)
    monkeypatch.setattr(cluster_link, "differing", lambda *found: "")
    link = Link(ExecutionSettings(ray="local", cpus=1), lambda *message: told.append(message))
    assert link.open() == 1
    assert told == [
        (0, "warn", "ray: the node at address of n1 does not say what it has (NodeDiedError: gone); on without it")
    ]
    answers[1] = answers[0]
    with pytest.raises(BuildFailed, match=r"^ray: no node says what it has \(NodeDiedError: gone\); build again$"):
        link.open()
