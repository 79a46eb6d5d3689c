"""What a board knows of a build: stages at work, epochs that ended, failures, and nothing of other builds."""

import json
from pathlib import Path

import pytest

from generator.live.board import Board
from generator.training.checkpoint_files import write_checkpoint
from tests.fakes import make_project
from tests.live.watching import WatchedBuild

TOLD = {"epochs": 4, "loss": 0.5, "accuracy": 0.5}
VALIDATED = {**TOLD, "val_loss": 0.5, "val_accuracy": 0.5}


def test_epochs_are_there_as_soon_as_they_end(watched: WatchedBuild) -> None:
    assert watched.moments["baseline.head epoch 3"].epochs("baseline.head") == [1, 2]
    assert watched.board.snapshot().running == {}


def test_fine_tuning_begins_with_the_number_of_the_heads_last_epoch(watched: WatchedBuild) -> None:
    label = "augmentation.fine_tuning"
    assert watched.moments[f"{label} epoch 4"].epochs(label) == [3]


def test_of_a_stage_that_was_killed_the_epochs_before_are_there_too(tmp_path: Path) -> None:
    event = "baseline.fine_tuning epoch 4"
    first = WatchedBuild(make_project(tmp_path), until=event)
    assert [failure.label for failure in first.board.snapshot().failed.values()] == ["baseline.fine_tuning"]
    again = WatchedBuild(first.project, until=event)
    assert "baseline.fine_tuning epoch 3" not in again.moments
    assert again.moments[event].epochs("baseline.fine_tuning") == [3]


def test_with_force_they_are_not(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    node = project.plan().runs["baseline"]["head"]
    path = project.places.store / "checkpoints" / f"head-{node.key.digest}.npz"
    path.parent.mkdir(parents=True)
    write_checkpoint(path, {}, json.dumps([{"epoch": 1, **VALIDATED}]).replace('"epochs": 4, ', ""))
    event = "baseline.head epoch 1"
    assert WatchedBuild(project, until=event, force=True).moments[event].epochs("baseline.head") == []


def test_a_stage_that_goes_over_an_epoch_again_has_it_once() -> None:
    board = Board()
    board.began("a.head")
    for epoch in (1, 2, 1):
        board.reported("a.head", {"epoch": epoch, **VALIDATED})
    assert [epoch.epoch for epoch in board.snapshot().running["a.head"].history] == [1]


def test_progress_within_an_epoch_is_no_change() -> None:
    board = Board()
    board.began("a.head")
    before = board.snapshot()
    board.reported("a.head", {"epoch": 1, **TOLD})
    after = board.snapshot()
    assert (after.changes, after.reports) == (before.changes, before.reports + 1)
    board.reported("a.head", {"epoch": 1, **VALIDATED})
    assert board.snapshot().changes == before.changes + 1


def test_a_snapshot_stays_as_it_was() -> None:
    board = Board()
    board.began("a.head")
    before = board.snapshot()
    board.reported("a.head", {"epoch": 1, **VALIDATED})
    board.said("a line")
    assert before.running["a.head"].history == []
    assert before.lines == ()


def test_what_failed_is_kept_until_it_begins_again() -> None:
    board = Board()
    board.began("a.head")
    board.ended("a.head", "memory ran out")
    assert board.snapshot().failed == {"a.head": ("a.head", "memory ran out")}
    assert board.snapshot().news == "a.head failed"
    board.began("a.head")
    assert board.snapshot().failed == {}


def test_the_whole_is_told_as_the_display_tells_it() -> None:
    time = 0.0
    board = Board(lambda: time)
    assert board.snapshot().share is None
    board.expect({"a.head": 30, "a.fine_tuning": 70})
    board.began("a.head")
    board.reported("a.head", {"epoch": 1, **TOLD})
    time = 10.0
    board.reported("a.head", {"epoch": 2, **TOLD})
    seen = board.snapshot()
    assert seen.share == pytest.approx(0.3 / 4)
    assert seen.running["a.head"].left == pytest.approx(30)
    assert seen.whole == "7%, about 2 min left"
    board.ended("a.head")
    assert board.snapshot().share == pytest.approx(0.3)


def test_what_the_build_says_goes_on_to_its_display(watched: WatchedBuild) -> None:
    lines = watched.board.snapshot().lines
    assert [line for line in watched.display.lines if line in lines] == [*lines]
    assert any(line.startswith("data: ") for line in lines)
    assert "baseline.head: done" in "\n".join(watched.display.lines)
