"""What one training phase gave, as plain data: epochs, scores, the confusion matrix, a prediction for each image.

Counts are stored and ratios derived, so that no two of them can disagree.
"""

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Literal

from pydantic import Field

from generator.support.strict_json import Record

Phase = Literal["head", "fine_tuning"]


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
    """One epoch's line of the training log; the training figures are means over the epoch's batches."""

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
    def loss(self) -> float:
        """Binary cross-entropy of the logit, nats; that of a set of images is the mean."""
        # log(1 + e^z) - y z, without overflow.
        return max(self.logit, 0.0) - self.logit * self.actual + math.log1p(math.exp(-abs(self.logit)))

    @property
    def confidence(self) -> float:
        """Probability of the predicted class, 0.5 to 1."""
        return self.probability if self.predicted else 1 - self.probability


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
