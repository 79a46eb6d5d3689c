"""The stage that holds every label against the frozen features: scikit-learn on arrays, without TensorFlow.

Imported only where it runs: scikit-learn takes a second.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from generator.data import splits
from generator.data.dataset import Dataset
from generator.data.splits import Copies
from generator.experiment.label_review import Judged, LabelReview
from generator.stages import artifacts
from generator.stages.job import Job
from generator.stages.pixels import found_in, near_in
from generator.support.progress import Report
from generator.training import confident_learning

FOLDS = 5
SEED = 0
"""Of the folds: a number of their own, so that another seed of the runs marks the same images."""
DIGITS = 6
"""Of probabilities that are kept: sums in another order, as on another machine, end in other digits."""


def labels(job: Job, out: Path, report: Report) -> None:
    # Whatever the split does with near-duplicates: none may vouch for the label of another.
    together = splits.merged(found_in(job.inputs["pixels"]).copies, near_in(job.inputs["near"]).together)
    pooled = artifacts.rows(job.inputs["features"] / artifacts.POOLED)
    images = len(job.dataset.samples)
    found = review(job.dataset, together, pooled, lambda share: report({"images": int(share * images), "of": images}))
    artifacts.write_records(out, labels=found)


def review(
    dataset: Dataset, copies: Copies, features: NDArray[np.float32], progress: Callable[[float], None] | None = None
) -> LabelReview:
    """What `features`, (n, c), a row for each of the data set's images, say of their labels.

    All images are cut into folds together, and the model of a fold learns from the training and validation images of
    the others. So no test image is learnt from, all are judged by models of the same number of images, and what
    belongs together, as a copy or a near-duplicate (`copies`) or by `data.group`, does not vouch for itself: also not
    a copy among the training images for one in the test.
    """
    samples, first_test = dataset.samples, dataset.first_test
    given = np.array([sample.label for sample in samples])
    learnt = np.arange(len(samples)) < first_test
    kinds = [(sample.label, position < first_test) for position, sample in enumerate(samples)]
    folds = splits.folds(kinds, splits.merged(dataset.together, copies), FOLDS, SEED)
    found = confident_learning.out_of_fold(features, given, np.array(folds), learnt, progress).round(DIGITS)
    judged = np.flatnonzero(~np.isnan(found[:, 0]))
    return LabelReview(
        folds=FOLDS,
        left_out=tuple(name for label, name in enumerate(dataset.class_names) if label not in given[judged]),
        images=tuple(_judged(dataset, int(position), found[position]) for position in judged),
    )


def _judged(dataset: Dataset, position: int, probabilities: NDArray[np.float64]) -> Judged:
    sample, predicted = dataset.samples[position], int(probabilities.argmax())
    return Judged(
        side="train" if position < dataset.first_test else "test",
        index=position,
        file=sample.name,
        label=sample.label,
        predicted=predicted,
        own=float(probabilities[sample.label]),
        probability=float(probabilities[predicted]),
    )
