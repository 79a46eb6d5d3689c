"""What a build found out, as plain data: numbers, strings and names, never a model or an array.

`BuildResults` holds one `VariantResult` per variant and what they share; `result_files` writes and reads it.
Counts are stored and ratios derived, so that no two of them can disagree.
"""

from collections import Counter
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from generator.experiment.settings import Recipe

Part = Literal["train", "validation", "test"]

PARTS: tuple[Part, ...] = ("train", "validation", "test")
"""Of a data set, in the order in which its images are counted."""


class Record(BaseModel):
    """Base of all results: frozen, no unknown keys, no NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Score(Record):
    """Loss and accuracy over one set of images."""

    loss: float
    """Mean binary cross-entropy from logits, nats."""
    correct: int = Field(ge=0)
    total: int = Field(ge=1)

    @property
    def accuracy(self) -> float:
        """Share of images classified correctly, 0 to 1."""
        return self.correct / self.total


class Epoch(Record):
    """One epoch's line of the training log; the training figures are means over the epoch's batches."""

    epoch: int = Field(ge=1)
    """Number of the epoch, counted from 1 over both phases as the write-up counts."""
    loss: float
    accuracy: float = Field(ge=0, le=1)
    val_loss: float
    val_accuracy: float = Field(ge=0, le=1)


class Prediction(Record):
    """One test image's outcome."""

    index: int = Field(ge=0)
    """Position in the test set, which is in order of class, then file name."""
    file: str
    """Path below the data set's root, with forward slashes."""
    actual: int = Field(ge=0, le=1)
    predicted: int = Field(ge=0, le=1)
    logit: float
    probability: float = Field(ge=0, le=1)
    """Of class 1: the sigmoid of the logit."""

    @property
    def wrong(self) -> bool:
        return self.predicted != self.actual

    @property
    def confidence(self) -> float:
        """Probability of the predicted class, 0.5 to 1."""
        return self.probability if self.predicted else 1 - self.probability


