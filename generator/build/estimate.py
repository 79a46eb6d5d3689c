"""About how long a build takes: from what stages took on this machine, else from a probe of one batch.

`work` says what a stage has to do: how many images pass which part of the network, in which kind of work. Work of a
kind that this machine has done takes as long in proportion (`timings`). Of other work the probe tells what an image
takes (`Speed`), and `costs.json` what the probe does not measure, as ratios to what it does (`Costs`; measured by
`python -m benchmarks.costs`). `forecast` puts it together for the stages that run. All but `costs` is pure.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

from generator.build.timings import Timing
from generator.experiment.config.settings import DataSettings, Recipe
from generator.support.display import about

Source = Literal["the last run", "a probe of one batch"]

FURTHEST = 4.0
"""By how much the volume of work may differ from that of the last run: beyond, what is fixed counts for too much."""

COSTLY = ("cut", "features", "augmented", "head", "fine_tuning", "evaluation", "measure_features", "measurement")
"""Stages that are worth a probe where they never ran."""


@dataclass(frozen=True)
class Counts:
    """Images of a variant."""

    all: int
    training: int
    validation: int
    measured: int = 0
    """Beside all, those to measure with."""


@dataclass(frozen=True)
class Work:
    """What one stage has to do, in images unless said otherwise."""

    stage: str
    kind: str
    """Works of one kind take time in proportion to their volume, on one machine."""
    volume: float = 1
    decoded: float = 0
    lower: float = 0
    """That pass the base below the cut."""
    upper: float = 0
    """That pass the base above the cut."""
    trained: float = 0
    """That the part above the cut is trained on."""
    augmented: float = 0
    kept: float = 0
    """Whose outputs at the cut are taken from the store; computed where they are too many to be stored."""
    head_steps: float = 0
    """Batches that the head is trained on or scores."""
    beside: bool = False
    """Whether it needs no TensorFlow, and so runs beside what does."""


@dataclass(frozen=True)
class Speed:
    """What the probe measured, in seconds; an image's where nothing else is said."""

    base: float
    """To build the base: the measure of everything that does not grow with the images."""
    lower: float
    upper: float
    augment: float
    decode: float
    stored: float
    """Bytes, not seconds, of an image's outputs at the cut."""


@dataclass(frozen=True)
class Costs:
    """What the probe does not measure, as ratios to what it does."""

    fixed: Mapping[str, float]
    """Stage → what it takes apart from its images, in builds of the base; nothing where it was not measured."""
    step: Mapping[str, float]
    """Precision → training on an image, in forward passes of the part above the cut."""
    head_step: float
    """Training the head on a batch of features, in builds of the base."""


@dataclass(frozen=True)
class Expected:
    """About how long a stage takes; `seconds` and `source` are None where nothing is known."""

    label: str
    seconds: float | None
    source: Source | None
    beside: bool = False
    """As its work."""


@dataclass(frozen=True)
class Forecast:
    """The stages that run, in order, of the `planned` ones of a build."""

    stages: tuple[Expected, ...]
    planned: int

    @property
    def seconds(self) -> dict[str, float]:
        """Stage's label → seconds that it adds to the build; empty if any is not known: shares would be wrong.

        They are in proportion to what each takes.
        """
        known = {each.label: each.seconds for each in self.stages if each.seconds is not None}
        if len(known) < len(self.stages):
            return {}
        share = _elapsed(self.stages) / (sum(known.values()) or 1)
        return {label: share * seconds for label, seconds in known.items()}

    def sentence(self, verb: str = "run") -> str:
        """`9 of 14 stages run, about 7 min on this machine (from the last run)`."""
        known = [each for each in self.stages if each.seconds is not None]
        text = f"{len(self.stages)} of {self.planned} stages {verb}"
        if not known:
            return f"{text}; none of them ever ran on this machine"
        sources = dict.fromkeys(str(each.source) for each in sorted(known, key=lambda e: -(e.seconds or 0)))
        time = f"about {about(_elapsed(known))} on this machine (from {' and '.join(sources)})"
        unknown = len(self.stages) - len(known)
        return f"{text}; {len(known)} of them {time}, {unknown} never ran here" if unknown else f"{text}, {time}"

    def lines(self) -> list[str]:
        """One line for each run, and one for what belongs to all: `baseline: head, curves; about 1 min`."""
        owners: dict[str, list[Expected]] = {}
        for each in self.stages:
            owners.setdefault(each.label.partition(".")[0], []).append(each)
        return [f"  {owner}: {_listed(rows)}" for owner, rows in owners.items()]


@cache
def costs() -> Costs:
    """The ratios that were measured."""
    table = json.loads((Path(__file__).parent / "costs.json").read_text("utf-8"))["ratios"]
    return Costs(table["fixed"], table["step"], table["head_step"])


