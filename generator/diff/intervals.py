"""Says how sure the difference of two builds is, metric by metric.

`told` adds to a metric's change the 95% interval of the difference: of the same images paired, of different ones
only for accuracies, which their counts tell. Of several runs have one, over runs and images, the mean accuracies alone
on the test images and on those to measure with. Metrics of epochs and of the time before training have none.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from generator.diff.measured import is_measured
from generator.diff.metrics import MetricChange
from generator.experiment.data_summary import PARTS
from generator.experiment.measurement import Measured
from generator.experiment.metrics import direction
from generator.experiment.outcomes import Phase, Prediction, Score
from generator.experiment.results import BuildResults, VariantResult
from generator.support.statistics import noise

Told = tuple[float, float, float]
"""Low, high, p."""

_OVER_RUNS: dict[str, Phase] = {
    "over_runs.test.accuracy": "fine_tuning",
    "over_runs.after_head.test.accuracy": "head",
    "over_runs.measured.accuracy": "fine_tuning",
    "over_runs.after_head.measured.accuracy": "head",
}
"""Of the metrics over several runs those that have an interval → the phase that they sum up."""


def needs(metric: str) -> str:
    """What two builds must have for the interval of a metric's difference; empty where there is none of it."""
    file = "measure.csv" if is_measured(metric) else "predictions.csv"
    if metric in _OVER_RUNS:
        return f"as many runs, {file} on both sides and the same images"
    if metric.partition(".")[0] in ("before", "epochs", "over_runs"):
        return ""
    return f"{file} on both sides and the same images (accuracies, the counts alone)"


def told(
    changes: Iterable[MetricChange],
    old: BuildResults,
    new: BuildResults,
    one: VariantResult | None,
    other: VariantResult | None,
) -> Iterator[MetricChange]:
    """The changes from a variant of `old` to one of `new`, with intervals where they can be told."""
    names = new.data.class_names
    for change in changes:
        if one is None or other is None or not direction(change.metric):
            yield change
            continue
        change = replace(change, images=_images(change.metric, one, other, names))
        # The images to measure with are compared only where they are the same.
        same = old.data.fingerprint == new.data.fingerprint or is_measured(change.metric)
        differs = change.status in ("improved", "worse")
        found = _difference(change.metric, one, other, names, same=same) if differs else None
        if found:
            low, high, p = found
            # Of a ratio that every draw gives alike there is no interval: one without width would look certain.
            ends = (low, high) if low < high else (None, None)
            change = replace(change, low=ends[0], high=ends[1], p=p, note=noise.verdict(p))
        yield change


def _difference(
    metric: str, one: VariantResult, other: VariantResult, names: tuple[str, ...], *, same: bool
) -> Told | None:
    """`same`: whether the images of one name are the same in both builds."""
    from generator.experiment.statistics import intervals  # Late: arrays are needed only where something changed.

    if metric in _OVER_RUNS:
        return _over_runs(metric, one, other) if same else None
    (old, before), (new, after) = (_behind(variant, metric) for variant in (one, other))
    label, leaf = _leaf(metric, names)
    if same and before and after:
        try:
            if label is not None:
                return intervals.of_class_difference(leaf, before, after, label)
            return intervals.of_difference(leaf, before, after, len(names))
        except ValueError:
            pass  # Of other images; these cannot be paired.
    if leaf != "accuracy" or old is None or new is None:
        return None
    counts = new.correct, new.total, old.correct, old.total
    return *noise.unpaired(*counts), noise.fisher(*counts)


def _over_runs(metric: str, one: VariantResult, other: VariantResult) -> Told | None:
    """Of a mean accuracy, runs of one number paired; None unless there are as many, of the same images."""
    from generator.experiment.statistics import two_way

    before, after = (_runs(variant, metric) for variant in (one, other))
    first, second = ([(p.file, p.actual) for p in side[0]] for side in (before, after))
    if len(before) != len(after) or not first or first != second:
        return None
    return two_way.of_predictions(before, after)


def _runs(variant: VariantResult, metric: str) -> tuple[tuple[Prediction, ...], ...]:
    """Of each run the predictions that a mean accuracy sums up."""
    phase = _OVER_RUNS[metric]
    return variant.scored(phase) if is_measured(metric) else tuple(o.predictions for o in variant.outcomes[phase])


def _behind(variant: VariantResult, metric: str) -> tuple[Score | None, tuple[Prediction, ...]]:
    """The score that a metric belongs to and the predictions it sums up; None and none for what has none."""
    first, _, rest = metric.partition(".")
    if first == "measurement":
        measured: Measured = getattr(variant.measurement, rest.partition(".")[0])
        return measured, measured.predictions
    outcome = variant.after_head if first == "after_head" else variant
    name = rest.partition(".")[0] if first == "after_head" else first
    part = next((part for part in PARTS if part == name), "test" if name == "classes" else None)
    return (getattr(outcome, part), outcome.predictions_by_part.get(part, ())) if part else (None, ())


def _leaf(metric: str, names: tuple[str, ...]) -> tuple[int | None, str]:
    """(label, ratio) of `classes.horse.recall`, whose name may have dots in it; of others None and their last part."""
    path, _, leaf = metric.removeprefix("after_head.").rpartition(".")
    name = path.removeprefix("classes.")
    return (names.index(name) if name != path and name in names else None), leaf


def _images(metric: str, one: VariantResult, other: VariantResult, names: tuple[str, ...]) -> int | None:
    """How many images a share is of, in the build that has fewer; None for what is no share of all or of a class."""
    label, leaf = _leaf(metric, names)
    both = [_behind(variant, metric) for variant in (one, other)]
    if leaf == "accuracy":
        return min((score.total for score, _ in both if score), default=None)
    if leaf == "recall" and label is None and len(names) == 2:
        label = 1
    if leaf != "recall" or label is None:
        return None
    return min(sum(p.actual == label for p in predictions) for _, predictions in both) or None
