"""The stations that run one stage: one, or for fine-tuning several on nodes apart, which share its batches.

All of a team are given the same stage and the same files. What the first of them says and makes is the stage's. When
one is lost the others cannot go on: whoever gathered them begins anew with another team, from the last checkpoint.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from generator.build.clusters.cluster_node import Order
from generator.build.clusters.cluster_stations import Hired, Stations
from generator.build.worker import ALONE, Place

SHARED = frozenset({"fine_tuning"})
"""Stages that several nodes may run together."""


class Refused(Exception):
    """A node may not run a stage; the message says why."""

    def __init__(self, member: Hired, why: str) -> None:
        super().__init__(why)
        self.member = member


class TooFew(Exception):
    """There are no longer as many nodes as were to run a stage."""


@dataclass(frozen=True)
class Team:
    """Stations that run one stage."""

    stations: Stations
    members: tuple[Hired, ...]
    addresses: tuple[str, ...] = ()
    """Where their processes for TensorFlow find each other, `HOST:PORT` each; none of one that is alone."""
    group: Any = None
    """Ray's hold on the nodes of several."""

    @property
    def words(self) -> str:
        return " or ".join(member.address for member in self.members)

    @property
    def first(self) -> Any:
        """The actor whose files are the stage's."""
        return self.members[0].actor

    def begin(self, order: Order) -> None:
        """Begin with a stage. Raises `Refused` where a node may not run it."""
        import ray

        for index, member in enumerate(self.members):
            place = Place(index, self.addresses) if self.group else ALONE
            refused = ray.get(member.actor.begin.remote(replace(order, place=place)))
            if refused:
                raise Refused(member, refused)

    def take(self) -> Iterator[tuple[str, Any]]:
        """What is new, as `Station.take` tells it: of the others their errors, of the first all."""
        import ray

        asked = [member.actor.take.remote() for member in self.members]
        first, *others = [ray.get(each) for each in asked]
        usual = ("progress", "checkpoint", "done")
        yield from (each for told in others for each in told if each[0] not in usual)
        yield from first

    def keep(self) -> None:
        """Have a station wait for the next stage. Several end: their processes know each other and nobody else."""
        if self.group:
            self.end()
        else:
            self.stations.keep(self.members[0])

    def end(self) -> None:
        """End in good order."""
        self.stations.end(*self.members)
        _let_go(self.group)

    def lose(self) -> None:
        """End, where one is gone."""
        for member in self.members:
            self.stations.lose(member)
        _let_go(self.group)


def gather(stations: Stations, label: str, nodes: int) -> Team:
    """Stations for a stage on so many nodes, or on as many as there are; `label` is who waits for them.

    Raises as `Stations.hire` and `Stations.able` do.
    """
    import ray

    while nodes > 1:
        there = len(stations.able(ray.nodes()))
        if there < nodes:
            stations.tell(0, "warn", f"{label}: {nodes} nodes were to train together, {max(1, there)} can")
            nodes = there
            continue
        with suppress(TooFew):
            return _apart(stations, label, nodes)
    return Team(stations, (stations.hire(label),))


def _apart(stations: Stations, label: str, nodes: int) -> Team:
    """New stations on so many nodes, as soon as all of them have room. Raises `TooFew` where some are lost before."""
    import ray
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    def wait(asked: Any) -> None:
        for _ in stations.waiting(asked, label, f"{nodes} nodes with {stations.needs.words} each"):
            stations.release(0)
            if len(stations.able(ray.nodes())) < nodes:
                raise TooFew

    # All or none: of two stages that wait for each other's nodes, none would ever begin.
    selector = {"bundle_label_selector": [stations.selector] * nodes} if stations.selector else {}
    group = ray.util.placement_group([stations.needs.bundle] * nodes, strategy="STRICT_SPREAD", **selector)
    actors = []
    try:
        wait(group.ready())
        placed = [PlacementGroupSchedulingStrategy(group, index) for index in range(nodes)]
        actors = [stations.new(scheduling_strategy=each) for each in placed]
        asked = [actor.where.remote() for actor in actors]
        for each in asked:
            wait(each)
        members = tuple(Hired(actor, *ray.get(each)) for actor, each in zip(actors, asked, strict=True))
        ports = ray.get([member.actor.port.remote() for member in members])
    except BaseException:
        for actor in actors:
            stations.dismiss(actor)
        _let_go(group)
        raise
    hosts = [f"[{member.address}]" if ":" in member.address else member.address for member in members]
    return Team(stations, members, tuple(f"{host}:{port}" for host, port in zip(hosts, ports, strict=True)), group)


def _let_go(group: Any) -> None:
    import ray

    if group:
        with suppress(Exception):
            ray.util.remove_placement_group(group)
