"""Stages on a cluster of machines that Ray runs: the executor, as the build sees it.

Nothing of Ray is imported here. A process of its own speaks with it (`cluster_link`), of which this is the other end;
stages that need no TensorFlow run here, as without a cluster.
"""

import importlib.util
import itertools
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from generator.build import worker
from generator.build.clusters import cluster_link
from generator.build.executor import run_here
from generator.build.storage import machines
from generator.experiment.config.execution_settings import MOST_JOBS, ExecutionSettings
from generator.stages.job import Job
from generator.support.errors import BadInput, BuildFailed, MeasuredPostError
from generator.support.progress import Report

PATIENCE = 600
"""Longest wait for a cluster to answer and to look at its nodes, seconds."""
GOODBYE = 15
"""Longest wait for the connection to end in good order, seconds."""

Say = Callable[[str], None]
_Replies = SimpleQueue[tuple[Any, ...]]


class ClusterLost(MeasuredPostError):
    """There is no connection to the cluster any more, so no stage can run."""


class Cluster:
    """Runs stages that need TensorFlow on the nodes of a cluster."""

    def __init__(
        self, settings: ExecutionSettings, log: Path, say: Say, warn: Say, *, same_machine: bool = False
    ) -> None:
        """`log` receives what Ray prints; with `same_machine` only nodes like this one run stages.

        Raises `BadInput` where Ray is not installed.
        """
        if importlib.util.find_spec("ray") is None:
            raise BadInput('--ray needs Ray, the extra "cluster" of this project: pip install ray')
        self._settings, self._log = settings, log
        self._kind = machines.here().kind if same_machine else None
        self._tellers = {"say": say, "warn": warn}
        self._process: Any = None
        self._connection: Connection | None = None
        self._sending, self._starting = threading.Lock(), threading.Lock()
        self._numbers = itertools.count(1)
        self._replies: dict[int, _Replies] = {0: SimpleQueue()}
        self._jobs = 0
        self._free = threading.Semaphore(1)
        """How many more stages may be handed out: else each of several stages in shards would hand out so many."""
        self._ended = ""
        """Why nothing more can be asked, once that is so."""

    def begin(self) -> None:
        """Nothing: what connects says so, and a build may still be refused."""

    def start(self) -> int:
        """Connect; gives how many stages that need TensorFlow run at a time."""
        with self._starting:
            if not self._connection:
                what = (self._log, self._settings, self._kind)
                self._process, self._connection = worker.start(cluster_link.serve, *what)
                threading.Thread(target=self._listen, args=(self._connection,), daemon=True).start()
                room = self._room()
                told = "jobs" in self._settings.model_fields_set
                self._jobs = self._settings.jobs if told else min(room, MOST_JOBS)
                self._free = threading.Semaphore(self._jobs)
        return self._jobs

    def run(self, job: Job, out: Path, report: Report) -> None:
        if not job.tensorflow:
            run_here(job, out, report)
            return
        self.start()
        with self._free:
            self._run(job, out, report)

    def close(self) -> None:
        """End all stages, also those that other threads wait for, and the connection."""
        self._ended = self._ended or "the build was stopped"
        process = self._process
        if process is None:
            return
        with suppress(OSError):
            self._send(None)
        # While it connects nobody listens.
        process.join(GOODBYE if self._jobs else 0)
        process.kill()
        process.join()

    def _run(self, job: Job, out: Path, report: Report) -> None:
        number = next(self._numbers)
        replies = self._replies[number] = SimpleQueue()
        try:
            self._send((number, job, out))
            while True:
                kind, *content = replies.get()
                if kind == "progress":
                    report(content[0])
                elif kind == "done":
                    return
                elif kind == "lost":
                    raise self._lost(content[0])
                else:
                    raise worker.error_of(kind, content[0].removeprefix(f"{job.label}: "), job.label)
        finally:
            del self._replies[number]

    def _room(self) -> int:
        """How many stages the cluster has room for. Raises as the connection fails."""
        try:
            kind, content = self._replies[0].get(timeout=PATIENCE)
        except Empty:
            raise BuildFailed(
                f"ray: {self._settings.ray} did not answer within {PATIENCE} s; see {self._log}"
            ) from None
        if kind == "ready":
            return int(content)
        raise self._lost(content) if kind == "lost" else worker.MESSAGES.get(kind, RuntimeError)(content)

    def _send(self, message: Any) -> None:
        if self._ended and message:
            raise self._lost(self._ended)
        assert self._connection
        try:
            with self._sending:
                self._connection.send(message)
        except OSError:
            if message:
                raise self._lost("its process is gone") from None

    def _listen(self, connection: Connection) -> None:
        """Hand on what the other side tells, until it is gone."""
        while True:
            try:
                number, kind, *content = connection.recv()
            except (EOFError, OSError):
                break
            if kind in self._tellers:
                with suppress(OSError):  # What cannot be said is no reason to lose the connection.
                    self._tellers[kind](*content)
            elif replies := self._replies.get(number):  # Whoever asked may leave at any moment.
                replies.put((kind, *content))
        self._ended = self._ended or "the head of the cluster is gone, or the network to it"
        for replies in list(self._replies.values()):
            replies.put(("lost", self._ended))

    def _lost(self, why: str) -> ClusterLost:
        return ClusterLost(
            f"ray: the connection to {self._settings.ray} was lost ({why}; {self._log} has what Ray said). What was "
            "finished is kept; run the same command again, and it goes on at the last finished epoch"
        )
