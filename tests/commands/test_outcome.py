"""What the commands that write a post say of it, and its other forms."""

from pathlib import Path
from typing import Any

import pytest

from generator import cli
from generator.commands import building, outcome
from generator.pipeline import Explanation
from tests.factories import ROOT


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


def test_a_gate_that_diff_would_refuse_is_refused_before_the_build(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "own.toml"
    settings.write_text(f"extends = '{ROOT / 'experiment.toml'}'\n[gates]\n'test.accuracy' = '0,02'\n", "utf-8")
    assert cli.main(["--config", str(settings), "--explain"]) == 2
    assert "gate 'test.accuracy=0,02': expected METRIC=LIMIT" in capsys.readouterr().err
