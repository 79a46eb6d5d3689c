"""A process of its own for TensorFlow, started when the first stage needs it.

The build itself never imports TensorFlow. A worker that is killed (for memory, say) fails the stage it was
running, not the build; one whose parent dies, dies with it.
"""

import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

from generator.build.storage import machines
from generator.stages.job import Job
from generator.stages.reading import made_ready
from generator.stages.table import WORKER_ENVIRONMENT
from generator.support.display import accept_any_text
from generator.support.errors import BadInput, BuildFailed, Diverged, Parted
from generator.support.files import FULL
from generator.support.progress import Report

MESSAGES = {"BadInput": BadInput, "BuildFailed": BuildFailed, "Diverged": Diverged, "Parted": Parted}

_FULL = "; is the disk full?"

_ROOM = "end other programs, or lower execution.jobs"

MEMORY = "; if memory ran out, lower data.batch_size"

SUSPICIONS = {
    signal.SIGKILL: MEMORY,
    signal.SIGABRT: MEMORY,  # an allocation that C++ could not make
    signal.SIGBUS: "; is the disk full, or was a file of the store cut short?",
}
"""What a signal that ended the worker hints at."""


class Place(NamedTuple):
    """Which one a process is of several, on other nodes, that run the same stage together."""

    number: int
    """From 0."""
    addresses: tuple[str, ...]
    """`HOST:PORT` of each."""


ALONE = Place(0, ())


class Worker:
    """Runs jobs one after the other; `log` receives what TensorFlow prints."""

    def __init__(self, log: Path, device: str | None = None, threads: int | None = None, place: Place = ALONE) -> None:
        """`device`: the only GPU to use, as `CUDA_VISIBLE_DEVICES` names it; None: all there are.

        `threads`: of one operation; None: as many as the machine has processors. At a `place` among others it waits for
        them in its first job, and does all jobs with them.
        """
        self._arguments = log, device, threads, place
        self._log = log
        self._process: Any = None
        self._connection: Connection | None = None
        self._closed = False
        self._starting = threading.Lock()

    def begin(self) -> None:
        """Start the process: it imports TensorFlow meanwhile, and the first job need not wait for that."""
        self._started("start")

    def run(self, job: Job, out: Path, report: Report) -> None:
        """Run `job`'s stage with its files into `out`.

        Raises `BuildFailed`, `Diverged`, `Parted` or `BadInput` as the stage did, `BuildFailed` where its process was
        killed, and what `report` raises.
        """
        process, connection = self._started(job.label)
        try:
            kind, *content = self._answer(process, connection, job, out, report)
        except BaseException:
            # It may compute on, and what it told of this job would be taken for the answer to the next one.
            self._end(process)
            raise
        if kind != "done":
            raise error_of(kind, content[0], job.label)

    def kill(self) -> None:
        """Have the process end, also in the middle of a stage that another thread waits for; no other is started."""
        with self._starting:
            self._closed = True
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """The same, and wait until it has ended."""
        self.kill()
        if process := self._process:
            self._end(process)

    def _started(self, label: str) -> tuple[Any, Connection]:
        """The process, and the connection to it."""
        with self._starting:
            if self._closed:
                raise BuildFailed(f"{label}: the build was stopped")
            if self._connection is None:
                self._process, self._connection = start(serve, *self._arguments)
            return self._process, self._connection

    def _answer(self, process: Any, connection: Connection, job: Job, out: Path, report: Report) -> tuple[Any, ...]:
        """How `job` ended, as its process tells. Raises `Killed` where that is gone before, and what `report` does."""
        try:
            connection.send((job, out))
        except OSError:
            raise self._died(process, job.label) from None
        while True:
            if connection not in wait([connection, process.sentinel]):
                raise self._died(process, job.label)
            try:
                answer: tuple[Any, ...] = connection.recv()
            except (EOFError, ConnectionResetError):
                raise self._died(process, job.label) from None
            if answer[0] != "progress":
                return answer
            report(answer[1])

    def _end(self, process: Any) -> None:
        """End the process, of which nothing is asked any more."""
        process.kill()
        process.join()
        with self._starting:
            self._process = self._connection = None
        shutil.rmtree(temporary_files(self._log), ignore_errors=True)

    def _died(self, process: Any, label: str) -> BuildFailed:
        process.join()
        code = process.exitcode
        if code and code < 0:
            how = f"was killed by {signal.Signals(-code).name}{SUSPICIONS.get(-code, '')}"
        else:
            how = f"ended with status {code}; {self._log} has what it printed"
        return Killed(f"{label}: its process {how}. What was finished is kept")


