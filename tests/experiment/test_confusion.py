"""The confusion matrix of any number of classes, its ratios held to scikit-learn's."""

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from generator.experiment.confusion import ClassCounts, Confused, ConfusionMatrix

THREE = ConfusionMatrix(rows=((5, 1, 0), (0, 4, 2), (2, 0, 3)))


def test_two_classes_have_names_for_their_cells() -> None:
    matrix = ConfusionMatrix(rows=((15, 5), (1, 19)))
    cells = (matrix.true_negative, matrix.false_positive, matrix.false_negative, matrix.true_positive)
    assert cells == (15, 5, 1, 19)
    assert (matrix.negatives, matrix.positives) == (20, 20)
    assert matrix.recalls == (0.75, 0.95)


def test_several_classes_have_no_positive_one() -> None:
    with pytest.raises(AttributeError):
        _ = THREE.true_positive


@pytest.mark.parametrize(
    ("matrix", "names", "table"),
    [
        (
            ConfusionMatrix(rows=((15, 5), (0, 20))),
            ("camel", "horse"),
            {"true_negative": 15, "false_positive": 5, "false_negative": 0, "true_positive": 20},
        ),
        (THREE, ("a", "b", "c"), {"a": {"a": 5, "b": 1}, "b": {"b": 4, "c": 2}, "c": {"a": 2, "c": 3}}),
        (ConfusionMatrix(rows=((0,) * 3,) * 3), ("a", "b", "c"), {"a": {}, "b": {}, "c": {}}),
    ],
)
def test_a_matrix_is_a_table_of_a_file_and_back(
    matrix: ConfusionMatrix, names: tuple[str, ...], table: dict[str, object]
) -> None:
    assert matrix.table(names) == table
    assert ConfusionMatrix.from_table(table, names) == matrix


@pytest.mark.parametrize("table", [{"a": {"d": 1}}, {"d": {"a": 1}}, {"true_negative": 1}, {"a": 1}, {"a": [1]}])
def test_a_table_of_other_classes_is_refused(table: dict[str, object]) -> None:
    with pytest.raises((LookupError, TypeError, AttributeError)):
        ConfusionMatrix.from_table(table, ("a", "b", "c"))


def test_each_class_by_itself() -> None:
    assert THREE.classes[2] == ClassCounts(label=2, actual=5, predicted=5, correct=3)
    assert (THREE.total, THREE.correct) == (17, 12)
    assert THREE.classes[0].precision == 5 / 7
    assert THREE.classes[1].recall == 4 / 6


def test_of_two_classes_the_second_counts() -> None:
    matrix = ConfusionMatrix(rows=((15, 5), (1, 19)))
    assert matrix.overall == {"precision": 19 / 24, "recall": 0.95, "f1": pytest.approx(38 / 44)}


def test_outcomes_are_counted() -> None:
    assert ConfusionMatrix.count([(0, 1), (2, 2), (0, 1)], 3).rows == ((0, 2, 0), (0, 0, 0), (0, 0, 1))


def test_what_was_confused_the_most_comes_first() -> None:
    assert THREE.confused == (Confused(1, 2, 2), Confused(2, 0, 2), Confused(0, 1, 1))
    assert ConfusionMatrix(rows=((3, 0), (0, 3))).confused == ()


@pytest.mark.parametrize("classes", [2, 3, 20])
@pytest.mark.parametrize("images", [1, 7, 300])
def test_ratios_are_scikit_learns_over_the_classes_that_have_images(classes: int, images: int) -> None:
    draw = np.random.default_rng(classes)
    labels, predicted = draw.integers(0, classes, images), draw.integers(0, classes, images)
    matrix = ConfusionMatrix(rows=confusion_matrix(labels, predicted, labels=range(classes)).tolist())
    found = precision_recall_fscore_support(labels, predicted, labels=np.unique(labels), zero_division=0)
    for name, expected in zip(("precision", "recall", "f1"), found, strict=False):
        assert [getattr(each, name) for each in matrix.tested] == pytest.approx(list(expected))
        if classes > 2:
            assert matrix.overall[name] == pytest.approx(expected.mean())


@pytest.mark.parametrize("rows", [(), ((1,),), ((1, 2), (3,)), ((1, 2, 3), (1, 2, 3)), ((1, -2), (3, 4))])
def test_what_is_no_square_of_counts_is_refused(rows: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValidationError):
        ConfusionMatrix(rows=rows)
