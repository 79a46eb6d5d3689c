"""What may be set: every setting with its default and its bounds, frozen.

`Config` is what a build works with. A `Recipe` holds everything that may differ between variants; a `Variant` is
the baseline's recipe with some settings changed. `loading` makes a `Config` of `experiment.toml`.
"""

import math
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from generator.experiment.config.execution_settings import ExecutionSettings
from generator.experiment.config.post_settings import PostSettings, SiteSettings
from generator.experiment.config.questions import Question
from generator.experiment.config.seeds import Seeds, SeedSettings, SeedsSetting
from generator.experiment.config.store_settings import StoreSettings
from generator.support.strict_json import Record

BASELINE = "baseline"
"""The variant every other one is a difference from; always built."""

Value = bool | int | float | str


Alpha = Literal["drop", "white", "grey", "background"]
Crop = Literal["none", "picture", "subject"]


class ShownSettings(Record):
    """What of its images a network is shown; a variant may be shown something else."""

    alpha: Alpha = "drop"
    """What transparency becomes: `drop` shows hidden colours, as in the write-up; `white` and `grey` blend, which
    leaves the subject alone; `background` shows what was hidden, and white in place of the subject."""
    crop: Crop = "none"
    """Which box of an image with transparency is kept: all, the `picture` without even padding, or the `subject`'s."""


class DataSettings(ShownSettings):
    """Where the images come from and how they are read."""

    path: str = "sample"
    """`sample` (drawn by the project), a folder, a zip or tar archive, either at an address, or `kaggle:OWNER/NAME`."""
    layout: Literal["auto", "parts", "classes", "names", "table"] = "auto"
    """How the class of an image is told: by its folder, below one for its part or alone, by its name, or by a table."""
    test_fraction: float = Field(default=0.2, gt=0, lt=1)
    """Of each class, set aside for the test of a data set that has no test images."""
    test_seed: int = Field(default=0, ge=0)
    """Decides which these are. Not `seed`: runs that differ in it are tested with the same images."""
    group: str | None = None
    """Which images stay on one side of every split: `folder`, those in one folder, or a pattern in the files' names."""
    near_duplicates: Literal["group", "report", "refuse"] = "group"
    """Images that are one picture, altered: kept on one side of the split, only reported, or refused."""
    image_size: int = Field(default=224, ge=32, le=1024)
    """Side of the square every image is resized to, pixels; each backbone has its own least size."""
    batch_size: int = Field(default=32, ge=1)
    """Images of one step of training."""
    sample_train: int = Field(default=360, ge=4)
    """Training images of the sample data set, all classes together; rounded down to as many of each class."""
    sample_test: int = Field(default=40, ge=2)
    """Its test images, counted likewise."""
    sample_classes: tuple[str, ...] = ("camel", "horse")
    """The animals that the sample shows: two or more of those that the program can draw (`data.drawn.sample.KINDS`)."""
    sample_seed: int = Field(default=0, ge=0, lt=2**31)
    """What the sample's training and test images are drawn from; the run has a seed of its own."""
    measure: int = Field(default=1000, ge=0)
    """Drawings of the sample to measure with, beside the test images; 0: nothing to measure with, no folder either."""
    measure_seed: int = Field(default=1, ge=0, lt=2**31)
    """Of these drawings."""
    max_entries: int = Field(default=100_000, ge=1)
    """Most entries an archive may hold."""
    max_bytes: int = Field(default=4 * 2**30, ge=1)
    """Most bytes an archive may unpack to."""
    max_ratio: float = Field(default=200.0, gt=1)
    """Most bytes an archive may unpack to per compressed byte."""
    max_pixels: int = Field(default=64_000_000, ge=1)
    """Most pixels an image's header may announce."""
    max_stored_bytes: int = Field(default=4 * 2**30, ge=0)
    """Most bytes of frozen outputs that fine-tuning may keep per variant; past it they are computed in every epoch."""

    @field_validator("group")
    @classmethod
    def _pattern_can_be_searched(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"{value!r} is no regular expression ({error}); or say folder") from None
        return value

    @model_validator(mode="after")
    def _sample_is_balanced(self) -> "DataSettings":
        counts = (self.sample_train, self.sample_test, self.measure)
        if len(self.sample_classes) == 2 and any(count % 2 for count in counts):
            raise ValueError("sample_train, sample_test and measure must be even: half of the images per class")
        return self


