"""Made-up results of the shape a build will give, for rendering the templates before anything is trained.

`post` and `results` make them, `assemble` those of other variants. Their numbers mean nothing and are never published.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from generator.backbones.weights_summary import WeightsSummary
from generator.experiment import figure_names
from generator.experiment.activation_maps import ActivationMaps, MappedImage, Shares
from generator.experiment.config.post_settings import PostSettings
from generator.experiment.config.questions import Question
from generator.experiment.config.seeds import SeedSettings
from generator.experiment.config.settings import (
    BASELINE,
    FineTuningSettings,
    ModelSettings,
    PhaseSettings,
    Recipe,
    Variant,
)
from generator.experiment.data_summary import (
    PARTS,
    Copy,
    Count,
    DataSummary,
    Duplicate,
    NearDuplicate,
    NearDuplicates,
    Part,
    Similarity,
)
from generator.experiment.label_review import Judged, LabelReview
from generator.experiment.machine import ComputedOn
from generator.experiment.measurement import Known, Measured, Measurement, MeasureSummary
from generator.experiment.outcomes import Epoch, PhaseOutcome, Prediction, Score
from generator.experiment.results import (
    BuildResults,
    Environment,
    FigureFile,
    ParameterCounts,
    RunResult,
    Shapes,
    Summaries,
    VariantResult,
)
from generator.experiment.statistics.recount import recount
from generator.experiment.sweep_results import Lead, Point, SweepResult

_NAMES = ("first", "second", "third")
_MEASURED = 36
"""Images to measure with: enough for a finding."""


def post() -> PostSettings:
    """Settings of a post."""
    return PostSettings(title="Example", date=datetime(2000, 1, 1, tzinfo=UTC), slug="example")


def results(classes: Literal[2, 3] = 2, runs: int = 1) -> BuildResults:
    """Results of three variants in so many runs on four test images, of which one is classified wrongly.

    With three classes the variants have networks that differ in all that a post says of networks.
    """
    backbones = ("ResNet50", "ResNet50", "ResNet50") if classes == 2 else ("EfficientNetB0", "VGG16", "ConvNeXtTiny")
    models = {
        BASELINE: ModelSettings(backbone=backbones[0]),
        "augmentation": ModelSettings(backbone=backbones[1], augment=True),
        "augmentation-no-preprocessing": ModelSettings(backbone=backbones[2], augment=True, preprocess=False),
    }
    seeds = SeedSettings(count=runs)
    return assemble(
        {name: variant_of(_of(name, model), classes, seeds) for name, model in models.items()},
        _NAMES[:classes],
        seeds,
        {},
        {"augmentation": _swept(runs)},
        "example",
    )


def _of(name: str, model: ModelSettings) -> Variant:
    recipe = Recipe(
        model=model,
        head=PhaseSettings(optimizer="adam", learning_rate=1e-4, epochs=2),
        fine_tuning=FineTuningSettings(optimizer="rmsprop", learning_rate=1e-5, epochs=2, from_layer=1),
    )
    changes = {} if name == BASELINE else {"model.augment": True, "seed": 1, "head.optimizer": "sgd"}
    return Variant(name=name, title=name, changes=changes, recipe=recipe)


def assemble(
    variants: dict[str, VariantResult],
    names: tuple[str, ...],
    seeds: SeedSettings,
    questions: Mapping[str, Question],
    sweeps: dict[str, SweepResult],
    profile: str | None,
    *,
    measured: bool = True,
) -> BuildResults:
    """Results of `variants`, as `variant_of` makes them, on images of classes with these names.

    `measured`: whether there are images to measure with.
    """
    drawn = figures(variants, questions, sweeps)
    return BuildResults(
        profile=profile,
        data=_data(names),
        measure=_measure(names) if measured else None,
        labels=_labels(len(names)),
        weights=WeightsSummary(requested="auto", used="embedded", name="weights", fingerprint="", reason="none"),
        environment=Environment(python="3", packages={"keras": "3"}, machines=_MACHINES),
        seeds=seeds,
        questions=dict(questions),
        variants=variants,
        sweeps=sweeps,
        figures=tuple(each for each in drawn if measured or each.name not in figure_names.OF_MEASUREMENT),
    )


_MACHINES = tuple(ComputedOn(machine=name, stages=("baseline.head",)) for name in ("processor", None))


def figures(
    variants: Iterable[str], questions: Iterable[str] = (), sweeps: Iterable[str] = ()
) -> tuple[FigureFile, ...]:
    """All figures that a build of these variants, questions and sweeps may have."""
    names = figure_names.every(variants, questions, sweeps)
    return tuple(FigureFile(scope=scope, name=name, width=1, height=1) for scope, name in names)


def _measure(names: tuple[str, ...]) -> MeasureSummary:
    return MeasureSummary(
        kind="drawn",
        seed=1,
        counts=tuple(Count(class_name=name, images=max(1, _MEASURED // len(names))) for name in names),
        attributes={"attribute": ("none", "value")},
        known=(Known(file="measure/0.png", other="test/0.png"),),
        ignored={},
        notes={},
        fingerprint="",
    )


def _labels(classes: int) -> LabelReview:
    """Ten images of each class, of which the first and the last are called by another name."""
    last = 10 * classes - 1
    return LabelReview(
        folds=2,
        images=tuple(
            Judged(
                side="train" if index < last else "test",
                index=index,
                file=f"{index}.png",
                label=index % classes,
                predicted=(index + (index in (0, last))) % classes,
                own=0.0 if index in (0, last) else 1.0,
                probability=1.0,
            )
            for index in range(last + 1)
        ),
    )


def _data(names: tuple[str, ...]) -> DataSummary:
    return DataSummary(
        source="example",
        kind="sample",
        class_names=names,
        train=tuple(Count(class_name=name, images=4) for name in names),
        test=tuple(Count(class_name=name, images=2) for name in names),
        kept=tuple(Count(class_name=name, images=1) for name in names),
        training_images=3 * len(names),
        validation_images=len(names),
        batches=4,
        training_batches=3,
        validation_batches=1,
        test_batches=2,
        image_size=32,
        batch_size=2,
        alpha="drop",
        transparent_images=1,
        ignored={"reason": 1},
        notes={"note": 1},
        duplicates=(
            Duplicate(
                same="bytes",
                copies=(
                    Copy(file="train/first/1.png", class_name=names[0], part="train"),
                    Copy(file="train/second/1.png", class_name=names[1], part="validation"),
                    Copy(file="test/first/1.png", class_name=names[0], part="test"),
                ),
            ),
        ),
        near=NearDuplicates(handling="report", pairs=tuple(_near(part, names) for part in PARTS)),
        fingerprint="",
    )


def _near(part: Part, names: tuple[str, ...]) -> NearDuplicate:
    first = Copy(file="train/second/2.png", class_name=names[1], part="train")
    second = Copy(file=f"{part}/0.png", class_name=names[0], part=part)
    return NearDuplicate(
        first=(first,),
        second=(second,),
        correlation=0.95,
        mirrored=False,
        distance=4,
        features=Similarity(cosine=0.9, rank=1),
    )


def variant_of(variant: Variant, classes: int, seeds: SeedSettings, *, measured: bool = True) -> VariantResult:
    """What `variant` gave on images of so many classes."""
    recipe = variant.recipe
    layers = max(2, int(recipe.fine_tuning.from_layer) + 1)

    def run() -> dict[str, Any]:
        """The fields of a `RunOutcome`."""
        return {
            "before": Score(loss=0.5, correct=3, total=4),
            "head": _epochs(1, recipe.head.epochs),
            "fine_tuning": _epochs(recipe.first_fine_tuning_epoch, recipe.fine_tuning.epochs),
            "after_head": _outcome(classes),
            **dict(_outcome(classes)),
            "measurement": Measurement(head=_measured(classes), fine_tuning=_measured(classes)) if measured else None,
        }

    return VariantResult(
        name=variant.name,
        title=variant.title,
        changes=variant.changes,
        recipe=recipe,
        precision="float32",
        **run(),
        parameters=ParameterCounts(total=4, base=3, trainable_head=1, trainable_fine_tuning=2, base_layers=layers),
        shapes=Shapes(
            images=(2, 8, 8, 3), features=(2, 1, 1, 4), pooled=(2, 4), logits=(2, 1 if classes == 2 else classes)
        ),
        summaries=Summaries(base="base", head="head", fine_tuning="fine-tuning"),
        activation_maps=_maps(classes),
        runs=tuple(
            RunResult(number=number, seeds=seeds.of_run(recipe.seed, number), **run())
            for number in range(2, seeds.count + 1)
        ),
    )


def _swept(runs: int) -> SweepResult:
    """Of two points, the first of which won, and one that diverged."""
    tried = {"model.augment": (True, False, True), "head.optimizer": ("sgd", "sgd", "adam")}
    scores = (Score(loss=0.5, correct=3, total=4), Score(loss=0.6, correct=2, total=4))
    return SweepResult(
        title="augmentation",
        of=BASELINE,
        settings=tuple(tried),
        combinations=4,
        draw_seed=0,
        points=tuple(
            Point(
                number=number + 1,
                settings={path: values[number] for path, values in tried.items()},
                scores=scores[number : number + 1] * runs,
            )
            for number in range(3)
        ),
        lead=Lead(low=-0.1, high=0.3, p=0.5, others=1),
    )


def _outcome(classes: int) -> PhaseOutcome:
    score = Score(loss=0.5, correct=3, total=4)
    predictions = _predictions(((0, 0), (0, 1), (1, 1), (classes - 1, classes - 1)), classes)
    test, confusion = recount(predictions, classes)
    return PhaseOutcome(
        train=score,
        validation=score,
        test=test,
        confusion=confusion,
        predictions_by_part=dict.fromkeys(PARTS, predictions),
    )


def _maps(classes: int) -> ActivationMaps:
    image = MappedImage(
        mean=0.5,
        map=Shares(subject=0.5, background=0.25, padding=0.25),
        area=Shares(subject=0.25, background=0.5, padding=0.25),
    )
    return ActivationMaps(rows=1, columns=1, bias=(0.0,) * (1 if classes == 2 else classes), images=(image,) * 4)


def _measured(classes: int) -> Measured:
    """Images of which half of the first class are wrong, those with the value of an attribute."""
    actual = [label for label in range(classes) for _ in range(max(1, _MEASURED // classes))]
    outcomes = [(label, label or i % 2) for i, label in enumerate(actual)]
    predictions = _predictions(outcomes, classes)
    values = tuple("value" if prediction.wrong else "none" for prediction in predictions)
    score, _ = recount(predictions, classes)
    return Measured(**score.model_dump(), predictions=predictions, attributes={"attribute": values})


def _predictions(outcomes: Iterable[tuple[int, int]], classes: int) -> tuple[Prediction, ...]:
    return tuple(
        Prediction(index=i, file=f"test/{i}.png", actual=actual, predicted=predicted, **_logits(predicted, classes))
        for i, (actual, predicted) in enumerate(outcomes)
    )


def _logits(predicted: int, classes: int) -> dict[str, Any]:
    if classes == 2:
        return {"logit": predicted - 0.5, "probability": 0.5}
    logits = tuple(float(label == predicted) for label in range(classes))
    return {"logit": 1.0, "probability": math.e / (math.e + classes - 1), "logits": logits}


def _epochs(first: int, count: int) -> tuple[Epoch, ...]:
    return tuple(Epoch(epoch=first + i, loss=0.5, accuracy=0.5, val_loss=0.5, val_accuracy=0.5) for i in range(count))
