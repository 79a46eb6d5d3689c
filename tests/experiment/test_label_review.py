"""What follows from the probabilities of a review: thresholds, the joint, what is marked and how much that may be."""

import pytest
from pydantic import ValidationError

from generator.experiment.label_review import Judged, LabelReview, Side


def judged(index: int, label: int, predicted: int, own: float, probability: float, side: Side = "train") -> Judged:
    return Judged(
        index=index, side=side, file=f"{side}/{index}.png", label=label, predicted=predicted, own=own,
        probability=probability,
    )  # fmt: skip


def review(*rows: tuple[int, int, float, float], sides: str = "") -> LabelReview:
    """Images of (label, predicted, own, probability), those at a `t` in `sides` in the test."""
    images = [judged(i, *row, "test" if sides[i : i + 1] == "t" else "train") for i, row in enumerate(rows)]
    return LabelReview(folds=5, images=tuple(images))


RIGHT = [(0, 0, 0.9, 0.9)] * 8 + [(1, 1, 0.8, 0.8)] * 8
"""Two classes of which the features are sure."""


def test_the_threshold_of_a_class_is_the_mean_probability_of_those_labelled_so() -> None:
    found = review((0, 0, 0.9, 0.9), (0, 1, 0.3, 0.7), (1, 1, 0.8, 0.8))
    assert found.thresholds == pytest.approx({0: 0.6, 1: 0.8})


def test_only_who_reaches_the_threshold_of_the_other_class_is_marked() -> None:
    sure, doubtful = (0, 1, 0.1, 0.9), (0, 1, 0.4, 0.6)
    found = review(*RIGHT, sure, doubtful)
    assert [image.index for image in found.marked] == [16]
    assert found.joint == {(0, 0): 8, (1, 1): 8, (0, 1): 1}
    assert found.marked_share == pytest.approx(1 / 18)


def test_the_lowest_margin_comes_first_and_of_equals_the_first_image() -> None:
    found = review(*RIGHT, (0, 1, 0.15, 0.85), (0, 1, 0.05, 0.95), (0, 1, 0.05, 0.95))
    assert [image.index for image in found.marked] == [17, 18, 16]


def test_each_side_has_its_own_counts() -> None:
    found = review(*RIGHT, (0, 1, 0.1, 0.9), (1, 0, 0.05, 0.95), sides="." * 17 + "t").by_side
    assert [(s.total, s.correct, [image.index for image in s.marked]) for s in found.values()] == [
        (17, 16, [16]),
        (1, 0, [17]),
    ]


def test_the_estimate_scales_the_joint_to_the_images_of_each_label() -> None:
    # Of ten of class 0, five are confident, one of them of class 1: so two of the ten may be.
    sure, doubtful, wrong = (0, 0, 0.9, 0.9), (0, 0, 0.55, 0.55), (0, 1, 0.1, 0.9)
    found = review(*[sure] * 4, *[doubtful] * 5, wrong, *RIGHT[8:], *RIGHT[8:])
    assert found.joint == {(0, 0): 4, (0, 1): 1, (1, 1): 16}
    assert (len(found.marked), found.estimated) == (1, 2)


@pytest.mark.parametrize(
    "rows",
    [
        (),
        [(0, 0, 0.6, 0.6), (0, 1, 0.1, 0.9), (1, 1, 0.8, 0.8), (1, 0, 0.1, 0.9)] * 5,
        # As many are right as always naming the frequent class would give.
        [(0, 0, 0.7, 0.7)] * 17 + [(1, 0, 0.3, 0.7)] * 3,
    ],
)
def test_features_that_tell_no_more_than_guessing_mark_nothing(rows: list[tuple[int, int, float, float]]) -> None:
    found = review(*rows)
    assert not found.tells
    assert (found.marked, found.estimated) == ((), 0)


def test_a_class_that_is_predicted_and_never_given_marks_nothing() -> None:
    # As where all images of a class are somebody else's: no threshold can be told.
    assert review(*RIGHT, (0, 2, 0.0, 1.0)).marked == ()


def test_images_out_of_order_are_refused() -> None:
    with pytest.raises(ValidationError, match="not in order"):
        LabelReview(folds=5, images=(judged(1, 0, 0, 0.9, 0.9), judged(1, 0, 0, 0.9, 0.9)))
