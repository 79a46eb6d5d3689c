"""What the process that speaks with Ray decides without it."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from generator.build.clusters import cluster_link
from generator.build.clusters.cluster_link import Link
from generator.build.clusters.cluster_node import Order, Returned
from generator.build.clusters.cluster_stations import Stations
from generator.build.storage import machines
from generator.data.listed import ImageThere
from generator.experiment.config.execution_settings import ExecutionSettings
from generator.experiment.machine import Kind
from generator.support.addresses import Unreachable
from generator.support.errors import BadInput, BuildFailed
from tests import rays
from tests.fakes import Project, make_built
from tests.rays import Rays

Run = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_built(tmp_path_factory.mktemp("project"))


def test_what_a_stage_reads_is_sent_and_no_more(project: Project) -> None:
    stages, nodes = project.places.store / "stages", project.plan().runs["baseline"]
    node = nodes["fine_tuning"]
    inputs = {name: stages / need.name / need.key.digest for name, need in node.needs.items()}
    none = project.folder / "none"
    files = cluster_link.files_of(node.job(inputs, none))
    assert {path.parent for path in files} == set(inputs.values())
    assert "entry.json" not in {path.name for path in files}
    maps = nodes["activation_maps"].job({}, none)
    assert set(cluster_link.files_of(maps)) == {sample.path for sample in maps.dataset.test}
    pixels = nodes["pixels"].job({}, none)
    assert set(cluster_link.files_of(pixels)) == {sample.path for sample in pixels.dataset.samples}


def test_images_at_an_address_are_not_sent(project: Project) -> None:
    file, image = project.data / "a.png", ImageThere.of("/nowhere", "a.png", f"file://{project.data}", "")
    assert cluster_link.sorted_out([file, image]) == ([image], [file])


def test_a_checkpoint_goes_along(project: Project, tmp_path: Path) -> None:
    job = project.plan().runs["baseline"]["head"].job({}, tmp_path / "checkpoint.npz")
    assert cluster_link.files_of(job) == []
    job.checkpoint.write_bytes(b"epoch 3")
    assert cluster_link.files_of(job) == [job.checkpoint]


class Ended(Exception):
    """As much of Ray's error as is looked at."""

    actor_init_failed = False


def test_a_lost_node_and_a_lost_process_are_told_apart() -> None:
    assert cluster_link._why(Ended("The actor died because its node has died."), "10.0.0.7") == (
        "its node 10.0.0.7 was lost"
    )
    assert cluster_link._why(Ended("Worker exit type: SYSTEM_ERROR"), "10.0.0.7") == (
        "its process on node 10.0.0.7 was lost"
    )


def test_what_would_be_lost_again_is_an_error() -> None:
    with pytest.raises(
        BuildFailed, match=r"memory ran out on its node 10\.0\.0\.7; ask for more with execution\.memory"
    ):
        cluster_link._why(Ended("Worker exit type: NODE_OUT_OF_MEMORY"), "10.0.0.7")
    failed = Ended("it failed\nModuleNotFoundError: No module named 'pydantic'\n")
    failed.actor_init_failed = True
    with pytest.raises(BadInput, match=r"\(ModuleNotFoundError: No module named 'pydantic'\); install there what req"):
        cluster_link._why(failed, "")
    failed = Ended("it failed\ngenerator.support.errors.BuildFailed: /tmp/x: cannot be written; set TMPDIR\n")
    failed.actor_init_failed = True
    with pytest.raises(BadInput, match=r"^no stage begins on a node: /tmp/x: cannot be written; set TMPDIR$"):
        cluster_link._why(failed, "")


# ---- Stages on stations ----------------------------------------------------------------------------------


