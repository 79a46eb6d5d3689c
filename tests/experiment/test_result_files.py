"""Results as files, and back: of both phases, and of several classes."""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable

import pytest

from generator.experiment.files import result_files
from generator.support.errors import BadInput
from tests.factories import FIVE, make_data, make_results, with_measurement, with_runs


@pytest.fixture
def files() -> dict[str, str]:
    return result_files.to_files(make_results(data=make_data(class_names=FIVE)))


def test_several_classes_come_back_as_they_went(files: dict[str, str]) -> None:
    found = result_files.from_files(files, "here")
    assert found == make_results(data=make_data(class_names=FIVE))
    assert result_files.to_files(found) == files


def test_two_classes_have_the_files_that_they_had() -> None:
    files = result_files.to_files(make_results())
    header = files[result_files.PREDICTIONS].splitlines()[0]
    assert header.endswith("logit,probability,actual_name,predicted_name,correct")
    variant = json.loads(files[result_files.METRICS])["variants"]["baseline"]
    assert set(variant["confusion"]) == {"true_negative", "false_positive", "false_negative", "true_positive"}
    assert "classes" not in variant


def test_each_class_has_its_ratios_in_the_metrics(files: dict[str, str]) -> None:
    variant = json.loads(files[result_files.METRICS])["variants"]["baseline"]
    assert variant["confusion"]["camel"] == {"camel": 3, "horse": 5}
    assert variant["classes"]["camel"] == {"precision": 1.0, "recall": 0.375, "f1": pytest.approx(6 / 11)}


def without_a_class(table: dict[str, dict[str, object]]) -> None:
    del table["confusion"]["zebra"]
    table["confusion"]["okapi"] = {"zebra": 8}


def with_another_ratio(table: dict[str, dict[str, object]]) -> None:
    table["classes"]["camel"] = {"precision": 1.0, "recall": 0.5, "f1": 0.5}


@pytest.mark.parametrize("damage", [without_a_class, with_another_ratio])
def test_counts_and_ratios_that_do_not_agree_are_refused(
    files: dict[str, str], damage: Callable[[dict[str, dict[str, object]]], None]
) -> None:
    table = json.loads(files[result_files.METRICS])
    damage(table["variants"]["baseline"])
    with pytest.raises(BadInput, match="do not fit together"):
        result_files.from_files(files | {result_files.METRICS: json.dumps(table)}, "here")


def test_predictions_of_another_number_of_classes_are_refused(files: dict[str, str]) -> None:
    text = re.sub(r",[^,\n]*$", "", files[result_files.PREDICTIONS], flags=re.MULTILINE)
    with pytest.raises(BadInput, match="expected the columns"):
        result_files.from_files(files | {result_files.PREDICTIONS: text}, "here")


def test_metrics_alone_are_enough(files: dict[str, str]) -> None:
    table = json.loads(files[result_files.METRICS])
    neighbours = result_files.empty_neighbours(table["variants"], table["data"])
    found = result_files.from_files({result_files.METRICS: files[result_files.METRICS], **neighbours}, "here")
    assert found.baseline.confusion == make_results(data=make_data(class_names=FIVE)).baseline.confusion


# ---- Predictions of both phases and of every part -----------------------------------------------------------


@pytest.fixture
def of_two() -> dict[str, str]:
    return result_files.to_files(make_results())


def test_every_image_of_every_part_has_a_row_after_each_phase(of_two: dict[str, str]) -> None:
    rows = list(csv.DictReader(of_two[result_files.PREDICTIONS].splitlines()))
    counts = Counter((row["variant"], row["phase"], row["part"]) for row in rows)
    assert counts == {
        (variant, phase, part): images
        for variant in make_results().variants
        for phase in ("head", "fine_tuning")
        for part, images in (("train", 296), ("validation", 64), ("test", 40))
    }
    wrong = [int(row["index"]) for row in rows if (row["phase"], row["part"], row["correct"]) == ("head", "test", "0")]
    assert wrong == 3 * [0, 1, 2, 3, 6, 7, 30]


def test_the_heads_metrics_have_paths_of_their_own(of_two: dict[str, str]) -> None:
    variant = json.loads(of_two[result_files.METRICS])["variants"]["baseline"]
    assert (variant["test"]["correct"], variant["after_head"]["test"]["correct"]) == (35, 33)
    assert variant["after_head"]["test"]["accuracy"] == 33 / 40
    assert set(variant["after_head"]) == {"train", "validation", "test", "confusion"}


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (r"baseline,head,validation,63,.*\n", "", "does not hold the 64 images of validation, in order"),
        (r"(baseline,fine_tuning,test,)7,", r"\g<1>8,", "does not hold the 40 images of test, in order"),
        (r"(?m)^.*,head,.*\n", "", "does not hold the 296 images of train"),
        (r"baseline,head,test,0,", "baseline,before,test,0,", "'baseline' after 'before', which the build has not"),
        (r"baseline,head,test,0,", "nobody,head,test,0,", "'nobody' after 'head', which the build has not"),
        (r"baseline,head,test,0,", "baseline,head,tests,0,", "does not hold the 40 images of test"),
    ],
)
def test_predictions_of_other_images_are_refused(of_two: dict[str, str], old: str, new: str, named: str) -> None:
    text, count = re.subn(old, new, of_two[result_files.PREDICTIONS])
    assert count
    with pytest.raises(BadInput, match=named):
        result_files.from_files(of_two | {result_files.PREDICTIONS: text}, "here")


