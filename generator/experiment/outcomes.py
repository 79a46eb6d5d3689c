"""What one training phase gave, as plain data: epochs, scores, the confusion matrix, a prediction for each image.

A `PhaseOutcome` is how the network does that a phase left: after the head alone, and after fine-tuning.

Counts are stored and ratios derived, so that no two of them can disagree.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from pydantic import Field, model_validator

from generator.experiment.confusion import ConfusionMatrix
from generator.experiment.data_summary import Part
from generator.support.strict_json import Record

Phase = Literal["head", "fine_tuning"]

PHASES: tuple[Phase, ...] = ("head", "fine_tuning")
"""In the order in which they are trained."""


class Score(Record):
    """Loss and accuracy over one set of images."""

    loss: float
    """Mean cross-entropy from logits, nats."""
    correct: int = Field(ge=0)
    total: int = Field(ge=1)

    @property
    def accuracy(self) -> float:
        """Share of images classified correctly, 0 to 1."""
        return self.correct / self.total


class Epoch(Record):
    """One epoch's line of the training log; the training figures are means over its images, each as it passed."""

    epoch: int = Field(ge=1)
    """Number of the epoch, counted from 1 over both phases as the write-up counts."""
    loss: float
    accuracy: float = Field(ge=0, le=1)
    val_loss: float
    val_accuracy: float = Field(ge=0, le=1)


LAST = 5
"""Epochs at the end of a phase that say where it ended: a single one may be lucky."""


class Spread(Record):
    """Where a quantity lay over some epochs."""

    mean: float
    low: float
    high: float
    epochs: int = Field(ge=1)


class LastEpochs(Record):
    """Each quantity of the training log over the last `LAST` epochs of a phase, or all where there are fewer."""

    loss: Spread
    accuracy: Spread
    val_loss: Spread
    val_accuracy: Spread


def last_epochs(epochs: Sequence[Epoch]) -> LastEpochs:
    """The spread of each quantity at the end of `epochs`, of which there must be one."""
    end = epochs[-LAST:]

    def spread(quantity: str) -> Spread:
        values = [getattr(epoch, quantity) for epoch in end]
        return Spread(mean=fmean(values), low=min(values), high=max(values), epochs=len(values))

    return LastEpochs(**{quantity: spread(quantity) for quantity in LastEpochs.model_fields})


@dataclass(frozen=True)
class Guess:
    """A class and the probability that the network gives it."""

    label: int
    probability: float


class Prediction(Record):
    """One image's outcome."""

    index: int = Field(ge=0)
    """Position among the images of its part of the data set, which are in order of class, then file name."""
    file: str
    """Path below the data set's root, with forward slashes."""
    actual: int = Field(ge=0)
    predicted: int = Field(ge=0)
    logit: float
    """Of two classes the only one, that of class 1; of more, that of the predicted class."""
    probability: float = Field(ge=0, le=1)
    """What the logit means: its sigmoid is the probability of class 1; of more classes, that of the predicted one."""
    logits: tuple[float, ...] = ()
    """Of every class, where there are more than two."""

    @property
    def wrong(self) -> bool:
        return self.predicted != self.actual

    @property
    def loss(self) -> float:
        """Cross-entropy, nats; that of a set of images is the mean."""
        if self.logits:
            most = max(self.logits)
            return most + math.log(sum(math.exp(z - most) for z in self.logits)) - self.logits[self.actual]
        # log(1 + e^z) - y z, without overflow.
        return max(self.logit, 0.0) - self.logit * self.actual + math.log1p(math.exp(-abs(self.logit)))

    @property
    def confidence(self) -> float:
        """Probability of the predicted class."""
        return self.probability if self.predicted or self.logits else 1 - self.probability

    @property
    def probabilities(self) -> tuple[float, ...]:
        """Of every class: the softmax of the logits."""
        if not self.logits:
            return 1 - self.probability, self.probability
        most = max(self.logits)
        shares = [math.exp(z - most) for z in self.logits]
        total = sum(shares)
        return tuple(share / total for share in shares)

    @property
    def ranked(self) -> tuple[Guess, ...]:
        """Every class, the most probable first."""
        each = [Guess(label, probability) for label, probability in enumerate(self.probabilities)]
        return tuple(sorted(each, key=lambda guess: -guess.probability))

    @model_validator(mode="after")
    def _logits_agree(self) -> "Prediction":
        classes = len(self.logits) or 2
        if max(self.actual, self.predicted) >= classes:
            raise ValueError(f"actual {self.actual} and predicted {self.predicted}: there are {classes} classes")
        if not self.logits:
            return self
        if self.logit != self.logits[self.predicted] or self.logit < max(self.logits):
            raise ValueError(f"predicted {self.predicted} with logit {self.logit}, the logits are {self.logits}")
        if not math.isclose(self.probability, self.probabilities[self.predicted], rel_tol=1e-6):
            raise ValueError(f"probability {self.probability} is not what the logits give")
        return self


class ClassificationScore(Score):
    """A score with standard metrics, computed by scikit-learn.

    Of two classes, class 1 is the positive one. Of more, all are means over the classes that have test images, and
    `roc_auc` is that of each class against the rest. A ratio whose denominator is zero (no positive predicted, say)
    is 0; `roc_auc` is None where a class has no test image.
    """

    precision: float = Field(ge=0, le=1)
    recall: float = Field(ge=0, le=1)
    f1: float = Field(ge=0, le=1)
    roc_auc: float | None = Field(ge=0, le=1)


class PhaseOutcome(Record):
    """How the network that a phase left does on the images of every part of the data set."""

    train: Score
    """Of the images that are trained on, dropout and augmentation off."""
    validation: Score
    test: ClassificationScore
    confusion: ConfusionMatrix
    """Of the test images."""
    predictions_by_part: dict[Part, tuple[Prediction, ...]]
    """Part → its images, in order; empty where a `metrics.json` was kept alone."""

    @property
    def predictions(self) -> tuple[Prediction, ...]:
        """Those of the test images."""
        return self.predictions_by_part.get("test", ())

    @property
    def wrong(self) -> tuple[Prediction, ...]:
        """The wrongly classified test images, in order."""
        return tuple(p for p in self.predictions if p.wrong)