@pytest.fixture
def run(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a stage on stations of a kind, and gives all that is told; the last of it is how the stage ended."""

    def run(
        ray: Rays, kind: type, prepare: Callable[[Link], None] = lambda link: None, like: Kind | None = None
    ) -> list[tuple[Any, ...]]:
        rays.install(monkeypatch, ray)
        monkeypatch.setattr(Stations, "kind", kind)
        told: list[tuple[Any, ...]] = []
        link = Link(ExecutionSettings(ray="local"), lambda *message: told.append(message), like)
        job = project.plan().runs["baseline"]["head"].job({}, tmp_path / "checkpoint.npz")
        prepare(link)
        link.run(1, job, tmp_path / "out")
        return told

    return run


def test_where_every_node_was_refused_that_is_an_error(run: Run) -> None:
    told = run(Rays("n1", "n2"), rays.Refusing)
    assert [(kind, text.rpartition(": ")[0]) for _, kind, text in told[:-1]] == [
        ("warn", "ray: node address of n1 is refused"),
        ("warn", "ray: node address of n2 is refused"),
    ]
    assert told[-1][:2] == (1, "BadInput")
    assert "no node is left that may run a stage" in told[-1][2]


def test_a_node_is_told_what_kind_of_machine_it_must_be(run: Run) -> None:
    class Telling(rays.Willing):
        def begin(self, order: Order) -> str:
            return order.kind.processor if order.kind else ""

    other = machines.here().kind._replace(processor="Another processor")
    assert run(Rays("n1"), Telling) == [(1, "done")]
    assert run(Rays("n1", "n2"), Telling, like=other)[0][1:] == (
        "warn",
        "ray: node address of n1 is refused: Another processor",
    )


def test_one_lost_node_is_one_try_however_many_stations_it_had(run: Run) -> None:
    ray = Rays(*["n1"] * cluster_link.TRIES, "n2")

    def lose(link: Link) -> None:
        for hired in [link.stations.hire("earlier") for _ in range(cluster_link.TRIES)]:
            link.stations.keep(hired)
        ray.lost.add("n1")

    told = run(ray, rays.Willing, lose)
    assert [kind for _, kind, *_ in told] == ["warn", "done"]
    assert all(actor.killed for actor in ray.actors if actor.node == "n1")


def test_a_stage_of_a_build_that_is_stopped_goes_on_nowhere(run: Run) -> None:
    ray, links = Rays("n1", "n2", "n3"), list[Link]()

    class Stopped(rays.Willing):
        def take(self) -> list[tuple[str, Any]]:
            links[0].close()
            raise rays.RayActorError("The actor was killed by ray.kill.")

    assert run(ray, Stopped, links.append) == [(1, "BuildFailed", "the build was stopped")]
    assert len(ray.actors) == 1


def test_a_head_that_is_lost_while_a_file_comes_back_is_no_full_disk(run: Run) -> None:
    class Cut(rays.Willing):
        def take(self) -> list[tuple[str, Any]]:
            return [("done", [Returned("weights.npz", "/there/weights.npz", 7, "")])]

        def read(self, file: Returned, offset: int) -> bytes:
            raise ConnectionError("Client is shutting down.")

    assert run(Rays("n1"), Cut) == [(1, "lost", "ConnectionError: Client is shutting down.")]


def test_a_node_that_is_lost_while_a_file_comes_back_costs_the_stage(run: Run, tmp_path: Path) -> None:
    class Leaving(rays.Willing):
        reads: int = 0

        def take(self) -> list[tuple[str, Any]]:
            return [("done", [Returned("weights.npz", "/there/weights.npz", 7, sha256(b"weights").hexdigest())])]

        def read(self, file: Returned, offset: int) -> bytes:
            type(self).reads += 1
            if self.reads == 1:
                raise rays.ObjectLostError("its owner has died")
            return b"weights"

    told = run(Rays("n1", "n2"), Leaving)
    assert told[0][1:] == (
        "warn",
        "baseline.head: its node address of n1 was lost; it goes on elsewhere, from its beginning",
    )
    assert told[-1] == (1, "done")
    assert (tmp_path / "out" / "weights.npz").read_bytes() == b"weights"


def test_a_file_of_the_builder_that_is_gone_fails_its_stage(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_link, "files_of", lambda job: [Path("/gone/1.png")])
    told = run(Rays("n1"), rays.Willing)
    assert told == [(1, "BuildFailed", "/gone/1.png: No such file or directory")]


def test_an_error_that_is_of_a_kind_of_ours_is_told_as_that(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def files_of(job: Any) -> list[Path]:
        raise Unreachable("s3://bucket: cannot be reached (timed out)")

    monkeypatch.setattr(cluster_link, "files_of", files_of)
    assert run(Rays("n1"), rays.Willing) == [(1, "BuildFailed", "s3://bucket: cannot be reached (timed out)")]
