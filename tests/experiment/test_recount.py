"""Scores counted from predictions alone are those that scikit-learn gives."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score

from generator.experiment.outcomes import Prediction
from generator.experiment.statistics.recount import recount, roc_auc
from generator.experiment.task import task_for


def made(classes: int, images: int, scale: float = 1) -> tuple[list[Prediction], np.ndarray, np.ndarray]:
    """Predictions of logits drawn of that scale, some of two classes being equal, with the logits and the labels."""
    task, draw = task_for(classes), np.random.default_rng(classes)
    labels = np.arange(images) % classes
    logits = draw.normal(0, scale, (images, task.outputs))
    if classes == 2:
        logits = np.round(logits, 1)
    predicted, each = task.decisions(logits), task.probabilities(logits)
    shown = predicted if classes > 2 else np.zeros(images, int)
    return [
        Prediction(
            index=i,
            file=f"{i}.png",
            actual=labels[i],
            predicted=predicted[i],
            logit=logits[i, shown[i]],
            probability=each[i, predicted[i] if classes > 2 else 1],
            logits=tuple(logits[i]) if classes > 2 else (),
        )
        for i in range(images)
    ], logits, labels  # fmt: skip


@pytest.mark.parametrize(("classes", "scale"), [(2, 1), (3, 1), (20, 1), (3, 30), (20, 100)])
def test_a_recount_is_scikit_learns_score(classes: int, scale: float) -> None:
    """Also of logits so large that probabilities next to one are rounded to the same."""
    predictions, logits, labels = made(classes, 100, scale)
    task = task_for(classes)
    score, matrix = recount(predictions, classes)
    assert (score.correct, score.total) == ((task.decisions(logits) == labels).sum(), 100)
    assert score.loss == pytest.approx(task.losses(logits, labels).mean())
    counted = [1] if classes == 2 else range(classes)
    found = precision_recall_fscore_support(labels, task.decisions(logits), labels=counted, zero_division=0)
    expected = [each.mean() for each in found[:3]]
    assert [score.precision, score.recall, score.f1] == pytest.approx(expected)
    assert matrix.total == 100
    ranked_by = logits[:, 0] if classes == 2 else task.probabilities(logits)
    area = roc_auc_score(labels, ranked_by, **({} if classes == 2 else {"multi_class": "ovr"}))
    assert score.roc_auc == pytest.approx(area)


def test_without_images_of_a_class_there_is_no_area() -> None:
    predictions, _, _ = made(3, 30)
    assert roc_auc([p for p in predictions if p.actual], 3) is None
