"""Stand-ins for a cluster's business: stages on its nodes that take no time, and nodes of Ray on this machine.

`serve` and `Fake` put the stages of `tests.fakes` where TensorFlow's would run on a node; everything between the build
and them is the real thing. `Nodes` starts real nodes of Ray, each with a folder of its own, and ends them as a machine
that is switched off ends.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from generator.build import worker
from generator.build.clusters import cluster_link, cluster_nodes, cluster_stations
from generator.build.clusters.cluster_node import Station
from generator.experiment.config.execution_settings import ExecutionSettings
from generator.experiment.machine import Kind
from tests import factories, fakes

PROJECT = "MEASURED_POST_PROJECT"
"""Variable with the folder of the project, for stages whose code came to a node without it."""
HOLD = "MEASURED_POST_HOLD"
"""Variable with a folder: a stage waits there at each event for which it has a file, `baseline.head epoch 2`, say."""


TRIES = 5
"""How often a node is started: Ray gives up after half a minute, which a busy machine may take."""
LOSSES = {"RAY_health_check_period_ms": "1000", "RAY_health_check_timeout_ms": "5000"}
"""Variables with which a head notices after five seconds, and not half a minute, that a node is gone."""
EAGER = {"RAY_worker_niceness": "0"}
"""Variable with which stations get a share of a busy processor: Ray has them stand back for all else that runs."""
SECRET = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": uuid.uuid4().hex * 2}
"""Variables that let this process and its children into the clusters that it starts, and nobody else."""


def serve(connection: Connection, log: Path, settings: ExecutionSettings, kind: Kind | None = None) -> None:
    """The real connection to a cluster, with these stages; to be its process' target."""
    cluster_nodes.MODULES = (*cluster_nodes.MODULES, fakes.ROOT / "tests")
    cluster_stations.Stations.kind = Fake
    cluster_link.serve(connection, log, settings, kind)


class Fake(Station):
    """A station whose process has no TensorFlow."""

    def __init__(self, threads: int, gpus: int) -> None:
        worker.serve = serve_stages  # type: ignore[assignment]
        super().__init__(threads, gpus)


def serve_stages(
    connection: Connection,
    log: Path,
    device: str | None = None,
    threads: int | None = None,
    place: worker.Place = worker.ALONE,
) -> None:
    """The real worker's side with the stages of `tests.fakes`; to be its process' target."""
    factories.ROOT = Path(os.environ.get(PROJECT, factories.ROOT))
    fakes.install_devices(lambda job, out, report: fakes.run_stage(job, out, report, hold), lambda: (threads, ()))
    worker.serve(connection, log, device, threads, place)


def hold(event: str) -> None:
    """Wait as long as somebody wants that at this event, and tell that it is reached."""
    folder = os.environ.get(HOLD)
    if folder and (Path(folder) / event).exists():
        (Path(folder) / f"{event} reached").write_text(str(os.getpid()))
        while (Path(folder) / event).exists():
            time.sleep(0.05)


class Nodes:
    """Nodes of one cluster of Ray on this machine, the first of them its head, as long as a block runs."""

    def __init__(self, folder: Path, cpus: Sequence[int]) -> None:
        """`cpus`: how many each node offers; `folder` is new, and its name short: sockets lie below."""
        self.folder = folder
        self.hold = folder / "hold"
        self.hold.mkdir(parents=True)
        self.port, self.client = _free_port(), _free_port()
        self._cpus = cpus
        self._started: dict[int, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "Nodes":
        try:
            for number in range(len(self._cpus)):
                self._start(number)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def client_address(self) -> str:
        """The same for a machine that is none of its nodes."""
        return f"ray://127.0.0.1:{self.client}"

    def restart(self) -> None:
        """Start those again that were killed; the head is not one of them."""
        for number, process in self._started.items():
            if process.poll() is not None:
                self._start(number)

    def _start(self, number: int) -> None:
        own = self.folder / str(number)
        (own / "tmp").mkdir(parents=True, exist_ok=True)
        client = f"--ray-client-server-port={self.client}"
        whose = ["--head", f"--port={self.port}", "--include-dashboard=false", client]
        how = [*(whose if number == 0 else [f"--address={self.address}"]), f"--num-cpus={self._cpus[number]}"]
        command = [str(Path(sys.executable).parent / "ray"), "start", "--block", "--node-ip-address=127.0.0.1"]
        variables = {
            **SECRET,
            **LOSSES,
            **EAGER,
            PROJECT: str(fakes.ROOT),
            HOLD: str(self.hold),
            "TMPDIR": str(own / "tmp"),
        }
        for _ in range(TRIES):
            with (own / "log").open("wb") as log:
                process = subprocess.Popen(
                    [*command, *how, f"--temp-dir={own / 'ray'}", "--disable-usage-stats"],
                    start_new_session=True,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **variables},
                    cwd=own,
                )
            self._started[number] = process

            def begun() -> bool:
                return b"Ray runtime started" in (own / "log").read_bytes()

            wait_until(lambda: begun() or process.poll() is not None, f"node {number} of Ray")  # noqa: B023
            if begun():
                return
            self.kill(number)
        raise AssertionError(f"node {number} of Ray does not start:\n{(own / 'log').read_text()}")

    def processes(self, number: int) -> list[int]:
        """All that runs on a node."""
        return _session(self._started[number].pid)

    def kill(self, number: int) -> None:
        """End a node and all that runs on it, at once."""
        process = self._started[number]
        for pid in self.processes(number):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()

    def end(self) -> None:
        for number in reversed(self._started):
            self.kill(number)


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 900) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(0.1)


def _session(leader: int) -> list[int]:
    """The processes of a session: who led it, whom that started, and so on."""
    listed = subprocess.run(["ps", "-eo", "pid=,sid="], capture_output=True, text=True, check=True).stdout
    rows = (line.split() for line in listed.splitlines())
    return [int(pid) for pid, session in rows if int(session) == leader]


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
