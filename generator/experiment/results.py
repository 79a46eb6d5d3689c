"""What a build found out, as plain data: numbers, strings and names, never a model or an array.

`BuildResults` holds one `VariantResult` per variant and what they share; `result_files` writes and reads it. What
the data set was is in `data_summary`, what a training phase gave in `outcomes`.
"""

from functools import cached_property
from typing import Any

from pydantic import Field, model_validator

from generator.backbones.weights_summary import WeightsSummary
from generator.experiment.activation_maps import ActivationMaps
from generator.experiment.config.questions import Question
from generator.experiment.config.seeds import Seeds, SeedSettings
from generator.experiment.config.settings import Recipe
from generator.experiment.data_summary import DataSummary
from generator.experiment.label_review import LabelReview
from generator.experiment.machine import ComputedOn
from generator.experiment.measurement import Measurement, MeasureSummary
from generator.experiment.outcomes import PHASES, Epoch, LastEpochs, Phase, PhaseOutcome, Prediction, Score, last_epochs
from generator.experiment.statistics.answers import Answer, Scored, answers
from generator.experiment.statistics.runs import OverRuns, Summary, over_runs, summary
from generator.experiment.stopping import kept
from generator.experiment.sweep_results import SweepResult
from generator.support.hardware import Precision
from generator.support.strict_json import ByName, Record


class ParameterCounts(Record):
    """Parameters of the full model."""

    total: int
    base: int
    trainable_head: int
    """Trainable while the head is trained."""
    trainable_fine_tuning: int
    """Trainable during fine-tuning."""
    base_layers: int

    @property
    def frozen_fine_tuning(self) -> int:
        return self.total - self.trainable_fine_tuning


class Shapes(Record):
    """Shapes of one batch on its way through the model."""

    images: tuple[int, ...]
    features: tuple[int, ...]
    pooled: tuple[int, ...]
    logits: tuple[int, ...]


class Summaries(Record):
    """`model.summary()` texts, `line_length=98`."""

    base: str
    """The frozen base."""
    head: str
    """The whole model while the head is trained."""
    fine_tuning: str
    """The whole model with the upper layers unfrozen."""


class Trained(PhaseOutcome):
    """What one run left after fine-tuning, and how it came to it."""

    head: tuple[Epoch, ...]
    fine_tuning: tuple[Epoch, ...]

    @property
    def last_epochs(self) -> dict[Phase, LastEpochs]:
        """Phase → where it ended, as in `variant.last_epochs.head.val_loss.mean`."""
        return {"head": last_epochs(self.head), "fine_tuning": last_epochs(self.fine_tuning)}


class RunOutcome(Trained):
    """All that one run gave."""

    before: Score
    """The validation images before any training."""
    after_head: PhaseOutcome
    """How the network did before it was fine-tuned, on the same images."""
    measurement: Measurement | None = None
    """Where there were images to measure with."""


class RunResult(RunOutcome):
    """A further run of a variant."""

    number: int = Field(ge=2)
    seeds: Seeds


class VariantResult(RunOutcome):
    """What one variant gave in its first run, and in the further ones."""

    name: str
    title: str
    changes: ByName[bool | int | float | str]
    recipe: Recipe
    precision: Precision
    """What `auto` became on the machine that trained."""
    weights: WeightsSummary | None = None
    """Those that its base started from, where they are not the build's: of another backbone."""
    parameters: ParameterCounts
    shapes: Shapes
    summaries: Summaries
    activation_maps: ActivationMaps | None = None
    """Of the fine-tuned network; None of builds before there were any."""
    runs: tuple[RunResult, ...] = ()
    """The further ones, from the second on."""

    @property
    def every_run(self) -> tuple[RunOutcome, ...]:
        return (self, *self.runs)

    @property
    def outcomes(self) -> dict[Phase, tuple[PhaseOutcome, ...]]:
        """Phase → what it left in each run."""
        return {"head": tuple(run.after_head for run in self.every_run), "fine_tuning": self.every_run}

    @property
    def over_runs(self) -> dict[Phase, Summary]:
        """Phase → its scores over all runs, as in `variant.over_runs.head.test.accuracy.mean`; of one run nothing."""
        if not self.runs:
            return {}
        measured = [run.measurement for run in self.every_run if run.measurement]
        return {
            phase: summary(outcomes, [getattr(each, phase) for each in measured])
            for phase, outcomes in self.outcomes.items()
        }

    @property
    def ends_over_runs(self) -> dict[Phase, dict[str, OverRuns]]:
        """Phase → its last epoch over all runs, as in `ends_over_runs.head.val_loss.mean`; of one run nothing."""
        if not self.runs:
            return {}
        last = {phase: [getattr(run, phase)[-1] for run in self.every_run] for phase in PHASES}
        return {
            phase: {name: over_runs([getattr(epoch, name) for epoch in epochs]) for name in LastEpochs.model_fields}
            for phase, epochs in last.items()
        }

    @property
    def kept(self) -> dict[Phase, Epoch]:
        """Phase → the epoch whose weights it left, as in `variant.kept.head.val_loss`."""
        return {
            "head": kept(self.head, self.recipe.head.keep),
            "fine_tuning": kept(self.fine_tuning, self.recipe.fine_tuning.keep),
        }

    def scored(self, phase: Phase) -> tuple[tuple[Prediction, ...], ...]:
        """What each run made, after `phase`, of the images to measure with; without such, of the test images."""
        measured = [getattr(run.measurement, phase).predictions for run in self.every_run if run.measurement]
        return tuple(measured) or tuple(outcome.predictions for outcome in self.outcomes[phase])