class ConfusionMatrix(Record):
    """Counts with class 1 as the positive class: rows are the actual class, columns the predicted one."""

    true_negative: int = Field(ge=0)
    false_positive: int = Field(ge=0)
    false_negative: int = Field(ge=0)
    true_positive: int = Field(ge=0)

    @property
    def rows(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """((actual 0 predicted 0, actual 0 predicted 1), (actual 1 predicted 0, actual 1 predicted 1))."""
        return (self.true_negative, self.false_positive), (self.false_negative, self.true_positive)

    @property
    def total(self) -> int:
        return sum(map(sum, self.rows))


class ClassificationScore(Score):
    """A score with standard metrics, class 1 being the positive class, computed by scikit-learn.

    A ratio whose denominator is zero (no positive predicted, say) is 0; `roc_auc` is None where the images
    are of one class only.
    """

    precision: float = Field(ge=0, le=1)
    recall: float = Field(ge=0, le=1)
    f1: float = Field(ge=0, le=1)
    roc_auc: float | None = Field(ge=0, le=1)


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


class Trained(Record):
    """As much of a variant's outcome as its figures show."""

    title: str
    head: tuple[Epoch, ...]
    fine_tuning: tuple[Epoch, ...]
    test: ClassificationScore
    confusion: ConfusionMatrix
    predictions: tuple[Prediction, ...]

    @property
    def wrong(self) -> tuple[Prediction, ...]:
        """The wrongly classified test images, in order."""
        return tuple(p for p in self.predictions if p.wrong)


class VariantResult(Trained):
    """All that one variant gave."""

    name: str
    changes: dict[str, bool | int | float | str]
    recipe: Recipe
    precision: Literal["float32", "bfloat16"]
    """What `auto` became on the machine that trained."""
    before: Score
    """The validation images before any training."""
    train: Score
    validation: Score
    parameters: ParameterCounts
    shapes: Shapes
    summaries: Summaries


class Count(Record):
    """Images of one class in one folder."""

    class_name: str
    images: int


class Copy(Record):
    """One of the files that hold the same picture."""

    file: str
    """Path below the data set's root, with forward slashes."""
    class_name: str
    part: Part
    """What the baseline uses it for: of the training folder, some are kept for validation."""


class Duplicate(Record):
    """A picture that stands in the data set more than once."""

    same: Literal["bytes", "pixels"]
    """Whether the files are the same, or only what is decoded from them, at the size that is used."""
    copies: tuple[Copy, ...] = Field(min_length=2)
    """In the order of the data set: training, validation, test."""

    @property
    def parts(self) -> frozenset[Part]:
        return frozenset(copy.part for copy in self.copies)

    @property
    def contradictory(self) -> bool:
        """Whether the copies stand under more than one class."""
        return len({copy.class_name for copy in self.copies}) > 1


PLAIN_FOLDERS: dict[Part, str] = {"train": "train", "test": "test"}


class DataSummary(Record):
    """The data set as it was found and split."""

    source: str
    """What the user named, without folders: `sample`, `archive.zip`, …"""
    kind: Literal["sample", "folder", "archive", "kaggle"]
    class_names: tuple[str, str]
    folders: dict[Part, str] = PLAIN_FOLDERS
    """Part → its folder, below the one that holds all; `validation` only where the data set has one."""
    train: tuple[Count, ...]
    validation: tuple[Count, ...] = ()
    """Empty where the data set has no validation images of its own."""
    test: tuple[Count, ...]
    training_images: int
    """Of `train`, those trained on."""
    validation_images: int
    """Those of `validation`; where there are none, those of `train` that are kept for validation."""
    batches: int
    """Of the images of `train`."""
    training_batches: int
    validation_batches: int
    test_batches: int
    image_size: int
    batch_size: int
    alpha: Literal["drop", "white"]
    transparent_images: int
    """Images with at least one pixel that is not opaque."""
    ignored: dict[str, int]
    """Reason → number of files that were passed over."""
    notes: dict[str, int]
    """Oddity that was handled (`rotated by EXIF`, `first frame of an animation`) → number of images."""
    duplicates: tuple[Duplicate, ...]
    """In order of their first file."""
    fingerprint: str

    @property
    def train_total(self) -> int:
        return sum(count.images for count in self.train)

    @property
    def test_total(self) -> int:
        return sum(count.images for count in self.test)

    @property
    def repeated(self) -> dict[Part, int]:
        """Part → number of pictures that stand in its folder more than once."""
        shared = {} if self.validation else {"validation": "train"}
        counts = [Counter(shared.get(copy.part, copy.part) for copy in d.copies) for d in self.duplicates]
        return {part: sum(count[part] > 1 for count in counts) for part in PARTS}

    @property
    def crossing(self) -> tuple[Duplicate, ...]:
        """Pictures that are trained on and validated with."""
        return tuple(d for d in self.duplicates if d.parts >= {"train", "validation"})

    @property
    def known(self) -> tuple[Duplicate, ...]:
        """Pictures that are tested with and also trained on or validated with."""
        return tuple(d for d in self.duplicates if "test" in d.parts and len(d.parts) > 1)

    @property
    def known_tests(self) -> tuple[Copy, ...]:
        """The test images of `known`."""
        return tuple(copy for d in self.known for copy in d.copies if copy.part == "test")

    @property
    def contradictory(self) -> tuple[Duplicate, ...]:
        """Pictures that stand under more than one class."""
        return tuple(d for d in self.duplicates if d.contradictory)

    @property
    def majority_share(self) -> float:
        """Test accuracy of always naming the class that is most frequent in the test set."""
        return max(count.images for count in self.test) / max(1, self.test_total)


class WeightsSummary(Record):
    """The base's initial weights."""

    requested: str
    """`auto`, `imagenet`, `embedded`, `random`, or a file's name."""
    used: Literal["imagenet", "embedded", "random", "file"]
    name: str
    """The file's name; empty for random weights."""
    fingerprint: str
    """SHA-256 of the file, or `random`."""
    reason: str
    """Why these were used, where `auto` had to choose; else empty."""


class Environment(Record):
    """The versions that produced the results."""

    python: str
    packages: dict[str, str]
    """Every installed package that the build depends on → its version."""


class FigureFile(Record):
    """One figure as the post needs to know it; its files are `<scope>/<name>.png` and `.webp`."""

    scope: str
    """`data`, `comparison` or a variant's name."""
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
    weights: WeightsSummary
    environment: Environment
    variants: dict[str, VariantResult]
    """Name → result, the baseline first."""
    figures: tuple[FigureFile, ...] = ()

    @model_validator(mode="after")
    def _variants_have_their_names(self) -> "BuildResults":
        if not self.variants:
            raise ValueError("there is no variant")
        for name, variant in self.variants.items():
            if variant.name != name:
                raise ValueError(f"the variant {name!r} is called {variant.name!r}")
        return self

    @property
    def baseline(self) -> VariantResult:
        return next(iter(self.variants.values()))