def work(
    name: str, recipe: Recipe, precision: str, data: DataSettings, counts: Counts, *, done: int = 0, cut: bool = True
) -> Work:
    """What the stage `name` has to do after `done` epochs; `cut`: whether it finds the outputs at the cut.

    An epoch with augmentation takes the training images through all that is frozen, for the head the whole base and in
    a stage before it; one without takes what is stored. Fine-tuning trains the part above the cut, and passes it for
    validation. Whatever starts at the cut computes it if it is not stored.
    """
    size = f"{data.image_size} px"
    images = counts.all
    base = f"{recipe.model.backbone} {size} {precision}"
    network = f"{base} from {recipe.fine_tuning.from_layer}"
    if name == "pixels":
        return Work(name, f"{name} {size} of {data.path}", images, decoded=images)
    if name == "cut":
        return Work(name, f"{name} {network}", images, lower=images)
    if name == "features":
        start = Work(name, f"{name} {network}{'' if cut else ' from the images'}", images, upper=images)
        return replace(start, kept=images) if cut else replace(start, lower=images)
    if name == "evaluation":
        return Work(name, f"{name} {network}", images, upper=images, kept=images)
    if name == "validation":
        return Work(name, f"{name} {network}", counts.validation, upper=counts.validation, kept=counts.validation)
    if name == "activation_maps":
        tested = images - counts.training - counts.validation
        return Work(name, f"{name} {network}", tested, upper=tested, kept=tested)
    if name.startswith("measure"):
        return _measuring(name, f"{name} {size}", network, counts.measured)
    if name == "labels":
        return Work(name, f"{name} {recipe.model.backbone}", images)
    if name == "head_evaluation":
        return Work(name, name, images, head_steps=math.ceil(images / data.batch_size))
    if name == "augmented":
        return _augmented(name, recipe, base, counts, recipe.head.epochs)
    if name == "head":
        return _head(recipe, base, counts, data.batch_size, max(1, recipe.head.epochs - done))
    if name == "fine_tuning":
        return _fine_tuning(recipe, network, counts, max(1, recipe.fine_tuning.epochs - done))
    return Work(name, name)


def _measuring(name: str, decoding: str, network: str, images: int) -> Work:
    """What is done with the images to measure with, of which nothing is stored at the cut."""
    if name == "measure_pixels":
        return Work(name, decoding, images, decoded=images)
    if name == "measure_figures":
        return Work(name, name)
    return Work(name, f"{name} {network}", images, lower=images, upper=images)


def _augmented(name: str, recipe: Recipe, network: str, counts: Counts, epochs: int) -> Work:
    passed = epochs * counts.training
    return Work(name, f"{name} {network}", passed, lower=passed, upper=passed, augmented=passed)


def _head(recipe: Recipe, network: str, counts: Counts, batch: int, epochs: int) -> Work:
    steps = epochs * (math.ceil(counts.training / batch) + math.ceil(counts.validation / batch))
    if recipe.model.augment and recipe.head.patience:
        # Where it may end early, no stage before it has passed the images.
        return replace(
            _augmented("head", recipe, network, counts, epochs), kind=f"head {network} augmented", head_steps=steps
        )
    return Work("head", "head", steps, head_steps=steps)


def _fine_tuning(recipe: Recipe, network: str, counts: Counts, epochs: int) -> Work:
    trained, validated = epochs * counts.training, epochs * counts.validation
    kind = f"fine_tuning {network}"
    if not recipe.model.augment:
        volume = trained + validated
        return Work("fine_tuning", kind, volume, upper=validated, trained=trained, kept=volume)
    start = Work("fine_tuning", f"{kind} augmented", trained + validated, upper=validated, trained=trained)
    return replace(start, lower=trained, augmented=trained, kept=validated)


def predicted(todo: Work, precision: str, images: int, speed: Speed, ratios: Costs, most_stored: int) -> float:
    """Seconds that `todo` takes where the probe measured `speed`; `images` is how many the data set has."""
    stored = images * speed.stored <= most_stored
    below = todo.lower + (0 if stored else todo.kept)
    if todo.stage == "cut" and not stored:
        below = 0
    return (
        (ratios.fixed.get(todo.stage, 0.0) + ratios.head_step * todo.head_steps) * speed.base
        + todo.decoded * speed.decode
        + below * speed.lower
        + (todo.upper + ratios.step[precision] * todo.trained) * speed.upper
        + todo.augmented * speed.augment
    )


def scaled(todo: Work, timings: Mapping[str, Timing]) -> float | None:
    """Seconds that `todo` takes by the last run of its kind; None where there is none of about that volume."""
    before = timings.get(todo.kind)
    if before is None or not 1 / FURTHEST <= todo.volume / before.volume <= FURTHEST:
        return None
    return before.seconds * todo.volume / before.volume


def forecast(
    todo: Mapping[str, Work], planned: int, timings: Mapping[str, Timing], probed: Mapping[str, float] | None = None
) -> Forecast:
    """What is known of the stages that run: label → work, and label → seconds by the probe where it was made."""
    return Forecast(tuple(_expected(label, each, timings, probed or {}) for label, each in todo.items()), planned)


def _expected(label: str, todo: Work, timings: Mapping[str, Timing], probed: Mapping[str, float]) -> Expected:
    seconds = scaled(todo, timings)
    if seconds is not None:
        return Expected(label, seconds, "the last run", todo.beside)
    seconds = probed.get(label)
    return Expected(label, seconds, None if seconds is None else "a probe of one batch", todo.beside)


def _elapsed(stages: Iterable[Expected]) -> float:
    """Seconds from the first of `stages` to the last: those that need TensorFlow run one after the other, the rest
    beside them, all but what begins before the first or ends after the last."""
    takes = {True: 0.0, False: 0.0}
    for each in stages:
        takes[each.beside] += each.seconds or 0.0
    return max(takes.values())


def _listed(rows: Iterable[Expected]) -> str:
    rows = list(rows)
    names = ", ".join(each.label.partition(".")[2] for each in rows)
    known = all(each.seconds is not None for each in rows)
    return names + (f"; about {about(_elapsed(rows))}" if known else "")
