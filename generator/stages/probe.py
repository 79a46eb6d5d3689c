"""What one batch takes on this machine, for the estimate of a build whose stages never ran here."""

import time
from pathlib import Path

import numpy as np

from generator.stages.job import Job
from generator.stages.workspace import Workspace
from generator.support.progress import Report
from generator.training.folding import Forward

MOST = 32
"""Images of the batch at most: where training takes more at once, an image takes about the same."""


def probe(job: Job, out: Path, report: Report) -> None:
    """Report `base`, seconds that the base took to make, and seconds per image of `lower`, `upper`, `augment`.

    `lower` and `upper` are a forward pass below and above the cut; `stored` is bytes per image of what is kept there.
    Writes nothing into `out`, and draws nothing from the seeds of the stages.
    """
    work = Workspace(job)
    started = time.perf_counter()
    assert work.base  # made here, if no stage before has
    base = time.perf_counter() - started
    count, size = min(job.setting("data.batch_size"), MOST), job.setting("data.image_size")
    images = np.random.default_rng(0).integers(0, 256, (count, size, size, 3)).astype(np.float32)
    outputs, upper = work.lower(images), work.pooling_above(work.cut_point)
    figures = {"base": base, "stored": 4.0 * float(np.prod(outputs.shape[1:]))}
    figures["lower"] = _seconds(work.lower, images) / count
    figures["upper"] = _seconds(upper, outputs) / count
    figures["augment"] = _seconds(work.augment, images) / count
    report(figures)


def _seconds(forward: Forward, inputs: np.ndarray) -> float:
    """The faster of two passes, after one in which TensorFlow traces and prepares."""
    forward(inputs)
    taken = []
    for _ in range(2):
        started = time.perf_counter()
        np.asarray(forward(inputs))  # a GPU answers before it has computed
        taken.append(time.perf_counter() - started)
    return min(taken)
