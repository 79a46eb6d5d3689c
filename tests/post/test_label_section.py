"""What the post says of labels that the features contradict, whatever was found."""

import re

import pytest

from generator.experiment.label_review import LabelReview
from generator.experiment.results import BuildResults
from generator.post import bound, example, render
from generator.post.prose import claims
from generator.support.formats import FORMATS
from tests.factories import FIVE, make_data, make_labels, make_results, with_labels

HEADING = "### Labels Worth a Second Look"
PHOTOS = make_data(kind="folder", source="pets")


def section(build: BuildResults) -> str:
    """The section's text, each paragraph a line."""
    text = render.render(example.post(), build).text
    if HEADING not in text:
        return ""
    return text.split(HEADING, 1)[1].split("\n### ", 1)[0]


def of(review: LabelReview, *, photos: bool = True) -> str:
    return section(with_labels(make_results(**({"data": PHOTOS} if photos else {})), review))


def test_what_was_marked_is_counted_on_both_sides_and_shown() -> None:
    text = of(make_labels())
    assert "It calls 397 of 400 images by the name that they have, 99.2%" in text
    assert "That is so for 3 images (0.8%): 2 of the 360 that train or validate and 1 of the 40 test images." in text
    assert "about 3 labels would be wrong, scaled to all images. But the features err, too" in text
    assert "Nothing was changed by this: no label, no image, no split." in text
    assert text.count("<figure>") == 2
    assert text.count("is horse to the features with 95.0%") == 2
    assert "labels.csv" in text


def test_of_drawings_no_label_is_said_to_be_wrong() -> None:
    text = of(make_labels(), photos=False)
    assert "No label is wrong here" in text
    assert "would be wrong" not in text


@pytest.mark.parametrize(("wrong", "figures"), [((), 0), ((5,), 1), ((365,), 1)])
def test_a_side_without_a_marked_image_has_no_sheet(wrong: tuple[int, ...], figures: int) -> None:
    text = of(make_labels(wrong))
    assert text.count("<figure>") == figures
    assert ("No image is." in text) == (not wrong)
    assert ("as a list" in text) == bool(wrong)


def test_features_that_tell_no_better_than_chance_put_no_label_in_doubt() -> None:
    text = of(make_labels(range(0, 400, 2)))
    assert "It calls 200 of 400 images by the name that they have, 50.0%" in text
    assert "put no label in doubt" in text
    assert "marked" not in text


def test_classes_that_could_not_be_judged_are_named() -> None:
    assert "too few" not in of(make_labels())
    text = of(make_labels(left_out=("eel",)))
    assert "Of eel there are too few images to learn what it looks like" in text
    text = of(LabelReview(folds=5, left_out=("camel", "horse"), images=()))
    assert "no label could be judged" in text
    assert "It calls" not in text


def test_of_many_marked_images_the_first_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "MOST_ROWS", 50)
    text = of(make_labels(range(60)))
    assert text.count("is horse to the features") == 50
    assert "Only the first of them are listed here." in text


def test_five_classes_are_named_as_they_are() -> None:
    build = make_results(data=make_data(class_names=FIVE, kind="folder", source="pets"))
    assert "given as camel, is horse to the features" in section(with_labels(build, make_labels(classes=5)))


def test_a_build_from_before_there_was_a_review_says_nothing() -> None:
    assert section(make_results()) == ""


def test_every_number_is_computed_again_from_the_results() -> None:
    build = with_labels(make_results(data=PHOTOS), make_labels())
    rendered = render.render(example.post(), build)
    found = [number for number in rendered.numbers if re.search(r"\blabels\b", number.source)]
    assert len(found) > 15
    for number in found:
        assert FORMATS[number.format](bound.value_of(build, number.source)) == number.text
