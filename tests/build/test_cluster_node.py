"""What a node of a cluster does with a stage: its files, versions, and what is told of it. No Ray, and fake stages."""

import hashlib
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generator.build import worker
from generator.build.clusters import cluster_node
from generator.build.clusters.cluster_cache import Offered
from generator.build.clusters.cluster_node import (
    Order,
    Station,
    absolute,
    differing,
    mirrored,
    packed,
    unpacked,
)
from generator.build.storage import machines
from generator.data.listed import ImageThere
from generator.experiment.machine import Made
from generator.stages.job import Job
from generator.support.files import file_hash
from tests import rays, stations
from tests.fakes import Project, make_built
from tests.rays import Rays

PYTHON = sys.version.split()[0]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_built(tmp_path_factory.mktemp("project"))


@pytest.fixture
def station(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Station]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(worker, "serve", stations.serve_stages)
    monkeypatch.setattr(cluster_node, "GRACE", 0)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    main = vars(sys.modules["__main__"])
    monkeypatch.setitem(main, "__file__", main.get("__file__"))
    # As another program, or a build before this one, may have left it.
    (tmp_path / f"measured-post-{os.getuid()}").mkdir(mode=0o755)
    one = Station(threads=3, gpus=0)
    yield one
    one.end()


def job_of(project: Project, stage: str) -> tuple[Job, Path]:
    """A stage's job, as the builder has it, and the folder of what came of it."""
    stages = project.places.store / "stages"
    node = project.plan().runs["baseline"][stage]
    inputs = {name: stages / need.name / need.key.digest for name, need in node.needs.items()}
    return node.job(inputs, project.folder / "checkpoints" / "one.npz"), stages / stage / node.key.digest


def order_of(job: Job, station: Station, **more: Any) -> Order:
    """The order of `job`, whose files the node has from before."""
    kept = station._node / "files"
    kept.mkdir(parents=True, exist_ok=True)
    files = {}
    for path in (path for folder in job.inputs.values() for path in folder.iterdir()):
        digest = file_hash(path)
        (kept / digest).write_bytes(path.read_bytes())
        files[absolute(path)] = Offered(digest, ())
    return Order(**{"job": packed(job), "versions": {}, "python": PYTHON, "files": files, **more})


def told_of(station: Station) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    while not found or found[-1][0] in ("progress", "checkpoint"):
        found += station.take()
    return found


def test_every_path_of_a_job_lies_below_the_node_s_folder(project: Project, tmp_path: Path) -> None:
    job, _ = job_of(project, "activation_maps")
    there = unpacked(packed(job), lambda path: mirrored(tmp_path, path))
    assert there.inputs == {name: mirrored(tmp_path, absolute(path)) for name, path in job.inputs.items()}
    assert there.checkpoint == mirrored(tmp_path, absolute(job.checkpoint))
    moved = [mirrored(tmp_path, absolute(sample.path)) for sample in job.dataset.samples]
    assert [sample.path for sample in there.dataset.samples] == moved
    assert [sample.name for sample in there.dataset.samples] == [sample.name for sample in job.dataset.samples]
    assert (there.settings, there.label) == (job.settings, job.label)


def test_an_image_at_an_address_is_the_same_on_every_node(project: Project, tmp_path: Path) -> None:
    job, _ = job_of(project, "activation_maps")
    sample = job.dataset.test[0]
    image = ImageThere.of(str(tmp_path / "listed"), sample.name, f"file://{project.data}", sample.digest)
    distant = replace(job.dataset, test=(replace(sample, path=image),))
    there = unpacked(packed(replace(job, given={**job.given, "dataset": distant})), lambda path: Path("nowhere"))
    assert isinstance(there.dataset.test[0].path, ImageThere)
    assert there.dataset.test[0].path.read_bytes() == sample.path.read_bytes()
    assert there.dataset.train[0].path == Path("nowhere")


