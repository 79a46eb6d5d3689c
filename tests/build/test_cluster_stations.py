"""Whom a build hires on the nodes of a cluster, and whom it gives back. No Ray."""

from typing import Any

import pytest

from generator.build.clusters import cluster_stations
from generator.build.clusters.cluster_stations import Stations
from tests import rays
from tests.rays import Rays


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Rays:
    """A cluster of which one node has room for one station."""
    monkeypatch.setattr(Stations, "kind", rays.Willing)
    ray = Rays("n1")
    rays.install(monkeypatch, ray)
    return ray


@pytest.fixture
def told() -> list[tuple[Any, ...]]:
    return []


@pytest.fixture
def stations(told: list[tuple[Any, ...]]) -> Stations:
    return Stations(lambda *message: told.append(message))


def test_who_waits_for_a_node_takes_a_station_that_becomes_free(ray: Rays, stations: Stations) -> None:
    first = stations.hire("head")
    ray.meanwhile = lambda: stations.keep(first)
    assert stations.hire("fine_tuning") is first
    assert [actor.killed for actor in ray.actors] == [False, True], "nobody needs the one that had no room"


def test_who_waits_long_for_a_node_is_told_once(
    ray: Rays, stations: Stations, told: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_stations, "TOLD_AFTER", 0)
    stations.hire("head")
    looks = iter((None, None, "n2"))
    ray.meanwhile = lambda: ray.room.extend(node for node in (next(looks),) if node)
    assert stations.hire("fine_tuning").node == "n2"
    assert told == [(0, "say", "fine_tuning: waits for a node with 1 CPU to be free")]


def test_a_station_that_does_not_begin_is_given_back(ray: Rays, stations: Stations) -> None:
    ray.lost.add("n1")
    with pytest.raises(rays.RayActorError):
        stations.hire("head")
    assert [actor.killed for actor in ray.actors] == [True]


def test_a_refused_node_gives_back_its_stations_and_is_told_of_once(
    ray: Rays, stations: Stations, told: list[tuple[Any, ...]]
) -> None:
    stations.keep(stations.hire("head"))
    stations.refuse("n1", "10.0.0.7", "numpy 1.0 and not 2.0")
    stations.refuse("n1", "10.0.0.7", "numpy 1.0 and not 2.0")
    assert told == [(0, "warn", "ray: node 10.0.0.7 is refused: numpy 1.0 and not 2.0")]
    assert [actor.killed for actor in ray.actors] == [True]


def test_stations_that_nobody_reaches_are_waited_for_all_at_once(
    ray: Rays, stations: Stations, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = []

    def wait(calls: list[rays.Call], timeout: float, num_returns: int) -> tuple[list[rays.Call], list[rays.Call]]:
        waits.append(([call.name for call in calls], num_returns))
        return [], calls

    ray.room.append("n2")
    hired = [stations.hire("head"), stations.hire("fine_tuning")]
    for each in hired:
        stations.keep(each)
    monkeypatch.setattr(ray, "wait", wait)
    stations.close()
    assert waits[0] == (["end", "end"], 2)
    assert [actor.killed for actor in ray.actors] == [True, True]
