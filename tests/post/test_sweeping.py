"""The section on sweeps: true of ties, of a single point that is left, of many points, of several runs."""

import re
from typing import Any

import pytest

from generator.experiment.files import result_files
from generator.experiment.outcomes import Score
from generator.experiment.results import BuildResults, FigureFile
from generator.experiment.sweep_results import Lead, Point, SweepResult
from generator.post import bound, render
from generator.post.prose.sweeping import clear_lead, level_points, unchanged
from generator.support.errors import BadInput
from generator.support.formats import FORMATS
from tests.factories import make_config, make_results, with_runs

POST = make_config().post


def make_sweep(*losses: float | None, runs: int = 1, **changes: Any) -> SweepResult:
    """Points of these validation losses, None of one that diverged, each with another number of epochs."""
    points = tuple(
        Point(
            number=number,
            settings={"head.epochs": number, "head.optimizer": "sgd"},
            scores=() if loss is None else tuple(Score(loss=loss + i, correct=48, total=64) for i in range(runs)),
        )
        for number, loss in enumerate(losses, start=1)
    )
    left = sum(loss is not None for loss in losses)
    fields: dict[str, Any] = {
        "title": "Epochs",
        "of": "baseline",
        "settings": ("head.epochs", "head.optimizer"),
        "combinations": len(losses),
        "draw_seed": None,
        "points": points,
        "lead": Lead(low=-0.01, high=0.07, p=0.2, others=left - 1) if left > 1 else None,
    }
    return SweepResult(**fields | changes)


def with_sweep(sweep: SweepResult, runs: int = 1) -> BuildResults:
    """Results whose variant `augmentation` is the winner of a sweep of that name."""
    build = make_results() if runs == 1 else with_runs(make_results(), *[(3,)] * (runs - 1))
    winner = build.variants["augmentation"].model_copy(update={"changes": sweep.winner.settings})
    variants = {**build.variants, "augmentation": winner}
    figures = (*build.figures, FigureFile(scope="augmentation", name="expected-best", width=960, height=700))
    fields = {name: getattr(build, name) for name in BuildResults.model_fields}
    return BuildResults(**fields | {"variants": variants, "sweeps": {"augmentation": sweep}, "figures": figures})


def section(build: BuildResults) -> str:
    rendered = render.render(POST, build)
    for number in rendered.numbers:
        assert FORMATS[number.format](bound.value_of(build, number.source)) == number.text
    text = rendered.text.split("\n## Choosing Settings on Validation\n")[1].split("\n## ")[0]
    return re.sub(r"<code>(.*?)</code>", r"\1", text).replace("&#46;", ".").replace("&#95;", "_")


def test_without_a_sweep_there_is_no_word_of_one() -> None:
    text = render.render(POST, make_results()).text
    assert "Choosing Settings" not in text
    assert "sweep" not in text.lower()


def test_settings_that_validation_chose_were_not_fixed_before() -> None:
    said = "fixed before it starts, but for those that [were chosen on validation images](#choosing-settings-on"
    assert said in render.render(POST, with_sweep(make_sweep(0.5, 0.3))).text


def test_the_points_are_listed_best_first_and_the_winner_is_named() -> None:
    text = section(with_sweep(make_sweep(0.5, 0.3, None, 0.4)))
    rows = [line for line in text.split("\n") if re.match(r"\| \d", line)]
    assert [row.split(" | ")[0] for row in rows] == ["| 2", "| 4", "| 1", "| 3"]
    assert rows[0].endswith("| 0.3000 | 0.7500 | won |")
    assert rows[1].endswith("| 0.4000 | 0.7500 | lost |")
    assert rows[3].endswith("| none | none | diverged |")
    assert "all 4 combinations" in text
    assert "Point 2 won, with a validation loss of 0.3000" in text
    assert "The second, point 4, is 0.1000 behind." in text
    assert "(p = 0.2000, 0.4000 by Bonferroni's correction for the 2 points" in text
    assert "within noise, so other images might well have chosen another point." in text
    assert "The loss of one point was no number any more, so that this one has no validation loss." in text
    assert "0.4000 on average, the better one of two 0.3333, and the best one of all three has 0.3000" in text


def test_a_clear_lead_is_called_more_than_chance() -> None:
    sweep = make_sweep(0.5, 0.3, 0.4, lead=Lead(low=0.04, high=0.16, p=0.001, others=2))
    assert clear_lead(sweep)
    assert "more than chance would explain." in section(with_sweep(sweep))
    assert not clear_lead(make_sweep(0.5, 0.3, 0.4, lead=Lead(low=0.0, high=0.2, p=0.03, others=2)))


def test_of_level_points_the_first_wins_and_it_is_said() -> None:
    text = section(with_sweep(make_sweep(0.3, 0.3, 0.5, lead=Lead(low=0.0, high=0.0, p=1.0, others=2))))
    assert "To the digits shown, one other point has the same loss; of equals the first counts." in text
    assert "within noise, so" in text


def test_of_points_that_look_level_digits_that_are_not_shown_decide() -> None:
    sweep = make_sweep(0.30000001, 0.3, 0.5, lead=Lead(low=1e-9, high=2e-8, p=0.001, others=2))
    assert [point.number for point in level_points(sweep)] == [1]
    text = section(with_sweep(sweep))
    assert "To the digits shown, one other point has the same loss; digits that are not shown decided." in text
    assert "more than chance would explain, and less than these digits show." in text


