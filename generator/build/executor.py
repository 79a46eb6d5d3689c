"""Where a stage's function runs."""

from pathlib import Path
from typing import Protocol

from generator.build import machines
from generator.build.worker import Worker
from generator.stages.job import Job
from generator.support.progress import Report


class Executor(Protocol):
    """Runs jobs, wherever that is."""

    def run(self, job: Job, out: Path, report: Report) -> None:
        """Run `job`'s stage, its files into the folder `out`, and return when they are there.

        What ran the job leaves a record of its machine among them (`machines.note`).

        Raises `BadInput` or `BuildFailed` as the stage did, and `BuildFailed` where what ran it went away.
        """

    def close(self) -> None:
        """End what was started, also in the middle of a stage."""


class Local:
    """This machine: stages that need TensorFlow in a process of their own, the others here."""

    def __init__(self, log: Path) -> None:
        """`log` receives what TensorFlow prints."""
        self._worker = Worker(log)

    def run(self, job: Job, out: Path, report: Report) -> None:
        if job.tensorflow:
            self._worker.run(job, out, report)
        else:
            job.body(job, out, report)
            machines.note(job, out)

    def close(self) -> None:
        self._worker.close()
