"""What another processor gives: the record, the limits made from it, and when the verdict is given."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from generator.build.storage.key import Key
from generator.diff import builds, metrics, rounding
from generator.diff import compare as diff
from generator.diff.builds import Build, SearchPlaces
from generator.diff.compare import Comparison
from generator.diff.gates import parse_gates
from generator.experiment import provenance
from generator.experiment.config import settings
from generator.experiment.config.seeds import SeedSettings
from generator.experiment.outcomes import Score
from generator.experiment.results import BuildResults
from generator.support import hardware, strict_json
from tests import repositories
from tests.factories import ROOT, make_outcome, make_results, make_run, make_variant
from tests.repositories import DATA
from tests.sites import FOLDER, make_files, put

RECORD = json.loads(rounding.RECORD.read_text("utf-8"))

OTHER = {"processor": "Two"}


# ---- The record ------------------------------------------------------------------------------------------


def test_the_record_is_what_the_benchmark_measured() -> None:
    measured = json.loads((ROOT / "benchmarks" / "recorded" / "precision.json").read_text("utf-8"))
    baseline = measured["variants"]["baseline"]
    assert RECORD["measures"] == {
        name: {column: round(value, 4) for column, value in row.items()} for name, row in baseline["measures"].items()
    }
    assert RECORD["predictions"] == {
        "total": baseline["predictions"], "mended": baseline["mended"], "broken": baseline["broken"]
    }  # fmt: skip
    assert RECORD["seeds"] == baseline["seeds"]
    assert measured["measured"]["command"].startswith(RECORD["command"])
    assert RECORD["machine"] == measured["machine"]["processor"]


def rounds() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(variant, float32, bfloat16) of every recorded round."""
    measured = json.loads((ROOT / RECORD["rounds"]["source"]).read_text("utf-8"))["rounds"]
    sides = [(found["project"]["float32"]["all"], found["project"]["bfloat16"]["all"]) for found in measured]
    return [(n, v, fast["variants"][n]) for exact, fast in sides for n, v in exact["variants"].items()]


def numbers(variant: dict[str, Any]) -> dict[str, float]:
    measured = {n: variant[n] for n in ("before", "train", "validation", "test", "confusion", "parameters", "epochs")}
    return settings.flatten(measured)


def test_the_training_accuracy_is_that_of_the_recorded_rounds() -> None:
    names = [f"epochs.{phase}.accuracy" for phase in ("head", "fine_tuning")]
    moved = [abs(numbers(fast)[n] - numbers(exact)[n]) for _, exact, fast in rounds() for n in names]
    assert max(moved) == pytest.approx(RECORD["rounds"]["training accuracy"])
    assert len({name for name, *_ in rounds()}) == RECORD["rounds"]["variants"]


def test_every_recorded_round_is_within_the_limits() -> None:
    for name, exact, fast in rounds():
        for change in metrics.compare(name, numbers(exact), numbers(fast)):
            assert change.status == "unchanged" or rounding.is_within(change, images=296), change


def test_limits_are_prediction_intervals_of_the_record() -> None:
    row = RECORD["measures"]["test loss"]
    expected = abs(row["difference"]) + 2.776 * row["error"] * math.sqrt(6)
    assert rounding.bound("test.loss", 296) == pytest.approx(expected)
    assert rounding.bound("test.accuracy", 296) == 0
    assert rounding.bound("after_head.test.loss", 296) == rounding.bound("epochs.head.val_loss", 296)
    assert rounding.bound("epochs.head.accuracy", 296) == pytest.approx(2 / 296)
    assert rounding.bound("epochs.head.accuracy", 40) == pytest.approx(1 / 40)
    for metric in ("test.correct", "test.roc_auc", "confusion.true_positive", "parameters.total", "unheard.of"):
        assert rounding.bound(metric, 296) is None


def test_limits_over_several_runs_are_those_of_one() -> None:
    for metric in ("test.loss", "test.accuracy", "after_head.validation.loss"):
        for over_runs in (f"over_runs.{metric}", f"over_runs.{metric}_sd"):
            assert rounding.bound(over_runs, 296) == rounding.bound(metric, 296)
    assert rounding.bound("over_runs.measured.loss", 296) == rounding.bound("measurement.fine_tuning.loss", 296)
    assert rounding.bound("over_runs.after_head.measured.loss_sd", 296) == rounding.bound("measurement.head.loss", 296)
    for metric in ("over_runs.test.roc_auc", "over_runs.test.f1_sd", "test.loss_sd"):
        assert rounding.bound(metric, 296) is None


