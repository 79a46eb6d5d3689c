"""What one batch takes on this machine, for the estimate of a build whose stages never ran here."""

import time
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from generator.folding import Forward
from generator.job import Job
from generator.training import Report

MOST = 32
"""Images of the batch at most: where training takes more at once, an image takes about the same."""


class Bench(Protocol):
    """As much of a job's bench (`experiment`) as is measured."""

    @property
    def job(self) -> Job: ...
    @property
    def base(self) -> Any: ...
    @property
    def lower(self) -> Forward: ...
    @property
    def upper_pooling(self) -> Forward: ...
    @property
    def augment(self) -> Forward: ...


def probe(bench: Bench, out: Path, report: Report) -> None:
    """Report `base`, seconds that the base took to make, and seconds per image of `lower`, `upper`, `augment`.

    `lower` and `upper` are a forward pass below and above the cut; `stored` is bytes per image of what is kept there.
    Writes nothing into `out`, and draws nothing from the seeds of the stages.
    """
    started = time.perf_counter()
    assert bench.base  # made here, if no stage before has
    base = time.perf_counter() - started
    count, size = min(bench.job.batch_size, MOST), bench.job.image_size
    draw = np.random.default_rng(0)
    images = tf.constant(draw.integers(0, 256, (count, size, size, 3)).astype(np.float32))
    outputs = bench.lower(images)
    figures = {"base": base, "stored": 4.0 * float(np.prod(outputs.shape[1:]))}
    figures["lower"] = _seconds(bench.lower, images) / count
    figures["upper"] = _seconds(bench.upper_pooling, outputs) / count
    figures["augment"] = _seconds(bench.augment, images) / count
    report(figures)


def _seconds(forward: Forward, inputs: tf.Tensor) -> float:
    """The faster of two passes, after one in which TensorFlow traces and prepares."""
    forward(inputs)
    taken = []
    for _ in range(2):
        started = time.perf_counter()
        forward(inputs).numpy()  # a GPU answers before it has computed
        taken.append(time.perf_counter() - started)
    return min(taken)
