"""Builds of any size, made without training: as many test images, classes, variants and runs as one likes.

What a network makes of an image is drawn, with a margin that leaves one in eight wrong; figures have one colour.
"""

import math
from pathlib import Path

import numpy as np
from numpy.random import Generator

from generator.experiment import figure_names
from generator.experiment.config.seeds import SeedSettings
from generator.experiment.data_summary import Count
from generator.experiment.outcomes import PhaseOutcome, Prediction
from generator.experiment.results import BuildResults, FigureFile, RunResult, VariantResult
from generator.post.jekyll import layout
from generator.publishing.deliver import BuildRecord, Outcome, deliver
from generator.support.places import ROOT, Places
from tests import factories
from tests.fakes import Recorder, quick_drawing

MARGIN, SPREAD = 1.7, 1.5
"""Of the logit of two classes."""

TRAINING, VALIDATION = 296, 64
"""Images, whatever the size of the test."""


def make(images: int = 40, classes: int = 2, variants: int = 3, runs: int = 1, *, seed: int = 1) -> BuildResults:
    """A build with so many test images, each variant after the first with settings of its own."""
    random = np.random.default_rng(seed)
    names = ("camel", "horse") if classes == 2 else tuple(f"class-{label:04}" for label in range(classes))
    made = {each.name: each for each in (_variant(random, i, names, images, runs) for i in range(variants))}
    maps = tuple(
        FigureFile(scope=name, name=each, width=960, height=640) for name in made for each in figure_names.OF_MAPS
    )
    data = factories.make_data(
        class_names=names,
        train=_counts(names, TRAINING + VALIDATION),
        kept=_counts(names, VALIDATION),
        test=_counts(names, images),
        test_batches=math.ceil(images / 32),
    )
    figures = (*factories.make_figures(made), *maps)
    return factories.make_results(data=data, variants=made, figures=figures, seeds=SeedSettings(count=runs))


def publish(found: BuildResults, folder: Path) -> tuple[Places, Outcome]:
    """`found` as a build delivers it, into a site and a store in `folder`."""
    places = Places(ROOT, folder / "store", folder / "site", folder / "preview.html")
    config = factories.make_config()
    drawings = {f"{each.scope}/{each.name}": quick_drawing(each.scope, each.name) for each in found.figures}
    figures = {f"{name}.png": drawing.png for name, drawing in drawings.items()}
    figures |= {f"{name}.webp": drawing.web for name, drawing in drawings.items()}
    place, record = layout.find(places.site, config.post), BuildRecord((), {})
    return places, deliver(found, figures, record, config, places, place, Recorder(), overwrite=False)


def _variant(random: Generator, number: int, names: tuple[str, ...], images: int, runs: int) -> VariantResult:
    base, seeds = factories.make_variant(), SeedSettings(count=runs)

    def outcome() -> PhaseOutcome:
        parts = {
            "train": predictions(random, names, TRAINING, "train"),
            "validation": predictions(random, names, VALIDATION, "train"),
            "test": predictions(random, names, images, "test"),
        }
        return factories.outcome_of(parts, len(names))  # type: ignore[arg-type]

    further = tuple(
        RunResult(
            number=run,
            seeds=seeds.of_run(31, run),
            before=base.before,
            head=base.head,
            fine_tuning=base.fine_tuning,
            after_head=outcome(),
            **dict(outcome()),
        )
        for run in range(2, runs + 1)
    )
    tuned = outcome()
    own = {f"{phase}.learning_rate": 0.5 / number for phase in ("head", "fine_tuning")} if number else {}
    fields = {
        "name": f"variant-{number}" if number else base.name,
        "title": f"Variant {number}" if number else base.title,
        "changes": own,
        "after_head": outcome(),
        "runs": further,
        "activation_maps": factories.make_maps(tuned.predictions, len(names)),
        "shapes": base.shapes.model_copy(update={"logits": (32, 1 if len(names) == 2 else len(names))}),
    }
    return base.model_copy(update={**dict(tuned), **fields})


def predictions(random: Generator, names: tuple[str, ...], total: int, folder: str) -> tuple[Prediction, ...]:
    """What a network said of `total` images, in order of their class."""
    labels = _labels(total, len(names))
    if len(names) == 2:
        logits = np.round(random.normal(MARGIN, SPREAD, total) * (2 * labels - 1), 6)
        predicted, shown, every = (logits > 0).astype(int), logits, [()] * total
        probabilities = 1 / (1 + np.exp(-logits))
    else:
        table = random.normal(0, 1, (total, len(names)))
        table[np.arange(total), labels] += 3.0 + math.log10(len(names))
        table = np.round(table, 4)
        predicted, shown, every = table.argmax(axis=1), table.max(axis=1), [tuple(row) for row in table.tolist()]
        probabilities = 1 / np.exp(table - shown[:, None]).sum(axis=1)
    return tuple(
        Prediction(index=i, file=f"{folder}/{names[label]}/{i:05}.png", actual=label, predicted=called, logit=logit,
                   probability=probability, logits=logits)
        for i, (label, called, logit, probability, logits) in enumerate(
            zip(labels.tolist(), predicted.tolist(), shown.tolist(), probabilities.tolist(), every, strict=True)
        )
    )  # fmt: skip


def _counts(names: tuple[str, ...], images: int) -> tuple[Count, ...]:
    found = np.bincount(_labels(images, len(names)), minlength=len(names)).tolist()
    return tuple(Count(class_name=name, images=count) for name, count in zip(names, found, strict=True))


def _labels(images: int, classes: int) -> np.ndarray:
    """The class of each image: all have as many, or one more."""
    return np.arange(images) * classes // images
