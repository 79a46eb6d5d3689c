"""What the process that speaks with Ray decides without it."""

from pathlib import Path

import pytest

from generator.build.clusters import cluster_link
from generator.support.errors import BadInput, BuildFailed
from tests.fakes import Project, make_built


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
    assert set(cluster_link.files_of(maps)) == {sample.path for sample in maps.dataset.samples}


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
