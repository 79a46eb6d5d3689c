"""Confidences of predictions: of two classes and of more, and the temperature that validation gives."""

import pytest

from generator.experiment.outcomes import PhaseOutcome
from generator.experiment.statistics import confidences
from generator.support.statistics import calibration
from tests.factories import FIVE, make_outcome, make_predictions, outcome_of


def with_validation(wrong: tuple[int, ...], names: tuple[str, ...]) -> PhaseOutcome:
    parts = dict(make_outcome((0, 1), names).predictions_by_part)
    return outcome_of({**parts, "validation": make_predictions(wrong, names, 64, "train")}, len(names))


def test_answers_are_confidences_and_whether_they_were_right() -> None:
    predictions = make_predictions((0,))
    assert confidences.answers(predictions)[:2] == ((0.55, False), (0.56, True))
    assert confidences.mean_confidence(predictions) == pytest.approx(sum(p.confidence for p in predictions) / 40)


@pytest.mark.parametrize("names", [("camel", "horse"), FIVE])
def test_at_a_temperature_of_one_the_loss_is_the_loss(names: tuple[str, ...]) -> None:
    outcome = with_validation((0, 5, 40), names)
    rows = confidences._logits(outcome.predictions)
    assert calibration.cooled(*rows, 1.0).tolist() == pytest.approx([p.loss for p in outcome.predictions])


@pytest.mark.parametrize("names", [("camel", "horse"), FIVE])
def test_the_temperature_is_best_on_validation_and_used_on_test(names: tuple[str, ...]) -> None:
    outcome = with_validation((0, 1, 2, 5, 40, 41, 62), names)
    degree = confidences.temperature(outcome)
    assert degree is not None
    rows = confidences._logits(outcome.predictions_by_part["validation"])
    best = calibration.cooled(*rows, degree).mean()
    assert best < min(calibration.cooled(*rows, degree * factor).mean() for factor in (0.9, 1.1, 1 / degree))
    cooled = confidences.cooled_losses(outcome, outcome.predictions)
    assert cooled == tuple(calibration.cooled(*confidences._logits(outcome.predictions), degree))


def test_what_the_temperature_does_to_the_loss_has_an_interval() -> None:
    outcome = with_validation((0, 1, 2, 5, 40, 41, 62), ("camel", "horse"))
    found = confidences.cooling(outcome, outcome.predictions)
    assert found is not None
    gain = sum(confidences.cooled_losses(outcome, outcome.predictions)) / 40 - outcome.test.loss
    assert found.low < gain < found.high
    assert confidences.cooling(outcome, outcome.predictions[:1]) is None


def test_validation_without_an_error_or_without_predictions_gives_none() -> None:
    assert confidences.temperature(with_validation((), ("camel", "horse"))) is None
    alone = make_outcome((0,)).model_copy(update={"predictions_by_part": {}})
    assert confidences.temperature(alone) is None
    with pytest.raises(ValueError, match="no best temperature"):
        confidences.cooled_losses(alone, ())