# ---- The verdict -----------------------------------------------------------------------------------------


@pytest.fixture
def compare(tmp_path: Path) -> Callable[..., Comparison]:
    """Two builds of these results, of machine One and of a machine with `changes`."""

    def built(name: str, results: BuildResults, **changes: Any) -> Build:
        origin = repositories.provenance(name, **changes)
        put(tmp_path / name, {**make_files(results, shade=len(name)), f"{DATA}/provenance.json": origin})
        return builds.find(str(tmp_path / name), SearchPlaces(tmp_path, tmp_path, tmp_path / "store", FOLDER))

    def run(new: BuildResults, gates: Any = (), old: BuildResults | None = None, **changes: Any) -> Comparison:
        before = built("one", old or make_results())
        return diff.compare(before, built("other", new, **changes), gates=parse_gates(gates))

    return run


def moved(by: float = 1e-4, precision: str = "float32", **changes: Any) -> BuildResults:
    """The factory's results with one loss moved in every variant."""
    variants = {
        name: variant.model_copy(
            update={
                "train": Score(loss=variant.train.loss + by, correct=296, total=296),
                "precision": precision,
                **changes,
            }
        )
        for name, variant in make_results().variants.items()
    }
    return make_results(variants=variants)


def test_last_digits_of_another_processor_are_one_sentence(compare: Callable[..., Comparison]) -> None:
    found = compare(moved(), **OTHER)
    assert found.rounding is not None
    assert found.rounding.differences == 3 + len(found.figures)
    assert found.rounding.text == (
        f"all {found.rounding.differences} differences are what another processor gives (One → Two): the same work, no"
        " prediction changed, the most that a loss moved is 0.0001, within the recorded comparison of precisions"
    )


def of_runs(build: BuildResults, by: float = 0.0, wrong: tuple[int, ...] = (0, 1)) -> BuildResults:
    """The build with a further run, its losses moved; its scores are those of two wrong test images, whichever."""
    scores = make_outcome((0, 1))
    lost = {
        part: score.model_copy(update={"loss": score.loss + by})
        for part, score in (("validation", scores.validation), ("test", scores.test))
    }
    run = make_run(2, wrong, confusion=scores.confusion, **lost)
    variants = {name: variant.model_copy(update={"runs": (run,)}) for name, variant in build.variants.items()}
    return build.model_copy(update={"variants": variants, "seeds": SeedSettings(count=2)})


@pytest.mark.parametrize(("by", "wrong", "given"), [(1e-4, (0, 1), True), (0.1, (0, 1), False), (1e-4, (0, 3), False)])
def test_of_several_runs_all_are_held_against_each_other(
    compare: Callable[..., Comparison], by: float, wrong: tuple[int, ...], given: bool
) -> None:
    found = compare(of_runs(moved(), by, wrong), old=of_runs(make_results()), **OTHER)
    assert "over_runs.test.loss_sd" in {change.metric for change in found.metrics if change.status == "changed"}
    assert (found.rounding is not None) is given


def test_auto_in_another_precision_is_part_of_it(compare: Callable[..., Comparison]) -> None:
    found = compare(moved(precision="bfloat16"), **OTHER, stages=stages(key="c"))
    assert found.rounding is not None
    assert "(One in float32 → Two in bfloat16)" in found.rounding.text


def test_a_processor_of_the_same_name_is_told_by_its_family(compare: Callable[..., Comparison]) -> None:
    assert compare(moved(), cpuid="family 6, model 143, stepping 8").rounding is None, "the other side is not known"
    one, two = ({"cpuid": f"family 6, model {n}, stepping 2", "id": "i"} for n in (143, 207))
    sides = [provenance.parse(repositories.provenance(**{"build_id": "x", **each})) for each in (one, two)]
    assert sides[0] is not None
    assert sides[1] is not None
    assert sides[0].is_another_than(sides[1])
    assert sides[0].beside(sides[1]) == "One, family 6, model 143, stepping 2"


