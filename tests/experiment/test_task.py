"""What two classes and several classes make of logits, held to the formulas and to scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from generator.experiment.task import SeveralClasses, TwoClasses, task_for, task_with


def test_two_classes_have_one_logit_and_more_have_one_each() -> None:
    assert task_for(2) == task_with(1) == TwoClasses()
    assert task_for(5) == task_with(5) == SeveralClasses(5)
    assert (task_for(2).outputs, task_for(2).classes) == (1, 2)
    assert (task_for(5).outputs, task_for(5).classes) == (5, 5)
    assert task_for(2).loss == "binary_crossentropy"
    assert task_for(3).loss == "sparse_categorical_crossentropy"


def test_a_logit_above_zero_means_class_1() -> None:
    logits = np.array([[-2.0], [0.0], [1e-9], [3.0]])
    assert TwoClasses().decisions(logits).tolist() == [0, 0, 1, 1]
    np.testing.assert_allclose(TwoClasses().probabilities(logits)[:, 1], 1 / (1 + np.exp([2, 0, -1e-9, -3])))


def test_the_highest_logit_names_the_class() -> None:
    logits = np.array([[0.0, 2.0, 1.0], [5.0, 5.0, 1.0], [-3.0, -2.0, -1.0]])
    assert SeveralClasses(3).decisions(logits).tolist() == [1, 0, 2]


@pytest.mark.parametrize("classes", [2, 3, 20])
def test_losses_are_the_cross_entropy_of_the_probabilities(classes: int) -> None:
    task, draw = task_for(classes), np.random.default_rng(classes)
    logits, labels = draw.normal(0, 3, (50, task.outputs)), draw.integers(0, classes, 50)
    each = task.probabilities(logits)
    assert each.shape == (50, classes)
    np.testing.assert_allclose(each.sum(axis=1), 1)
    assert task.losses(logits, labels).mean() == pytest.approx(log_loss(labels, each, labels=range(classes)))
    assert (task.decisions(logits) == each.argmax(axis=1)).all()


@pytest.mark.parametrize("classes", [2, 3])
def test_nothing_overflows(classes: int) -> None:
    task = task_for(classes)
    logits = np.array([[1e4] * task.outputs, [-1e4] * task.outputs])
    logits[:, 0] *= 2
    assert np.isfinite(task.losses(logits, np.array([0, 1]))).all()
    assert np.isfinite(task.probabilities(logits)).all()
