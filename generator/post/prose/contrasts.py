"""Claims about variants or phases side by side and about test images: which to compare, which were close or changed.

Each takes results or their views, and gives the elements themselves, so that a template can print their numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any, Final, Literal

from generator.experiment.outcomes import PhaseOutcome, Prediction
from generator.experiment.results import VariantResult
from generator.experiment.showcase import showcase
from generator.experiment.statistics import intervals
from generator.post.prose.plain import plain
from generator.support.remembered import remembered
from generator.support.statistics import noise

MOST_ISOLATED = 60
"""Pairs beside those with the baseline that are compared. Of many values of one setting the pairs grow with the square
of their number, and each makes the correction stricter for all."""


def pairs(variants: Mapping[str, VariantResult]) -> list[tuple[VariantResult, VariantResult]]:
    """The variants to compare: the baseline with each other one, then others that differ in one setting, unless there
    are more than `MOST_ISOLATED` of these pairs."""
    baseline, *others = variants.values()
    found = isolated(variants)
    return [(baseline, other) for other in others] + (found if len(found) <= MOST_ISOLATED else [])


def isolated(variants: Mapping[str, VariantResult]) -> list[tuple[VariantResult, VariantResult]]:
    """The pairs without the baseline that differ in one setting."""
    _, *others = variants.values()
    return [pair for pair in combinations(others, 2) if isolates(*pair)]


def left_out(variants: Mapping[str, VariantResult]) -> int:
    """How many pairs that differ in one setting are not compared."""
    found = len(isolated(variants))
    return found if found > MOST_ISOLATED else 0


def isolates(old: VariantResult, new: VariantResult) -> str | None:
    """Path of the only setting in which two variants differ; None where it is not one."""
    paths = [path for path in {**old.changes, **new.changes} if old.changes.get(path) != new.changes.get(path)]
    return paths[0] if len(paths) == 1 else None


def adjusted(old: VariantResult, new: VariantResult, variants: Mapping[str, VariantResult]) -> float:
    """McNemar's exact p value of two variants after Holm's correction for all the `pairs`, and them."""
    return corrected(old, new, variants, _on_test_images)


def adjusted_loss(old: VariantResult, new: VariantResult, variants: Mapping[str, VariantResult]) -> float:
    """The same for the loss of each image, by the paired bootstrap."""
    return corrected(old, new, variants, _on_test_images, by_losses)


def adjusted_measured(old: VariantResult, new: VariantResult, variants: Mapping[str, VariantResult]) -> float:
    """The same on the images to measure with."""
    return corrected(old, new, variants, _on_measured_images)


def adjusted_phases(variant: VariantResult, variants: Mapping[str, VariantResult]) -> float:
    """McNemar's exact p value of a variant's two phases on the images to measure with, by Holm for all variants."""
    measured = {name: each.measurement for name, each in variants.items() if each.measurement is not None}
    return _by_variant({name: (each.head, each.fine_tuning) for name, each in measured.items()})[variant.name]


def adjusted_tuning(variant: VariantResult, variants: Mapping[str, VariantResult]) -> float:
    """The same on the test images."""
    return _by_variant({name: (each.after_head, each) for name, each in variants.items()})[variant.name]


def _by_variant(phases: Mapping[str, tuple[Any, Any]]) -> dict[str, float]:
    """Name → p value of what its two phases have right, after Holm's correction."""
    ps = [by_outcomes(head.predictions, tuned.predictions) for head, tuned in phases.values()]
    return dict(zip(phases, noise.holm(ps), strict=True))


def told_apart(variants: Mapping[str, VariantResult]) -> list[tuple[VariantResult, VariantResult]]:
    """Of the `pairs`, those that differ by more than chance."""
    return [pair for pair in pairs(variants) if adjusted(*pair, variants) < noise.SIGNIFICANT]


def told_apart_measured(variants: Mapping[str, VariantResult]) -> list[tuple[VariantResult, VariantResult]]:
    """Of the `pairs`, those that differ by more than chance on the images to measure with."""
    return [pair for pair in pairs(variants) if adjusted_measured(*pair, variants) < noise.SIGNIFICANT]


def _on_test_images(variant: VariantResult) -> Sequence[Prediction]:
    return variant.predictions


def _on_measured_images(variant: VariantResult) -> Sequence[Prediction]:
    if variant.measurement is None:
        raise ValueError(f"nothing was measured of {variant.name}")
    return variant.measurement.fine_tuning.predictions


@remembered
def paired(old: Sequence[Prediction], new: Sequence[Prediction]) -> noise.Pairs:
    """The 2 x 2 table of two models on the same images, of which many sentences tell something."""
    return noise.paired(old, new)


@remembered
def by_outcomes(old: Sequence[Prediction], new: Sequence[Prediction]) -> float:
    """How probable so different outcomes of the same images are, by McNemar's exact test."""
    table = paired(old, new)
    return noise.mcnemar(table.mended, table.broken)


