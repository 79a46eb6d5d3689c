"""The section on where the network looks is true whatever the maps show, and absent where there are none."""

import re

import pytest

from generator.experiment.activation_maps import RegionShare, Shares
from generator.experiment.results import BuildResults
from generator.post import example, looking, render
from tests.factories import FIVE, make_data, make_results, make_variant, with_maps

LOOKED = Shares(subject=0.5, background=0.3, padding=0.2)
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
    assert "50.0% on the subject, which has 20.0% of the image. That is more than its size would give it" in text
    assert "30.0% on the background, which has 30.0% of the image. Chance may make as much of a difference." in text
    assert "20.0% on the padding, which has 50.0% of the image. That is less than its size would give it" in text
    assert "In 40 of these images the subject has more of the map" in text
    assert "| Data augmentation | padding | 50.0% | 20.0% | -0.3000 | -0.3000 to -0.3000 | 0 of 40 |" in text
    assert "is back because alpha is dropped" in text
    blended = section(with_maps(make_results(data=make_data(alpha="white")), LOOKED, AREA))
    assert "is back" not in blended


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
