"""What a stage needs of a node, and who answers at an address."""

import socket

import pytest

from generator.build.clusters import cluster_nodes
from generator.build.clusters.cluster_nodes import Needs
from generator.experiment.config.execution_settings import ExecutionSettings
from generator.support.errors import BuildFailed

GIB = 2**30


@pytest.mark.parametrize(
    ("needs", "node", "room"),
    [
        (Needs(2, 0, 0), {"CPU": 7.0}, 3),
        (Needs(2, 0, 0), {"CPU": 1.0}, 0),
        (Needs(2, 0, 0), {}, 0),
        (Needs(1, 1, 0), {"CPU": 8.0, "GPU": 2.0}, 2),
        (Needs(1, 1, 0), {"CPU": 8.0}, 0),
        (Needs(1, 0, 3 * GIB), {"CPU": 8.0, "memory": 10.0 * GIB}, 3),
    ],
)
def test_as_many_stages_fit_as_the_scarcest_resource_allows(needs: Needs, node: dict[str, float], room: int) -> None:
    assert needs.fit(node) == room


def test_needs_in_words() -> None:
    assert Needs(1, 0, 0).words == "1 CPU"
    assert Needs(4, 1, GIB * 3 // 2).words == "4 CPUs and 1 GPU and 1.5 GiB of memory"


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_where_nobody_answers_that_is_said_before_ray_waits(scheme: str) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
        with pytest.raises(
            BuildFailed, match=rf"^ray: nobody answers at {scheme}127.0.0.1:{port} \(Connection refused\)"
        ):
            cluster_nodes._check_answers(f"{scheme}127.0.0.1:{port}")
        one.listen()
        cluster_nodes._check_answers(f"{scheme}127.0.0.1:{port}")


@pytest.mark.parametrize(
    "address", ["auto", "local", "10.0.0.7:6379", "ray://head.example.org:10001", "ray://[::1]:10001"]
)
def test_addresses_of_clusters(address: str) -> None:
    assert ExecutionSettings(ray=address).ray == address


@pytest.mark.parametrize("address", ["", "10.0.0.7", "http://10.0.0.7:8265", "ray://head", "a b:1"])
def test_what_is_no_address_of_a_cluster(address: str) -> None:
    with pytest.raises(ValueError, match="String should match pattern"):
        ExecutionSettings(ray=address)


def test_needs_without_a_cluster_are_refused() -> None:
    with pytest.raises(ValueError, match="gpus is what a cluster is asked for; set ray, its address, too"):
        ExecutionSettings(gpus=1)
