"""Compares two builds: metrics with their direction, settings, gates, predictions image by image, figures.

`compare` turns two `builds.Build` into a `Comparison`, plain data that `report` prints.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from generator.diff import builds, intervals, measured, reviews, rounding, runs, settings
from generator.diff import environment as environment_diff
from generator.diff import metrics as metric_diff
from generator.diff import pictures as picture_diff
from generator.diff.builds import Build
from generator.diff.environment import EnvironmentChange
from generator.diff.gates import Gate, GateResult, hold
from generator.diff.measured import MeasuredChange
from generator.diff.metrics import MetricChange
from generator.diff.pictures import PictureChange
from generator.diff.rounding import Rounding
from generator.diff.settings import Pair, SettingChange
from generator.experiment.config import settings as config
from generator.experiment.confusion import ConfusionMatrix
from generator.experiment.measurement import Measurement
from generator.experiment.outcomes import Phase, PhaseOutcome, Prediction, Score
from generator.experiment.results import BuildResults, VariantResult
from generator.support import formats
from generator.support.errors import BadInput, choices
from generator.support.statistics import noise

Outcome = Literal["mended", "broken", "still wrong"]


@dataclass(frozen=True)
class PredictionChange:
    """One test image that at least one of the two got wrong."""

    file: str
    actual: str
    outcome: Outcome
    old: str
    """The class predicted, by name."""
    old_confidence: float
    new: str
    new_confidence: float


@dataclass(frozen=True)
class Paired:
    """The predictions of two variants on the same test images."""

    variant: str
    images: int
    changes: tuple[PredictionChange, ...]
    p: float | None
    """Of McNemar's exact test; None where the test sets differ."""
    verdict: str
    """The same in words, or why the two cannot be paired."""

    @property
    def chance(self) -> str:
        """Whether the two differ by more than chance, empty where they cannot be paired."""
        if self.p is None:
            return ""
        return noise.verdict(self.p)

    def of(self, outcome: Outcome) -> tuple[PredictionChange, ...]:
        return tuple(change for change in self.changes if change.outcome == outcome)


@dataclass(frozen=True)
class Comparison:
    """All that differs between two builds."""

    old: str
    new: str
    settings: tuple[SettingChange, ...]
    metrics: tuple[MetricChange, ...]
    gates: tuple[GateResult, ...]
    predictions: tuple[Paired, ...]
    measured: tuple[MeasuredChange, ...]
    figures: tuple[PictureChange, ...]
    environment: EnvironmentChange
    rounding: Rounding | None
    """Where all that differs is what another processor gives."""
    nothing: str
    """Why there was nothing to compare, as a sentence without its full stop; else empty. No gate is held then."""
    reviews: tuple[str, ...] = ()
    """What changed in marked labels and activation maps."""

    @property
    def missed(self) -> tuple[GateResult, ...]:
        return tuple(result for result in self.gates if not result.passed)

    @property
    def same(self) -> bool:
        """Whether there is nothing to report."""
        metrics = any(change.status != "unchanged" for change in self.metrics)
        outcomes = any(change.outcome != "still wrong" for pair in self.predictions for change in pair.changes)
        unpaired = any(pair.p is None for pair in self.predictions)
        measured = any(change.differs for change in self.measured)
        seen = (self.settings, metrics, self.figures, outcomes, unpaired, measured)
        return not any((*seen, self.missed, self.environment.changes, self.reviews))


