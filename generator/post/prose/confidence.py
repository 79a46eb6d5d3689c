"""What templates may say of confidences: quantities that they print, and claims.

Confidences are judged on the images to measure with, where there are any, because forty test images show little; else
on the test images. What is judged is a `PhaseOutcome` or a `Measured`: anything with the predictions of its images.
Every variant is asked the same, so p values are corrected by Holm's method for their number.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, Protocol

from generator.experiment.outcomes import PhaseOutcome, Prediction
from generator.experiment.results import VariantResult
from generator.experiment.statistics import confidences
from generator.post.prose.plain import plain
from generator.support.remembered import remembered
from generator.support.statistics import calibration, noise
from generator.support.statistics.bootstrap import Interval

Variants = Mapping[str, VariantResult]
Sureness = Literal["too sure", "not sure enough", "within noise"]


class Judged(Protocol):
    """Some images, as a network answered them."""

    @property
    def predictions(self) -> Sequence[Prediction]: ...


def judged(variant: VariantResult) -> Any:
    """The images on which a variant's confidences are judged: those to measure with where there are any, else the
    test images."""
    return variant if variant.measurement is None else variant.measurement.fine_tuning


def judged_score(variant: VariantResult) -> Any:
    """The score of these."""
    return variant.test if variant.measurement is None else variant.measurement.fine_tuning


def sureness(variant: VariantResult, p: float) -> Sureness:
    """Whether a variant's mean confidence lies above or below its share of right answers, by more than chance.

    `p` is `adjusted_level` of the variant.
    """
    if p >= noise.SIGNIFICANT:
        return "within noise"
    said, score = confidences.mean_confidence(judged(plain(variant)).predictions), judged_score(variant)
    return "too sure" if said > score.accuracy else "not sure enough"


def by_sureness(variants: Variants) -> dict[Sureness, list[VariantResult]]:
    """The variants of which `sureness` says the same."""
    ps = _corrected(variants, _level_p)
    found: dict[Sureness, list[VariantResult]] = {"not sure enough": [], "too sure": [], "within noise": []}
    for variant in variants.values():
        found[sureness(variant, ps[variant.name])].append(variant)
    return found


def tempered(variants: Variants) -> list[VariantResult]:
    """The variants whose validation images choose a temperature."""
    return [variant for variant in variants.values() if has_temperature(variant)]


def has_temperature(outcome: PhaseOutcome) -> bool:
    """Whether the validation images choose a temperature for the logits."""
    return confidences.temperature(plain(outcome)) is not None


def has_level(of: Judged) -> bool:
    """Whether so many images could show that confidences are too high or too low on average."""
    found = _level(of)
    return found.low > 0 or found.high < len(of.predictions)


def adjusted_level(variant: VariantResult, variants: Variants) -> float:
    """p of as many right answers, were every confidence right, by Holm for all variants."""
    return _corrected(variants, _level_p)[variant.name]


def adjusted_miscalibration(variant: VariantResult, variants: Variants) -> float:
    """p of so much miscalibration, the same."""
    return _corrected(variants, lambda each: miscalibration_p(judged(each)))[variant.name]


def adjusted_cooling(variant: VariantResult, variants: Variants) -> float:
    """p of what the temperature does to the loss, by Holm for all variants that have one."""
    return _corrected({each.name: each for each in tempered(variants)}, lambda each: _cooling(each).p)[variant.name]


def miscalibration_p(of: Judged) -> float:
    return _miscalibration_p(of.predictions)


def level_seen(of: Judged) -> float:
    """The smallest distance of mean confidence and share of right answers that so many images call more than chance.

    Raises `ValueError` where none is, as where `has_level` is not.
    """
    found, total = _level(of), len(of.predictions)
    expected = confidences.mean_confidence(of.predictions) * total
    beyond = [right for right in (found.low - 1, found.high + 1) if 0 <= right <= total]
    return min(abs(right - expected) for right in beyond) / total


def cooled_loss(variant: VariantResult) -> float:
    """The mean loss of what is judged with the logits divided by the temperature."""
    losses = confidences.cooled_losses(variant, judged(variant).predictions)
    return sum(losses) / len(losses)


def _corrected(variants: Variants, p: Callable[[VariantResult], float]) -> dict[str, float]:
    """Name → p value after Holm's correction."""
    return dict(zip(variants, noise.holm([p(each) for each in plain(variants).values()]), strict=True))


def _level_p(variant: VariantResult) -> float:
    return _level(judged(variant)).p


def _level(of: Judged) -> calibration.Level:
    return _level_of(plain(of).predictions)


def _brier(of: Judged) -> calibration.Brier:
    return _brier_of(of.predictions)


@remembered
def _miscalibration_p(predictions: Sequence[Prediction]) -> float:
    return calibration.chance(confidences.answers(predictions)).p


@remembered
def _level_of(predictions: Sequence[Prediction]) -> calibration.Level:
    return calibration.level(confidences.answers(predictions))


@remembered
def _brier_of(predictions: Sequence[Prediction]) -> calibration.Brier:
    return calibration.parts(confidences.answers(predictions))


def _temperature(outcome: PhaseOutcome) -> float:
    found = confidences.temperature(outcome)
    if found is None:
        raise ValueError("the validation images have no best temperature")
    return found


@remembered
def _cooling(variant: VariantResult) -> Interval:
    found = confidences.cooling(variant, judged(variant).predictions)
    if found is None:
        raise ValueError("what a temperature does to a single image has no interval")
    return found


FUNCTIONS: Final[dict[str, Callable[..., int | float]]] = {
    "mean_confidence": lambda of: confidences.mean_confidence(of.predictions),
    "level_low": lambda of: _level(of).low,
    "level_high": lambda of: _level(of).high,
    "level_seen": level_seen,
    "level_p": lambda of: _level(of).p,
    "adjusted_level": adjusted_level,
    "brier": lambda of: _brier(of).score,
    "brier_miscalibration": lambda of: _brier(of).miscalibration,
    "brier_discrimination": lambda of: _brier(of).discrimination,
    "brier_uncertainty": lambda of: _brier(of).uncertainty,
    "miscalibration_p": miscalibration_p,
    "adjusted_miscalibration": adjusted_miscalibration,
    "temperature": _temperature,
    "cooled_loss": cooled_loss,
    "cooling_low": lambda variant: _cooling(variant).low,
    "cooling_high": lambda variant: _cooling(variant).high,
    "adjusted_cooling": adjusted_cooling,
}
"""For `quantities`, which names them all."""

CLAIMS: Final[tuple[Callable[..., Any], ...]] = (
    judged, judged_score, sureness, by_sureness, tempered, has_temperature, has_level,
)  # fmt: skip
"""For `claims`, which gives them to the templates."""
