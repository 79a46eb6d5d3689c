"""Where a stage's function runs."""

from itertools import cycle
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol

from generator.build.storage import machines
from generator.build.worker import Worker, of_a_file
from generator.stages.job import Job
from generator.stages.reading import made_ready
from generator.support import hardware
from generator.support.errors import BuildFailed
from generator.support.progress import Report


class Executor(Protocol):
    """Runs jobs, wherever that is."""

    def begin(self) -> None:
        """Begin to make ready, as far as that goes by itself: stages that need TensorFlow will be asked for."""

    def start(self) -> int:
        """Make ready; gives how many stages that need TensorFlow may run at a time."""

    def run(self, job: Job, out: Path, report: Report) -> None:
        """Run `job`'s stage, its files into the folder `out`, and return when they are there.

        What ran the job leaves a record of its machine among them (`machines.note`).

        Raises `BadInput` or `BuildFailed` as the stage did, and `BuildFailed` where what ran it went away.
        """

    def close(self) -> None:
        """End what was started, also in the middle of a stage."""


def run_here(job: Job, out: Path, report: Report) -> None:
    """Run a stage that needs no TensorFlow in this process. Raises `BuildFailed` where it meets an error of a file."""
    try:
        with made_ready(job) as ready:
            ready.body(ready, out, report)
        machines.note(job, out)
    except OSError as error:
        raise BuildFailed(f"{job.label}: {of_a_file(error, out)}") from error


class Local:
    """This machine: stages that need TensorFlow in processes of their own, the others here."""

    def __init__(self, *logs: Path) -> None:
        """As many stages at a time need TensorFlow as there are `logs`, which receive what it prints.

        With several of them, and several GPUs, each process has one GPU.
        """
        devices = hardware.gpu_numbers() if len(logs) > 1 else ()
        self._workers = [Worker(log, each) for log, each in zip(logs, cycle(devices or (None,)), strict=False)]
        self._free: SimpleQueue[Worker] = SimpleQueue()
        for worker in self._workers:
            self._free.put(worker)

    def begin(self) -> None:
        # The first stage: where there are more workers, they may not be needed.
        self._workers[0].begin()

    def start(self) -> int:
        return len(self._workers)

    def run(self, job: Job, out: Path, report: Report) -> None:
        if job.tensorflow:
            worker = self._free.get()
            try:
                worker.run(job, out, report)
            finally:
                self._free.put(worker)
        else:
            run_here(job, out, report)

    def close(self) -> None:
        # First all of them: whoever is interrupted while one ends must leave none that works on.
        for worker in self._workers:
            worker.kill()
        for worker in self._workers:
            worker.close()
