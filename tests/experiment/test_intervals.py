"""Intervals of metrics: of which method, that they hold the metric, and that means and ratios are its own."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from generator.experiment.outcomes import Prediction
from generator.experiment.statistics import intervals
from generator.experiment.statistics.recount import recount, roc_auc
from generator.support.statistics import noise
from tests.experiment.test_recount import made
from tests.factories import FIVE, make_predictions

METRICS = ("accuracy", "loss", "precision", "recall", "f1", "roc_auc")


def of(wrong: tuple[int, ...], classes: int) -> tuple[Prediction, ...]:
    return make_predictions(wrong, FIVE[:classes])


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("metric", METRICS)
def test_an_interval_holds_the_metric(metric: str, classes: int) -> None:
    predictions = of((0, 3, 9, 17, 30, 36), classes)
    score, _ = recount(predictions, classes)
    found = intervals.of_metric(metric, predictions, classes)
    assert found is not None
    assert found[0] < getattr(score, metric) < found[1]


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("metric", METRICS)
def test_an_interval_of_a_difference_holds_it_and_turns_round_with_it(metric: str, classes: int) -> None:
    old, new = of((0, 3, 9, 17, 30, 36), classes), of((1, 3, 21), classes)
    gain = getattr(recount(new, classes)[0], metric) - getattr(recount(old, classes)[0], metric)
    forth, back = (intervals.of_difference(metric, *both, classes) for both in ((old, new), (new, old)))
    assert forth is not None
    assert back is not None
    assert forth.low <= gain <= forth.high
    # Exact for formulas; the bootstrap's draws turn round nearly.
    assert (back.low, back.high) == pytest.approx((-forth.high, -forth.low), abs=0.02)


@pytest.mark.parametrize("classes", [2, 5])
def test_ratios_of_counts_are_scikit_learns(classes: int) -> None:
    predictions = of((0, 1, 2, 9, 17, 30), classes)
    actual, predicted = ([getattr(p, key) for p in predictions] for key in ("actual", "predicted"))
    options = {"average": "binary"} if classes == 2 else {"average": "macro"}
    theirs = precision_recall_fscore_support(actual, predicted, zero_division=0, **options)
    ones = np.ones((1, len(predictions)))
    for metric, value in zip(("precision", "recall", "f1"), theirs, strict=False):
        assert intervals._ratio(metric, ones, np.array(actual), np.array(predicted), classes) == pytest.approx(value)


def test_shares_have_wilsons_interval() -> None:
    predictions = of((0, 1, 2, 30), 2)
    assert intervals.of_metric("accuracy", predictions, 2) == noise.wilson(36, 40)
    assert intervals.of_metric("recall", predictions, 2) == noise.wilson(19, 20)
    assert intervals.of_metric("precision", predictions, 2) == noise.wilson(19, 22)
    assert intervals.of_recall(predictions, 0) == noise.wilson(17, 20)


def test_where_there_is_nothing_to_tell_there_is_no_interval() -> None:
    camels = of((), 2)[:20]
    assert intervals.of_metric("roc_auc", camels, 2) is None
    assert intervals.of_metric("recall", camels, 2) is None
    assert intervals.of_metric("precision", camels, 2) is None
    assert intervals.of_metric("accuracy", camels[:1], 2) is None
    assert intervals.of_difference("recall", camels, camels, 2) is None


def test_other_images_have_no_paired_difference() -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        intervals.of_difference("loss", of((0,), 2), of((0,), 2)[1:], 2)


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("metric", ["precision", "f1"])
def test_of_few_images_that_differ_a_ratio_is_no_surer_than_their_signs(metric: str, classes: int) -> None:
    """As McNemar's test of the same images."""
    old, new = of((0, 1, 2, 3, 20), classes), of((20,), classes)
    found = intervals.of_difference(metric, old, new, classes)
    assert found is not None
    assert found.p >= intervals.of_difference("accuracy", old, new, classes).p == 0.125  # type: ignore[union-attr]


@pytest.mark.parametrize("images", [4, 8])
def test_a_ratio_is_no_surer_than_an_exact_test_of_the_images_that_are_called_otherwise(images: int) -> None:
    old, new = of(tuple(range(images)), 5), of((), 5)
    found = intervals.of_class_difference("f1", old, new, 0)
    assert found is not None
    assert found.p == pytest.approx(noise.sign(images, 0), abs=1e-3)


def test_one_logit_for_all_images_has_no_interval_of_its_area() -> None:
    rows = tuple(row.model_copy(update={"logit": 0.5}) for row in make_predictions((), total=40))
    assert intervals.of_metric("roc_auc", rows, 2) is None


@pytest.mark.parametrize("scale", [1, 30])
def test_the_area_that_has_an_interval_is_the_one_that_is_scored(scale: float) -> None:
    predictions, _, _ = made(3, 100, scale)
    area = intervals._area(predictions, 3)
    assert area is not None
    assert area.value == pytest.approx(roc_auc(predictions, 3))
