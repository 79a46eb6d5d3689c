"""Curves that grow: points in the right place, within the picture, and no line between the phases."""

import pytest

from generator.experiment.outcomes import Epoch
from generator.live.curves import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, charts


def epoch(number: int, loss: float = 0.5, accuracy: float = 0.5) -> Epoch:
    return Epoch(epoch=number, loss=loss, accuracy=accuracy, val_loss=loss / 2, val_accuracy=accuracy)


def points(text: str) -> list[tuple[float, float]]:
    pairs = (point.split(",") for point in text.split())
    return [(float(x), float(y)) for x, y in pairs]


def test_a_point_stands_where_its_epoch_and_value_are() -> None:
    accuracy, loss = charts([[[epoch(1, 4.0, 1.0), epoch(11, 2.0, 0.0)], []]], 11)
    assert points(accuracy.lines[0].points) == [(LEFT, TOP), (WIDTH - RIGHT, HEIGHT - BOTTOM)]
    # The axis of the loss ends at the next round number, 5.
    assert [tick.text for tick in loss.up] == ["0", "2.5", "5"]
    assert points(loss.lines[0].points)[0] == (LEFT, pytest.approx(TOP + (HEIGHT - TOP - BOTTOM) / 5))


def test_training_and_validation_are_lines_of_their_own_in_each_phase_and_run() -> None:
    run = [[epoch(1), epoch(2)], [epoch(2), epoch(3)]]
    accuracy, _ = charts([run, run[:1]], 4)
    assert [line.kind for line in accuracy.lines] == ["training"] * 3 + ["validation"] * 3
    assert accuracy.start == points(accuracy.lines[1].points)[0][0]


def test_the_first_epoch_is_a_dot_that_can_be_seen() -> None:
    (line, _), start = charts([[[epoch(1)], []]], 40)[0].lines, charts([[[epoch(1)], []]], 40)[0].start
    first, second = points(line.points)
    assert first == second
    assert line.dot
    assert start is None


def test_the_axis_has_room_for_the_epochs_to_come_and_for_more_than_were_planned() -> None:
    assert [tick.text for tick in charts([[[epoch(1)], []]], 41)[0].across] == ["1", "41"]
    assert [tick.text for tick in charts([[[epoch(50)], []]], 41)[0].across] == ["1", "50"]
    assert [tick.text for tick in charts([[[epoch(1)], []]], 1)[0].across] == ["1", "2"]


@pytest.mark.parametrize("loss", [0.0, 1e-9, 0.3, 1.0, 7.0, 1e6])
def test_every_loss_stays_in_the_picture(loss: float) -> None:
    _, chart = charts([[[epoch(1, loss), epoch(2, loss / 3)], []]], 2)
    for line in chart.lines:
        assert all(LEFT <= x <= WIDTH - RIGHT and TOP <= y <= HEIGHT - BOTTOM for x, y in points(line.points))