class SplitSettings(Record):
    """How validation images are taken from the training images."""

    validation_fraction: float = Field(default=0.2, gt=0, lt=1)
    """Share of the training batches, rounded down to whole batches, at least one."""
    stratified: bool | Literal["auto"] = "auto"
    """Whether classes validate in proportion; `auto`: where there are more than two, or test images were set aside."""
    mode: Literal["fixed", "reshuffled"] = "fixed"
    """`fixed`: split once, disjoint. `reshuffled`: the write-up's leak, to measure its effect."""


def whole_batches(total: int, batch_size: int, fraction: float) -> int:
    """Number of images in a share of the batches of `total` images, rounded down to whole batches, at least one."""
    # The tolerance is for products like 100 * 0.29 = 28.999….
    return batch_size * max(1, int(math.ceil(total / batch_size) * fraction + 1e-9))


Fill = Literal["reflect", "white", "nearest"]


class ModelSettings(Record):
    """What stands between the image and the logit, and how it is computed."""

    backbone: str = "ResNet50"
    """The network that images pass first, by its name in `keras.applications`; `build.py backbones` lists them."""
    weights: Literal["imagenet", "embedded", "random"] | None = None
    """What the base starts from, where it is not what the setting `weights` says: to compare the same network's."""
    preprocess: bool = True
    """Whether an image's numbers are prepared as the network's weights were trained; else they stay 0 to 255."""
    augment: bool = False
    """Whether training images are mirrored and rotated at random, anew in every epoch."""
    rotation: float = Field(default=0.2, ge=0, le=1)
    """Largest random rotation, as a fraction of a full turn."""
    fill: Fill = "reflect"
    """What stands where a rotation uncovers a corner: the mirrored image, white, or the colour of the nearest edge."""
    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Share of the features that a step of training leaves out."""
    precision: Literal["float32", "bfloat16", "auto"] = "auto"
    """Of the base's arithmetic; its variables are float32. `auto`: bfloat16 where the processor has units for it."""


class PhaseSettings(Record):
    """One training phase."""

    optimizer: Literal["adam", "rmsprop", "sgd"]
    """One of Keras' optimisers, with its own defaults beside the learning rate."""
    learning_rate: float = Field(gt=0, lt=1)
    """Of all steps of the phase."""
    epochs: int = Field(ge=1, le=10_000)
    """As many at most."""
    keep: Literal["last", "best"] = "last"
    """Whose weights the phase leaves: those of the last epoch, or of the one with the lowest validation loss."""
    patience: int = Field(default=0, ge=0)
    """Epochs without a lower validation loss after which the phase ends; 0: it never ends early."""