@remembered
def by_losses(old: Sequence[Prediction], new: Sequence[Prediction]) -> float:
    """How probable so different mean losses of the same images are, by the paired bootstrap; 1 of a single image."""
    found = intervals.of_difference("loss", old, new, 0)
    return found.p if found else 1.0


def corrected(
    old: VariantResult,
    new: VariantResult,
    variants: Mapping[str, VariantResult],
    images: Callable[[VariantResult], Sequence[Prediction]],
    p: Callable[[Sequence[Prediction], Sequence[Prediction]], float] = by_outcomes,
) -> float:
    """The p value of two variants on some images after Holm's correction for all the `pairs`, and them."""
    old, new, variants = plain(old), plain(new), plain(variants)
    compared = pairs(variants)
    if frozenset((old.name, new.name)) not in [frozenset((one.name, other.name)) for one, other in compared]:
        compared.append((old, new))
    values = noise.holm([p(images(one), images(other)) for one, other in compared])
    found = {frozenset((one.name, other.name)): value for (one, other), value in zip(compared, values, strict=True)}
    return found[frozenset((old.name, new.name))]


def some_wrong(variants: Mapping[str, VariantResult]) -> list[int]:
    """Positions of the test images that at least one variant has wrong."""
    return sorted({p.index for variant in plain(variants).values() for p in variant.predictions if p.wrong})


def all_wrong(variants: Mapping[str, VariantResult]) -> list[Prediction]:
    """The test images that every variant has wrong, with the first one's predictions."""
    first, *others = plain(variants).values()
    never = [p.index for p in first.predictions if p.wrong and all(v.predictions[p.index].wrong for v in others)]
    return [next(iter(variants.values())).predictions[index] for index in never]


def shown_first(variant: VariantResult) -> Sequence[Any]:
    """The test images that open the post, as views where `variant` is one."""
    return [variant.predictions[p.index] for p in showcase(plain(variant).predictions)]


def closest_call(variant: VariantResult) -> Prediction | None:
    """The right prediction with the lowest confidence, of equals the first; None where all are wrong."""
    right = [p for p in plain(variant).predictions if not p.wrong]
    closest = min(right, key=lambda p: p.confidence, default=None)
    return closest and variant.predictions[closest.index]


def surest(predictions: Sequence[Prediction]) -> Prediction:
    """The one with the highest confidence, of equals the first."""
    confidences = [p.confidence for p in plain(predictions)]
    return predictions[confidences.index(max(confidences))]


CLOSE = 0.6
"""A confidence below it is called a close call; the templates say `three in five`."""


def changed_images(old: PhaseOutcome, new: PhaseOutcome) -> list[tuple[Prediction, Prediction]]:
    """Each test image that one of the two gets right and the other wrong, as both predict it."""
    both = zip(plain(old).predictions, plain(new).predictions, strict=True)
    changed = [position for position, (before, after) in enumerate(both) if before.wrong != after.wrong]
    return [(old.predictions[position], new.predictions[position]) for position in changed]


def close_calls(predictions: Sequence[Prediction]) -> list[Prediction]:
    """Those of so low a confidence that little would have turned the answer."""
    return [p for p in predictions if p.confidence < CLOSE]


def second_chosen(predictions: Sequence[Prediction]) -> list[Prediction]:
    """Those whose actual class is the second most probable."""
    return [p for p in predictions if p.ranked[1].label == p.actual]


def bounded(outcome: PhaseOutcome, metric: Literal["loss", "precision", "recall", "f1", "roc_auc"]) -> bool:
    """Whether a metric of the test images has an interval: of a single image, or of F1 without an error, none can be
    told, nor of an area where a class has one image."""
    outcome = plain(outcome)
    return interval(metric, outcome.predictions, len(outcome.confusion.rows)) is not None


@remembered
def interval(metric: str, predictions: Sequence[Prediction], classes: int) -> tuple[float, float] | None:
    """`intervals.of_metric`, which is asked whether there is one, then for either end."""
    return intervals.of_metric(metric, predictions, classes)


def can_show(outcome: PhaseOutcome, variants: Mapping[str, VariantResult]) -> bool:
    """Whether there are test images enough for any difference of the `pairs` to be more than chance."""
    return outcome.test.total >= noise.fewest_one_sided(comparisons(variants))


def comparisons(variants: Mapping[str, VariantResult]) -> int:
    """What Holm's method corrects for, one at least."""
    return max(1, len(pairs(variants)))


CLAIMS: Final[tuple[Callable[..., Any], ...]] = (
    pairs, isolates, told_apart, told_apart_measured, some_wrong, all_wrong, shown_first, closest_call, surest,
    changed_images, close_calls, bounded, can_show,
)  # fmt: skip
"""For `claims`, which gives them to the templates."""
