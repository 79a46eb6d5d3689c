"""Results for tests, made without training: small, fixed, and each field can be changed."""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal

from generator.backbones.registry import BACKBONES
from generator.backbones.weights_summary import WeightsSummary
from generator.experiment import figure_names
from generator.experiment.activation_maps import ActivationMaps, MappedImage, Shares
from generator.experiment.config import loading
from generator.experiment.config.seeds import SeedSettings
from generator.experiment.config.settings import Config
from generator.experiment.data_summary import Copy, Count, DataSummary, Duplicate, NearDuplicate, NearDuplicates, Part
from generator.experiment.label_review import Judged, LabelReview, Side
from generator.experiment.measurement import Measured, Measurement, MeasureSummary, ordered
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
from generator.support.places import ROOT


def make_config(variants: str = "all", *overrides: str) -> Config:
    return loading.load(ROOT / "experiment.toml", variants=variants, overrides=overrides)


def make_data(**changes: Any) -> DataSummary:
    names = changes.get("class_names", ("camel", "horse"))
    validating = changes.get("validation_images", 64)
    kept = [27, validating - 27] if len(names) == 2 else [validating // len(names)] * len(names)
    kept[-1] = validating - sum(kept[:-1])
    fields: dict[str, Any] = {
        "source": "sample",
        "kind": "sample",
        "class_names": names,
        "train": tuple(Count(class_name=name, images=360 // len(names)) for name in names),
        "test": tuple(Count(class_name=name, images=40 // len(names)) for name in names),
        "kept": tuple(Count(class_name=name, images=count) for name, count in zip(names, kept, strict=True)),
        "training_images": 360 - validating,
        "validation_images": validating,
        "batches": 12,
        "training_batches": 10,
        "validation_batches": 2,
        "test_batches": 2,
        "image_size": 224,
        "batch_size": 32,
        "alpha": "drop",
        "transparent_images": 400,
        "ignored": {},
        "notes": {},
        "duplicates": (),
        "near": NearDuplicates(handling="group", pairs=()),
        "fingerprint": "d" * 64,
    }
    return DataSummary(**(fields | changes))


def with_validation(**changes: Any) -> DataSummary:
    """A data set that has validation images of its own, none of which is kept from those for training."""
    own = tuple(Count(class_name=name, images=32) for name in ("camel", "horse"))
    return make_data(**{"validation": own, "kept": (), "training_images": 360, **changes})


def make_duplicate(*files: str, same: Literal["bytes", "pixels"] = "bytes") -> Duplicate:
    """A picture that stands in `files`; `validation: train/camel/1.png` is kept for validation."""
    copies = []
    for file in files:
        part, _, path = file.rpartition(": ")
        folder, name, _ = path.split("/")
        copies.append(Copy(file=path, class_name=name, part=part or folder))
    return Duplicate(same=same, copies=tuple(copies))


def make_near(first: Part, second: Part, handling: Literal["group", "report"] = "group") -> NearDuplicates:
    """A camel that stands in one part and, altered, in another; in the test it is image 0."""
    sides = tuple(
        (Copy(file=f"{part}/camel/{number}.png", class_name="camel", part=part),)
        for number, part in ((2, first), (1, second))
    )
    pair = NearDuplicate(first=sides[0], second=sides[1], correlation=0.97, mirrored=False, distance=6)
    return NearDuplicates(handling=handling, pairs=(pair,))


def make_history(first: int, epochs: int, start: float, end: float) -> tuple[Epoch, ...]:
    """A history whose training accuracy goes evenly from `start` to `end`, and loss the other way."""
    rows = []
    for i in range(epochs):
        accuracy = start + (end - start) * i / max(1, epochs - 1)
        rows.append(
            Epoch(
                epoch=first + i,
                loss=round(1.1 - accuracy, 6),
                accuracy=round(accuracy, 6),
                val_loss=round(1.12 - accuracy, 6),
                val_accuracy=round(accuracy * 0.98, 6),
            )
        )
    return tuple(rows)


FIVE = ("camel", "horse", "donkey", "zebra", "giraffe")
"""Names of more than two classes."""


@cache
def make_predictions(
    wrong: tuple[int, ...], names: Sequence[str] = ("camel", "horse"), total: int = 40, folder: str = "test"
) -> tuple[Prediction, ...]:
    """As many images of each class; those at the positions `wrong` are called by the name of the next."""
    predictions = []
    for i in range(total):
        actual = i * len(names) // total
        predicted = (actual + 1) % len(names) if i in wrong else actual
        file = f"{folder}/{names[actual]}/{i % max(1, total // len(names)) + 1}.png"
        predictions.append(make_prediction(i, file, actual, predicted, len(names)))
    return tuple(predictions)


def make_prediction(index: int, file: str, actual: int, predicted: int, classes: int = 2) -> Prediction:
    outcome = _of_two(index, predicted) if classes == 2 else _of_several(index, actual, predicted, classes)
    return Prediction(index=index, file=file, actual=actual, predicted=predicted, **outcome)


def _of_two(i: int, predicted: int) -> dict[str, Any]:
    probability = round((0.55 + 0.01 * (i % 40)) if predicted else (0.45 - 0.01 * (i % 40)), 6)
    return {"logit": round(4 * (probability - 0.5), 6), "probability": probability}


def _of_several(i: int, actual: int, predicted: int, classes: int) -> dict[str, Any]:
    """The actual class comes second where it is not predicted."""
    logits = [round(-0.1 * ((i + label) % classes), 6) for label in range(classes)]
    logits[actual] = 1.0
    logits[predicted] = round(2 + 0.05 * (i % 40), 6)
    probability = math.exp(logits[predicted]) / sum(math.exp(z) for z in logits)
    return {"logit": logits[predicted], "probability": probability, "logits": tuple(logits)}


def outcome_of(predictions: Mapping[Part, tuple[Prediction, ...]], classes: int) -> PhaseOutcome:
    """The outcome whose scores are those of the predictions."""
    counted = {part: recount(rows, classes) for part, rows in predictions.items()}
    plain = {part: Score(**score.model_dump(include=set(Score.model_fields))) for part, (score, _) in counted.items()}
    test, confusion = counted["test"]
    return PhaseOutcome(
        train=plain["train"],
        validation=plain["validation"],
        test=test,
        confusion=confusion,
        predictions_by_part=dict(predictions),
    )


@cache
def make_outcome(wrong: tuple[int, ...], names: Sequence[str] = ("camel", "horse")) -> PhaseOutcome:
    """What a phase gave; `wrong` are test images, and one of the validation images is wrong."""
    parts = {
        "train": make_predictions((), names, 296, "train"),
        "validation": make_predictions((63,), names, 64, "train"),
        "test": make_predictions(wrong, names),
    }
    return outcome_of(parts, len(names))


def make_variant(
    name: str = "baseline",
    *,
    wrong: tuple[int, ...] = (0, 1, 2, 6, 7),
    names: Sequence[str] = ("camel", "horse"),
    **changes: Any,
) -> VariantResult:
    """A variant with five camels called horses, as the write-up reported; `predictions`: other test images."""
    variant = next(v for v in make_config().variants if v.name == name)
    outcome = make_outcome(wrong, tuple(names))
    if "predictions" in changes:
        outcome = outcome_of({**outcome.predictions_by_part, "test": changes.pop("predictions")}, len(names))
    fields: dict[str, Any] = {
        "name": name,
        "title": variant.title,
        "changes": variant.changes,
        "recipe": variant.recipe,
        "precision": "float32",
        "before": Score(loss=0.67, correct=34, total=64),
        "head": make_history(1, 30, 0.52, 0.9),
        "fine_tuning": make_history(30, 11, 0.93, 1.0),
        "after_head": make_outcome((0, 1, 2, 3, 6, 7, 30), tuple(names)),
        **dict(outcome),
        "parameters": ParameterCounts(
            total=23_589_761,
            base=23_587_712,
            trainable_head=2_049,
            trainable_fine_tuning=19_454_977,
            base_layers=175,
        ),
        "shapes": Shapes(
            images=(32, 224, 224, 3),
            features=(32, 7, 7, 2048),
            pooled=(32, 2048),
            logits=(32, 1 if len(names) == 2 else len(names)),
        ),
        "summaries": Summaries(
            base='Model: "resnet50"\n base ┃ {{ text }}\n',
            head='Model: "classifier"\n head\n',
            fine_tuning='Model: "classifier"\n fine-tuning\n',
        ),
    }
    return VariantResult(**(fields | changes))


def make_weights(used: Any, backbone: str = "ResNet50") -> WeightsSummary:
    name = {"random": "", "file": "mine.h5", "embedded": "resnet50-photos-int8.npz"}.get(used)
    name = BACKBONES[backbone].imagenet.file if name is None else name
    fingerprint = "random" if used == "random" else used[0] * 64
    return WeightsSummary(requested=used, used=used, name=name, fingerprint=fingerprint, reason="")


def of_network(variant: VariantResult, backbone: str, *overrides: str, **changes: Any) -> VariantResult:
    """The variant with another network; `overrides` as for `--set`."""
    recipe = make_config("baseline", f"model.backbone={backbone}", *overrides).baseline.recipe
    facts, outputs = BACKBONES[backbone], variant.shapes.logits[-1]
    head = (facts.features + 1) * outputs
    fields = {
        "recipe": recipe,
        "parameters": ParameterCounts(
            total=facts.parameters + head,
            base=facts.parameters,
            trainable_head=head,
            trainable_fine_tuning=facts.parameters // 2 + head,
            base_layers=len(facts.layers),
        ),
        "shapes": variant.shapes.model_copy(
            update={"features": (32, 7, 7, facts.features), "pooled": (32, facts.features)}
        ),
        "summaries": Summaries(base="base\n", head="head\n", fine_tuning="fine-tuning\n"),
    }
    return variant.model_copy(update=fields | changes)


def make_results(**changes: Any) -> BuildResults:
    """A build of the write-up's three variants."""
    names = changes.get("data", make_data()).class_names
    variants = {
        "baseline": make_variant(names=names),
        "augmentation": make_variant("augmentation", wrong=(3, 25), names=names),
        "augmentation-no-preprocessing": make_variant("augmentation-no-preprocessing", wrong=(), names=names),
    }
    fields: dict[str, Any] = {
        "profile": None,
        "data": make_data(),
        "weights": WeightsSummary(
            requested="auto",
            used="embedded",
            name="resnet50-photos-int8.npz",
            fingerprint="e" * 64,
            reason="ImageNet weights are neither on this machine nor could they be downloaded",
        ),
        "environment": Environment(python="3.11.7", packages={"keras": "3.15.1", "tensorflow": "2.21.0"}),
        "variants": variants,
        "figures": make_figures(variants),
    }
    return BuildResults(**(fields | changes))


def make_figures(variants: Any, *, measured: bool = False) -> tuple[FigureFile, ...]:
    beside = {
        *figure_names.OF_MAPS,
        *figure_names.OF_LABELS,
        *figure_names.OF_NEAR,
        *(() if measured else figure_names.OF_MEASUREMENT),
    }
    places = [place for place in figure_names.every(variants) if place[1] not in beside]
    return tuple(FigureFile(scope=scope, name=name, width=960, height=640) for scope, name in places)


# ---- Class activation maps ----------------------------------------------------------------------------------


def make_maps(
    predictions: Sequence[Prediction], classes: int = 2, map: Shares | None = None, area: Shares | None = None
) -> ActivationMaps:
    """Maps that give the logits of `predictions`; every one with the shares `map` and `area`."""
    images = tuple(MappedImage(mean=round(p.logit - 0.125, 9), map=map, area=area) for p in predictions)
    return ActivationMaps(rows=7, columns=7, bias=(0.125,) * (1 if classes == 2 else classes), images=images)


def with_maps(build: BuildResults, map: Shares | None = None, area: Shares | None = None) -> BuildResults:
    """The build with maps of its variants."""
    classes = len(build.data.class_names)
    variants = {
        name: variant.model_copy(update={"activation_maps": make_maps(variant.predictions, classes, map, area)})
        for name, variant in build.variants.items()
    }
    drawn = tuple(
        FigureFile(scope=name, name=each, width=960, height=640) for name in variants for each in figure_names.OF_MAPS
    )
    return build.model_copy(update={"variants": variants, "figures": (*build.figures, *drawn)})


# ---- Several runs ----------------------------------------------------------------------------------------


def make_run(number: int, wrong: tuple[int, ...], head_wrong: tuple[int, ...] = (0, 1, 2), **changes: Any) -> RunResult:
    """A further run, with these test images wrong."""
    fields: dict[str, Any] = {
        "number": number,
        "seeds": SeedSettings(count=number).of_run(31, number),
        "before": Score(loss=0.7, correct=32, total=64),
        "head": make_history(1, 30, 0.5 + number / 100, 0.9),
        "fine_tuning": make_history(30, 11, 0.92, 1.0 - number / 100),
        "after_head": make_outcome(head_wrong),
        **dict(make_outcome(wrong)),
    }
    return RunResult(**(fields | changes))


def with_runs(build: BuildResults, *wrong: tuple[int, ...]) -> BuildResults:
    """The build with further runs; each has these test images wrong, of each further variant one more is right."""
    runs = {
        name: tuple(make_run(number, found[position:]) for number, found in enumerate(wrong, start=2))
        for position, name in enumerate(build.variants)
    }
    variants = {
        name: v.model_copy(update={"runs": tuple(_measured_again(run, v.measurement) for run in runs[name])})
        for name, v in build.variants.items()
    }
    return build.model_copy(update={"variants": variants, "seeds": SeedSettings(count=len(wrong) + 1)})


def _measured_again(run: RunResult, measurement: Measurement | None) -> RunResult:
    return run.model_copy(update={"measurement": measurement})


# ---- A measurement ---------------------------------------------------------------------------------------


def make_measured(
    predictions: tuple[Prediction, ...], attributes: dict[str, tuple[str, ...]] | None = None, classes: int = 2
) -> Measured:
    """What a phase gave that predicted this."""
    score, _ = recount(predictions, classes)
    return Measured(**score.model_dump(), predictions=predictions, attributes=attributes or {})


MEASURED = 120
"""Images to measure with in `make_measurement`, half of either class."""
ATTRIBUTES = {
    "load": tuple("rider" if i % 60 < 12 else "none" for i in range(MEASURED)),
    "size": tuple(("small", "medium", "large")[i % 3] for i in range(MEASURED)),
}


def make_measurement(
    head: tuple[int, ...] = tuple(range(0, 120, 5)), fine_tuning: tuple[int, ...] = (*range(60, 71), 30)
) -> Measurement:
    """Images wrong at these positions after each phase: after fine-tuning nearly all horses with a rider."""
    phases = {
        phase: make_measured(
            tuple(
                p.model_copy(update={"file": p.file.replace("test/", "measure/")})
                for p in make_predictions(wrong, total=MEASURED)
            ),
            ATTRIBUTES,
        )
        for phase, wrong in (("head", head), ("fine_tuning", fine_tuning))
    }
    return Measurement(**phases)


def make_measure(**changes: Any) -> MeasureSummary:
    fields: dict[str, Any] = {
        "kind": "drawn",
        "seed": 7,
        "counts": tuple(Count(class_name=name, images=MEASURED // 2) for name in ("camel", "horse")),
        "attributes": {name: ordered(values) for name, values in ATTRIBUTES.items()},
        "known": (),
        "ignored": {},
        "notes": {},
        "fingerprint": "a" * 64,
    }
    return MeasureSummary(**(fields | changes))


def with_measurement(build: BuildResults, *measurements: Measurement, **changes: Any) -> BuildResults:
    """The build with measurements of its variants in order, the last of which serves for the others."""
    given = measurements or (make_measurement(),)
    variants = {
        name: variant.model_copy(update={"measurement": given[min(i, len(given) - 1)]})
        for i, (name, variant) in enumerate(build.variants.items())
    }
    figures = make_figures(variants, measured=True)
    return build.model_copy(update={"variants": variants, "measure": make_measure(**changes), "figures": figures})


def two_networks(
    *overrides: str, backbone: str = "MobileNetV2", old: str = "embedded", new: str = "random"
) -> BuildResults:
    """ResNet50 and another network in one build, from these kinds of weights; `overrides` for the latter."""
    changes: dict[str, bool | int | float | str] = {"model.backbone": backbone}
    other = make_variant(wrong=tuple(range(8)), title=f"{backbone} in place of ResNet50")
    own = make_weights(new, backbone) if new != "as the baseline" else None
    other = of_network(other, backbone, *overrides, name="other", changes=changes, weights=own)
    variants = {"baseline": make_variant(), "other": other}
    return make_results(variants=variants, figures=make_figures(variants), weights=make_weights(old))


# ---- A review of the labels ------------------------------------------------------------------------------


def make_judged(index: int, label: int, predicted: int, own: float, side: Side = "train", names: Any = FIVE) -> Judged:
    """An image whose features leave what its label does not have, or all but a tenth, to the class predicted."""
    return Judged(
        side=side,
        index=index,
        file=f"{side}/{names[label]}/{index}.png",
        label=label,
        predicted=predicted,
        own=own,
        probability=own if label == predicted else round(1 - own, 6),
    )


def make_labels(
    wrong: Sequence[int] = (3, 190, 365), *, own: float = 0.05, classes: int = 2, left_out: tuple[str, ...] = ()
) -> LabelReview:
    """360 images that train or validate and 40 of the test; the features call those at `wrong` by the next name."""
    images = []
    for index in range(400):
        label = index * classes // 360 if index < 360 else (index - 360) * classes // 40
        side: Side = "train" if index < 360 else "test"
        predicted = (label + 1) % classes if index in wrong else label
        images.append(make_judged(index, label, predicted, own if index in wrong else 0.9, side))
    return LabelReview(folds=5, left_out=left_out, images=tuple(images))


def with_labels(build: BuildResults, review: LabelReview) -> BuildResults:
    """The build with a review of its labels, and the figures that it has then."""
    marked = [figure_names.SUSPICIOUS[side] for side, found in review.by_side.items() if found.marked]
    drawn = [FigureFile(scope=figure_names.LABELS, name=name, width=960, height=640) for name in marked]
    return build.model_copy(update={"labels": review, "figures": (*build.figures, *drawn)})
