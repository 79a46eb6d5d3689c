"""What `diff` says of marked labels and activation maps: only what changed, and whether chance may do it."""

import pytest

from generator.diff import reviews
from generator.experiment.activation_maps import Shares
from generator.experiment.label_review import Judged, LabelReview
from generator.experiment.results import BuildResults
from tests.factories import make_results, with_maps

AREA = Shares(subject=0.2, background=0.3, padding=0.5)


def review(*wrong: int, images: int = 40) -> LabelReview:
    """Images of two classes of which the features contradict these."""
    return LabelReview(
        folds=2,
        images=tuple(
            Judged(
                side="train",
                index=i,
                file=f"train/{i:02}.png",
                label=i % 2,
                predicted=(i + (i in wrong)) % 2,
                own=0.05 if i in wrong else 0.9,
                probability=0.95 if i in wrong else 0.9,
            )
            for i in range(images)
        ),
    )


def of(*wrong: int) -> BuildResults:
    return make_results(labels=review(*wrong))


def test_labels_that_are_marked_only_in_one_build_are_named() -> None:
    assert list(reviews.labels(of(1, 2), of(2, 5))) == [
        "labels that the features contradict: 1 marked only now (train/05.png); 1 no longer marked (train/01.png);"
        " 2 of 40 now, 2 of 40 before"
    ]


def test_many_labels_are_counted() -> None:
    (line,) = reviews.labels(of(), of(*range(8)))
    assert (
        "8 marked only now (train/00.png, train/01.png, train/02.png, train/03.png, train/04.png, and 3 more)" in line
    )


def test_the_same_labels_are_no_news() -> None:
    assert list(reviews.labels(of(1, 2), of(1, 2))) == []
    assert list(reviews.labels(make_results(), make_results())) == []
    assert list(reviews.labels(make_results(), of(1))) == [
        "labels: only one of the builds held them against the features"
    ]


@pytest.mark.parametrize(("subject", "told"), [(0.5, True), (0.4001, False)])
def test_a_region_is_told_of_where_its_share_prints_otherwise(subject: float, told: bool) -> None:
    old = with_maps(make_results(), Shares(subject=0.4, background=0.3, padding=0.3), AREA)
    new = with_maps(make_results(), Shares(subject=subject, background=0.3, padding=0.7 - subject), AREA)
    lines = list(reviews.maps("baseline", old.baseline, new.baseline))
    assert bool(lines) == told
    if told:
        assert lines[0].startswith(
            "baseline: subject has 50.0% of the activation maps, 40.0% before: more than chance (p = "
        )
        assert [line.split(" ")[1] for line in lines] == ["subject", "padding"]


def test_where_images_differ_nothing_is_said_of_chance() -> None:
    shares = Shares(subject=0.4, background=0.3, padding=0.3)
    old = with_maps(make_results(), shares, AREA)
    new = with_maps(make_results(), AREA, shares)
    assert all("chance" not in line for line in reviews.maps("baseline", old.baseline, new.baseline))
    assert list(reviews.maps("baseline", make_results().baseline, make_results().baseline)) == []
    assert "only one" in next(reviews.maps("baseline", make_results().baseline, new.baseline))


def test_everything_is_told_in_one_list() -> None:
    old = with_maps(of(1), Shares(subject=0.4, background=0.3, padding=0.3), AREA)
    new = with_maps(of(2), Shares(subject=0.6, background=0.2, padding=0.2), AREA)
    pairs = [(name, old.variants[name], new.variants[name]) for name in old.variants]
    lines = list(reviews.told(old, new, pairs))
    assert lines[0].startswith("labels that")
    assert len(lines) == 1 + 3 * len(pairs)
