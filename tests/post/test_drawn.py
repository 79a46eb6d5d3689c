"""What a figure has no room for, its caption and its alternative text do not tell of it."""

import re
from collections.abc import Mapping, Sequence

import pytest

from generator.experiment.data_summary import Count
from generator.experiment.measurement import Measurement
from generator.experiment.outcomes import PhaseOutcome
from generator.experiment.results import BuildResults, VariantResult
from generator.experiment.showcase import MOST_DRAWN
from generator.figures import errors, sheets, suspects
from generator.post import example, render
from generator.post.prose import drawn
from tests.factories import (
    FIVE,
    MEASURED,
    make_data,
    make_figures,
    make_labels,
    make_measured,
    make_predictions,
    make_results,
    make_variant,
    with_labels,
    with_measurement,
)

SOME_DRAWN = "Of so many images, some are drawn, evenly spread."


def built(wrong: tuple[int, ...], total: int, names: Sequence[str] = ("camel", "horse")) -> BuildResults:
    """A build of one variant, whose phases both have these of so many test images wrong."""
    made = make_variant(names=names, predictions=make_predictions(wrong, tuple(names), total=total))
    outcome = PhaseOutcome(**{field: getattr(made, field) for field in PhaseOutcome.model_fields})
    variants = {"baseline": made.model_copy(update={"after_head": outcome})}
    counts = tuple(Count(class_name=name, images=total // len(names)) for name in names)
    data = make_data(class_names=tuple(names), test=counts, test_batches=-(-total // 32))
    return make_results(data=data, variants=variants, figures=make_figures(variants))


def figure(build: BuildResults, name: str) -> tuple[str, str]:
    """The alternative text and the caption of the first figure with a name."""
    text = render.render(example.post(), build).text
    found = re.search(rf'{name}\.webp"[^>]* alt="([^"]*)".*?<figcaption>(.*?)</figcaption>', text, re.DOTALL)
    assert found
    return found[1], found[2]


def test_as_many_are_told_as_are_drawn() -> None:
    room = (drawn.MOST_WRONG, drawn.MOST_MARKED, drawn.MOST_ROWS)
    assert room == (sheets.MOST_WRONG, suspects.MOST, errors.MOST_ROWS)


def test_a_sheet_holds_sixty_images() -> None:
    assert [drawn.all_drawn(n) for n in (1, 60, 61)] == [True, True, False]


def test_of_the_wrong_images_those_on_the_sheet_are_told() -> None:
    def on_sheet(wrong: tuple[int, ...], total: int) -> list[int]:
        variant: VariantResult = built(wrong, total).baseline
        return [image.index for image in drawn.wrong_on_sheet(variant)]

    assert on_sheet((0, 1, 39), 40) == [0, 1, 39]
    # Every other one of these is drawn.
    assert on_sheet((0, 1, 2, 118, 119), 2 * MOST_DRAWN) == [0, 2, 118]
    assert on_sheet((1, 119), 2 * MOST_DRAWN) == []


def test_what_is_said_of_the_sheet_of_all_predictions_is_true_of_those_drawn() -> None:
    alt, caption = figure(built((0, 1, 2), 120), "predictions")
    assert "corner: 0 (camel called horse, 55.0%), 2 (camel called horse, 57.0%)." in alt
    assert caption.endswith(f"with the name that was given in error. {SOME_DRAWN}")
    alt, caption = figure(built((1,), 120), "predictions")
    assert "No image is framed, because none of these was wrong." in alt
    assert f"would mark a wrong one; there is none among these. {SOME_DRAWN}" in caption
    assert SOME_DRAWN not in figure(built((1,), 40), "predictions")[1]


def test_the_grid_of_test_images_says_that_it_has_not_all() -> None:
    alt, caption = figure(built((), 120), "test-images")
    assert "60 of camel and 60 of horse, 120 in all, of which some are drawn." in alt
    assert caption.endswith(SOME_DRAWN)
    assert "40 in all." in figure(built((), 40), "test-images")[0]


@pytest.mark.parametrize("names", [("camel", "horse"), FIVE])
@pytest.mark.parametrize("wrong", [40, 50])
def test_the_sheet_of_wrong_predictions_says_how_many_it_has(names: tuple[str, ...], wrong: int) -> None:
    alt, caption = figure(built(tuple(range(wrong)), 100, names), "wrong-predictions")
    said = "40 of the 50 wrongly classified test images, each titled" if wrong == 50 else "40 wrongly classified test"
    assert alt.startswith(said)
    assert ("of all 50" in alt.lower()) == (wrong == 50)
    assert (SOME_DRAWN in caption) == (wrong == 50)


@pytest.mark.parametrize(
    ("marked", "counted", "caption"),
    [
        (12, "The training and validation images whose", "Marked training and validation images, the most"),
        (13, "The 12 training and validation images whose", "The first 12 of the 13 marked training and validation"),
    ],
)
def test_a_sheet_of_marked_images_says_how_many_it_has(marked: int, counted: str, caption: str) -> None:
    build = with_labels(make_results(data=make_data(kind="folder")), make_labels(tuple(range(marked))))
    alt, below = figure(build, "suspicious-train")
    assert alt.startswith(counted)
    assert alt.endswith("; and others.")
    assert below.startswith(caption)


def valued(**values: int) -> Mapping[str, tuple[str, ...]]:
    """Attribute → value of each image to measure with, of so many different ones."""
    return {name: tuple(str(i % count) for i in range(MEASURED)) for name, count in values.items()}


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"size": 3, "pose": 4}, ["size", "pose"]),
        ({"size": 40, "pose": 5, "load": 4}, ["size", "load"]),
        ({"size": 44}, ["size"]),
        ({"size": 45}, []),
    ],
)
@pytest.mark.parametrize("names", [("camel", "horse"), FIVE])
def test_the_chart_is_said_to_have_the_attributes_that_it_has(
    names: tuple[str, ...], values: dict[str, int], shown: list[str]
) -> None:
    predictions = make_predictions(tuple(range(20)), names, total=MEASURED)
    measured = make_measured(predictions, dict(valued(**values)), classes=len(names))
    blocks = errors._fitting(list(errors._blocks(measured, len(names))))
    assert drawn.charted_attributes(measured.groups) == shown == [name for name, _ in blocks[1:]]
    assert {group for _, rows in blocks for row in rows for group in row.groups} == {
        *drawn.charted_groups(measured.groups)
    }


def test_what_the_chart_leaves_out_its_alternative_text_leaves_out() -> None:
    wrong, names = (*range(96, 108), 0), FIVE
    marks = {"sign": tuple("yes" if i in wrong else "no" for i in range(MEASURED)), **valued(size=44)}
    measured = make_measured(make_predictions(wrong, names, total=MEASURED), marks, classes=5)
    variants = {"baseline": make_variant(names=names)}
    build = make_results(data=make_data(class_names=names), variants=variants, figures=make_figures(variants))
    build = with_measurement(
        build, Measurement(head=measured, fine_tuning=measured), attributes={"sign": ("no", "yes"), "size": ("0", "1")}
    )
    alt, _ = figure(build, "errors-by-attribute")
    assert "a row for each value of sign: the share" in alt
    assert "giraffe" not in alt
    assert alt.endswith("A note says that there is no room for the other attributes.")
    assert measured.raising
