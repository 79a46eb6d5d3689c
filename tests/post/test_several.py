"""The post of three and more classes: what it says at five, at one hundred, with all right, one wrong, all wrong."""

import re
from collections.abc import Sequence

import pytest

from generator.experiment.data_summary import Count
from generator.experiment.outcomes import PhaseOutcome, Prediction
from generator.experiment.results import BuildResults, VariantResult
from generator.post import bound, render
from generator.post.render import Rendered
from generator.support.formats import FORMATS
from tests.factories import FIVE, make_config, make_data, make_figures, make_predictions, make_results, make_variant


def post_of(build: BuildResults) -> Rendered:
    return render.render(make_config().post, build)


def section(text: str, heading: str) -> str:
    """The text below a heading, up to the next; a comment of quoted code is none."""
    return text.split(f"\n### {heading}\n")[1].partition("\n### ")[0]


def five(wrong: tuple[int, ...]) -> BuildResults:
    variants = {"baseline": make_variant(wrong=wrong, names=FIVE)}
    return make_results(data=make_data(class_names=FIVE), variants=variants, figures=make_figures(variants))


def built(names: Sequence[str], predictions: tuple[Prediction, ...]) -> dict[str, VariantResult]:
    """A baseline with these predictions of test images, after both phases."""
    made = make_variant(names=names, predictions=predictions)
    outcome = PhaseOutcome(**{field: getattr(made, field) for field in PhaseOutcome.model_fields})
    return {"baseline": made.model_copy(update={"after_head": outcome})}


def many(classes: int) -> BuildResults:
    """Two test images of each class, every seventh of them called by the next class's name."""
    names = tuple(f"kind {i:03}" for i in range(classes))
    counts = {part: tuple(Count(class_name=name, images=n) for name in names) for part, n in PARTS.items()}
    predictions = make_predictions(tuple(range(0, 2 * classes, 7)), names, total=2 * classes)
    data = make_data(class_names=names, training_images=3 * classes, validation_images=classes, **counts)
    variants = built(names, predictions)
    return make_results(data=data, variants=variants, figures=make_figures(variants))


PARTS = {"train": 4, "kept": 1, "test": 2}


@pytest.mark.parametrize("build", [make_results(data=make_data(class_names=FIVE)), many(100)], ids=["5", "100"])
def test_every_number_stands_where_the_record_says_and_can_be_looked_up(build: BuildResults) -> None:
    post = post_of(build)
    lines = post.text.split("\n")
    for number in post.numbers:
        assert lines[number.line - 1][number.column - 1 :].startswith(number.text)
        assert FORMATS[number.format](bound.value_of(build, number.source)) == number.text


def test_classes_are_counted_in_words_and_named() -> None:
    text = re.sub(r"(?ms)^```.*?^```$", "", post_of(five(())).text)
    assert "is taught to tell five classes apart: camel, horse, donkey, zebra and giraffe." in text
    assert "images of five kinds" in text
    assert "two classes" not in text
    assert "class 1" not in text


def test_of_many_classes_a_few_are_named() -> None:
    text = post_of(many(100)).text
    assert "one hundred classes apart: kind 000, kind 001, kind 002, kind 003, kind 004 and ninety-five more." in text
    assert "Now the test images, 2 of each of the one hundred classes." in text
    assert "kind 005 and" not in text


def test_the_heat_map_says_how_to_read_its_axes() -> None:
    counted = "The axes count the classes"
    assert counted not in post_of(many(25)).text
    text = post_of(many(26)).text
    assert f'{counted}, as the <a href="#data-download">table of the classes</a> does.' in text
    # Nothing reads Markdown within a figure.
    assert [each for each in re.findall(r"<figcaption>.*?</figcaption>", text, re.DOTALL) if "](" in each] == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ((), "The model makes no mistake on the 40 test images. The closest call is image "),
        ((3,), "One mistake is all there is, among 40 test images: image 3 "),
        (
            (0, 1),
            "2 of the 40 test images are classified wrongly. The only confusion is camel called horse (2 images).",
        ),
        ((0, 9), "The confusions are camel called horse (1 image) and horse called donkey (1 image)."),
        ((0, 1, 9, 17, 25), "The most frequent confusions include camel called horse (2 images), horse called donkey"),
        ((0, 1), "In all of the mistakes the right class was the model's second choice."),
        (tuple(range(40)), "All 40 test images are classified wrongly."),
    ],
)
def test_what_was_taken_for_what_is_told(wrong: tuple[int, ...], said: str) -> None:
    assert said in section(post_of(five(wrong)).text, "Wrong Predictions")


