"""What a build says while it works: epochs, figures so far, time left; plain lines where there is no terminal."""

import io

import pytest

from generator.display import Display, TimeLeft, describe, duration, fraction


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (12.3, "12 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_an_epoch_is_described_with_what_it_has_shown() -> None:
    figures = {"epoch": 3, "epochs": 30, "loss": 0.60123, "accuracy": 0.71, "val_loss": 0.5, "val_accuracy": 0.75}
    assert describe(figures, 240) == (
        "epoch 3/30, loss 0.6012, accuracy 0.7100, validation loss 0.5000, validation accuracy 0.7500, 4 min 0 s left"
    )
    assert describe({"images": 32, "of": 400}, None) == "32 of 400 images"


def test_an_unfinished_epoch_does_not_count_as_done() -> None:
    assert fraction({"epoch": 3, "epochs": 4, "loss": 1.0}) == 0.5
    assert fraction({"epoch": 3, "epochs": 4, "val_loss": 1.0}) == 0.75


def test_time_left_follows_the_pace() -> None:
    left = TimeLeft()
    assert left({"images": 0, "of": 100}, 50.0) is None
    assert left({"images": 25, "of": 100}, 60.0) == pytest.approx(30)


def test_a_resumed_stage_is_not_thought_to_be_fast() -> None:
    left = TimeLeft()
    assert left({"epoch": 21, "epochs": 30, "loss": 1.0}, 100.0) is None
    assert left({"epoch": 21, "epochs": 30, "val_loss": 1.0}, 110.0) == pytest.approx(90)


def test_plain_lines_tell_every_epoch_and_few_batches() -> None:
    stream = io.StringIO()
    with Display(stream).stage("baseline.head") as report:
        for batch in range(50):
            report({"epoch": 1, "epochs": 2, "loss": 1 / (batch + 1)})
        report({"epoch": 1, "epochs": 2, "loss": 0.5, "val_loss": 0.4})
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0] == "baseline.head …"
    assert lines[1].startswith("baseline.head: epoch 1/2, loss 0.5000, validation loss 0.4000")
    assert lines[2].startswith("baseline.head: done in ")
