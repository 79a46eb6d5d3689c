"""What a build says while it works: epochs, figures so far, time left; plain lines where there is no terminal."""

import contextlib
import io
import os
import sys

import pytest
from rich.console import Console

from generator.support.display import (
    Display,
    LiveDisplay,
    TimeLeft,
    Whole,
    about,
    describe,
    duration,
    for_terminal,
    fraction,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (12.3, "12 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"),
        (8.4, "8 s"),
        (47, "45 s"),
        (87, "85 s"),
        (89, "1 min"),
        (430, "7 min"),
        (3600, "1 h"),
        (4900, "1 h 20 min"),
    ],
)
def test_estimated_times_are_round(seconds: float, text: str) -> None:
    assert about(seconds) == text


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


# ---- The whole build -------------------------------------------------------------------------------------


class Clock:
    """Tells the time that it was set to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


EXPECTED = {"a.cut": 10.0, "a.head": 30.0, "a.fine_tuning": 60.0}


def test_the_whole_goes_with_what_stages_were_expected_to_take(clock: Clock) -> None:
    whole = Whole(EXPECTED, clock)
    assert whole.share() == 0
    assert whole.left() == pytest.approx(100)
    assert whole.share("a.cut", 0.5) == pytest.approx(0.05)
    whole.finish("a.cut")
    assert whole.share("a.head", 0.5) == pytest.approx(0.25)
    clock.now += 25
    assert whole.left() == pytest.approx(75)


def test_the_clock_corrects_the_rest(clock: Clock) -> None:
    whole = Whole(EXPECTED, clock)
    whole.finish("a.cut")
    whole.finish("a.head")
    # 100 s instead of 40 s; a tenth of the whole counts as on time.
    clock.now += 100
    assert whole.left() == pytest.approx(60 * 110 / 50)
    clock.now -= 95
    assert whole.left() == pytest.approx(60 * 15 / 50)


def test_of_stages_that_run_at_a_time_each_counts_for_its_share(clock: Clock) -> None:
    whole = Whole(EXPECTED, clock)
    whole.share("a.head", 0.5)
    whole.share("a.fine_tuning", 0.25)
    clock.now += 15
    assert whole.describe() == "30%, about 45 s left"


def test_a_stage_that_was_not_expected_counts_for_nothing(clock: Clock) -> None:
    whole = Whole(EXPECTED, clock)
    whole.finish("b.figures")
    assert whole.left() == pytest.approx(100)
    assert whole.share("b.figures", 0.5) == 0


def test_a_finished_build_is_whole(clock: Clock) -> None:
    whole = Whole({f"{i}": 0.1 * i for i in range(1, 12)}, clock)
    for i in range(1, 12):
        whole.finish(f"{i}")
    assert whole.describe() == "100%"


def test_a_resumed_stage_counts_from_where_it_goes_on() -> None:
    left = TimeLeft()
    left({"epoch": 21, "epochs": 30, "loss": 1.0}, 0.0)
    assert left.share({"epoch": 21, "epochs": 30, "loss": 1.0}) == 0
    assert left.share({"epoch": 25, "epochs": 30, "val_loss": 1.0}) == pytest.approx(0.5)


def build(display: Display, clock: Clock) -> None:
    """Two stages as long as expected."""
    display.expect({"baseline.cut": 100.0, "baseline.head": 300.0})
    with display.stage("baseline.cut"):
        clock.now += 100
    with display.stage("baseline.head") as report:
        report({"epoch": 1, "epochs": 3, "loss": 0.6})
        clock.now += 100
        report({"epoch": 1, "epochs": 3, "loss": 0.5, "val_loss": 0.4})
        clock.now += 200


def test_plain_lines_tell_the_whole_builds_share_and_time(clock: Clock) -> None:
    stream = io.StringIO()
    build(Display(stream, clock), clock)
    assert stream.getvalue().splitlines() == [
        "baseline.cut …",
        "baseline.cut: done in 1 min 40 s; build 25%, about 5 min left",
        "baseline.head …",
        "baseline.head: epoch 1/3, loss 0.5000, validation loss 0.4000, 3 min 20 s left; build 50%, about 3 min left",
        "baseline.head: done in 5 min 0 s; build 100%",
    ]


def test_nothing_is_said_of_the_whole_where_nothing_is_known(clock: Clock) -> None:
    stream = io.StringIO()
    display = Display(stream, clock)
    display.expect({})
    with display.stage("baseline.cut"):
        clock.now += 100
    assert stream.getvalue().splitlines() == ["baseline.cut …", "baseline.cut: done in 1 min 40 s"]


def test_a_terminal_shows_a_bar_for_the_stage_and_one_for_the_whole_build(clock: Clock) -> None:
    stream = io.StringIO()
    build(LiveDisplay(Console(file=stream, force_terminal=True, width=160), clock), clock)
    shown = stream.getvalue()
    assert "whole build" in shown
    assert "50%, about 3 min left" in shown
    assert "baseline.head: done in 5 min 0 s; build 100%" in shown


def test_a_terminal_shows_one_bar_where_nothing_is_known(clock: Clock) -> None:
    stream = io.StringIO()
    with LiveDisplay(Console(file=stream, force_terminal=True, width=160), clock).stage("baseline.cut") as report:
        report({"images": 5, "of": 10})
    assert "5 of 10 images" in stream.getvalue()
    assert "whole build" not in stream.getvalue()


def test_who_leaves_does_not_end_what_is_built() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        display = Display(stream)
        with display.stage("head") as report:
            report({"epoch": 1, "epochs": 1})
        with contextlib.suppress(BrokenPipeError):
            stream.close()


@pytest.mark.parametrize("live", [False, True])
def test_a_terminal_that_is_closed_does_not_end_what_is_built(monkeypatch: pytest.MonkeyPatch, live: bool) -> None:
    monkeypatch.setenv("TERM", "xterm")
    following, terminal = os.openpty()
    with os.fdopen(terminal, "w", encoding="utf-8" if live else "ascii", errors="replace") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        display = for_terminal()
        assert isinstance(display, LiveDisplay) is live
        with display.stage("head") as report:
            report({"epoch": 1, "epochs": 1})
            os.close(following)
            with pytest.raises(OSError, match="Input/output error"):
                print("nobody sees it", file=stream, flush=True)
            report({"epoch": 1, "epochs": 1, "val_loss": 0.5})
        with display.stage("fine_tuning"):
            display.warn("the disk is nearly full")
        with contextlib.suppress(OSError):
            stream.close()
