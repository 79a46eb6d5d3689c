"""Builds of several runs compared: run by run where both have as many, and what is said where they have not."""

import json
from pathlib import Path

import pytest

from generator.commands.history import _rows_of_record
from generator.diff import compare, runs
from generator.diff.builds import Build
from generator.diff.gates import parse_gates
from generator.experiment.config.seeds import SeedSettings
from generator.experiment.files import result_files
from generator.experiment.results import BuildResults
from generator.experiment.statistics import two_way
from generator.support.errors import BadInput
from tests.factories import make_outcome, make_results, make_run, make_variant


def build(*wrong: tuple[int, ...]) -> BuildResults:
    """A build of the baseline with these test images wrong in each run."""
    first, *further = wrong
    made = tuple(make_run(number, images) for number, images in enumerate(further, start=2))
    variant = make_variant(wrong=first).model_copy(update={"runs": made})
    return make_results(variants={"baseline": variant}, seeds=SeedSettings(count=len(wrong)))


def as_build(results: BuildResults, label: str) -> Build:
    variant = results.baseline
    last = {"baseline": {"head": variant.head[-1], "fine_tuning": variant.fine_tuning[-1]}}
    return Build(label, results, last, lambda scope, name: None, folder=Path(label))


def compared(old: BuildResults, new: BuildResults, *gates: str) -> compare.Comparison:
    return compare.compare(as_build(old, "old"), as_build(new, "new"), gates=parse_gates(gates))


TEN = tuple(range(10))


def test_one_run_each_is_compared_as_ever() -> None:
    found = compared(build((0, 1)), build((0,)))
    assert found.predictions[0].verdict.startswith("1 mended, 0 broken: within chance")
    assert not [change for change in found.metrics if "over_runs" in change.metric]
    assert found.settings == ()


def test_as_many_runs_are_compared_run_by_run() -> None:
    found = compared(build(TEN, TEN, TEN), build((), (0,), ()))
    (pair,) = found.predictions
    assert pair.verdict.startswith("over 3 runs accuracy +0.2417 ± 0.0144, higher in 3, lower in 0 (95% interval over")
    assert "more than chance" in pair.verdict.partition("; their first runs alone: ")[0]
    means = {change.metric: change for change in found.metrics}
    assert means["over_runs.test.accuracy"].old == pytest.approx(0.75)
    assert means["over_runs.test.accuracy"].status == "improved"
    assert means["over_runs.test.accuracy_sd"].status == "changed"


def test_runs_that_differ_while_the_first_ones_do_not_are_something_to_report() -> None:
    found = compared(build(TEN, TEN), build(TEN, (0,)))
    assert not found.same
    assert "higher in 1, lower in 0" in found.predictions[0].verdict


def test_other_numbers_of_runs_are_said_and_not_paired() -> None:
    found = compared(build(TEN), build(TEN, TEN, TEN))
    assert {(change.setting, change.old, change.new) for change in found.settings} >= {("seeds.count", "1", "3")}
    assert found.predictions[0].verdict.startswith(
        "one run and 3 runs cannot be paired; their first runs alone: the same"
    )


def test_a_gate_may_name_the_mean_of_the_runs() -> None:
    (result,) = compared(build(TEN, TEN), build(TEN, (*TEN, 20, 21)), "over_runs.test.accuracy=-0.02").missed
    assert (result.old, result.new) == (pytest.approx(0.75), pytest.approx(0.725))


MEAN = "over_runs.test.accuracy=-0.02 confident"


def test_a_confident_gate_on_the_mean_is_held_by_the_interval_over_runs_and_images() -> None:
    found = compared(build((), (0,), ()), build(TEN, TEN, TEN), MEAN)
    (change,) = (change for change in found.metrics if change.metric == "over_runs.test.accuracy")
    drawn = two_way.difference(build((), (0,), ()).baseline.every_run, build(TEN, TEN, TEN).baseline.every_run)
    assert (change.low, change.high, change.p) == drawn
    assert change.note == "more than chance"
    assert [gate.gate.text for gate in found.missed] == ["-0.02 confident"]
    within = compared(build(TEN, TEN), build(TEN, (*TEN, 20, 21)), MEAN)
    assert within.missed == ()
    assert "within chance" in str(within.gates[0])


def test_the_mean_after_the_head_has_an_interval_of_its_own() -> None:
    old, new = build((), ()), build((), ())
    worse = make_variant(wrong=(), after_head=make_outcome(TEN)).model_copy(
        update={"runs": (make_run(2, (), head_wrong=TEN),)}
    )
    new = new.model_copy(update={"variants": {"baseline": worse}})
    found = {change.metric: change for change in compared(old, new).metrics}["over_runs.after_head.test.accuracy"]
    drawn = two_way.difference(old.baseline.outcomes["head"], worse.outcomes["head"])
    assert (found.low, found.high, found.p) == drawn


@pytest.mark.parametrize("other", ["runs", "images", "data"])
def test_means_that_cannot_be_paired_have_no_interval(other: str) -> None:
    old, new = build((), ()), build(TEN, TEN)
    if other == "runs":
        new = build(TEN, TEN, TEN)
    elif other == "data":
        new = new.model_copy(update={"data": new.data.model_copy(update={"fingerprint": "e" * 64})})
    else:
        renamed = tuple(p.model_copy(update={"file": f"{p.file}.png"}) for p in new.baseline.predictions)
        parts = {**new.baseline.predictions_by_part, "test": renamed}
        variant = new.baseline.model_copy(update={"predictions_by_part": parts})
        new = new.model_copy(update={"variants": {"baseline": variant}})
    with pytest.raises(BadInput, match=r"moves over_runs\.test\.accuracy here: that needs as many runs, predictions"):
        compared(old, new, MEAN)


def test_no_runs_have_no_verdict() -> None:
    assert runs.verdict([make_variant().predictions], [make_variant(wrong=()).predictions]) == ""


def test_the_history_shows_means_and_counts_the_seconds_of_all_runs(tmp_path: Path) -> None:
    stages = {"baseline.head": 60, "baseline~2.head": 60, "baseline-of-others.head": 600, "all.comparison": 7}
    record = {"commit": None, "stages": {label: {"seconds": seconds} for label, seconds in stages.items()}}
    (tmp_path / "provenance.json").write_text(json.dumps(record))
    (tmp_path / "metrics.json").write_text(result_files.to_files(build(TEN, ()))["metrics.json"])
    ((*_, accuracy, _, duration, settings),) = _rows_of_record(tmp_path)
    assert (accuracy, settings) == ("0.8750", f"embedded, seed {build(()).baseline.recipe.seed}, mean of 2 runs")
    assert duration == "2 min 0 s"
