"""On which devices a stage that needs TensorFlow runs: on one, on all GPUs of a machine, or on those of several nodes.

What several compute together differs from what one computes by rounding, and by which units dropout leaves out. How
many there are is no part of a key, as the processor is none; the record of who made an entry tells it.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import keras
import tensorflow as tf

from generator.stages import workspace
from generator.stages.job import Job
from generator.support.errors import Parted
from generator.support.progress import Report
from generator.training.batches import derived_seed
from generator.training.sharing import Mirrored, MultiWorkerMirrored

GONE = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)
"""What TensorFlow raises where a process that computes along is no more."""


class Devices:
    """What a process for TensorFlow computes on, once in each: a part of the key of every stage that needs it."""

    def __init__(self, threads: int, index: int = 0, addresses: Sequence[str] = ()) -> None:
        """`threads` of one operation. With `addresses`, `HOST:PORT` each, this is process `index` of those there.

        Called before TensorFlow computes anything.
        """
        workspace.configure(threads)
        self._index, self._addresses = index, addresses

    def run(self, job: Job, out: Path, report: Report) -> None:
        """Run the stage of `job`, its files into the folder `out`; of several processes all run it, with their own.

        Raises `Parted` where another of them is gone.
        """
        try:
            if self._strategy is None:
                workspace.run(job, out, report)
                return
            keras.backend.clear_session()  # Within the scope it would end that.
            with self._strategy.scope():
                job.body(self._own(job), out, report)
        except GONE as error:
            if not self._addresses:
                raise
            raise Parted(f"a node that trained along is gone ({type(error).__name__})") from error

    def used(self) -> tuple[int, tuple[str, ...]]:
        """The threads of one operation, and the names of the accelerators of this process."""
        return workspace.devices()

    @cached_property
    def _strategy(self) -> tf.distribute.Strategy | None:
        """None where there is one device."""
        if self._addresses:
            return MultiWorkerMirrored(self._index, self._addresses)
        return Mirrored() if len(tf.config.list_logical_devices("GPU")) > 1 else None

    def _own(self, job: Job) -> Job:
        """The job as this process does it: dropout leaves out other units of its share than of the others'."""
        seed = job.settings.get("seeds.dropout")
        if not self._index or seed is None:
            return job
        own = derived_seed(seed, f"dropout of node {self._index}")
        return replace(job, settings={**job.settings, "seeds.dropout": own})
