"""What two builds measured on further images is compared where the images are the same, and nowhere else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.diff import builds, compare, report
from generator.diff.builds import Build, SearchPlaces
from generator.diff.compare import Comparison
from generator.diff.gates import parse_gates
from generator.experiment.files import measurement_files, result_files
from generator.experiment.results import BuildResults
from generator.support.errors import BadInput
from tests.factories import make_measurement, make_results, make_variant, with_measurement, with_runs
from tests.sites import FOLDER, make_files, put

FOUND = with_measurement(make_results())
BETTER = with_measurement(make_results(), make_measurement(fine_tuning=(60, 61)))

NEIGHBOURS = (set(result_files.FILES) | set(measurement_files.FILES)) - {result_files.METRICS}


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Build]:
    def build(made: BuildResults, *without: str) -> Build:
        site = put(tmp_path / f"site-{len(list(tmp_path.iterdir()))}", make_files(made))
        for name in without:
            (site / f"assets/data/{FOLDER}" / name).unlink()
        return builds.find(str(site), SearchPlaces(tmp_path, site, tmp_path / "store", FOLDER))

    return build


def changed(comparison: Comparison) -> dict[str, str]:
    """Of the baseline."""
    return {c.metric: c.status for c in comparison.metrics if c.variant == "baseline" and c.status != "unchanged"}


def verdicts(comparison: Comparison) -> set[str]:
    return {change.verdict for change in comparison.measured}


def test_a_build_against_itself_is_the_same(make: Callable[..., Build]) -> None:
    comparison = compare.compare(make(FOUND), make(FOUND))
    assert comparison.same
    assert verdicts(comparison) == {"of 120 images to measure with the same are right and wrong"}
    assert len([c for c in comparison.metrics if c.metric.startswith("measurement.")]) == 3 * 2 * 3


def test_the_same_images_are_paired_and_their_scores_compared(make: Callable[..., Build]) -> None:
    comparison = compare.compare(make(FOUND), make(BETTER))
    assert verdicts(comparison) == {
        "of 120 images to measure with 10 mended, 0 broken: more than chance (McNemar, exact: p = 0.0020)"
    }
    found = changed(comparison)
    assert found["measurement.fine_tuning.accuracy"] == "improved"
    assert "measurement.head.accuracy" not in found
    assert not comparison.same


def test_a_gate_may_hold_what_was_measured(make: Callable[..., Build]) -> None:
    gates = parse_gates(["measurement.fine_tuning.accuracy=-0.02"])
    assert not compare.compare(make(FOUND), make(BETTER), gates=gates).missed
    assert len(compare.compare(make(BETTER), make(FOUND), gates=gates).missed) == 3


def test_other_images_are_not_compared_and_that_is_said(make: Callable[..., Build]) -> None:
    other = with_measurement(make_results(), make_measurement(fine_tuning=()), fingerprint="b" * 64)
    comparison = compare.compare(make(FOUND), make(other))
    assert verdicts(comparison) == {"measured with other images, so the measurements are not compared"}
    assert not any(change.metric.startswith("measurement") for change in comparison.metrics)
    assert [change.setting for change in comparison.settings] == ["data.measure.fingerprint"]


def test_where_one_build_measured_nothing_that_is_said(make: Callable[..., Build]) -> None:
    comparison = compare.compare(make(make_results()), make(FOUND))
    assert verdicts(comparison) == {"only one of the builds has images to measure with"}
    assert changed(comparison) == {}
    assert {change.setting for change in comparison.settings} >= {"data.measure.images"}


@pytest.mark.parametrize("metric", ["measurement.fine_tuning.accuracy", "over_runs.measured.accuracy"])
@pytest.mark.parametrize(
    "new", [make_results(), with_measurement(make_results(), make_measurement(), fingerprint="b" * 64)]
)
def test_a_gate_on_what_was_measured_with_other_images_is_refused_for_that(
    make: Callable[..., Build], new: BuildResults, metric: str
) -> None:
    with pytest.raises(BadInput, match=f"gate '{metric}': the two builds did not measure with the same images, so"):
        compare.compare(make(FOUND), make(new), gates=parse_gates([f"{metric}=-0.02"]))


def test_where_neither_measured_nothing_is_said(make: Callable[..., Build]) -> None:
    assert compare.compare(make(make_results()), make(make_results())).measured == ()


def test_metrics_kept_alone_cannot_be_paired(make: Callable[..., Build]) -> None:
    comparison = compare.compare(make(FOUND), make(BETTER, *NEIGHBOURS))
    assert verdicts(comparison) == {"the images to measure with cannot be paired: one side has no measure.csv"}
    assert changed(comparison)["measurement.fine_tuning.accuracy"] == "improved"


def measured_in_runs(first: int, *further: int) -> BuildResults:
    """A build of three runs, with so many of the images to measure with wrong in each."""
    made = with_runs(make_results(variants={"baseline": make_variant()}), *((0,) for _ in further))
    first_one, *others = (make_measurement(fine_tuning=tuple(range(count))) for count in (first, *further))
    runs = tuple(
        run.model_copy(update={"measurement": found}) for run, found in zip(made.baseline.runs, others, strict=True)
    )
    measured = with_measurement(made, first_one)
    baseline = measured.baseline.model_copy(update={"runs": runs})
    return measured.model_copy(update={"variants": {"baseline": baseline}})


def test_of_several_runs_all_are_compared_and_not_the_first_alone(make: Callable[..., Build]) -> None:
    old, new = measured_in_runs(12, 0, 0), measured_in_runs(0, 12, 12)
    mean = "over_runs.measured.accuracy=-0.02"
    comparison = compare.compare(make(old), make(new), gates=parse_gates([mean, f"{mean} confident"]))
    (verdict,) = verdicts(comparison)
    over_all, _, of_first = verdict.partition("; their first runs alone: ")
    assert over_all.startswith("images to measure with: over 3 runs accuracy -0.0333 ± 0.1155, higher in 1, lower in 2")
    assert "within chance" in over_all
    assert of_first.startswith("of 120 images to measure with 12 mended, 0 broken: more than chance")
    assert changed(comparison)["over_runs.measured.accuracy"] == "worse"
    assert [gate.gate.text for gate in comparison.missed] == ["-0.02"]


def test_further_runs_that_differ_while_the_first_ones_do_not_are_something_to_report(
    make: Callable[..., Build],
) -> None:
    comparison = compare.compare(make(measured_in_runs(5, 5, 5)), make(measured_in_runs(5, 12, 12)))
    assert not comparison.same
    assert [change.differs for change in comparison.measured] == [True]


def test_the_means_of_other_images_are_not_compared(make: Callable[..., Build]) -> None:
    other = measured_in_runs(0, 0, 0)
    assert other.measure
    other = other.model_copy(update={"measure": other.measure.model_copy(update={"fingerprint": "b" * 64})})
    comparison = compare.compare(make(measured_in_runs(12, 12, 12)), make(other))
    assert not any("measured" in change.metric for change in comparison.metrics)
    assert verdicts(comparison) == {"measured with other images, so the measurements are not compared"}


@pytest.mark.parametrize("write", [report.to_markdown, report.to_html, report.to_json])
def test_every_form_of_the_report_tells_it(make: Callable[..., Build], write: Callable[..., Any]) -> None:
    assert "10 mended, 0 broken: more than chance" in write(compare.compare(make(FOUND), make(BETTER)))