def _layer(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("must be the index or the name of a layer, or auto")
    return value


class FineTuningSettings(PhaseSettings):
    """The second phase: the upper layers of the base are trained too."""

    from_layer: Annotated[int | str, BeforeValidator(_layer)] = "auto"
    """The base's first unfrozen layer: its index, from 0, or its name. `auto`: as the facts of the backbone say.

    Once loaded, the index.
    """


def first_fine_tuning_epoch(head_epochs: int) -> int:
    """Number of the first fine-tuning epoch, counted from 1, after `head_epochs` of the head were run.

    The write-up resumes at the index of the head's last epoch, so that epoch's number occurs twice and fine-tuning
    runs one epoch more than the numbers suggest: 30 to 40 are eleven.
    """
    return head_epochs


class Recipe(Record):
    """Everything that may differ between variants."""

    seed: int = Field(default=0, ge=0, lt=2**31)
    """Of everything random in a run, apart from the data."""
    data: ShownSettings = ShownSettings()
    split: SplitSettings = SplitSettings()
    model: ModelSettings = ModelSettings()
    head: PhaseSettings
    """The first phase: the new layer on the frozen base."""
    fine_tuning: FineTuningSettings

    @property
    def first_fine_tuning_epoch(self) -> int:
        """Number of the first fine-tuning epoch, counted from 1."""
        return first_fine_tuning_epoch(self.head.epochs)


def _kinds_of_weights(value: Any) -> Any:
    table = value if isinstance(value, dict) else {}
    if not isinstance(value, str) and not (table and all(isinstance(kind, str) for kind in table.values())):
        raise ValueError("must be a kind of weights or a file, or a table of backbones and one of these for each")
    return value


WeightsSetting = Annotated[str | dict[str, str], BeforeValidator(_kinds_of_weights)]


class Variant(Record):
    """The baseline's recipe with `changes` applied."""

    name: str
    title: str
    changes: dict[str, Value]
    """Setting path → value, as in `{"model.augment": true}`; empty for the baseline."""
    recipe: Recipe


class Run(Record):
    """A variant with the seeds of one of its runs."""

    variant: Variant
    number: int
    """Counted from 1."""
    seeds: Seeds

    @property
    def name(self) -> str:
        """Of the first run the variant's, as where there is no other; `baseline~2` and so on of the further ones."""
        return self.variant.name if self.number == 1 else f"{self.variant.name}~{self.number}"


class Sweep(Record):
    """Settings tried together: each point is a difference from the variant `of`, and the best becomes a variant."""

    name: str
    title: str
    of: str
    settings: dict[str, tuple[Value, ...]]
    """Setting path → the values that are tried of it."""
    draw: int | None
    """How many points were drawn of all combinations; None: all of them are points."""
    draw_seed: int
    points: tuple[Variant, ...]


class Config(Record):
    """All settings of one build."""

    post: PostSettings
    site: SiteSettings = SiteSettings()
    data: DataSettings = DataSettings()
    weights: WeightsSetting = "auto"
    """`auto`, `imagenet`, `embedded`, `random`, or a weights file; for several backbones also a table: name → one of
    these; the others keep the kind that the table is laid over, else `auto`."""
    variants: tuple[Variant, ...]
    """The variants to build, the baseline first."""
    sweeps: tuple[Sweep, ...] = ()
    """Those whose points are to be trained; once one is decided, the variant of its name is its winner."""
    seeds: SeedsSetting = SeedSettings()
    """How many runs each variant has: a number, or a table `{ count = 5, vary = ["split", "head"] }`."""
    gates: dict[str, str] = Field(default_factory=dict)
    """Metric → how far it may fall behind the compared build: `"-0.02"`, `"-5%"`, or either with ` confident`. In no
    profile, since `diff`, which holds them, knows none."""
    store: StoreSettings = StoreSettings()
    execution: ExecutionSettings = ExecutionSettings()
    questions: dict[str, Question] = Field(default_factory=dict)
    """What the post asks of the variants, by a name: of those alone that are built."""
    profile: str | None = None
    """Name of the profile applied, e.g. `smoke`; the post says so."""

    @property
    def baseline(self) -> Variant:
        return self.variants[0]

    def weights_of(self, model: ModelSettings) -> str:
        """What the base of a variant shall start from, as it was asked for."""
        if model.weights is not None:
            return model.weights
        return self.weights if isinstance(self.weights, str) else self.weights.get(model.backbone, "auto")

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Every run: the first of each variant, the baseline's first of all, then the second of each, and so on."""
        numbers = range(1, self.seeds.count + 1)
        return tuple(
            Run(variant=variant, number=number, seeds=self.seeds.of_run(variant.recipe.seed, number))
            for number in numbers
            for variant in self.variants
        )


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Setting path → (old, new) for every leaf in which two nested mappings differ; None where absent."""
    before, after = flatten(old), flatten(new)
    paths = [*before, *(path for path in after if path not in before)]
    return {p: (before.get(p), after.get(p)) for p in paths if before.get(p) != after.get(p)}


def flatten(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested mapping as dotted path → leaf."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{path}."))
        else:
            flat[path] = value
    return flat
