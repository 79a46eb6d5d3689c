"""When a phase of training ends, and which of its epochs counts: by the validation loss, never by test images."""

from collections.abc import Sequence
from typing import Literal

from generator.experiment.config.settings import PhaseSettings
from generator.experiment.outcomes import Epoch


def is_over(epochs: Sequence[Epoch], settings: PhaseSettings) -> bool:
    """Whether a phase that has run these epochs runs no other.

    As in early stopping with patience (Prechelt 1998): the validation loss has not been lower than its lowest for
    `settings.patience` epochs.
    """
    if len(epochs) >= settings.epochs:
        return True
    waited = len(epochs) - 1 - epochs.index(kept(epochs, "best")) if epochs else 0
    return 0 < settings.patience <= waited


def kept(epochs: Sequence[Epoch], keep: Literal["last", "best"]) -> Epoch:
    """The epoch whose weights a phase leaves: the last, or the first with the lowest validation loss."""
    return epochs[-1] if keep == "last" else min(epochs, key=lambda epoch: epoch.val_loss)
