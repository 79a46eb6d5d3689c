"""The section on where the network looks is true whatever the maps show, and absent where there are none."""

import itertools
import re

import pytest

from generator.experiment.activation_maps import RegionShare, Shares
from generator.experiment.results import BuildResults
from generator.post import example, render
from generator.post.prose import looking
from tests.factories import (
    FIVE,
    make_data,
    make_outcome,
    make_predictions,
    make_results,
    make_variant,
    outcome_of,
    with_maps,
)

LOOKED = Shares(subject=0.5, background=0.3, padding=0.2)
NO_PREPROCESSING = "augmentation-no-preprocessing"
AREA = Shares(subject=0.2, background=0.3, padding=0.5)


def section(build: BuildResults) -> str:
    """Its text on one line; empty where it is missing."""
    text = render.render(example.post(), build).text
    found = re.search(r"^### Where It Looks\n(.*?)^##", text, re.DOTALL | re.MULTILINE)
    return " ".join(found[1].split()) if found else ""


def region(low: float | None, high: float | None) -> RegionShare:
    return RegionShare(region="subject", images=9, share=0.5, area=0.4, excess=0.1, low=low, high=high, more=5)


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(0.1, 0.2, "more"), (-0.2, -0.1, "less"), (-0.1, 0.1, "no more"), (0.0, 0.1, "no more"), (None, None, "no more")],
)
def test_within_its_interval_a_difference_is_none(low: float | None, high: float | None, word: str) -> None:
    assert looking.leaning(region(low, high)) == word


def test_without_maps_there_is_no_section() -> None:
    assert section(make_results()) == ""


def test_without_an_alpha_channel_there_are_maps_and_no_shares() -> None:
    text = section(with_maps(make_results()))
    assert "stand in 7 × 7 places" in text
    assert "A place is 32 pixels high and 32 wide" in text
    assert "within a solid line, speak for horse, blue ones, and those within a broken line, for camel" in text
    assert "alpha" not in text
    assert "|" not in text


def test_shares_are_held_against_areas() -> None:
    text = section(with_maps(make_results(), LOOKED, AREA))
    assert (
        "In every variant more lies on the subject than on any other region, by more than chance would explain." in text
    )
    held = (
        "Held against that, the subject has more in every variant, the background has as much as chance may give it in"
    )
    assert f"{held} every variant, and the padding has less in every variant." in text
    assert (
        "the subject has 2.50 times the share of the map that it has of the image, and the background 1.00 times"
        in text
    )
    assert "| Baseline | 50.0% | background | 30.0% | +0.2000 | +0.2000 to +0.2000 | 3.0e-04 | the subject |" in text
    assert "| Data augmentation | padding | 50.0% | 20.0% | -0.3000 | -0.3000 to -0.3000 | 0 of 40 |" in text
    assert "is back where alpha is dropped" in text
    blended = section(with_maps(make_results(data=make_data(alpha="white")), LOOKED, AREA))
    assert "is back" not in blended


def spread(build: BuildResults, name: str, *shares: float) -> BuildResults:
    """The build with these shares on the subject in the maps of a variant, in turn; the rest is background."""
    variant = build.variants[name]
    assert variant.activation_maps is not None
    images = [
        image.model_copy(update={"map": Shares(subject=share, background=1 - share, padding=0)})
        for image, share in zip(variant.activation_maps.images, itertools.cycle(shares), strict=False)
    ]
    maps = variant.activation_maps.model_copy(update={"images": tuple(images)})
    return build.model_copy(
        update={"variants": build.variants | {name: variant.model_copy(update={"activation_maps": maps})}}
    )


