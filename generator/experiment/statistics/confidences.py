"""What the confidences of predictions are worth: answers for `support.statistics.calibration`, and a temperature.

The confidence is the probability of the class that is named, whatever the number of classes: it is what the post prints
beside an image. Of two classes the Brier score is the same as that of the probability of class 1.
"""

from collections.abc import Sequence
from statistics import fmean

from generator.experiment.outcomes import PhaseOutcome, Prediction
from generator.support.statistics import bootstrap, calibration
from generator.support.statistics.bootstrap import Interval
from generator.support.statistics.calibration import Answers


def answers(predictions: Sequence[Prediction]) -> Answers:
    """(confidence, whether it was right) of each image."""
    return tuple((float(p.confidence), not p.wrong) for p in predictions)


def mean_confidence(predictions: Sequence[Prediction]) -> float:
    return fmean(p.confidence for p in predictions)


def temperature(outcome: PhaseOutcome) -> float | None:
    """What to divide the logits by, chosen on the validation images; None where none is best."""
    validation = outcome.predictions_by_part.get("validation", ())
    return calibration.temperature(*_logits(validation)) if validation else None


def cooled_losses(outcome: PhaseOutcome, predictions: Sequence[Prediction]) -> tuple[float, ...]:
    """The loss of each prediction with its logits divided by the temperature of `outcome`, of which there must be one.

    Raises `ValueError` where there is none.
    """
    degree = temperature(outcome)
    if degree is None:
        raise ValueError("the validation images have no best temperature")
    return tuple(calibration.cooled(*_logits(predictions), degree).tolist())


def cooling(outcome: PhaseOutcome, predictions: Sequence[Prediction]) -> Interval | None:
    """The interval of what the temperature adds to the mean loss of `predictions`, by the paired bootstrap; None of a
    single one."""
    if len(predictions) < 2:
        return None
    losses = zip(cooled_losses(outcome, predictions), predictions, strict=True)
    return bootstrap.of_mean(tuple(cooled - float(p.loss) for cooled, p in losses))


def _logits(predictions: Sequence[Prediction]) -> tuple[list[list[float]], list[int]]:
    """A logit for every class, of two classes none and the one there is; and the classes."""
    rows = [[float(z) for z in p.logits] or [0.0, float(p.logit)] for p in predictions]
    return rows, [int(p.actual) for p in predictions]
