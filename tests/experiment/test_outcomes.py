"""Outcomes: what is derived from the records agrees with its definition."""

import math

import pytest
from pydantic import ValidationError

from generator.experiment import outcomes
from generator.experiment.confusion import ConfusionMatrix
from generator.experiment.outcomes import Epoch, Prediction, last_epochs
from tests.factories import make_history, make_prediction, make_variant


def test_last_epochs_are_five_or_all() -> None:
    losses = [0.9, 0.3, 0.1, 0.2, 0.5, 0.4]
    epochs = [Epoch(epoch=i + 1, loss=1, accuracy=0.5, val_loss=v, val_accuracy=0.5) for i, v in enumerate(losses)]
    found = last_epochs(epochs).val_loss
    assert (found.mean, found.low, found.high, found.epochs) == (pytest.approx(0.3), 0.1, 0.5, 5)
    assert last_epochs(epochs[:2]).val_loss.epochs == 2


def test_a_variant_tells_where_each_phase_ended() -> None:
    variant = make_variant(head=make_history(1, 30, 0.5, 0.9), fine_tuning=make_history(30, 1, 1.0, 1.0))
    assert variant.last_epochs["head"] == last_epochs(variant.head)
    assert variant.last_epochs["fine_tuning"].accuracy.epochs == 1


@pytest.mark.parametrize(("logit", "actual"), [(0.0, 0), (2.5, 1), (2.5, 0), (-800.0, 1), (800.0, 0), (800.0, 1)])
def test_the_loss_of_a_prediction_is_its_cross_entropy(logit: float, actual: int) -> None:
    prediction = Prediction(index=0, file="1.png", actual=actual, predicted=1, logit=logit, probability=0.5)
    expected = 800.0 if abs(logit) > 700 else -math.log(1 / (1 + math.exp(-logit if actual else logit)))
    assert prediction.loss == pytest.approx(0.0 if (logit, actual) == (800.0, 1) else expected)


LOGITS = (0.5, 2.0, -1.0)


def test_several_classes_are_ranked_by_their_probability() -> None:
    found = make_prediction(0, "1.png", actual=0, predicted=1, classes=3)
    assert sum(found.probabilities) == pytest.approx(1)
    assert [guess.label for guess in found.ranked] == [1, 0, 2]
    assert found.ranked[0].probability == found.confidence == pytest.approx(found.probability)
    assert found.loss == pytest.approx(-math.log(found.probabilities[0]))
    two = make_prediction(0, "1.png", actual=0, predicted=0)
    assert two.ranked[0].probability == two.confidence == 1 - two.probability


@pytest.mark.parametrize(
    "changes",
    [
        {"actual": 3},
        {"predicted": 0},
        {"logit": 1.9},
        {"probability": 0.5},
        {"logits": ()},
        {"logits": (0.5, 2.0, 3.0)},
    ],
)
def test_a_prediction_that_its_logits_do_not_give_is_refused(changes: dict[str, object]) -> None:
    good = {"index": 0, "file": "1.png", "actual": 2, "predicted": 1, "logit": 2.0, "logits": LOGITS}
    good["probability"] = math.exp(2) / sum(map(math.exp, LOGITS))
    Prediction.model_validate(good)
    with pytest.raises(ValidationError):
        Prediction.model_validate(good | changes)


def test_recalls_are_of_each_class() -> None:
    cells = ConfusionMatrix(rows=((15, 5), (0, 20)))
    assert cells.recalls == (0.75, 1.0)
    empty = ConfusionMatrix(rows=((0, 0), (1, 3)))
    assert empty.recalls == (0.0, 0.75)


def test_probabilities_of_many_classes_are_added_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    prediction = make_prediction(0, "test/a/1.png", 3, 4, classes=100)
    asked: list[int] = []
    monkeypatch.setattr(outcomes, "sum", lambda shares: asked.append(len(shares)) or math.fsum(shares), raising=False)
    assert math.fsum(prediction.probabilities) == pytest.approx(1)
    assert asked == [100]
