"""Errors by attribute are counted within each class, tested and corrected; the files give back what was written."""

import json

import pytest
from scipy import stats

from generator.experiment import measurement
from generator.experiment.files import result_files
from generator.experiment.measurement import CLASS, Group, Measured
from generator.support.errors import BadInput
from generator.support.statistics import noise
from tests.factories import (
    ATTRIBUTES,
    FIVE,
    MEASURED,
    make_data,
    make_measured,
    make_measurement,
    make_predictions,
    make_results,
    with_measurement,
)

FOUND = make_measurement().fine_tuning
ALL_RIGHT = make_measured(make_predictions((), total=MEASURED), ATTRIBUTES)


def group(found: Measured, attribute: str, value: str, label: int) -> Group:
    (one,) = [g for g in found.groups if (g.attribute, g.value, g.label) == (attribute, value, label)]
    return one


def test_errors_are_counted_within_a_class_against_its_others() -> None:
    horses = group(FOUND, "load", "rider", 1)
    assert (horses.images, horses.errors, horses.others, horses.other_errors) == (12, 11, 48, 0)
    camels = group(FOUND, "load", "rider", 0)
    assert (camels.images, camels.errors, camels.others, camels.other_errors) == (12, 0, 48, 1)
    assert (horses.rate, horses.other_rate) == (11 / 12, 0)
    whole = group(FOUND, CLASS, "", 1)
    assert (whole.images, whole.errors, whole.others, whole.other_errors) == (60, 11, 60, 1)


def test_the_groups_of_an_attribute_cover_every_image_once() -> None:
    for name in ("load", "size", CLASS):
        assert sum(g.images for g in FOUND.groups if g.attribute == name) == MEASURED
        assert sum(g.errors for g in FOUND.groups if g.attribute == name) == 12


def test_p_is_that_of_fishers_exact_test() -> None:
    for one in FOUND.groups:
        table = [[one.errors, one.images - one.errors], [one.other_errors, one.others - one.other_errors]]
        assert one.p == pytest.approx(stats.fisher_exact(table).pvalue)


def test_two_groups_that_are_each_others_others_are_one_test() -> None:
    # One of the classes, one of the load in each class, three of the size in each.
    assert FOUND.tests == 1 + 2 + 6
    rider, none = group(FOUND, "load", "rider", 1), group(FOUND, "load", "none", 1)
    assert (rider.p, rider.adjusted) == (none.p, none.adjusted)
    assert rider.adjusted == pytest.approx(9 * (rider.p or 0))


def test_holm_never_turns_the_order_and_never_passes_one() -> None:
    ps = [0.01, 0.04, 0.03, 0.005, 0.9]
    # By hand: 5 · 0.005, 4 · 0.01, 3 · 0.03, then the running maximum.
    assert noise.holm(ps) == pytest.approx([0.04, 0.09, 0.09, 0.025, 0.9])
    assert noise.holm([0.6, 0.7]) == [1.0, 1.0]
    assert noise.holm([]) == []


def test_what_raises_errors_is_what_is_decided_and_higher() -> None:
    assert [(g.attribute, g.value, g.label) for g in FOUND.raising] == [("load", "rider", 1)]
    assert group(FOUND, "load", "none", 1).decided
    assert ALL_RIGHT.raising == ()


def test_the_hardest_are_the_most_confidently_wrong() -> None:
    assert len(FOUND.hardest) == measurement.HARDEST
    confidences = [p.confidence for p in FOUND.hardest]
    assert confidences == sorted(confidences, reverse=True)
    assert all(p.wrong for p in FOUND.hardest)
    assert min(confidences) >= max(p.confidence for p in FOUND.predictions if p.wrong and p not in FOUND.hardest)
    assert ALL_RIGHT.hardest == ()


def test_what_the_hardest_share_is_rarer_among_all_images() -> None:
    assert [(s.attribute, s.value, s.hardest, s.images) for s in FOUND.shared] == [("load", "rider", 5, 24)]
    assert ALL_RIGHT.shared == ()


