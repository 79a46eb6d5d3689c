"""The process that speaks with Ray for a build: `Link` offers inputs, has stages run, and fetches what they made.

A process of its own, because Ray ends the one that it is in when the head of its cluster is gone, and prints as it
likes. Stages run on stations (`cluster_stations`). What happens when a node is lost is decided here, because Ray knows
of no checkpoints: the stage begins anew elsewhere, from the last one that came back.
"""

import os
import platform
import threading
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, BinaryIO

from generator.build.clusters.cluster_node import PIECE, Order, Returned, absolute, differing, packed
from generator.build.clusters.cluster_nodes import Needs, Tell, connect, looked_at
from generator.build.clusters.cluster_offers import Offers
from generator.build.clusters.cluster_stations import Node, Stations
from generator.build.clusters.cluster_team import SHARED, Refused, Team, gather
from generator.build.plan import version
from generator.build.storage.store import ENTRY
from generator.build.worker import MESSAGES, follow_parent, of_a_file, told_as
from generator.data.listed import ImageThere
from generator.experiment.config.execution_settings import ExecutionSettings
from generator.experiment.machine import Kind
from generator.stages.job import Job
from generator.stages.sweep_table import OF_SWEEPS
from generator.stages.table import STAGES
from generator.support.errors import BadInput, BuildFailed, Parted
from generator.support.files import file_hash, replacing

ROUND = 5.0
"""Seconds between two looks which stations have been without work for long."""
TRIES = 4
"""How often a stage is begun whose node is lost again and again."""
ROWS = {stage.name: stage for stage in (*STAGES, *OF_SWEEPS)}
PACKAGES = sorted({package for stage in ROWS.values() if stage.tensorflow for package in stage.packages})
"""Those that the outcomes of stages on nodes depend on."""


def serve(connection: Connection, log: Path, settings: ExecutionSettings, kind: Kind | None = None) -> None:
    """Connect, then run what the other side sends until it sends None or is gone; `kind` as of a `Link`."""
    follow_parent(log)
    sending = threading.Lock()

    def tell(*message: Any) -> None:
        with sending:
            connection.send(message)

    link = Link(settings, tell, kind)
    try:
        tell(0, "ready", link.open())
    except tuple(MESSAGES.values()) as error:
        tell(0, told_as(error), str(error))
        return
    with suppress(EOFError):
        while True:
            link.stations.release()
            if not connection.poll(ROUND):
                continue
            order = connection.recv()
            if order is None:
                break
            threading.Thread(target=link.run, args=order, daemon=True).start()
    link.close()


class Link:
    """A connection to a cluster."""

    def __init__(self, settings: ExecutionSettings, tell: Tell, kind: Kind | None = None) -> None:
        """`kind`: of machine that runs stages, if that matters."""
        self._settings, self._tell, self._kind = settings, tell, kind
        self.stations = Stations(tell)
        self._offers = Offers()

    def open(self) -> int:
        """Connect and look at the nodes; gives how many stages at a time there is room for.

        Raises `BuildFailed` where nobody answers, or no node does, `BadInput` where no node may run a stage.
        """
        connect(str(self._settings.ray), self._tell)
        import ray

        nodes = [node for node in ray.nodes() if node["Alive"]]
        here, most = os.cpu_count() or 1, max(int(node["Resources"].get("CPU", 0)) for node in nodes)
        cpus = self._settings.cpus or min(here, most or here)
        needs = self.stations.needs = Needs(cpus, self._settings.gpus, round((self._settings.memory or 0) * 2**30))
        fitting = [node for node in nodes if needs.fit(node["Resources"])]
        if not fitting:
            self._tell(0, "warn", f"ray: no node has {needs.words}, which a stage needs; waiting for one to join")
        able = self.stations.able(self._answering(fitting))
        if len(able) < self._settings.nodes:
            raise BadInput(
                f"execution.nodes = {self._settings.nodes}, but {len(able)} of the cluster's nodes can run a stage "
                f"({needs.words}); lower it, or have more nodes join before the build"
            )
        if not self._settings.gpus and any(node["Resources"].get("GPU") for node in able):
            self._tell(0, "say", "ray: the GPUs of the cluster stay idle; execution.gpus = 1 gives each stage one")
        return sum(needs.fit(node["Resources"]) for node in able) or 1

    def _answering(self, nodes: list[Node]) -> list[Node]:
        """Those that say what they have; such as have something else than this machine are refused.

        Raises `BuildFailed` where none says it.
        """
        versions = {package: version(package) for package in PACKAGES}
        said = list(zip(nodes, looked_at(nodes, versions), strict=True))
        silent = [(node, error) for node, error in said if isinstance(error, Exception)]
        if nodes and len(silent) == len(nodes):
            raise BuildFailed(f"ray: no node says what it has ({_said(silent[0][1])}); build again")
        for node, error in silent:
            where = node["NodeManagerAddress"]
            self._tell(0, "warn", f"ray: the node at {where} does not say what it has ({_said(error)}); on without it")
        answering = [(node, found) for node, found in said if not isinstance(found, Exception)]
        for node, found in answering:
            if different := differing(versions, platform.python_version(), found):
                self.stations.refuse(node["NodeID"], node["NodeManagerAddress"], different)
        return [node for node, _ in answering]

    def run(self, number: int, job: Job, out: Path) -> None:
        """Run the stage of `job` on some node, its files into `out`; how it ends is told."""
        from ray.exceptions import RayError, RayTaskError

        try:
            self._tries(number, job, out)
        except tuple(MESSAGES.values()) as error:
            self._tell(number, told_as(error), str(error))
        except RayTaskError:
            self._tell(number, "unexpected", traceback.format_exc())
        except (RayError, ConnectionError) as error:
            self._tell(number, "lost", _said(error))
        except OSError as error:
            self._tell(number, "BuildFailed", of_a_file(error, out))
        except Exception:
            self._tell(number, "unexpected", traceback.format_exc())
        else:
            self._tell(number, "done")

    def close(self) -> None:
        """End all stations, also in the middle of a stage, and the connection."""
        import ray

        with suppress(Exception):
            self.stations.close()
            ray.shutdown()

    def _tries(self, number: int, job: Job, out: Path) -> None:
        import ray
        from ray.exceptions import NodeDiedError, ObjectLostError, OutOfMemoryError, RayActorError

        lost = 0
        while True:
            team: Team | None = None
            try:
                team = gather(self.stations, job.label, self._settings.nodes if job.stage in SHARED else 1)
                self._through(team, number, job, out)
                team.keep()
                return
            except Refused as error:
                assert team
                self.stations.refuse(error.member.node, error.member.address, str(error))
                team.end()
                self.stations.able(ray.nodes())
            except (RayActorError, NodeDiedError, ObjectLostError, OutOfMemoryError, Parted) as error:
                self.stations.check_open()
                lost += 1
                if team:
                    team.lose()
                why = _why(error, team.words if team else "")
                if lost == TRIES:
                    raise BuildFailed(f"{why}, the {TRIES}th time in one stage. What was finished is kept") from None
                since = "its last epoch that came back" if job.checkpoint.is_file() else "its beginning"
                self._tell(0, "warn", f"{job.label}: {why}; it goes on elsewhere, from {since}")
            except BaseException:
                if team:
                    team.end()
                raise

    def _through(self, team: Team, number: int, job: Job, out: Path) -> None:
        """Have a team run the stage, and fetch what it returns."""
        there, here = sorted_out(files_of(job))
        files = {absolute(path): self._offers.of(path) for path in here}
        versions = {package: version(package) for package in _packages(job)}
        image = next(iter(there), None)
        order = Order(packed(job), versions, platform.python_version(), files, image, kind=self._kind)
        team.begin(order)
        while True:
            for kind, content in team.take():
                if kind == "progress":
                    self._tell(number, kind, content)
                elif kind == "checkpoint":
                    _fetch(team.first, content, job.checkpoint)
                elif kind == "done":
                    for each in content:
                        _fetch(team.first, each, out / each.name)
                    return
                else:
                    raise MESSAGES.get(kind, RuntimeError)(content)