def test_each_class_has_a_row_and_their_means_stand_below() -> None:
    text = section(post_of(five((0, 1))).text, "Confusion Matrix")
    assert "| camel | 8 | 6 | 1.0000 | 0.7500 | 0.4093 to 0.9285 | 0.8571 |" in text
    assert re.search(r"\| all, or their mean \| 40 \| 38 \| 0\.9600 \| 0\.9500 \| \| 0\.94\d\d \|", text)
    assert "| camel | horse | 2 | 25.00% |" in text


def test_a_class_without_test_images_is_no_part_of_the_means() -> None:
    names = (*FIVE, "okapi")
    predictions = tuple(
        p.model_copy(update={"logits": (*p.logits, -50.0)}) for p in make_predictions((0, 1), FIVE)
    )  # fmt: skip
    variants = built(names, predictions)
    build = make_results(data=make_data(class_names=names), variants=variants, figures=make_figures(variants))
    text = section(post_of(build).text, "Confusion Matrix")
    assert "but for one without a test image." in text
    assert "| okapi | 0 | 0 | none | none | none | none |" in text
    assert "Not every class has a test image" in text


def test_further_animals_are_not_said_to_be_drawn_under_the_protocol() -> None:
    drawn = "was neither chosen nor measured"
    assert drawn in post_of(five(())).text
    assert drawn not in post_of(make_results()).text


def test_a_class_that_is_never_named_has_no_precision() -> None:
    text = section(post_of(five(tuple(range(8)))).text, "Confusion Matrix")
    assert "| camel | 8 | 0 | none | 0.0000 | 0.0000 to 0.3244 | 0.0000 |" in text
    assert "No test image was called by the name of camel, so there is no precision of that class" in text
    assert "No test image was called" not in post_of(five((0, 1))).text


def test_of_two_classes_that_one_has_no_precision_stands_in_every_table() -> None:
    never = make_variant(wrong=tuple(range(20, 40)))
    build = make_results(variants={"baseline": never}, figures=make_figures({"baseline": never}))
    text = post_of(build).text
    assert "It never says horse, so there is nothing to take a precision of." in text
    assert "| Test images: precision | none |" in text
    assert "| After the head, test images: precision | none |" not in text


def test_of_very_many_test_images_the_page_lists_the_first() -> None:
    names = ("camel", "horse", "donkey")
    images = make_predictions(tuple(range(900)), names, total=900)
    counts = tuple(Count(class_name=name, images=300) for name in names)
    variants = built(names, images)
    data = make_data(class_names=names, test=counts, test_batches=29)
    post = post_of(make_results(data=data, variants=variants, figures=make_figures(variants)))
    predicted = section(post.text, "Prediction")
    assert predicted.count("\n| 19") == 11  # 19, and 190 to 199
    assert "| 199 |" in predicted
    assert "| 200 |" not in predicted
    assert "the first of each:" in predicted
    assert "Only the first of them are listed here; [a file]" in predicted
    assert predicted.count("(32, 224, 224, 3)\n") == 10
    assert "indices of wrong predictions: [0, 1, " in post.text
    assert ", 199, …]" in post.text
    assert len(post.text) < 400_000


@pytest.mark.parametrize(("kept", "said"), [((40, 24, 0), True), ((40, 23, 1), False)])
def test_a_class_too_small_to_validate_is_told(kept: tuple[int, ...], said: bool) -> None:
    names = ("camel", "horse", "donkey")
    counts = tuple(Count(class_name=name, images=n) for name, n in zip(names, kept, strict=True))
    variants = built(names, make_predictions((0,), names))
    data = make_data(class_names=names, kept=counts, stratified=True)
    text = post_of(make_results(data=data, variants=variants, figures=make_figures(variants))).text
    assert "Each class gives its share" in text
    assert ("Each class gives its share, which of the smallest is none." in text) == said


@pytest.mark.parametrize(
    ("layout", "said"),
    [("classes", "They are numbered from 0, sorted by name"), ("names", "The classes are numbered from 0")],
)
def test_what_is_numbered_is_named(layout: str, said: str) -> None:
    variants = {"baseline": make_variant(names=FIVE)}
    data = make_data(class_names=FIVE, kind="folder", layout=layout)
    assert said in section(
        post_of(make_results(data=data, variants=variants, figures=make_figures(variants))).text, "Data Download"
    )
