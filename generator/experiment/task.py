"""What the network is asked of an image: how many numbers it gives, and what they mean."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """One kind of decision."""

    classes: int
    outputs: int
    """Logits per image."""
    threshold: float
    """A logit above it means class 1, one below it class 0. The logit of a probability of one half is 0."""


TASK = Task(classes=2, outputs=1, threshold=0.0)
"""The kind that there is, the write-up's: one of two classes by one logit, trained by binary cross-entropy."""