def files_of(job: Job) -> list[Path]:
    """What the stage may read."""
    found = [path for folder in job.inputs.values() for path in sorted(folder.iterdir()) if path.name != ENTRY]
    weights = job.given.get("weights")
    found += [weights.path] if weights and weights.path else []
    found += [job.checkpoint] if job.checkpoint.is_file() else []
    row = ROWS.get(job.stage)
    return found + ([sample.path for sample in getattr(job.dataset, row.decodes)] if row and row.decodes else [])


def sorted_out(paths: list[Path]) -> tuple[list[ImageThere], list[Path]]:
    """The images at an address, which a node reads there itself; and the files that the builder sends."""
    there = [path for path in paths if isinstance(path, ImageThere)]
    return there, [path for path in paths if not isinstance(path, ImageThere)]


def _packages(job: Job) -> list[str]:
    row = ROWS.get(job.stage)
    return [*row.packages, *(job.dataset.decoders if row.decodes else ())] if row else PACKAGES


def _fetch(actor: Any, file: Returned, path: Path) -> None:
    """Copy what a station returned to `path`, whole or not at all. Raises `ConnectionError` where the head is lost."""
    try:
        with replacing(path) as stream:
            _receive(actor, file, stream)
    except BuildFailed as error:
        # It is an `OSError`, and would be told as one of the disk.
        if isinstance(error.__cause__, ConnectionError):
            raise error.__cause__ from None
        raise


def _receive(actor: Any, file: Returned, stream: BinaryIO) -> None:
    import ray

    for offset in range(0, file.size, PIECE):
        stream.write(ray.get(actor.read.remote(file, offset)))
    stream.flush()
    if file_hash(Path(stream.name)) != file.digest:
        raise BuildFailed(f"{file.name}: arrived from its node with another checksum")


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _why(error: Any, address: str) -> str:
    """How a station was lost, in a phrase.

    Raises `BuildFailed` and `BadInput` where it would be lost again: memory ran out, a node lacks what it needs.
    """
    kind, text, where = type(error).__name__, str(error), f" {address}" if address else ""
    if getattr(error, "actor_init_failed", False):
        reason = text.strip().splitlines()[-1]
        _, ours, told = reason.partition(f"{BuildFailed.__name__}: ")
        if ours:
            raise BadInput(f"no stage begins on a node: {told}")
        raise BadInput(f"no stage begins on a node ({reason}); install there what requirements.txt lists")
    if kind == "OutOfMemoryError" or "OUT_OF_MEMORY" in text or "running low on memory" in text:
        raise BuildFailed(
            f"Ray ended it, because memory ran out on its node{where}; ask for more with execution.memory, or lower "
            "data.batch_size. What was finished is kept"
        )
    what = "node" if kind in ("NodeDiedError", "ObjectLostError") or "node has died" in text else "process on node"
    return f"its {what}{where} was lost"