def test_a_node_of_another_kind_of_machine_computes_nothing_where_that_matters(
    station: Station, project: Project
) -> None:
    job, _ = job_of(project, "head")
    like = machines.here().kind
    other = like._replace(processor="Another processor")
    assert station.begin(order_of(job, station, kind=other)) == (
        f"{Made(machine=machines.here(), precision=None).where}, and store.same_machine takes only what a machine like "
        "the builder's made"
    )
    assert station.begin(order_of(job, station, kind=like)) == ""
    assert told_of(station)[-1][0] == "done"


def test_a_node_without_a_way_to_the_images_says_so(
    station: Station, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    job, _ = job_of(project, "activation_maps")

    def told(address: str, name: str, digest: str) -> str:
        return station.begin(order_of(job, station, image=ImageThere.of("/nowhere", name, address, digest)))

    assert told("s3://bucket/animals", "1.png", "") == (
        "no way to the images (s3://bucket/animals: needs the package s3fs; pip install s3fs); or have the builder "
        "send them: --set execution.copy_data=true"
    )
    assert "file:///elsewhere: 1.png: is not there any more" in told("file:///elsewhere", "1.png", "")
    sample = job.dataset.samples[0]
    # What is another image by now, the stage itself will say.
    assert told(f"file://{project.data}", sample.name, "another") == ""
    told_of(station)


def test_a_relative_path_means_the_builder_s_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute(Path("a/../.store/x")) == str(tmp_path / ".store/x")


def test_a_stage_gives_the_files_that_it_gives_at_home(station: Station, project: Project) -> None:
    job, expected = job_of(project, "fine_tuning")
    assert station.begin(order_of(job, station)) == ""
    told = told_of(station)
    assert [content["epoch"] for kind, content in told if kind == "progress"] == [1, 2]
    kind, files = told[-1]
    assert kind == "done"
    found = {file.name: b"".join(station.read(file, at) for at in range(0, file.size, 7**9)) for file in files}
    assert found.pop(".made.json")
    assert found == {path.name: path.read_bytes() for path in expected.iterdir() if path.name != "entry.json"}


def test_each_checkpoint_is_returned_once_and_can_be_gone_on_from(
    station: Station, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(stations.HOLD, str(tmp_path))
    (tmp_path / "baseline.fine_tuning epoch 4").touch()
    job, _ = job_of(project, "fine_tuning")
    station.begin(order_of(job, station))
    told: list[tuple[str, Any]] = []
    while not any(kind == "checkpoint" for kind, _ in told):
        told += station.take()
    (first,) = [content for kind, content in told if kind == "checkpoint"]
    assert [kind for kind, _ in station.take()] == [], "it is the same one"
    kept = mirrored(station._own / "builder", absolute(job.checkpoint))
    assert station.read(first, 0) == kept.read_bytes()
    (tmp_path / "baseline.fine_tuning epoch 4").unlink()
    assert told_of(station)[-1][0] == "done"


def test_a_checkpoint_that_grows_is_returned_as_it_was(station: Station, tmp_path: Path) -> None:
    station._checkpoint = path = tmp_path / "growing"
    station._own.mkdir(parents=True)
    path.write_bytes(b"epoch 1")
    ((_, first),) = station.take()
    with path.open("ab") as stream:
        stream.write(b", epoch 2")
    assert station.read(first, 0) == b"epoch 1"
    ((_, second),) = station.take()
    assert station.read(second, 0) == b"epoch 1, epoch 2"
    assert second.digest == file_hash(path)
    assert station.take() == []


def test_a_stage_that_writes_into_its_checkpoint_changes_nothing_that_is_kept(
    station: Station, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rays.install(monkeypatch, Rays())
    monkeypatch.setenv(stations.HOLD, str(tmp_path))
    held = tmp_path / "baseline.fine_tuning"
    held.touch()
    job, _ = job_of(project, "fine_tuning")
    order = order_of(job, station)
    digest = hashlib.sha256(b"epoch 1").hexdigest()
    kept = station._node / "files" / digest
    kept.write_bytes(b"epoch 1")
    offered = {**order.files, absolute(job.checkpoint): Offered(digest, (b"epoch", b" 1"))}
    station.begin(replace(order, files=offered))
    stations.wait_until((tmp_path / "baseline.fine_tuning reached").exists, "the stage")
    checkpoint = mirrored(station._own / "builder", absolute(job.checkpoint))
    assert checkpoint.read_bytes() == b"epoch 1"
    with checkpoint.open("r+b") as stream:
        stream.write(b"another")
    assert kept.read_bytes() == b"epoch 1"


def test_no_other_user_of_a_node_reads_what_is_kept_there(station: Station, tmp_path: Path) -> None:
    (folder,) = tmp_path.glob("measured-post-*")
    assert station._own.is_relative_to(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_node_with_other_versions_runs_nothing(station: Station, project: Project) -> None:
    job, _ = job_of(project, "head")
    versions = {"numpy": "1.0", "no-such-package": "3.0"}
    refused = station.begin(order_of(job, station, versions=versions, python="3.9.1"))
    assert refused.startswith(f"Python {PYTHON} and not 3.9.1, numpy ")
    assert refused.endswith(" and not 1.0, no-such-package missing and not 3.0")


def test_a_node_that_cannot_compute_in_bfloat16_runs_nothing(
    station: Station, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, _ = job_of(project, "head")
    job.given["precision"] = "bfloat16"  # type: ignore[index]
    monkeypatch.setattr(cluster_node.hardware, "flags", lambda: frozenset({"avx512f"}))
    assert "bfloat16 cannot be computed" in station.begin(order_of(job, station))


def test_a_file_of_another_content_is_no_input(station: Station, project: Project) -> None:
    pytest.importorskip("ray")
    job, _ = job_of(project, "head")
    order = order_of(job, station)
    for path in (station._node / "files").iterdir():
        path.write_bytes(b"cut short")
    station.begin(order)
    kind, why = told_of(station)[-1]
    assert (kind, "another checksum" in why) == ("BuildFailed", True)


def test_names_and_versions_that_differ_are_told() -> None:
    node = {"Python": "3.11.7", "numpy": "2.0.0", "keras": "3.1"}
    assert differing({"numpy": "2.0.0", "keras": "3.1"}, "3.11.7", node) == ""
    told = differing({"numpy": "2.1.0", "tensorflow": "2.21.0"}, "3.12.1", node)
    assert told == "Python 3.11.7 and not 3.12.1, numpy 2.0.0 and not 2.1.0, tensorflow missing and not 2.21.0"


def test_what_dead_processes_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (str(os.getpid()), "999999999", "notes"):
        (tmp_path / name).mkdir()
    assert [path.name for path in cluster_node._of_dead(tmp_path)] == ["999999999"]


@pytest.mark.parametrize(("gpus", "given", "device"), [(0, None, ""), (0, "1", ""), (2, "1,3", "1,3")])
def test_only_accelerators_that_were_asked_for_are_used(
    gpus: int, given: str | None, device: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(cluster_node, "Worker", lambda log, device, *more: devices.append(device))
    if given is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    main = vars(sys.modules["__main__"])
    monkeypatch.setitem(main, "__file__", main.get("__file__"))
    Station(1, gpus)
    assert devices == [device]


def test_hosts_that_share_a_folder_leave_each_other_s_files_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(cluster_node, "Worker", lambda *arguments: None)
    main = vars(sys.modules["__main__"])
    monkeypatch.setitem(main, "__file__", main.get("__file__"))
    monkeypatch.setattr(socket, "gethostname", lambda: "one")
    files = Station(1, 0)._node / "files"
    files.mkdir(parents=True)
    # Of a process that no process here has the number of, as those of another host.
    gone = files.parent.with_name("4194305")
    files.parent.rename(gone)
    monkeypatch.setattr(socket, "gethostname", lambda: "two")
    Station(1, 0)
    assert (gone / "files").is_dir()
    monkeypatch.setattr(socket, "gethostname", lambda: "one")
    Station(1, 0)
    assert not gone.exists()
