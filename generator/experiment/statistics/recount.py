"""Scores, computed again from the predictions alone, without arrays.

`recount` is held against what training stored: `training.scoring` computes the same with NumPy and scikit-learn.
`disagreements` names what of a phase's outcome its predictions do not give.
"""

import math
from collections.abc import Sequence
from statistics import fmean

from generator.experiment.confusion import ConfusionMatrix
from generator.experiment.outcomes import ClassificationScore, PhaseOutcome, Prediction


def recount(predictions: Sequence[Prediction], classes: int) -> tuple[ClassificationScore, ConfusionMatrix]:
    """The score and the confusion matrix of `predictions`, of which there must be one."""
    matrix = ConfusionMatrix.count(((p.actual, p.predicted) for p in predictions), classes)
    score = ClassificationScore(
        loss=fmean(p.loss for p in predictions),
        correct=matrix.correct,
        total=matrix.total,
        **matrix.overall,
        roc_auc=roc_auc(predictions, classes),
    )
    return score, matrix


def disagreements(outcome: PhaseOutcome, classes: int) -> list[str]:
    """Paths below `outcome`, as in `test.recall`, of what is not as its predictions give it; none without any."""
    found = []
    for part, predictions in outcome.predictions_by_part.items():
        counted, matrix = recount(predictions, classes)
        stored = getattr(outcome, part)
        found += [f"{part}.{key}" for key, value in stored if not _same(key, value, getattr(counted, key))]
        found += ["confusion"] if part == "test" and outcome.confusion != matrix else []
    return found


def _same(key: str, one: float | None, other: float | None) -> bool:
    """Equal but for the order of summation, which in a ROC curve may part probabilities that are the same."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-4 if key == "roc_auc" else 1e-6, abs_tol=1e-9)


def roc_auc(predictions: Sequence[Prediction], classes: int) -> float | None:
    """Area under the ROC curve: of two classes by the logit, of more the mean of each one against the rest, by its
    probability. None where a class has no image."""
    if len({p.actual for p in predictions}) < classes:
        return None
    if classes == 2:
        return _area([p.logit for p in predictions], [p.actual == 1 for p in predictions])
    each = zip(*(_softmax(p.logits) for p in predictions), strict=True)
    return fmean(_area(scores, [p.actual == label for p in predictions]) for label, scores in enumerate(each))


def _softmax(logits: Sequence[float]) -> list[float]:
    """As `task` writes it: shares of the total are rounded elsewhere, so that of large logits others would be equal."""
    most = max(logits)
    total = most + math.log(sum(math.exp(z - most) for z in logits))
    return [math.exp(z - total) for z in logits]


def _area(scores: Sequence[float], positive: Sequence[bool]) -> float:
    """Probability that a positive image scores higher than one that is not, ties counting half.

    By the rank sum (Mann & Whitney 1947; Hanley & McNeil 1982, Radiology 143).
    """
    ranks = _ranks(scores)
    count = sum(positive)
    above = sum(rank for rank, mine in zip(ranks, positive, strict=True) if mine) - count * (count + 1) / 2
    return above / (count * (len(scores) - count))


def _ranks(scores: Sequence[float]) -> list[float]:
    """Ranks from 1; those of equal scores share their mean."""
    order = sorted(range(len(scores)), key=scores.__getitem__)
    ranks = [0.0] * len(scores)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and scores[order[end + 1]] == scores[order[start]]:
            end += 1
        for position in order[start : end + 1]:
            ranks[position] = (start + end) / 2 + 1
        start = end + 1
    return ranks