def compare(
    old: Build,
    new: Build,
    *,
    gates: Sequence[Gate] = (),
    variants: tuple[str, str] | None = None,
) -> Comparison:
    """What differs from `old` to `new`.

    `variants` compares the first of the two in `old` with the second in `new`, which may be the same build;
    otherwise each variant is compared with the one of its name. Raises `BadInput` where a gate's metric or a
    variant does not exist.
    """
    pairs = _pairs(old, new, variants)
    both = [(name, old.results, new.results, one, other) for name, one, other in pairs if one and other]
    # Where they measured with other images the figures say nothing about each other.
    paired = measured.is_paired(old.results, new.results)
    same_classes = old.results.data.class_names == new.results.data.class_names
    metrics: list[MetricChange] = []
    for name, one, other in pairs:
        before, after = _metrics(old, one, paired=paired), _metrics(new, other, paired=paired)
        if one is not None and other is not None and same_classes:
            lacking, lacks = (_undefined(variant, new.results.data.class_names) for variant in (one, other))
            before |= dict.fromkeys(lacking - lacks)
            after |= dict.fromkeys(lacks - lacking)
        changes = metric_diff.compare(name, before, after)
        if same_classes:
            metrics += intervals.told(changes, old.results, new.results, one, other)
        else:
            metrics += metric_diff.of_other_classes(changes)
    held = tuple(hold(gates, metrics, paired=paired))
    found = Comparison(
        old=old.label,
        new=new.label,
        settings=tuple(settings.changes(old.results, new.results, pairs)),
        metrics=tuple(metrics),
        gates=(),
        predictions=tuple(_paired(*row) for row in both),
        measured=tuple(change for row in both for change in measured.compare(*row)),
        figures=() if variants else tuple(_figure_changes(old, new)),
        environment=environment_diff.compare(old.results.environment, new.results.environment, (old.label, new.label)),
        rounding=None,
        nothing="",
        reviews=tuple(reviews.told(old.results, new.results, [(name, one, other) for name, _, _, one, other in both])),
    )
    itself = variants is None or variants[0] == variants[1]
    # Of the same files also what cannot be paired is no difference.
    if itself and (builds.is_same_files(old, new) or (found.same and builds.is_one_build(old, new))):
        another = "give two variants, or two builds" if variants else builds.another(old, new)
        return replace(found, nothing=_nothing(old, new, another, gated=bool(gates)))
    return replace(found, gates=held, rounding=_rounding(found, old, new, pairs))


def _nothing(old: Build, new: Build, another: str, *, gated: bool) -> str:
    """Which build both sides are, and how to name `another`."""
    kept = " and no gate held" if gated else ""
    which = f", {old.provenance.id}" if old.provenance else ""
    return f"nothing to compare{kept}: {old.label} and {new.label} are one build{which}; {another}"


def _rounding(found: Comparison, old: Build, new: Build, pairs: Sequence[Pair]) -> Rounding | None:
    """Whether another processor gives all this: nothing else was set, and every prediction of every run is the same."""
    precisions = {name: (change.old, change.new) for change in found.settings for name in change.variants}
    if any(change.setting != settings.TRAINED_IN for change in found.settings):
        return None
    if any(pair.p is None for pair in found.predictions):
        return None
    if any(change.differs for change in found.measured):
        return None
    if any(figure.status != "changed" for figure in found.figures):
        return None
    if not all(runs.same_predictions(one, other) for _, one, other in pairs if one and other):
        return None
    return rounding.judge(
        old.provenance,
        new.provenance,
        found.metrics,
        others=len(found.figures) + len(found.settings),
        precisions=precisions,
        images=new.results.data.training_images,
    )


def _pairs(old: Build, new: Build, variants: tuple[str, str] | None) -> list[Pair]:
    before, after = old.results.variants, new.results.variants
    if variants is None:
        names = [*before, *(name for name in after if name not in before)]
        return [(name, before.get(name), after.get(name)) for name in names]
    for name, known in zip(variants, (before, after), strict=True):
        if name not in known:
            raise BadInput(f"unknown variant {name!r}; {choices(name, known)}")
    one, other = variants
    return [(one if one == other else f"{one} → {other}", before[one], after[other])]


def _metrics(build: Build, variant: VariantResult | None, *, paired: bool) -> dict[str, float | None]:
    """Metric path → value, for everything that is a number in a variant; of a measurement only if it is `paired`."""
    if variant is None:
        return {}
    names = build.results.data.class_names
    epochs = {phase: epoch.model_dump() for phase, epoch in build.last_epochs[variant.name].items()}
    tables = {
        **_outcome(variant, names),
        "after_head": _outcome(variant.after_head, names),
        "before": _score(variant.before),
        "epochs": epochs,
        "parameters": variant.parameters.model_dump(),
    }
    if variant.runs:
        parts = ("test", "validation", "measured") if paired else ("test", "validation")
        after_head = _over_runs(variant, "head", parts)
        tables["over_runs"] = {**_over_runs(variant, "fine_tuning", parts), "after_head": after_head}
    if paired and variant.measurement is not None:
        # Their ratios by class and their ranks turn with a single image, and say nothing that these do not.
        phases = {phase: getattr(variant.measurement, phase) for phase in Measurement.model_fields}
        tables["measurement"] = {
            phase: {"loss": found.loss, "correct": found.correct, "accuracy": found.accuracy}
            for phase, found in phases.items()
        }
    return config.flatten(tables)