@pytest.mark.parametrize(("others", "corrected"), [(1, False), (4, True)])
def test_an_interval_above_zero_is_explained_by_the_correction_where_there_is_one(others: int, corrected: bool) -> None:
    lead = Lead(low=0.01, high=0.2, p=0.04 if corrected else 0.06, others=others)
    text = section(with_sweep(make_sweep(0.5, 0.3, lead=lead)))
    assert ("within noise once that is taken into account" in text) is corrected
    assert "within noise" in text


def test_a_single_point_that_is_left_was_no_choice() -> None:
    text = section(with_sweep(make_sweep(None, 0.3)))
    assert "Only point 2 came to an end, with a validation loss of 0.3000: there was nothing to choose from." in text
    assert "How much of it is the search?" not in text


def test_two_points_have_a_better_one() -> None:
    text = section(with_sweep(make_sweep(0.4, 0.3)))
    assert "on average, and the better one of the two has 0.3000." in text
    assert "tries head.epochs and head.optimizer: both combinations, each a difference" in text
    assert "Of one 0.3500, of both 0.3000." in text
    assert "Bonferroni" not in text


def test_too_few_images_are_said_to_be() -> None:
    assert "The validation images are too few to say" in section(with_sweep(make_sweep(0.4, 0.3, lead=None)))


def test_several_runs_are_chosen_by_their_mean() -> None:
    text = section(with_sweep(make_sweep(0.4, 0.3, runs=3), runs=3))
    assert "on average of three runs," in text
    assert "| 1.3000 ± 1.0000 |" in text
    assert "Image by image and run by run" in text
    build = with_sweep(make_sweep(0.4, 0.3, runs=3), runs=3)
    tuned = FORMATS["accuracy"](build.variants["augmentation"].over_runs["fine_tuning"]["test"]["accuracy"].mean)
    assert f"of these, the winner gets {tuned} ± " in text


def test_many_points_end_the_table_where_other_tables_end() -> None:
    text = section(with_sweep(make_sweep(*(0.3 + i / 1000 for i in range(300)))))
    assert len(re.findall(r"^\| \d", text, re.MULTILINE)) == 200
    assert "The table ends here; all points are in [metrics.json]" in text


def test_a_winner_with_the_baselines_settings_is_called_that() -> None:
    build = with_sweep(make_sweep(0.4, 0.3))
    epochs = build.baseline.recipe.head.epochs
    same = build.variants["augmentation"].model_copy(update={"changes": {"head.epochs": epochs}})
    assert unchanged(same, build.baseline)
    assert not unchanged(build.variants["augmentation"], build.baseline)
    assert "It has the settings of the baseline." not in section(build)


def test_what_a_winner_has_as_the_baseline_is_not_listed_as_changed() -> None:
    build = with_sweep(make_sweep(0.4, 0.3))
    epochs = build.baseline.recipe.head.epochs
    points = tuple(
        Point(number=number, settings={"head.epochs": value}, scores=(Score(loss=number, correct=48, total=64),))
        for number, value in enumerate((epochs, 1), start=1)
    )
    for changes, said in (
        ({"head.epochs": epochs}, "No setting differs from the baseline's: validation chose what the baseline has."),
        ({"head.epochs": epochs, "model.augment": True}, "|---|---|\n| <code>model&#46;augment</code> | yes |\n\n"),
    ):
        winner = build.variants["augmentation"].model_copy(update={"changes": changes})
        sweep = make_sweep(0.3, 0.5, points=points, settings=("head.epochs",))
        chosen = build.changed(variants={**build.variants, "augmentation": winner}, sweeps={"augmentation": sweep})
        text = render.render(POST, chosen).text.replace('<div style="overflow-x: auto" markdown="1">\n\n', "")
        assert said in text.split("### Results with data augmentation\n")[1].split("\n#### ")[0]


@pytest.mark.parametrize("path", ["head.learning_rate", "fine_tuning.learning_rate"])
def test_the_rate_of_fine_tuning_is_a_question_for_validation_where_a_sweep_tries_it(path: str) -> None:
    points = tuple(
        Point(number=number, settings={path: rate}, scores=(Score(loss=rate, correct=48, total=64),))
        for number, rate in enumerate((0.3, 0.5), start=1)
    )
    text = render.render(POST, with_sweep(make_sweep(0.3, 0.5, points=points, settings=(path,)))).text
    asked = path.startswith("fine_tuning")
    assert ("Whether this rate is the best one is a question for [validation images](#choosing" in text) == asked
    assert ("Whether this rate is the best one is not asked on this page." in text) != asked


def test_what_is_written_is_read_again_and_held_against_itself() -> None:
    build = with_sweep(make_sweep(0.5, 0.3, None, 0.4, draw_seed=3, combinations=9))
    files = result_files.to_files(build)
    assert result_files.from_files(files, "here").sweeps == build.sweeps
    for old, new in (('"correct": 48', '"correct": 47'), ('"head.epochs": 2,', '"head.epochs": 7,')):
        metrics = files[result_files.METRICS]
        place = metrics.index('"sweeps"') + metrics[metrics.index('"sweeps"') :].index(old)
        broken = metrics[:place] + new + metrics[place + len(old) :]
        with pytest.raises(BadInput):
            result_files.from_files({**files, result_files.METRICS: broken}, "here")
