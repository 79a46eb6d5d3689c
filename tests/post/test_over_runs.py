"""What the post says of several runs: how often, by how much, and whether that is more than chance."""

import re
from typing import Any

import pytest

from generator.experiment.config.seeds import SOURCES, SeedSettings
from generator.experiment.results import BuildResults, VariantResult
from generator.post import bound, render
from generator.post.prose import over_runs
from generator.support.formats import FORMATS
from tests.factories import (
    make_config,
    make_data,
    make_duplicate,
    make_figures,
    make_history,
    make_results,
    make_run,
    make_variant,
    with_measurement,
    with_runs,
    with_validation,
)


def page(build: BuildResults) -> str:
    return render.render(make_config().post, build).text


def compared(*wrong: tuple[int, ...], baseline: tuple[int, ...] = tuple(range(10))) -> str:
    """What the post says of a variant with these test images wrong in each run, against one with the same in all."""

    def variant(name: str, first: tuple[int, ...], *further: tuple[int, ...]) -> VariantResult:
        runs = tuple(make_run(number, images) for number, images in enumerate(further, start=2))
        return make_variant(name, wrong=first).model_copy(update={"runs": runs})

    variants = {
        "baseline": variant("baseline", *[baseline] * len(wrong)),
        "augmentation": variant("augmentation", *wrong),
    }
    text = page(make_results(variants=variants, figures=make_figures(variants), seeds=SeedSettings(count=len(wrong))))
    (line,) = [
        line for line in text.split("\n") if line.startswith("- **Data augmentation** against **Baseline**: the")
    ]
    return line


SEVERAL = with_runs(with_measurement(make_results()), (0, 1, 2), (0, 1, 2, 3, 4, 5), (5, 6))


def test_one_run_says_nothing_of_runs() -> None:
    text = page(make_results())
    assert "Over All Runs" not in text
    assert "±" not in text
    assert "first of" not in text.replace("first of a random order", "")


def test_every_number_of_several_runs_can_be_computed_again() -> None:
    rendered = render.render(make_config().post, SEVERAL)
    assert [n for n in rendered.numbers if FORMATS[n.format](bound.value_of(SEVERAL, n.source)) != n.text] == []
    assert any(n.source.startswith("chance_over_runs(") for n in rendered.numbers)


@pytest.mark.parametrize(
    ("loss", "apart", "said"), [(2.5, 2e-8, "2.5000 ± 0.0000"), (2e-5, 2e-6, "2.1000e-05 ± 1.4142e-06")]
)
def test_the_spread_of_a_loss_has_the_digits_of_its_mean(loss: float, apart: float, said: str) -> None:
    build = with_runs(make_results(), ())
    base = build.baseline

    def lost(run: Any, value: float) -> Any:
        return run.model_copy(update={"test": run.test.model_copy(update={"loss": value})})

    moved = lost(base, loss).model_copy(update={"runs": (lost(base.runs[0], loss + apart),)})
    assert said in page(build.changed(variants={**build.variants, "baseline": moved}))


def test_means_and_spreads_are_in_the_tables() -> None:
    text = page(SEVERAL)
    assert len(re.findall(r"^\| Baseline \| 0\.9000 ± 0\.0456 \| 0\.7695 to 0\.9808 \|", text, re.MULTILINE)) == 2
    spread = (
        "Over all of them its test accuracy is 0.9000 ± 0.0456, mean and standard deviation, from 0.8500 to 0.9500."
    )
    assert spread in text


def test_a_section_about_one_run_says_so() -> None:
    text = page(SEVERAL)
    for heading in (
        "### Continue Training",
        "### Prediction",
        "### Confusion Matrix",
        "## Comparison of the Variants",
        "### Image by Image",
        "### What the original reported",
        "### Statement by Statement",
    ):
        after = text.partition(f"{heading}\n\n")[2]
        assert after.startswith("> Numbers of the first of four runs of each variant; what holds over all of them"), (
            heading
        )