class Killed(BuildFailed):
    """The process that ran a stage is gone."""


def start(target: Callable[..., None], *arguments: Any) -> tuple[Any, Connection]:
    """A process of its own that runs `target` with its end of a connection and `arguments`; gives it and our end.

    Raises `BuildFailed` where the system starts none.
    """
    context = multiprocessing.get_context("spawn")
    # The terminal interrupts both: the new process from its first moment on leaves that to this one (`follow_parent`).
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        ours, theirs = context.Pipe()
        process = context.Process(target=target, args=(theirs, *arguments), name="worker", daemon=True)
        process.start()
    except OSError as error:
        raise BuildFailed(f"no process can be started ({error.strerror}); {_ROOM}") from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()
    return process, ours


def told_as(error: BaseException) -> str:
    """By which name another process is told of an error of `MESSAGES`: its own, or that of what it is a kind of."""
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in MESSAGES)


def error_of(kind: str, message: str, label: str) -> Exception:
    """What another process told as the name of an error and its message."""
    known = MESSAGES.get(kind)
    return known(f"{label}: {message}") if known else RuntimeError(f"{label}:\n{message}")


def serve(
    connection: Connection, log: Path, device: str | None = None, threads: int | None = None, place: Place = ALONE
) -> None:
    """The worker's side: run jobs until the other side is gone."""
    follow_parent(log)
    folder = temporary_files(log)
    use_own_folder(folder)
    # A keras.json, and a notebook's variables, are meant for other programs; Keras' cache of weights is read elsewhere.
    apart = {"KERAS_BACKEND": "tensorflow", "KERAS_HOME": str(folder), "MPLBACKEND": "agg"}
    os.environ.update(WORKER_ENVIRONMENT, **apart, TF_CPP_MIN_LOG_LEVEL="2")
    if device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = device
    # Late: TensorFlow takes seconds to import, and only this process needs it.
    from generator.stages.devices import Devices

    devices = Devices(threads or os.cpu_count() or 1, *place)
    run = machines.recorded(devices.run, devices.used, nodes=len(place.addresses) or None)
    while True:
        try:
            job, out = connection.recv()
        except EOFError:
            return
        connection.send(_outcome(run, job, out, connection))


def follow_parent(log: Path) -> None:
    """End with the parent, leave interrupts to it, and print into `log`."""
    threading.Thread(target=_die_with_parent, daemon=True).start()
    # The terminal sends an interrupt to both processes; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    _redirect_output(log)
    accept_any_text()


def temporary_files(log: Path) -> Path:
    """The folder of those of the worker that prints into `log`."""
    return log.with_suffix(".temporary")


def use_own_folder(folder: Path) -> None:
    """Write temporary files into `folder`, new. Who is killed removes none of them, as TensorFlow would in the end."""
    shutil.rmtree(folder, ignore_errors=True)  # of a worker whose build was killed, too
    folder.mkdir(parents=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)


def _outcome(run: Callable[..., None], job: Job, out: Path, connection: Connection) -> tuple[str, ...]:
    try:
        with made_ready(job) as ready:
            run(ready, out, lambda figures: connection.send(("progress", figures)))
    except tuple(MESSAGES.values()) as error:
        return told_as(error), str(error)
    except Exception as error:
        if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
            return "BuildFailed", "memory ran out; lower data.batch_size or data.image_size"
        if isinstance(error, OSError):
            return "BuildFailed", of_a_file(error, out)
        return "unexpected", traceback.format_exc()
    return ("done",)


def of_a_file(error: OSError, out: Path) -> str:
    """What a stage that writes into `out` met at a file, perhaps one that it reads."""
    if error.errno is None:
        # NumPy tells of a write that fell short without saying where or why; others name what they met.
        return f"{out}: {error}{_FULL}" if str(error).endswith(" written") else str(error)
    return f"{error.filename or out}: {error.strerror}{_FULL if error.errno in FULL else ''}"


def _die_with_parent() -> None:
    # Not prctl(2): its parent is the thread that started this process, which may end long before the build.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)


def _redirect_output(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)
