"""A review of the labels as text, and read again: whatever does not follow from its rows is refused."""

import json
from typing import Any

import pytest

from generator.experiment.files import label_files, result_files
from generator.experiment.label_review import LabelReview
from generator.experiment.results import BuildResults
from generator.support.errors import BadInput
from tests.factories import FIVE, make_data, make_labels, make_results

REVIEW = make_labels()
BUILD = make_results(labels=REVIEW)


def read(files: dict[str, str]) -> BuildResults:
    return result_files.from_files(files, "site")


@pytest.mark.parametrize(
    "build",
    [
        BUILD,
        make_results(labels=make_labels(())),
        make_results(labels=make_labels(range(0, 400, 2))),
        make_results(labels=LabelReview(folds=5, left_out=("camel", "horse"), images=())),
        make_results(labels=make_labels(classes=5), data=make_data(class_names=FIVE)),
    ],
    ids=["some", "none marked", "tells nothing", "none judged", "five classes"],
)
def test_what_was_written_is_read_again(build: BuildResults) -> None:
    assert read(result_files.to_files(build)) == build


def test_the_metrics_tell_what_was_found() -> None:
    table = json.loads(result_files.to_files(BUILD)["metrics.json"])["labels"]
    assert (table["total"], table["correct"], table["marked"], table["estimated"]) == (400, 397, 3, 3)
    assert table["by_side"]["test"] == {"total": 40, "correct": 39, "marked": 1}
    assert table["tells"]
    assert "images" not in table


def test_a_row_names_the_classes_and_says_what_is_marked() -> None:
    lines = label_files.to_texts(REVIEW, ("camel", "horse"))["labels.csv"].splitlines()
    assert lines[0] == "side,index,file,label,predicted,own,probability,label_name,predicted_name,marked"
    assert lines[4] == "train,3,train/camel/3.png,0,1,0.05,0.95,camel,horse,1"
    assert [line[-1] for line in lines[1:]].count("1") == 3


def test_without_a_review_there_is_no_file_of_it() -> None:
    files = result_files.to_files(make_results())
    assert "labels.csv" not in files
    assert read(files).labels is None


def test_metrics_alone_are_read_without_the_rows() -> None:
    files = result_files.to_files(BUILD)
    alone = result_files.empty_neighbours(BUILD.variants, json.loads(files["metrics.json"])["data"])
    assert read({**alone, **{name: files[name] for name in ("metrics.json", "history.csv")}}).labels is None


def test_a_missing_table_is_named() -> None:
    files = result_files.to_files(BUILD)
    del files["labels.csv"]
    with pytest.raises(BadInput, match=r"labels\.csv is missing"):
        read(files)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.05,0.95,camel,horse,1", "0.05,0.95,camel,horse,0"),
        ("0.05,0.95,camel", "0.45,0.55,camel"),
        ("train,3,train/camel/3.png,0,1", "train,3,train/camel/3.png,0,0"),
        ("test,365", "train,365"),
        ("train,5,train", "train,4,train"),
        ("0.05,0.95,camel", "0.05,1.95,camel"),
    ],
)
def test_an_edited_table_is_refused(old: str, new: str) -> None:
    files = result_files.to_files(BUILD)
    assert old in files["labels.csv"]
    with pytest.raises(BadInput):
        read({**files, "labels.csv": files["labels.csv"].replace(old, new, 1)})


@pytest.mark.parametrize(("name", "value"), [("accuracy", 0.5), ("marked", 2), ("tells", False), ("folds", 0.5)])
def test_an_edited_summary_is_refused(name: str, value: Any) -> None:
    files = result_files.to_files(BUILD)
    table = json.loads(files["metrics.json"])
    table["labels"][name] = value
    with pytest.raises(BadInput):
        read({**files, "metrics.json": json.dumps(table)})


def test_labels_of_classes_that_the_data_has_not_are_refused() -> None:
    with pytest.raises(ValueError, match="one of 2 classes"):
        make_results(labels=make_labels(classes=5))
