"""The section on more images is true whatever was measured: findings, none, no errors, no images at all."""

import re

import pytest

from generator.experiment.figure_names import MOST_CHARTED
from generator.experiment.measurement import Known, Measurement
from generator.figures import errors
from generator.post import example, render
from generator.post.prose import measuring
from tests.factories import (
    ATTRIBUTES,
    FIVE,
    MEASURED,
    make_data,
    make_figures,
    make_measured,
    make_measurement,
    make_outcome,
    make_predictions,
    make_results,
    make_variant,
    outcome_of,
    with_measurement,
)

FOUND = make_measurement().fine_tuning
PERFECT = make_measurement(fine_tuning=())


def section(build: object, heading: str = "Measured on More Images") -> str:
    """Its text on one line, tables left out."""
    text = render.render(example.post(), build).text  # type: ignore[arg-type]
    text = text[text.index(f"## {heading}") :].partition("\n## How Far to Trust It")[0]
    return " ".join(re.sub(r"^\|.*$", "", text, flags=re.MULTILINE).split())


def test_groups_are_told_apart_by_what_they_are() -> None:
    assert [group.label for group in measuring.whole_classes(FOUND.groups)] == [0, 1]
    assert len(measuring.by_value(FOUND.groups)) == len(FOUND.groups) - 2
    (finding,) = FOUND.raising
    (other,) = measuring.in_other_classes(finding, FOUND.groups)
    assert (other.attribute, other.value, other.label) == ("load", "rider", 0)


def test_one_kind_needs_several_images_that_are_alike() -> None:
    wrong = FOUND.hardest
    horses = [image for image in wrong if image.actual == 1]
    assert measuring.one_kind(horses) == horses[0]
    assert measuring.one_kind(wrong) is None
    assert measuring.one_kind(horses[:1]) is None
    assert measuring.one_kind([]) is None


def test_a_finding_is_told_with_its_counts_in_both_classes() -> None:
    text = section(with_measurement(make_results()))
    assert (
        "- images of horse with load: rider. 11 of these 12 are called camel, and 0 of the 48 others of horse "
        "(p = 3.5e-11, 3.2e-10 by Holm's correction). With the same load, 0 of 12 images of camel are called horse, "
        "and 1 of the 48 others of camel."
    ) in text
    assert "1 of the 60 images of camel is called by a wrong name and 11 of the 60 of horse." in text
    assert "5 of these 6 have load: rider, as do 24 of all 120." in text
    assert "9 for each variant, with Holm's correction for that many." in text


def test_every_figure_is_shown_with_words() -> None:
    build = with_measurement(make_results(), make_measurement(), PERFECT)
    text = render.render(example.post(), build).text
    images = dict(re.findall(r'<img src="([^"]+)\.webp" [^>]*alt="([^"]+)"', text))
    shown = {tuple(source.split("/")[-2:]) for source in images}
    assert shown == {(figure.scope, figure.name) for figure in build.figures}
    assert min(map(len, images.values())) > 60


def test_the_two_sizes_are_held_against_each_other() -> None:
    text = section(with_measurement(make_results()))
    assert "Beside the 40 test images every variant was scored on 120 further ones" in text
    assert "is 0.1085 wide here and 0.2065 on the test images" in text
    assert "That is 15.0% of the test images and 5.0% of these." in text
    assert "Before it is corrected for several comparisons, McNemar's exact test calls two models different" in text
    assert "Of other networks, trained with other seeds, they say nothing." in text
    assert "no further apart than chance may put them" in text


def test_without_errors_nothing_is_claimed() -> None:
    text = section(with_measurement(make_results(), PERFECT))
    assert "None of the 120 images is called by a wrong name." in text
    assert "more than chance would explain, have" not in text
    assert "so none is hardest" in text


def test_without_a_finding_that_is_said() -> None:
    text = section(with_measurement(make_results(), make_measurement(fine_tuning=(3, 70))))
    assert "No value makes errors more frequent in a class by more than chance would explain." in text


def test_one_variant_alone_is_compared_with_no_other() -> None:
    variants = {"baseline": make_variant()}
    text = section(with_measurement(make_results(variants=variants, figures=make_figures(variants))))
    assert "beside each other" not in text
    assert "corrected for several" not in text
    assert "What fine-tuning changed" in text


