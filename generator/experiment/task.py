"""What the network is asked of an image: how many logits it gives, what trains them and what they mean.

Two classes are told apart by one logit, as in the write-up; three and more by one logit each. `task_for` gives the
task that fits a number of classes, `task_with` the one that fits a network's outputs.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float64]
"""(n, outputs): what the network gives for n images."""

Loss = Literal["binary_crossentropy", "sparse_categorical_crossentropy"]
"""By Keras' names; either is computed from logits."""


class Task(Protocol):
    """One kind of decision; arrays hold a row per image."""

    @property
    def classes(self) -> int: ...

    @property
    def outputs(self) -> int:
        """Logits per image."""
        ...

    @property
    def loss(self) -> Loss:
        """What training lowers."""
        ...

    def decisions(self, logits: Logits) -> NDArray[np.int64]:
        """The class that is named, (n,)."""
        ...

    def probabilities(self, logits: Logits) -> NDArray[np.float64]:
        """Of every class, (n, classes)."""
        ...

    def losses(self, logits: Logits, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Cross-entropy of each image, nats, (n,)."""
        ...


@dataclass(frozen=True)
class TwoClasses:
    """One logit; its sigmoid is the probability of class 1."""

    THRESHOLD: ClassVar = 0.0
    """A logit above it means class 1: the logit of a probability of one half is 0."""

    classes = 2
    outputs = 1
    loss: ClassVar[Loss] = "binary_crossentropy"

    def decisions(self, logits: Logits) -> NDArray[np.int64]:
        return (logits[:, 0] > self.THRESHOLD).astype(np.int64)

    def probabilities(self, logits: Logits) -> NDArray[np.float64]:
        one = 0.5 * (1 + np.tanh(logits[:, 0] / 2))  # the sigmoid, without overflow
        return np.stack([1 - one, one], axis=1)

    def losses(self, logits: Logits, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Of a logit z and a label y: log(1 + e^z) - y z."""
        return np.asarray(np.logaddexp(0, logits[:, 0]) - labels * logits[:, 0])


@dataclass(frozen=True)
class SeveralClasses:
    """One logit for each of three or more classes; their softmax are the probabilities."""

    classes: int
    loss: ClassVar[Loss] = "sparse_categorical_crossentropy"

    @property
    def outputs(self) -> int:
        return self.classes

    def decisions(self, logits: Logits) -> NDArray[np.int64]:
        """The class of the highest logit, the first of them where several are highest."""
        return np.asarray(logits.argmax(axis=1))

    def probabilities(self, logits: Logits) -> NDArray[np.float64]:
        return np.exp(logits - _log_sum(logits)[:, None])

    def losses(self, logits: Logits, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Of logits z and a label y: log(sum of e^z) - z[y]."""
        return np.asarray(_log_sum(logits) - logits[np.arange(len(labels)), labels])


def task_for(classes: int) -> Task:
    """The task of telling `classes` ≥ 2 classes apart."""
    return TwoClasses() if classes == 2 else SeveralClasses(classes)


def task_with(outputs: int) -> Task:
    """The task of a network that gives `outputs` logits per image."""
    return TwoClasses() if outputs == 1 else SeveralClasses(outputs)


def _log_sum(logits: Logits) -> NDArray[np.float64]:
    """log(sum of e^z) of each row, (n,); the largest is taken out first, so that nothing overflows."""
    most = logits.max(axis=1)
    return np.asarray(most + np.log(np.exp(logits - most[:, None]).sum(axis=1)))
