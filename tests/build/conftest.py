"""A cluster of two real nodes on this machine, for the tests of a module."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.build.clusters import cluster
from tests import fakes, stations
from tests.stations import Nodes


@pytest.fixture(scope="module")
def started() -> Iterator[Nodes]:
    """A cluster of a head without processors and two nodes with one each."""
    with tempfile.TemporaryDirectory(prefix="r") as folder, Nodes(Path(folder) / "n", (0, 1, 1)) as found:
        yield found


@pytest.fixture
def nodes(started: Nodes, monkeypatch: pytest.MonkeyPatch) -> Nodes:
    """The cluster, with the nodes again that another test killed; who kills the head comes last."""
    monkeypatch.setattr(cluster.cluster_link, "serve", stations.serve)
    monkeypatch.setattr(cluster, "run_here", fakes.FakeExecutor().run)
    for name, value in stations.SECRET.items():
        monkeypatch.setenv(name, value)
    for left in started.hold.iterdir():
        left.unlink()
    started.restart()
    return started