def test_images_without_attributes_are_scored_and_shown() -> None:
    phase = make_measured(make_predictions((1, 70), total=MEASURED))
    plain = with_measurement(make_results(), Measurement(head=phase, fine_tuning=phase), attributes={}, kind="folder")
    text = section(plain)
    assert "which the data set keeps in a folder beside the others" in text
    assert "Fisher's exact ones" not in text
    assert "errors-by-attribute" not in text
    assert "hardest-images" in text


def test_images_of_the_data_set_among_them_are_named() -> None:
    known = tuple(Known(file=f"measure/{i}.png", other=f"train/{i}.png") for i in range(7))
    text = section(with_measurement(make_results(), known=known))
    assert "7 of them stand in the data set too, byte for byte" in text
    assert "<code>measure&#47;4&#46;png</code> is <code>train&#47;4&#46;png</code> and so on." in text


def test_several_classes_are_named_without_a_positive_one() -> None:
    phase = make_measured(make_predictions(tuple(range(20)), FIVE, total=MEASURED), ATTRIBUTES, classes=5)
    build = make_results(data=make_data(class_names=FIVE))
    text = section(with_measurement(build, Measurement(head=phase, fine_tuning=phase)))
    assert "20 of the 24 images of camel are called by a wrong name, 0 of the 24 of horse" in text
    assert "The classes differ" not in text


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (tuple(range(5)), "The class with the largest share called by a wrong name is kind 0 (5 of 10)."),
        (
            (0, 1, 20),
            "The classes with the largest shares called by a wrong name are kind 0 (2 of 10) and kind 2 (1 of 10).",
        ),
        (
            tuple(range(0, 120, 10)),
            "are kind 0 (1 of 10), kind 1 (1 of 10), kind 2 (1 of 10), kind 3 (1 of 10) and kind 4 (1 of 10).",
        ),
    ],
)
def test_of_many_classes_the_hardest_are_named(wrong: tuple[int, ...], told: str) -> None:
    names = tuple(f"kind {i}" for i in range(12))
    phase = make_measured(make_predictions(wrong, names, total=MEASURED), ATTRIBUTES, classes=12)
    variants = {"baseline": make_variant(names=names)}
    build = make_results(data=make_data(class_names=names), variants=variants, figures=make_figures(variants))
    text = section(with_measurement(build, Measurement(head=phase, fine_tuning=phase)))
    assert told in text
    assert "(0 of 10)" not in text


@pytest.mark.parametrize(("total", "told"), [(40, "a difference of 15.0% in accuracy"), (4, "There are not so many")])
def test_without_more_images_the_section_says_what_the_test_set_can_show(total: int, told: str) -> None:
    outcome = outcome_of({**make_outcome(()).predictions_by_part, "test": make_predictions((0,), total=total)}, 2)
    variants = {"baseline": make_variant(**dict(outcome), after_head=outcome)}
    build = make_results(variants=variants, figures=make_figures(variants))
    text = section(build, "What the Test Images Can Show")
    assert told in text
    assert f"There are {total} test images and no further ones" in text


def beginning(build: object) -> str:
    """What the post says before its first heading, figures and tables left out."""
    text = render.render(example.post(), build).text.partition("\n## ")[0]  # type: ignore[arg-type]
    return " ".join(re.sub(r"^[|<].*$", "", text, flags=re.MULTILINE).split())


BETTER, WORSE = make_measurement(fine_tuning=()), make_measurement(fine_tuning=tuple(range(0, 120, 4)))


@pytest.mark.parametrize(
    ("measurements", "told"),
    [
        ((PERFECT,), "chance may explain every difference between them."),
        (
            (BETTER, WORSE, PERFECT),
            "more than chance separates Data augmentation, with 90 right, from Baseline with 120, and Data "
            "augmentation, without preprocessing, with 120 right, from Data augmentation with 90; the other pair "
            "differs by no more than chance may give.",
        ),
        (
            (BETTER, make_measurement(fine_tuning=tuple(range(30))), make_measurement(fine_tuning=tuple(range(60)))),
            "every two that were compared differ by more than chance would explain: Baseline (120 right), Data "
            "augmentation (90) and Data augmentation, without preprocessing (60).",
        ),
    ],
)
def test_the_first_screen_tells_what_more_images_say_of_the_variants(
    measurements: tuple[Measurement, ...], told: str
) -> None:
    said = beginning(with_measurement(make_results(), *measurements)).replace("&#44;", ",")
    assert f"On the [120 further drawings](#measured-on-more-images), {told}" in said
    assert said.count("#measured-on-more-images") == 1


