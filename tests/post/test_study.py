"""The study's own sections: each says what its runs showed, whatever that is."""

from typing import Any

import pytest

from generator.experiment import figure_names
from generator.experiment.config.loading import load
from generator.experiment.config.seeds import SeedSettings
from generator.experiment.outcomes import Score
from generator.experiment.results import BuildResults, FigureFile, VariantResult
from generator.experiment.sweep_results import Point, SweepResult
from generator.post import render
from generator.post.shape import Shape
from tests.factories import ROOT, make_config, make_data, make_results, make_run, make_variant
from tests.post.test_render import section

CONFIG = load(ROOT / "study.toml", variants="all")
CHOSEN = "chosen-rate"
HALF, ALL = tuple(range(0, 40, 2)), tuple(range(40))


def test_its_templates_keep_the_rules_of_templates() -> None:
    render.check(post=CONFIG.post, shape=Shape(CONFIG, ("camel", "horse"), measured=True))


def study(
    questions: tuple[str, ...], rate: str = "1e-5", seeds: SeedSettings | None = None, **wrong: tuple[int, ...]
) -> BuildResults:
    """A build of what these questions ask about; `wrong` are variants' test images, of most variants those of half.

    Validation chose `rate`.
    """
    seeds = seeds or SeedSettings()
    settings = {variant.name: variant for variant in CONFIG.variants}
    asked = {name: CONFIG.questions[name] for name in questions}
    names = dict.fromkeys(["baseline", *(name for each in asked.values() for name in each.variants)])
    variants: dict[str, VariantResult] = {}
    for name in names:
        images = wrong.get(name.replace("-", "_"), HALF)
        told: dict[str, Any] = {"name": name, "title": CHOSEN, "changes": {"fine_tuning.learning_rate": float(rate)}}
        told["recipe"] = make_config("baseline", f"fine_tuning.learning_rate={rate}").baseline.recipe
        if name in settings:
            told = {key: getattr(settings[name], key) for key in ("name", "title", "changes", "recipe")}
        told["runs"] = tuple(make_run(number, images) for number in range(2, seeds.count + 1))
        variants[name] = make_variant(wrong=images).model_copy(update=told)
    sweeps = {CHOSEN: sweep(float(rate), seeds.count)} if CHOSEN in variants else {}
    places = figure_names.every(variants, asked, sweeps)
    figures = tuple(FigureFile(scope=scope, name=name, width=960, height=640) for scope, name in places)
    return make_results(variants=variants, figures=figures, questions=asked, sweeps=sweeps, seeds=seeds)


def sweep(rate: float, runs: int) -> SweepResult:
    """Of a rate that won and of another."""
    points = tuple(
        Point(
            number=number,
            settings={"fine_tuning.learning_rate": value},
            scores=(Score(loss=number / 10, correct=48, total=64),) * runs,
        )
        for number, value in enumerate((rate, 0.5), start=1)
    )
    return SweepResult(
        title=CHOSEN,
        of="baseline",
        settings=("fine_tuning.learning_rate",),
        combinations=2,
        draw_seed=None,
        points=points,
        lead=None,
    )


def text_of(build: BuildResults) -> str:
    return render.render(CONFIG.post, build).text


@pytest.mark.parametrize(
    ("baseline", "random_weights", "said"),
    [
        ((), HALF, "So nearly all that the network can do here comes with the weights: without them it is no better"),
        ((), (), "So the network learns something without the weights, too: always naming one class would give 50.0%."),
        ((), ALL, "So without the weights the network is worse than always naming one class, which gives 50.0%."),
        (HALF, HALF, "So nothing here says what the weights are worth: without them the network is no better than"),
    ],
)
def test_what_the_transfer_is_worth_has_an_answer(
    baseline: tuple[int, ...], random_weights: tuple[int, ...], said: str
) -> None:
    found = section(text_of(study(("transfer",), baseline=baseline, random_weights=random_weights)), "The Transfer")
    assert said in found
    assert found.count("Its lower layers are trained in neither case, so they stay as they were drawn.") == 1
    assert found.count("lower layers") == found.count("\nSo ") == 1


