"""The stage that asks the frozen features about near-duplicates: a second opinion beside the pictures' details."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from generator.experiment.data_summary import Similarity
from generator.stages import artifacts
from generator.stages.job import Job
from generator.stages.pixels import found_in, near_in
from generator.support.progress import Report

DIGITS = 4
"""Of cosines that are kept: sums in another order, as on another machine, end in other digits."""
_BLOCK = 4096
"""Images that are compared at a time."""


def near_features(job: Job, out: Path, report: Report) -> None:
    features = artifacts.rows(job.inputs["features"] / artifacts.POOLED)
    pairs = [(pair.first, pair.second) for pair in near_in(job.inputs["near"]).pairs]
    copies = {position for group in found_in(job.inputs["pixels"]).copies for position in group[1:]}
    among = [position for position in range(len(features)) if position not in copies]
    artifacts.write_records(out, similar=similarities(features, pairs, among))


def similarities(
    features: NDArray[np.float32], pairs: Sequence[tuple[int, int]], among: Sequence[int]
) -> list[Similarity]:
    """How alike the images of each pair are by their features, (n, c), a row an image.

    Of images that are copies only one is `among` those that are counted. The cosine of features of a trained network
    as a measure of near-duplicates: Barz and Denzler (2020), "Do We Train on Test Data? Purging CIFAR of
    Near-Duplicates".
    """
    ends = sorted({position for pair in pairs for position in pair})
    unit = {position: _unit(features[[position]])[0] for position in ends}
    cosines = np.array([unit[one] @ unit[other] for one, other in pairs])
    nearer = np.zeros((len(pairs), 2), np.int64)
    for start in range(0, len(among), _BLOCK):
        rows = np.array(among[start : start + _BLOCK])
        block = _unit(features[rows])
        for i, pair in enumerate(pairs):
            # Neither image counts: rounding could put one before itself.
            counted = block[~np.isin(rows, pair)]
            nearer[i] += [int((counted @ unit[position] > cosines[i]).sum()) for position in pair]
    return [
        Similarity(cosine=round(float(cosine), DIGITS), rank=1 + int(count))
        for cosine, count in zip(cosines, nearer.max(axis=1, initial=0), strict=True)
    ]


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rows of length 1; one of zeros stays so."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    found: NDArray[np.float64] = rows / np.maximum(lengths, np.finfo(np.float32).tiny).astype(np.float64)
    return found