@pytest.mark.parametrize("row", ["nobody,head,1,", "baseline,before,1,"])
def test_epochs_of_what_the_build_has_not_are_refused(of_two: dict[str, str], row: str) -> None:
    text = of_two[result_files.HISTORY]
    added = next(each for each in text.splitlines() if each.startswith("baseline,head,1,"))
    with pytest.raises(BadInput, match=r"history\.csv: rows of run 1 of .* after .*, which the build has not"):
        result_files.from_files(
            of_two | {result_files.HISTORY: f"{text}{added.replace('baseline,head,1,', row, 1)}\n"}, "here"
        )


def test_rows_of_an_unknown_part_are_refused(of_two: dict[str, str]) -> None:
    text = of_two[result_files.PREDICTIONS]
    row = next(row for row in text.splitlines() if row.startswith("baseline,head,test,0,"))
    with pytest.raises(BadInput, match="predictions_by_part"):
        result_files.from_files(
            of_two | {result_files.PREDICTIONS: f"{text}{row.replace(',test,', ',tests,', 1)}\n"}, "here"
        )


def test_attributes_come_back_in_their_order_though_json_sorts_names() -> None:
    build = with_measurement(make_results())
    assert build.measure is not None
    values = {"load": ("none", "rider"), "crop": ("none", "top")}
    phases = {
        phase: getattr(build.baseline.measurement, phase).model_copy(
            update={"attributes": {name: pair * (build.measure.total // 2) for name, pair in values.items()}}
        )
        for phase in ("head", "fine_tuning")
    }
    measured = build.baseline.measurement.model_copy(update=phases)
    variants = {name: v.model_copy(update={"measurement": measured}) for name, v in build.variants.items()}
    measure = build.measure.model_copy(update={"attributes": values})
    written = result_files.to_files(build.model_copy(update={"variants": variants, "measure": measure}))
    read = result_files.from_files(written, "here")
    assert read.measure is not None
    assert list(read.measure.attributes) == ["load", "crop"]


# ---- Several runs -----------------------------------------------------------------------------------------

RUNS = with_runs(make_results(), (0, 1, 2, 3), (5, 6, 7))


@pytest.mark.parametrize("measured", [False, True])
def test_several_runs_come_back_as_they_went(measured: bool) -> None:
    build = with_runs(with_measurement(make_results()), (1, 2, 3)) if measured else RUNS
    files = result_files.to_files(build)
    found = result_files.from_files(files, "here")
    assert found == build
    assert result_files.to_files(found) == files


def test_rows_tell_the_run_only_where_there_are_several() -> None:
    one, three = (result_files.to_files(with_measurement(build)) for build in (make_results(), RUNS))
    for name in (result_files.HISTORY, result_files.PREDICTIONS, "measure.csv"):
        assert three[name].splitlines()[0].split(",")[:3] == ["variant", "run", "phase"]
        assert one[name].splitlines()[0].split(",")[:2] == ["variant", "phase"]
    runs = Counter(row["run"] for row in csv.DictReader(three[result_files.HISTORY].splitlines()))
    assert runs == dict.fromkeys("123", 3 * 41)
    assert "seeds" not in json.loads(one[result_files.METRICS])


def test_the_first_run_of_several_has_the_metrics_that_it_has_alone() -> None:
    one, three = (json.loads(result_files.to_files(build)["metrics.json"]) for build in (make_results(), RUNS))
    for name, variant in three["variants"].items():
        assert [run["number"] for run in variant.pop("runs")] == [2, 3]
        assert variant == one["variants"][name]
    assert three.pop("seeds")["count"] == 3
    assert {k: v for k, v in three.items() if k != "variants"} == {k: v for k, v in one.items() if k != "variants"}


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("metrics.json", '"count": 3', '"count": 4', "has not the 4 runs of the build"),
        (
            "predictions.csv",
            "baseline,2,head,test,7,",
            "baseline,4,head,test,7,",
            "predictions.csv: rows of run 4 of 'baseline' after 'head', which the build has not",
        ),
        (
            "predictions.csv",
            "baseline,2,head,test,7,",
            "baseline,3,head,test,7,",
            "does not hold the 40 images of test",
        ),
        (
            "history.csv",
            "baseline,2,head,1,",
            "baseline,4,head,1,",
            "history.csv: rows of run 4 of 'baseline' after 'head', which the build has not",
        ),
        ("history.csv", "variant,run,", "variant,number,", "expected the columns variant, run, phase"),
    ],
)
def test_a_run_that_is_missing_or_not_the_builds_is_refused(file: str, old: str, new: str, named: str) -> None:
    files = result_files.to_files(RUNS)
    assert old in files[file]
    with pytest.raises(BadInput, match=named):
        result_files.from_files(files | {file: files[file].replace(old, new, 1)}, "here")


def test_metrics_of_several_runs_alone_are_enough() -> None:
    metrics = result_files.to_files(RUNS)["metrics.json"]
    neighbours = result_files.empty_neighbours(RUNS.variants, json.loads(metrics)["data"], runs=True)
    found = result_files.from_files({"metrics.json": metrics, **neighbours}, "here").baseline
    assert [run.test for run in found.every_run] == [run.test for run in RUNS.baseline.every_run]