def test_the_background_is_not_said_to_cost_anything_by_itself() -> None:
    alone = dict.fromkeys(("subject_alone", "subject_on_grey", "background_alone"), ())
    found = section(text_of(study(("background",), baseline=ALL, **alone)), "The Hidden Background")
    said = (
        "the hidden background does not help: with white or grey in its place the network names more images correctly."
    )
    assert said in found
    assert "these variants do not tell apart." in found


def test_an_answer_of_one_run_names_its_methods_and_where_they_disagree() -> None:
    """Of five images that all go one way Newcombe's interval leaves out nought, and McNemar's test finds nothing."""
    text = text_of(study(("transfer",), baseline=(), random_weights=tuple(range(5))))
    found = section(text, "The Transfer")
    assert "by Wilson's method at the left and by Newcombe's at the right; grey" in found
    assert "Held against it, image by image, p by McNemar's exact test:" in found
    assert "(95% interval -26.1 to -1.3). That is within noise (p = 0.0625, 0.0625 by Holm's" in found
    assert "That interval leaves out nought, but it is an approximation: what counts is the exact test." in found
    assert "A p value is that of McNemar's exact test." in section(text, "How This Was Measured")
    same = section(text_of(study(("transfer",))), "The Transfer")
    assert "Both name the same images correctly (p = 1.0000" in same
    assert "leaves out nought" not in same
    several = section(text_of(study(("transfer",), seeds=SeedSettings(count=2))), "The Transfer")
    assert "Bars are 95% intervals over runs and images; grey" in several
    assert "McNemar" not in several


@pytest.mark.parametrize(
    ("rate", "wrong", "said"),
    [
        ("1e-5", HALF, "By their mean loss the validation images chose the write-up's own rate"),
        (
            "1e-4",
            (),
            "chose 1e-4; the write-up's rate is 1e-5. So the write-up's was not the best one: with the chosen",
        ),
        ("1e-4", ALL, "So the write-up's is the better one of the two: with the chosen rate the network names fewer"),
        ("1e-4", HALF, "Which of the two is better, these images do not tell."),
    ],
)
def test_the_question_of_the_learning_rate_has_an_answer(rate: str, wrong: tuple[int, ...], said: str) -> None:
    text = text_of(study(("learning-rate",), rate, chosen_rate=wrong))
    assert said in section(text, "The Learning Rate")
    own = rate == "1e-5"
    assert ("| nothing: validation chose what the baseline has |" in text) == own
    assert ("| <code>fine&#95;tuning&#46;learning&#95;rate</code> = 1e-4 |" in text) != own


@pytest.mark.parametrize(
    ("vary", "said", "unsaid"),
    [
        (("head",), "flipped and turned. So no interval covers another split, or other turns.", "other split."),
        (("head", "augmentation"), "alike in each of its runs. So no interval covers another split.", "; so is"),
        (("split",), "How images are flipped and turned is the same in all of them. So no", "Which images train"),
        (("split", "augmentation"), "validate and how images are flipped", "no interval covers"),
    ],
)
def test_what_is_the_same_in_all_runs_is_what_does_not_move(vary: Any, said: str, unsaid: str) -> None:
    build = study(("leak", "corners"), seeds=SeedSettings(count=2, vary=vary))
    measured = section(text_of(build), "How This Was Measured")
    assert said in measured
    assert unsaid not in measured


@pytest.mark.parametrize(("side", "said"), [(160, True), (224, False)])
def test_the_size_of_images_is_told_where_it_is_not_the_first_posts(side: int, said: bool) -> None:
    for question, chosen in (("learning-rate", True), ("transfer", False)):
        text = text_of(study((question,)).model_copy(update={"data": make_data(image_size=side)}))
        measured = section(text, "How This Was Measured")
        assert ("except that images are 160 pixels square here" in measured) == said
        assert ("the learning rate was chosen on validation images." in measured) == chosen


def test_the_winner_of_several_runs_is_told_of_with_all_of_them() -> None:
    text = text_of(study(("learning-rate",), seeds=SeedSettings(count=2)))
    assert "of these, the winner gets 0.5000 ± 0.0000 right, mean and standard deviation of two runs." in text
