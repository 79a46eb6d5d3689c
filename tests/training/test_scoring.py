"""Scores of two and of several classes, from given logits."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

pytestmark = pytest.mark.train

pytest.importorskip("keras")

from generator.experiment.statistics.recount import disagreements  # noqa: E402
from generator.experiment.task import task_for  # noqa: E402
from generator.training import scoring  # noqa: E402  # needs TensorFlow

LABELS = np.array([0, 0, 1, 1, 2, 2, 2])
LOGITS = np.array(
    [[3, 0, 0], [0, 1, 0], [0, 2, 0], [0, 2, 1], [0, 0, 5], [1, 0, 0.5], [0, 0, 1]], np.float64
)  # fmt: skip


def test_two_classes_are_scored_by_class_1() -> None:
    found = scoring.classification_score(task_for(2), np.array([[-1.0], [2.0], [3.0]]), np.array([0, 0, 1]))
    assert (found.correct, found.total) == (2, 3)
    assert (found.precision, found.recall, found.roc_auc) == (0.5, 1.0, 1.0)
    assert found.loss == pytest.approx(np.log1p(np.exp([-1, 2, -3])).mean())


def test_several_classes_are_scored_by_their_means() -> None:
    found = scoring.classification_score(task_for(3), LOGITS, LABELS)
    matrix = scoring.confusion(task_for(3), LOGITS, LABELS)
    assert matrix.rows == ((1, 1, 0), (0, 2, 0), (1, 0, 2))
    assert found.correct == matrix.correct == 5
    assert found.model_dump(include={"precision", "recall", "f1"}) == pytest.approx(matrix.overall)
    each = task_for(3).probabilities(LOGITS)
    assert found.roc_auc == pytest.approx(roc_auc_score(LABELS, each, multi_class="ovr", average="macro"))


def test_without_images_of_a_class_there_is_no_roc_curve_and_the_means_leave_it_out() -> None:
    found = scoring.classification_score(task_for(4), np.pad(LOGITS, ((0, 0), (0, 1))), LABELS)
    assert found.roc_auc is None
    assert found.recall == pytest.approx((1 / 2 + 1 + 2 / 3) / 3)
    one = scoring.classification_score(task_for(2), np.array([[-1.0], [-2.0]]), np.array([0, 0]))
    assert (one.roc_auc, one.precision) == (None, 0.0)


def test_an_outcome_has_the_images_of_each_part_in_order() -> None:
    files = [f"{row}.png" for row in range(7)]
    parts = {"train": [1, 3], "validation": [0, 2], "test": range(4, 7)}
    found = scoring.outcome(task_for(3), LOGITS, LABELS, files, parts)
    for part, rows in parts.items():
        score = scoring.score(task_for(3), LOGITS[list(rows)], LABELS[list(rows)])
        assert (getattr(found, part).loss, getattr(found, part).correct) == (score.loss, score.correct)
        assert [(p.index, p.file) for p in found.predictions_by_part[part]] == [
            (index, f"{row}.png") for index, row in enumerate(rows)
        ]
    assert disagreements(found, 3) == []
