"""Results of several classes as files, and back."""

import json
import re
from collections.abc import Callable

import pytest

from generator.experiment import result_files
from generator.support.errors import BadInput
from tests.factories import FIVE, make_data, make_results


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