def test_a_class_or_attribute_with_one_value_is_not_tested() -> None:
    camels = make_predictions((0,), total=MEASURED)[: MEASURED // 2]
    found = make_measured(camels, {"load": ("rider",) * len(camels)})
    assert [(g.p, g.adjusted) for g in found.groups] == [(None, None)] * 2
    assert found.tests == 0


def test_values_begin_with_none() -> None:
    assert measurement.ordered(("pack", "none", "blanket", "none")) == ("none", "blanket", "pack")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"correct": 107}, "108 of 120 are right, not 107 of 120"),
        ({"total": 119, "correct": 108}, "108 of 120 are right, not 108 of 119"),
        ({"loss": 0.1}, "the loss of the predictions is"),
        ({"attributes": {"load": ["none"]}}, "attributes of other images"),
    ],
)
def test_counts_that_do_not_fit_are_refused(change: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Measured.model_validate(FOUND.model_dump() | change)


# ---- Files -----------------------------------------------------------------------------------------------

MEASURED_BUILD = with_measurement(make_results(), make_measurement(), make_measurement((1,), (2,)))


def test_what_was_written_is_read_again() -> None:
    assert result_files.from_files(result_files.to_files(MEASURED_BUILD), "site") == MEASURED_BUILD


def test_what_was_written_of_several_classes_is_read_again() -> None:
    phase = make_measured(make_predictions((3, 20), FIVE), {"load": ("none", "rider") * 20}, classes=5)
    found = measurement.Measurement(head=phase, fine_tuning=phase)
    build = with_measurement(make_results(data=make_data(class_names=FIVE)), found)
    assert result_files.from_files(result_files.to_files(build), "site") == build
    assert {g.label for g in phase.groups} == set(range(5))


def test_without_a_measurement_there_are_no_files_of_it() -> None:
    assert set(result_files.to_files(make_results())) == set(result_files.FILES)
    assert result_files.from_files(result_files.to_files(make_results()), "site").measure is None


def test_metrics_alone_are_enough_for_the_scores() -> None:
    files = result_files.to_files(MEASURED_BUILD)
    data = json.loads(files["metrics.json"])["data"]
    alone = {**result_files.empty_neighbours(MEASURED_BUILD.variants, data), "metrics.json": files["metrics.json"]}
    found = result_files.from_files({**alone, "history.csv": files["history.csv"]}, "site").baseline.measurement
    assert found is not None
    assert found.fine_tuning.accuracy == 0.9
    assert found.fine_tuning.groups == ()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("measure.csv", "baseline,head,0,measure/camel/1.png,0,1", "baseline,head,0,measure/camel/1.png,0,0"),
        ("measure.csv", "baseline,head,0,measure/camel/1.png", "baseline,head,0,measure/camel/7.png"),
        ("measure-images.csv", "0,measure/camel/1.png", "1,measure/camel/1.png"),
        ("measure-images.csv", "index,file,class,load", "index,file,load,class"),
        ("measure.csv", "variant,phase", "phase,variant"),
    ],
)
def test_an_edited_table_is_refused(name: str, old: str, new: str) -> None:
    files = result_files.to_files(MEASURED_BUILD)
    assert old in files[name]
    with pytest.raises(BadInput):
        result_files.from_files({**files, name: files[name].replace(old, new, 1)}, "site")


@pytest.mark.parametrize("name", ["measure.csv", "measure-images.csv"])
def test_a_missing_table_is_named(name: str) -> None:
    files = {k: v for k, v in result_files.to_files(MEASURED_BUILD).items() if k != name}
    with pytest.raises(BadInput, match=f"{name} is missing"):
        result_files.from_files(files, "site")


def test_an_edited_accuracy_is_refused() -> None:
    files = result_files.to_files(MEASURED_BUILD)
    table = json.loads(files["metrics.json"])
    table["variants"]["baseline"]["measurement"]["head"]["accuracy"] = 0.99
    with pytest.raises(BadInput, match="accuracy"):
        result_files.from_files({**files, "metrics.json": json.dumps(table)}, "site")
