"""What several runs give together: means, spreads, and who was better how often."""

import statistics
from collections.abc import Sequence

import numpy as np
import pytest

from generator.experiment.statistics import runs, two_way
from generator.experiment.statistics.runs import OverRuns, over_runs
from generator.support.statistics import bootstrap, few_runs
from generator.support.statistics.noise import newcombe, paired, wilson
from tests.factories import make_outcome, make_results, make_run, make_variant, with_measurement, with_runs


def test_a_number_of_several_runs_has_mean_and_sample_standard_deviation() -> None:
    found = over_runs([0.875, 0.95, 0.9])
    assert found.mean == pytest.approx(statistics.mean([0.875, 0.95, 0.9]))
    assert found.sd == pytest.approx(statistics.stdev([0.875, 0.95, 0.9]))
    assert (found.low, found.high, found.runs) == (0.875, 0.95, 3)


def test_level_runs_have_no_spread_at_all() -> None:
    assert over_runs([0.1] * 3) == OverRuns(mean=0.1, sd=0, low=0.1, high=0.1, runs=3)


def test_every_part_of_both_phases_is_summarised() -> None:
    variant = make_variant().model_copy(update={"runs": (make_run(2, wrong=(1,), head_wrong=(0, 1, 2)),)})
    found = variant.over_runs
    assert found["fine_tuning"]["test"]["accuracy"].mean == pytest.approx((35 + 39) / 80)
    assert found["head"]["test"]["accuracy"].mean == pytest.approx((33 + 37) / 80)
    assert found["head"]["validation"]["accuracy"].sd == 0
    assert set(found["head"]["test"]) == {"accuracy", "loss", "precision", "recall", "f1", "roc_auc"}
    assert set(found["head"]) == {"train", "validation", "test"}


def test_a_metric_that_some_run_has_not_is_not_summarised() -> None:
    outcomes = [make_outcome(()), make_outcome((1,))]
    without = outcomes[1].model_copy(update={"test": outcomes[1].test.model_copy(update={"roc_auc": None})})
    assert "roc_auc" not in runs.summary([outcomes[0], without], [])["test"]


def test_what_was_measured_is_summarised() -> None:
    variant = with_runs(with_measurement(make_results()), (1,)).baseline
    assert variant.over_runs["head"]["measured"]["accuracy"].mean == variant.measurement.head.accuracy


def test_one_run_has_no_summary() -> None:
    assert make_variant().over_runs == {}


def test_runs_are_compared_by_number() -> None:
    old = [make_outcome(wrong) for wrong in ((0, 1), (0,), (5,), ())]
    new = [make_outcome(wrong) for wrong in ((0,), (1,), (), (7,))]
    assert runs.gains(old, new) == pytest.approx((0.025, 0, 0.025, -0.025))
    found = runs.signs(old, new)
    assert (found.better, found.level, found.worse, found.runs) == (2, 1, 1, 4)


def test_the_interval_covers_runs_and_images() -> None:
    wrong = ((0, 1), (0, 1, 2), (1, 2, 3, 4), (0,))
    found = two_way.interval([make_outcome(images).predictions for images in wrong])
    assert found is not None
    low, high = found
    # A single run of 40 images of which 2.5 are wrong on average: the interval of the runs is no narrower.
    assert low <= wilson(38, 40)[0]
    assert high >= wilson(38, 40)[1]


def test_runs_that_disagree_are_no_surer_than_students_t() -> None:
    """Four runs of which one is far off: drawing them again would find less spread."""
    wrong = [range(0), range(1), range(1), range(20)]
    rights = np.array([[float(i not in each) for i in range(40)] for each in wrong])
    found = two_way.interval([make_outcome(tuple(each)).predictions for each in wrong])
    student, drawn = few_runs.crossed(rights), bootstrap.two_way(rights)
    assert student.low < drawn.low
    assert found == (student.low, 1.0)


@pytest.mark.parametrize("turned", [False, True])
def test_accuracies_are_never_said_to_differ_by_more_than_all(turned: bool) -> None:
    old, new = [make_outcome(()), make_outcome(tuple(range(30)))], [make_outcome(()), make_outcome(())]
    found = two_way.difference(*((new, old) if turned else (old, new)))
    assert -1 <= found.low < 0 < found.high <= 1
    assert 1.0 in (found.high, -found.low)


@pytest.mark.parametrize("runs", [2, 5])
@pytest.mark.parametrize(("old", "new"), [(range(10), range(10)), ((), ()), (range(10), range(1, 10))])
def test_runs_that_agree_do_not_take_away_what_the_images_leave_open(
    runs: int, old: Sequence[int], new: Sequence[int]
) -> None:
    """What one run leaves open, several that are the same leave open, too."""
    before, after = make_outcome(tuple(old)), make_outcome(tuple(new))
    low, high = newcombe(paired(before.predictions, after.predictions))
    found = two_way.difference([before] * runs, [after] * runs)
    assert found.low <= low < high <= found.high
    assert found.low == low or old != new


def test_runs_that_are_all_right_are_not_said_to_be_right_anywhere() -> None:
    assert two_way.interval([make_outcome(()).predictions] * 3) == wilson(40, 40)


def test_runs_on_different_images_have_no_interval_over_images() -> None:
    one, other = make_outcome(()), make_outcome(())
    assert two_way.interval([one.predictions, other.predictions_by_part["validation"]]) is None
