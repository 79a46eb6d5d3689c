"""When a phase ends and which epoch counts."""

import pytest

from generator.experiment.config.settings import PhaseSettings
from generator.experiment.outcomes import Epoch
from generator.experiment.stopping import is_over, kept


def epochs(*losses: float) -> list[Epoch]:
    return [Epoch(epoch=i, loss=1, accuracy=0.5, val_loss=loss, val_accuracy=0.5) for i, loss in enumerate(losses, 1)]


def settings(patience: int, most: int = 10) -> PhaseSettings:
    return PhaseSettings(optimizer="adam", learning_rate=0.1, epochs=most, patience=patience)


def test_without_patience_all_epochs_are_run() -> None:
    rising = epochs(*range(9))
    assert not is_over([], settings(0))
    assert not is_over(rising, settings(0))
    assert is_over(epochs(*range(10)), settings(0))


@pytest.mark.parametrize(
    ("losses", "over"),
    [((3, 2, 1), False), ((1, 2), False), ((1, 2, 3), True), ((1, 1, 1), True), ((1, 2, 0.5), False)],
)
def test_patience_waits_for_a_lower_loss(losses: tuple[float, ...], over: bool) -> None:
    assert is_over(epochs(*losses), settings(2)) is over


def test_the_best_epoch_is_the_first_with_the_lowest_validation_loss() -> None:
    found = epochs(3, 1, 2, 1)
    assert kept(found, "best").epoch == 2
    assert kept(found, "last").epoch == 4