def test_of_one_variant_the_first_screen_compares_nothing() -> None:
    variants = {"baseline": make_variant()}
    build = make_results(variants=variants, figures=make_figures(variants))
    assert "#measured-on-more-images" not in beginning(with_measurement(build))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ((), "- Baseline: both have every image right, so no image tells them apart."),
        ((3,), "- Baseline: the very same image is wrong in both, so no image tells them apart."),
        ((3, 70), "- Baseline: the very same 2 images are wrong in both, so no image tells them apart."),
    ],
)
def test_where_two_models_agree_on_every_image_that_is_said(wrong: tuple[int, ...], told: str) -> None:
    text = section(with_measurement(make_results(), make_measurement(head=wrong, fine_tuning=wrong)))
    assert told in text
    assert "- Data augmentation against Baseline: " in text.replace("&#44;", ",")
    assert "mended" not in text


def test_one_comparison_is_not_corrected_and_several_are() -> None:
    variants = {"baseline": make_variant()}
    alone = make_results(variants=variants, figures=make_figures(variants))
    assert "Holm's correction for the comparisons" not in section(with_measurement(alone))
    text = section(with_measurement(make_results(), BETTER, WORSE))
    assert "no image mended, 30 broken; accuracy changed by -0.2500" in text
    assert "more than chance would explain (p = 1.9e-09, 5.6e-09 by Holm's correction)." in text
    assert "fine-tuned-network), with Holm's correction for the comparisons of each list." in text


@pytest.mark.parametrize(("classes", "said"), [(5, True), (4, False)])
def test_a_chart_without_room_for_all_classes_says_so(classes: int, said: bool) -> None:
    names = FIVE[:classes]
    phase = make_measured(make_predictions(tuple(range(20)), names, total=MEASURED), ATTRIBUTES, classes=classes)
    variants = {"baseline": make_variant(names=names)}
    build = make_results(data=make_data(class_names=names), variants=variants, figures=make_figures(variants))
    text = section(with_measurement(build, Measurement(head=phase, fine_tuning=phase)))
    told = "There is room for the first four of the five classes: camel, horse, donkey and zebra."
    assert (told in text) == said
    assert len(errors.MARKS) == MOST_CHARTED


def test_groups_without_others_have_no_share_of_them_and_a_long_table_ends() -> None:
    values = {"site": ("one",) * MEASURED, "file": tuple(str(i) for i in range(MEASURED)), **{
        f"copy {i}": tuple(str(j) for j in range(MEASURED)) for i in range(2)
    }}  # fmt: skip
    phase = make_measured(make_predictions(tuple(range(9)), total=MEASURED), values)
    text = render.render(
        example.post(), with_measurement(make_results(), Measurement(head=phase, fine_tuning=phase))
    ).text
    assert "| site | one | camel | 9 of 60 | 15.0% | 8.1% to 26.1% | none | none | none | none |" in text
    assert "Only the first of the groups are listed here" in text
    assert text.count("\n| copy 1 |") == 0


@pytest.mark.parametrize(("findings", "others"), [(12, "two more groups"), (11, "one more group")])
def test_of_many_findings_the_surest_are_told_and_the_others_counted(findings: int, others: str) -> None:
    wrong = tuple(range(12))
    values = {f"sign {i}": tuple("yes" if j in wrong else "no" for j in range(MEASURED)) for i in range(findings)}
    phase = make_measured(make_predictions(wrong, total=MEASURED), values)
    text = section(with_measurement(make_results(), Measurement(head=phase, fine_tuning=phase)), "Where the Errors Are")
    assert text.count("- images of camel with ") == 3 * 10  # of each variant
    assert text.count(f"- and those of {others}.") == 3
