"""What the runs of variants say to the questions of a post."""

import pytest
from pydantic import ValidationError

from generator.experiment.config.questions import Question
from generator.experiment.files import result_files
from generator.experiment.results import BuildResults
from generator.experiment.statistics import answers, two_way
from generator.support.statistics import noise
from tests.factories import make_results, with_measurement, with_runs

ASKED = {
    "first": Question(ask="Is it better?", compare=("baseline", "augmentation")),
    "second": Question(ask="Is the second phase worth it?", compare=("baseline:head", "baseline", "augmentation:head")),
}


def asked(runs: int = 3) -> BuildResults:
    build = make_results(questions=ASKED)
    return with_runs(build, *[tuple(range(5 + k)) for k in range(runs - 1)]) if runs > 1 else build


@pytest.mark.parametrize("compare", [("baseline",), (), ("baseline", "baseline")])
def test_a_question_has_two_sides_or_more_each_once(compare: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="two sides or more"):
        Question(ask="?", compare=compare)


@pytest.mark.parametrize("runs", [1, 3])
def test_every_side_is_scored_on_the_test_images_of_each_run(runs: int) -> None:
    build = asked(runs)
    found = build.answers["second"]
    assert [side.phase for side in found.sides] == ["head", "fine_tuning", "head"]
    assert (found.runs, found.images, found.measured) == (runs, build.variants["baseline"].test.total, False)
    assert found.sides[1].accuracies == tuple(run.test.accuracy for run in build.variants["baseline"].every_run)


def test_a_contrast_is_the_difference_of_the_means_with_the_interval_over_runs_and_images() -> None:
    build = asked()
    baseline, other = build.variants["baseline"], build.variants["augmentation"]
    (contrast,) = build.answers["first"].contrasts
    expected = two_way.difference(baseline.outcomes["fine_tuning"], other.outcomes["fine_tuning"])
    means = [sum(run.test.accuracy for run in variant.every_run) / 3 for variant in (baseline, other)]
    assert contrast.gain == pytest.approx(means[1] - means[0])
    assert (contrast.low, contrast.high, contrast.p) == expected


def test_one_run_has_the_intervals_that_the_post_gives_it_elsewhere() -> None:
    build = asked(1)
    baseline, other = build.variants["baseline"], build.variants["augmentation"]
    found = build.answers["first"]
    pairs = noise.paired(baseline.predictions, other.predictions)
    assert [(side.low, side.high) for side in found.sides] == [
        noise.wilson(each.test.correct, each.test.total) for each in (baseline, other)
    ]
    (contrast,) = found.contrasts
    expected = *noise.newcombe(pairs), noise.mcnemar(pairs.mended, pairs.broken)
    assert (contrast.low, contrast.high, contrast.p) == expected


@pytest.mark.parametrize("runs", [1, 3])
def test_sides_that_are_right_on_the_same_images_are_known(runs: int) -> None:
    build = asked(runs)
    twin = build.variants["augmentation"].model_copy(
        update={key: getattr(build.variants["baseline"], key) for key in ("predictions_by_part", "runs")}
    )
    again = build.model_copy(update={"variants": {**build.variants, "augmentation": twin}})
    assert [each.contrasts[0].same for each in (build.answers["first"], again.answers["first"])] == [False, True]


def test_p_values_are_corrected_over_all_questions() -> None:
    found = asked().answers
    contrasts = [each for answer in found.values() for each in answer.contrasts]
    assert len(contrasts) == 3
    assert [each.adjusted for each in contrasts] == noise.holm([each.p for each in contrasts])


@pytest.mark.parametrize(
    ("gain", "adjusted", "verdict"),
    [(0.1, 0.04, "higher"), (-0.1, 0.04, "lower"), (0.1, 0.05, "within noise"), (0.0, 1.0, "within noise")],
)
def test_a_verdict_knows_noise(gain: float, adjusted: float, verdict: str) -> None:
    found = answers.Contrast(gain=gain, low=gain, high=gain, p=adjusted, adjusted=adjusted, same=False)
    assert found.verdict == verdict


def test_images_to_measure_with_answer_where_there_are_some() -> None:
    build = with_measurement(make_results(questions=ASKED))
    found = build.answers["first"]
    assert found.measured
    measured = build.variants["augmentation"].measurement
    assert measured is not None
    assert found.images == measured.fine_tuning.total
    assert found.sides[1].mean == pytest.approx(measured.fine_tuning.accuracy)


def test_questions_are_published_and_read_again() -> None:
    build = asked()
    again = result_files.from_files(result_files.to_files(build), "there")
    assert again.questions == ASKED
    assert again.answers == build.answers
    assert "questions" not in result_files.to_files(make_results())["metrics.json"]
