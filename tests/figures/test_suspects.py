"""Images whose labels are contradicted: each with its file, its label and what the features say."""

import pytest

from generator.experiment.label_review import LabelReview
from generator.figures import canvas, charts, suspects
from tests.factories import FIVE, make_labels
from tests.figures.looking import HOSTILE_NAMES, noise, overflowing, texts, tiles

NAMES = ("camel", "horse")
PIXELS = noise(400, 4)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 12])
def test_every_image_has_its_file_its_label_and_what_the_features_say(count: int) -> None:
    marked = make_labels(range(3, 3 + count)).marked
    with canvas.style():
        figure = suspects.suspicious(marked, NAMES, PIXELS)
        assert overflowing(figure) == []
    assert tiles(figure) == count
    shown = [text.replace(canvas.LEFT_TO_RIGHT, "") for text in texts(figure)]
    assert shown[:3] == ["train/camel/3.png", "given: camel", "horse 95.0%"]
    assert shown.count("given: camel") == count


def test_of_many_the_first_are_drawn_and_the_sheet_says_so() -> None:
    marked = make_labels(range(3, 30)).marked
    with canvas.style():
        figure = suspects.suspicious(marked, NAMES, PIXELS)
    assert tiles(figure) == suspects.MOST
    assert "… 12 of 27 marked images" in texts(figure)


def test_where_the_folders_leave_no_room_the_file_is_named() -> None:
    (image,) = make_labels((3,)).marked
    with canvas.style():
        deep = image.model_copy(update={"file": "images for training/of camels/3.png"})
        assert texts(suspects.suspicious([deep] * 3, NAMES, PIXELS))[0] == "3.png"


@pytest.mark.parametrize("names", HOSTILE_NAMES)
def test_any_names_fit(names: tuple[str, str]) -> None:
    file = f"train/{names[0]}/{names[1]}.png"
    marked = [image.model_copy(update={"file": file}) for image in make_labels(range(3, 15)).marked]
    with canvas.style(*names):
        assert overflowing(suspects.suspicious(marked, names, PIXELS)) == []


def test_each_side_has_a_sheet_where_something_of_it_is_marked() -> None:
    def drawn(review: LabelReview) -> list[str]:
        return [drawing.name for drawing in charts.draw_labels(review, FIVE, PIXELS)]

    assert drawn(make_labels((3, 365))) == ["suspicious-train", "suspicious-test"]
    assert drawn(make_labels((365,))) == ["suspicious-test"]
    assert drawn(make_labels(())) == []