def test_the_processor_that_counts_is_that_of_the_stage_not_of_who_built_the_site(
    compare: Callable[..., Comparison],
) -> None:
    one, two, built_by = ({"platform": "Linux x86_64", "processor": name} for name in ("One", "Two", "Third"))

    def of(machine: int | None, key: str = "a") -> dict[str, object]:
        return {"stages": {"baseline.evaluation": {"key": key * 64, "work": "b" * 64, "machine": machine}}}

    # Trained where the other build was, and rendered elsewhere.
    assert compare(moved(), **built_by, machines=[two, one], **of(1)).rounding is None
    found = compare(moved(), **built_by, machines=[two, one], **of(0)).rounding
    assert found is not None
    assert "(One → Two)" in found.text
    # Not recorded: the one that built the site is what is known.
    found = compare(moved(), **built_by, machines=[two, one], **of(None)).rounding
    assert found is not None
    assert "(One → Third)" in found.text


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["cpu family\t: 6", "model\t\t: 207", "model name\t: A", "stepping\t: 2"], "family 6, model 207, stepping 2"),
        (["CPU implementer\t: 0x41", "CPU part\t: 0xd0c"], "implementer 0x41, part 0xd0c"),
        (["processor: 0"], ""),
        ([], ""),
    ],
)  # fmt: skip
def test_what_the_system_tells_of_a_processor(monkeypatch: pytest.MonkeyPatch, lines: list[str], told: str) -> None:
    monkeypatch.setattr(hardware, "cpuinfo", lambda: lines)
    assert hardware.cpuid() == told
    assert provenance.machine()["cpuid"] == (told or None)


def stages(key: str = "a", work: str | None = "b") -> dict[str, Any]:
    return {"baseline.evaluation": {"key": key * 64, "seconds": 1.0, **({"work": work * 64} if work else {})}}


@pytest.mark.parametrize(
    ("new", "machine"),
    [
        (moved(), {}),
        (moved(0.01), OTHER),
        (moved(), {**OTHER, "stages": stages("c", "d")}),
        (moved(), {**OTHER, "stages": stages("c", None)}),
        (moved(), {**OTHER, "stages": {}}),
        (moved(), {"processor": None}),
        (make_results(variants={**moved().variants, "baseline": make_variant(wrong=(0, 1, 2, 6))}), OTHER),
        (make_results(variants={"baseline": moved().variants["baseline"]}), OTHER),
        (moved(recipe=make_variant().recipe.model_copy(update={"seed": 7})), OTHER),
        (moved(parameters=make_variant().parameters.model_copy(update={"total": 1})), OTHER),
        (make_results(variants=moved().variants, figures=make_results().figures[:-1]), OTHER),
    ],
    ids=["same machine", "too far", "other work", "work not noted", "no stages", "machine not known", "a prediction",
         "a variant gone", "a setting", "a count", "a figure gone"],
)  # fmt: skip
def test_no_verdict_where_anything_else_may_be_the_cause(
    compare: Callable[..., Comparison], new: BuildResults, machine: dict[str, Any]
) -> None:
    found = compare(new, **machine)
    assert found.rounding is None
    assert not found.same


def test_gates_are_held_all_the_same(compare: Callable[..., Comparison]) -> None:
    found = compare(moved(), gates=["train.loss=0"], **OTHER)
    assert found.rounding is not None
    assert len(found.missed) == 3


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"id": 3}', b"\xff", b"[" * 100_000])
def test_a_record_that_says_nothing_is_no_record(content: bytes | None) -> None:
    assert provenance.parse(content) is None


def test_the_reports_fold_it_and_all_unfolds(compare: Callable[..., Comparison]) -> None:
    from generator.diff import report

    found = compare(moved(), gates=["test.accuracy=-0.02"], **OTHER)
    for text in map(unescape, (report.to_markdown(found), report.to_html(found))):
        assert "differences are what another processor gives" in text
        assert "train.loss" not in text
        assert "passed" in text
    for text in map(unescape, (report.to_markdown(found, everything=True), report.to_html(found, everything=True))):
        assert "train.loss" in text
    table = json.loads(report.to_json(found))
    assert table["rounding"]["differences"] == found.rounding.differences  # type: ignore[union-attr]
    assert len(table["metrics"]) == len(found.metrics)


@dataclass(frozen=True)
class Staged:
    """As much of a plan's node as is asked."""

    key: Key
    needs: Mapping[str, "Staged"] = field(default_factory=dict)


def test_a_stages_work_leaves_out_its_precision_and_that_of_its_needs() -> None:
    def staged(precision: str, seed: int) -> Staged:
        cut = Staged(Key("cut", "baseline.cut", {"precision": precision}))
        key = Key("head", "baseline.head", {"setting seed": seed, "stage cut": cut.key.digest})
        return Staged(key, {"cut": cut})

    assert provenance.work_of(staged("float32", 0)) == provenance.work_of(staged("bfloat16", 0))
    assert provenance.work_of(staged("float32", 0)) != provenance.work_of(staged("float32", 1))
    assert strict_json.to_json(dict(provenance.record_of(staged("float32", 0), 1.234))).count("1.23") == 1