def _outcome(outcome: PhaseOutcome, class_names: Sequence[str]) -> dict[str, Any]:
    scores = {part: _score(getattr(outcome, part)) for part in ("test", "validation", "train")}
    return {**scores, **_by_class(outcome.confusion, class_names)}


def _over_runs(variant: VariantResult, phase: Phase, parts: Sequence[str]) -> dict[str, Any]:
    """Means of several runs, and their standard deviations, of which neither direction is better."""
    return {
        part: {name: found.mean for name, found in scores.items()}
        | {f"{name}_sd": found.sd for name, found in scores.items()}
        for part, scores in variant.over_runs[phase].items()
        if part in parts
    }


def _score(score: Score) -> dict[str, Any]:
    return {**score.model_dump(), "accuracy": score.accuracy}


def _by_class(confusion: ConfusionMatrix, class_names: Sequence[str]) -> dict[str, Any]:
    """The confusion matrix of two classes; of more, each class's ratios, since its cells are too many to list."""
    if len(class_names) == 2:
        return {"confusion": confusion.table(class_names)}
    return {"classes": confusion.ratios(class_names)}


def _undefined(variant: VariantResult, class_names: Sequence[str]) -> set[str]:
    """Paths of the ratios of no image at all, as of those called by a name that none was: they are kept as 0."""
    paths = set()
    for prefix, outcome in (("", variant), ("after_head.", variant.after_head)):
        classes = outcome.confusion.classes
        for each in classes[1:] if len(classes) == 2 else outcome.confusion.tested:
            place = "test" if len(classes) == 2 else f"classes.{class_names[each.label]}"
            paths |= {f"{prefix}{place}.{name}" for name in each.undefined}
    return paths


def _paired(name: str, old: BuildResults, new: BuildResults, one: VariantResult, other: VariantResult) -> Paired:
    reason = _unpairable(old, new, one, other)
    if reason:
        return Paired(name, 0, (), None, reason)
    both = zip(one.predictions, other.predictions, strict=True)
    changes = tuple(_prediction_change(p, q, new.data.class_names) for p, q in both if p.wrong or q.wrong)
    pairs = noise.paired(one.predictions, other.predictions)
    pair = Paired(name, len(one.predictions), changes, noise.mcnemar(pairs.mended, pairs.broken), "")
    before, after = ([o.predictions for o in side.outcomes["fine_tuning"]] for side in (one, other))
    of_runs = runs.verdict(before, after)
    verdict = _verdict(pairs.mended, pairs.broken, pair)
    return replace(pair, verdict=f"{of_runs}; their first runs alone: {verdict}" if of_runs else verdict)


def _unpairable(old: BuildResults, new: BuildResults, one: VariantResult, other: VariantResult) -> str:
    if not one.predictions or not other.predictions:
        return "the images cannot be paired: one side has no predictions.csv"
    if old.data.fingerprint != new.data.fingerprint:
        return "the images cannot be paired: the data sets differ"
    if [(p.file, p.actual) for p in one.predictions] != [(p.file, p.actual) for p in other.predictions]:
        return "the images cannot be paired: the test sets differ"
    return ""


def _prediction_change(old: Prediction, new: Prediction, names: Sequence[str]) -> PredictionChange:
    outcome: Outcome = "still wrong" if old.wrong and new.wrong else "mended" if old.wrong else "broken"
    return PredictionChange(
        file=old.file,
        actual=names[old.actual],
        outcome=outcome,
        old=names[old.predicted],
        old_confidence=old.confidence,
        new=names[new.predicted],
        new_confidence=new.confidence,
    )


def _verdict(mended: int, broken: int, pair: Paired) -> str:
    if not mended + broken:
        return "the same images are right and wrong"
    p = formats.probability(noise.mcnemar(mended, broken))
    return f"{mended} mended, {broken} broken: {pair.chance} (McNemar, exact: p = {p})"


def _figure_changes(old: Build, new: Build) -> Iterable[PictureChange]:
    """Figures whose pixels differ; none where a side keeps no figures."""
    names = {(f.scope, f.name): None for build in (old, new) for f in build.results.figures}
    pictures = {key: (old.figure(*key), new.figure(*key)) for key in names}
    for side in (0, 1):
        if not any(both[side] for both in pictures.values()):
            return
    for (scope, name), (before, after) in pictures.items():
        change = picture_diff.compare(scope, name, before, after)
        if change is not None:
            yield change