def test_variants_that_differ_are_told_apart() -> None:
    build = with_maps(make_results(), LOOKED, AREA)
    build = spread(spread(build, "augmentation", 0.2, 0.4), "augmentation-no-preprocessing", 0.1, 0.88)
    told = looking.leads(build.variants)
    assert {word: [v.name for v in some] for word, some in told.items()} == {
        "subject": ["baseline"],
        "other": ["augmentation"],
        "noise": ["augmentation-no-preprocessing"],
    }
    text = section(build)
    assert "Of **Baseline** more lies on the subject than on any other region, by more than chance" in text
    assert "Of **Data augmentation** more lies on the background than on the subject, by more than chance" in text
    assert (
        "without preprocessing** the background has the largest share, but by so little that chance may explain it"
        in text
    )
    assert "the padding has less in every variant" in text


def without_padding(build: BuildResults, *names: str) -> BuildResults:
    """The build with maps of these variants whose images are cropped to the picture."""
    told, area = Shares(subject=0.6, background=0.4, padding=0), Shares(subject=0.4, background=0.6, padding=0)
    cropped = with_maps(build, told, area).variants
    return build.model_copy(update={"variants": build.variants | {name: cropped[name] for name in names}})


def test_a_region_is_told_of_the_variants_that_have_it() -> None:
    build = with_maps(make_results(), LOOKED, AREA)
    one, two = (without_padding(build, *names) for names in (("augmentation", NO_PREPROCESSING), ("augmentation",)))
    assert "and the padding has less in the one variant that has it." in section(one)
    assert "and the padding has less in every variant that has it." in section(two)
    more = Shares(subject=0.1, background=0.1, padding=0.8)
    mixed = two.model_copy(
        update={
            "variants": two.variants
            | {NO_PREPROCESSING: with_maps(make_results(), more, AREA).variants[NO_PREPROCESSING]}
        }
    )
    assert (
        "and the padding has more in one of the two variants that have it, less in one, and as much as chance may give "
        "it in none."
    ) in section(mixed)
    assert "the subject has more in two of the three variants, less in one, and" in section(mixed)


def test_a_subject_that_fills_the_images_is_held_against_nothing() -> None:
    whole = Shares(subject=1, background=0, padding=0)
    text = section(with_maps(make_results(), whole, whole))
    assert "Is it the subject that decides?" in text
    assert "Held against that" not in text


def test_of_a_single_variant_nothing_is_said_of_others() -> None:
    text = section(with_maps(make_results(variants={"baseline": make_variant()}), LOOKED, AREA))
    assert "In all, more lies on the subject than on any other region" in text
    assert "the subject has more, the background has as much as chance may give it, and the padding has less." in text
    assert "every variant" not in text


def test_a_single_image_has_no_interval() -> None:
    parts = {**make_outcome(()).predictions_by_part, "test": make_predictions((), total=1)}
    alone = outcome_of(parts, 2)
    single = make_variant(predictions=make_predictions((), total=1), after_head=alone)
    text = section(with_maps(make_results(variants={"baseline": single}), LOOKED, AREA))
    assert "| Baseline | 50.0% | background | 30.0% | +0.2000 | none | none | within noise |" in text


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ((), "The 12 least certain of the test images, none of which is classified wrongly, variant"),
        ((3,), "The only wrongly classified test image, then the least certain of the right ones, variant"),
        ((3, 9), "The wrongly classified test images, then the least certain of the right ones, variant"),
        (tuple(range(20)), "The 9 surest of the 20 wrongly classified test images, then the least certain"),
        (tuple(range(40)), "The 12 surest of the 40 wrongly classified test images, variant"),
    ],
)
def test_the_caption_says_which_images_are_drawn(wrong: tuple[int, ...], told: str) -> None:
    build = make_results(variants={"baseline": make_variant(wrong=wrong)})
    assert told in section(with_maps(build))


def test_of_several_classes_the_map_is_of_the_name_that_was_given() -> None:
    text = section(with_maps(make_results(data=make_data(class_names=FIVE)), LOOKED, AREA))
    assert "Of the five logits of an image the map is that of the name that was given." in text
    assert "speak for the name that was given, blue ones, and those within a broken line, against it." in text