class Environment(Record):
    """The versions that produced the results."""

    python: str
    packages: dict[str, str]
    """Every installed package that the build depends on → its version."""
    machines: tuple[ComputedOn, ...] = ()
    """Where TensorFlow's stages were computed, if that was on more than one kind of machine."""


class FigureFile(Record):
    """One figure as the post needs to know it; its files are `<scope>/<name>.png` and `.webp`."""

    scope: str
    """`data`, `examples`, `labels`, `comparison` or a variant's name."""
    name: str
    width: int = Field(ge=1)
    """Of the web-sized image, pixels."""
    height: int = Field(ge=1)
    undrawn: tuple[str, ...] = ()
    """Names on it of which it shows □ in place of characters that no font of the machine had."""


class BuildResults(Record):
    """Everything the post says about a build."""

    profile: str | None
    data: DataSummary
    measure: MeasureSummary | None = None
    """The images to measure with, if there were any."""
    labels: LabelReview | None = None
    """What the baseline's frozen features say of the labels; of a build before there was such a thing, None."""
    weights: WeightsSummary
    """Those of the baseline."""
    environment: Environment
    seeds: SeedSettings = SeedSettings()
    """How many runs each variant has, and what differs between them."""
    questions: dict[str, Question] = Field(default={})
    """What the post asks of the variants."""
    variants: dict[str, VariantResult]
    """Name → result, the baseline first."""
    sweeps: dict[str, SweepResult] = Field(default={})
    """Name → what its points gave; the winner of each is the variant of this name."""
    figures: tuple[FigureFile, ...] = ()

    def changed(self, **fields: Any) -> "BuildResults":
        """The same with other `fields`, checked again; what follows from fields is worked out anew."""
        return BuildResults(**{name: getattr(self, name) for name in BuildResults.model_fields} | fields)

    @cached_property
    def answers(self) -> dict[str, Answer]:
        """Question's name → what the runs say to it, as in `answers.padding.contrasts.0.gain`."""
        return answers(self.questions, self._scored, measured=self.measure is not None)

    def _scored(self, name: str, phase: Phase) -> Scored:
        variant = self.variants[name]
        return Scored(variant.title, phase, variant.scored(phase))

    @model_validator(mode="after")
    def _variants_have_their_names(self) -> "BuildResults":
        if not self.variants:
            raise ValueError("there is no variant")
        for name, variant in self.variants.items():
            if variant.name != name:
                raise ValueError(f"the variant {name!r} is called {variant.name!r}")
            if any((run.measurement is None) != (self.measure is None) for run in variant.every_run):
                raise ValueError(f"the variant {name!r} and the build do not agree on whether anything was measured")
            if [run.number for run in variant.runs] != list(range(2, self.seeds.count + 1)):
                raise ValueError(f"the variant {name!r} has not the {self.seeds.count} runs of the build")
        return self

    @model_validator(mode="after")
    def _winners_are_variants(self) -> "BuildResults":
        for name, sweep in self.sweeps.items():
            winner = self.variants.get(name)
            if winner is None or sweep.winner.settings.items() - winner.changes.items():
                raise ValueError(f"the variant {name!r} is not the winner of the sweep of that name")
            if any(len(point.scores) != self.seeds.count for point in sweep.finished):
                raise ValueError(f"not every point of the sweep {name!r} has the {self.seeds.count} runs of the build")
        return self

    @model_validator(mode="after")
    def _classes_are_those_of_the_data(self) -> "BuildResults":
        classes = len(self.data.class_names)
        for name, variant in self.variants.items():
            maps, logits = variant.activation_maps, 1 if classes == 2 else classes
            if maps and len(maps.bias) != logits:
                raise ValueError(f"{name}: the activation maps have {len(maps.bias)} biases, not {logits}")
            for outcome in (outcome for phase in variant.outcomes.values() for outcome in phase):
                rows = len(outcome.confusion.rows)
                if rows != classes:
                    raise ValueError(f"{name}: the confusion matrix has {rows} of {classes} classes")
                if {len(p.logits) or 2 for part in outcome.predictions_by_part.values() for p in part} - {classes}:
                    raise ValueError(f"{name}: not every prediction is one of {classes} classes")
        judged = self.labels.images if self.labels else ()
        if any(max(image.label, image.predicted) >= classes for image in judged):
            raise ValueError(f"not every label that was looked at is one of {classes} classes")
        return self

    @property
    def baseline(self) -> VariantResult:
        return next(iter(self.variants.values()))
