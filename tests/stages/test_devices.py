"""Two processes that fine-tune one network together: what one of them alone gives, the same each time, and resumed."""

import importlib.util
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.train

pytest.importorskip("keras")

from generator.backbones.vgg16 import VGG16  # noqa: E402
from generator.backbones.weights import resolve  # noqa: E402
from generator.build.clusters.cluster import Cluster  # noqa: E402
from generator.build.storage import machines  # noqa: E402
from generator.build.worker import Place, Worker  # noqa: E402
from generator.data.splits import Split  # noqa: E402
from generator.experiment.config.execution_settings import ExecutionSettings  # noqa: E402
from generator.experiment.outcomes import Epoch  # noqa: E402
from generator.stages import artifacts, workspace  # noqa: E402  # needs TensorFlow
from generator.stages.job import Job  # noqa: E402
from generator.support.errors import Parted  # noqa: E402
from generator.support.progress import Figures, Report  # noqa: E402
from tests import stations  # noqa: E402
from tests.training.test_epochs import IMAGES, SIZE, make_dataset, make_job  # noqa: E402

SETTINGS = {
    "seeds.weights": 0,
    "split.mode": "fixed",
    "model.augment": False,
    "seeds.order": 0,
    "seeds.dropout": 0,
    "fine_tuning.from_layer": 17,
    "fine_tuning.learning_rate": 1e-3,
    "fine_tuning.epochs": 3,
    "fine_tuning.keep": "last",
    "fine_tuning.patience": 0,
}
"""Batches of four images, of which each process takes two, and one of three, which is no even number.

The last convolution of the network with the fewest layers: processes share batches, whatever the network, and nearly
all of the time goes into tracing layers and into making their variables, each in all processes at once.
"""

Workers = tuple[Worker, Worker]


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Job]:
    """Makes a job of fine-tuning with these settings."""
    store, draw = tmp_path / "store", np.random.default_rng(1)
    for name in ("pixels", "split", "head"):
        (store / name).mkdir(parents=True)
    np.save(store / "pixels" / artifacts.PIXELS, draw.integers(0, 256, (IMAGES, SIZE, SIZE, 3), np.uint8))
    artifacts.write_split(store / "split", Split(train=tuple(range(7)), validation=tuple(range(7, IMAGES))))
    epoch = Epoch(epoch=1, loss=1, accuracy=0, val_loss=1, val_accuracy=0)
    artifacts.write_records(store / "head", history=[epoch])
    np.savez(
        store / "head" / artifacts.VARIABLES,
        **{"0": draw.normal(0, 0.02, (VGG16.features, 1)).astype(np.float32), "1": np.zeros(1, np.float32)},
    )
    given = {
        "dataset": make_dataset(np.arange(IMAGES) % 2),
        "classes": 2,
        "precision": "float32",
        "backbone": VGG16,
        "weights": resolve("random", VGG16, tmp_path),
    }

    def made(folder: str, dropout: float, optimizer: str = "sgd") -> Job:
        settings = {**SETTINGS, "model.dropout": dropout, "fine_tuning.optimizer": optimizer}
        one = make_job("fine_tuning", store, settings, **given)
        return replace(one, checkpoint=tmp_path / folder / "checkpoint.npz")

    return made


@contextmanager
def workers(folder: Path) -> Iterator[Workers]:
    """Two processes that train together."""
    addresses = tuple(f"127.0.0.1:{port}" for port in free_ports(2))
    first, second = (Worker(folder / f"{i}.log", None, os.cpu_count(), Place(i, addresses)) for i in range(2))
    with closing(first), closing(second):
        yield first, second


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def together(pair: Workers, job: Job, report: Report = lambda figures: None) -> Path:
    """Have both run the job, each with its own checkpoint; gives the first one's folder of files."""
    outs = [job.checkpoint.parent / f"out-{i}" for i in range(2)]
    for out in outs:
        out.mkdir(parents=True)
    second = job.checkpoint.with_name("second.npz")
    if job.checkpoint.exists():
        shutil.copy(job.checkpoint, second)
    with ThreadPoolExecutor() as pool:
        other = pool.submit(pair[1].run, replace(job, checkpoint=second), outs[1], lambda figures: None)
        pair[0].run(job, outs[0], report)
        other.result()
    return outs[0]


def contents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir() if path.name != machines.RECORD}


def curves(out: Path) -> list[list[float]]:
    history = artifacts.read_records(out)["history"]
    return [[row[name] for name in ("loss", "accuracy", "val_loss", "val_accuracy")] for row in history]


def test_two_processes_train_as_one_the_same_each_time_and_go_on_where_one_was_lost(
    job: Callable[..., Job], tmp_path: Path
) -> None:
    alone = job("alone", 0.0)
    out = tmp_path / "alone" / "out"
    out.mkdir(parents=True)
    workspace.run(alone, out, lambda figures: None)
    with workers(tmp_path) as pair:
        both = together(pair, job("both", 0.0))
        np.testing.assert_allclose(curves(both), curves(out), rtol=1e-4)
        assert curves(out)[0] != curves(out)[2]
        for made in (both, both.with_name("out-1")):
            assert contents(made) == contents(both)
        record = machines.parsed(machines.left(both)["made"])
        assert record
        assert record.nodes == 2

        straight = contents(together(pair, job("straight", 0.5, "rmsprop")))
        interrupted = job("interrupted", 0.5, "rmsprop")

        def lose(figures: Figures) -> None:
            if figures["epoch"] == 2 and "val_loss" not in figures:
                pair[1].close()

        with pytest.raises(Parted, match="fine_tuning: a node that trained along is gone"):
            together(pair, interrupted, lose)
    assert interrupted.checkpoint.is_file()
    shutil.rmtree(tmp_path / "interrupted" / "out-0")
    shutil.rmtree(tmp_path / "interrupted" / "out-1")
    with workers(tmp_path) as pair:
        seen: list[float] = []
        resumed = together(pair, interrupted, lambda figures: seen.append(figures["epoch"]))
    assert min(seen) == 2
    assert contents(resumed) == straight


@pytest.mark.cluster
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install ray")
def test_two_nodes_of_ray_give_the_bytes_of_two_processes(
    job: Callable[..., Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in stations.SECRET.items():
        monkeypatch.setenv(name, value)
    warned: list[str] = []
    seen: list[Figures] = []
    far = job("far", 0.5, "rmsprop")
    out = far.checkpoint.parent / "out"
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="r") as folder, stations.Nodes(Path(folder) / "n", (0, 1, 1)) as nodes:
        settings = ExecutionSettings(ray=nodes.address, cpus=1, nodes=2)
        with closing(Cluster(settings, tmp_path / "ray.log", lambda line: None, warned.append)) as cluster:
            cluster.run(far, out, seen.append)
    assert warned == []
    assert [figures["epoch"] for figures in seen if "val_loss" in figures] == [1, 2, 3]
    record = machines.parsed(machines.left(out)["made"])
    assert record
    assert record.nodes == 2
    assert far.checkpoint.is_file()
    with workers(tmp_path) as pair:
        assert contents(together(pair, job("near", 0.5, "rmsprop"))) == contents(out)