def test_the_accuracy_without_known_images_is_said_to_be_the_first_runs() -> None:
    data = make_data(duplicates=(make_duplicate("train/camel/1.png", "test/camel/1.png"),))
    found = page(SEVERAL.model_copy(update={"data": data})).partition("it the accuracy is:\n\n")[2]
    assert found.startswith("> Numbers of the first of four runs")


@pytest.mark.parametrize("wrong", [(0, 1), tuple(range(30))])
def test_no_more_is_read_from_the_deviation_of_a_few_runs_than_they_tell(wrong: tuple[int, ...]) -> None:
    text = page(with_runs(make_results(), wrong, wrong))
    assert re.search(r"here it is 0\.\d{4}\. From three runs it is known only roughly, so whether it is more or", text)
    assert "differ by more" not in text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (0, "the two runs show: each has a test accuracy of 0.8750, and an interval"),
        (1, "the two runs show: their test accuracies lie between 0.8750 and 0.9000, 0.8875 ± 0.0177 as mean"),
    ],
)
def test_runs_that_agree_have_no_range_of_accuracies(wrong: int, said: str) -> None:
    assert said in page(with_runs(make_results(), (0, 1, 2, 6, 7)[wrong:]))


def test_where_runs_come_to_fine_tuning_at_different_epochs_no_epoch_is_named() -> None:
    at = "a vertical line labelled Start Fine Tuning"
    assert f"{at} at epoch 30." in page(SEVERAL)
    baseline = SEVERAL.baseline
    late = baseline.runs[0].model_copy(update={"fine_tuning": make_history(33, 11, 0.9, 1.0)})
    other = baseline.model_copy(update={"runs": (late, *baseline.runs[1:])})
    text = page(SEVERAL.model_copy(update={"variants": {**SEVERAL.variants, "baseline": other}}))
    assert text.count(f"{at} where the first of the runs begins it.") == 1
    assert text.count(f"{at} at epoch 30.") == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (((), (), ()), "the test accuracy is higher in every one of three runs; the difference is +0.2500 on average"),
        ((tuple(range(10)), tuple(range(10))), "the test accuracy is the same in every one of two runs"),
        ((tuple(range(12)), tuple(range(14))), "the test accuracy is lower in every one of two runs"),
        (((), tuple(range(12)), tuple(range(10))), "is higher in one of three runs, the same in one, lower in one;"),
    ],
)
def test_it_says_in_how_many_runs(wrong: tuple[tuple[int, ...], ...], said: str) -> None:
    assert said in compared(*wrong)


def test_a_difference_of_every_run_on_many_images_is_more_than_chance() -> None:
    line = compared((), (), ())
    assert "Over runs and images that is more than chance would explain" in line
    assert "A single run" not in line, "every run is better: no interval of the probability can be told"


def test_a_difference_of_few_images_is_within_noise_however_many_runs_there_are() -> None:
    line = compared(*[()] * 10, baseline=(0, 1, 2))
    assert "higher in every one of ten runs" in line
    assert "That is within noise (p = 0.2500)" in line


def test_all_three_are_named_of_which_the_p_value_is_the_largest() -> None:
    text = page(with_runs(make_results(), (3,)))
    assert "the largest one of three: that of drawing runs and images again, that of Student's t over both, and" in text


def test_what_moved_is_what_some_variant_draws_from() -> None:
    build = make_results()
    phrases = over_runs.moved(SOURCES, build.variants, build.weights, build.data)
    assert "the random weights of the base" not in phrases
    assert len(phrases) == 5
    alone = {"baseline": build.baseline}
    head = over_runs.moved(("head", "augmentation"), alone, build.weights, build.data)
    assert head == ["the weights that the head starts from"]
    assert phrases[0] == "which images validate"
    assert over_runs.moved(SOURCES, build.variants, build.weights, with_validation()) == phrases[1:]


def test_the_command_that_makes_the_page_again_names_the_runs() -> None:
    assert re.search(r"--seed \d+ --seeds 4$", page(SEVERAL), re.MULTILINE)
