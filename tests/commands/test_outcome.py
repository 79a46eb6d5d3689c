"""What the commands that write a post say of it, and its other forms."""

from pathlib import Path
from typing import Any

import pytest

from generator.commands import building, outcome
from generator.pipeline import Explanation


def test_whoever_reads_what_is_printed_may_leave_and_the_export_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def left(*_: Any) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(outcome, "_print_outcome", left)
    monkeypatch.setattr(outcome, "_exported", lambda *_: b"the post")
    nothing: Any = None
    with pytest.raises(BrokenPipeError):
        outcome.report(nothing, tmp_path / "post.html", nothing, nothing)
    assert (tmp_path / "post.html").read_bytes() == b"the post"


def test_nothing_would_run_is_said_only_where_nothing_would(capsys: pytest.CaptureFixture[str]) -> None:
    done, open_sweep = (Explanation(name, runs, (), None) for name, runs in (("baseline.head", False), ("rates", True)))
    building._print_explanations([done, open_sweep])
    assert "nothing would run" not in capsys.readouterr().out
    building._print_explanations([done])
    assert capsys.readouterr().out.endswith("nothing would run: all that is needed is up to date\n")


def test_what_is_not_there_is_not_said_to_be_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    building._print_explanations([Explanation("baseline.features", False, (), None, needed=False)])
    assert capsys.readouterr().out.splitlines()[0] == "baseline.features: is not in the store, nor needed"
