"""The rule by which images are chosen, as the post's captions state it."""

import pytest

from generator.experiment.showcase import MOST, MOST_MAPPED, MOST_WRONG, NARROW, doubtful, showcase
from tests.factories import make_predictions


def test_the_rule_is_the_one_that_the_post_states_in_words() -> None:
    """`first-screen.md.j2`: wrong ones first, four at most, then the two right ones it was least sure of."""
    assert (MOST_WRONG, NARROW) == (4, 2)


@pytest.mark.parametrize(
    ("wrong", "shown"),
    [
        # In these predictions the confidence grows with the index.
        ((), [0, 1, 39, 38, 37, 36, 35, 34]),
        ((26,), [26, 0, 1, 39, 38, 37, 36, 35]),
        ((2, 5, 26, 30, 31, 32), [32, 31, 30, 26, 0, 1, 39, 38]),
        (tuple(range(37)), [36, 35, 34, 33, 37, 38, 39, 32]),
        (tuple(range(40)), [39, 38, 37, 36, 35, 34, 33, 32]),
    ],
)
def test_wrong_ones_then_close_ones_then_sure_ones(wrong: tuple[int, ...], shown: list[int]) -> None:
    chosen = showcase(make_predictions(wrong))
    assert [p.index for p in chosen] == shown
    assert len(chosen) == MOST


def test_of_few_images_all_are_shown_once() -> None:
    assert sorted(p.index for p in showcase(make_predictions((1,), total=4))) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("wrong", "shown"),
    [
        ((), list(range(12))),
        ((26,), [26, *range(11)]),
        ((2, 5, 26), [26, 5, 2, 0, 1, 3, 4, 6, 7, 8, 9, 10]),
        (tuple(range(20)), [19, 18, 17, 16, 15, 14, 13, 12, 11, 20, 21, 22]),
        (tuple(range(39)), [38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 39]),
        (tuple(range(40)), list(range(39, 27, -1))),
    ],
)
def test_maps_are_drawn_of_wrong_ones_then_of_the_least_certain(wrong: tuple[int, ...], shown: list[int]) -> None:
    assert [p.index for p in doubtful(make_predictions(wrong))] == shown
    assert len(shown) == MOST_MAPPED


def test_of_few_images_all_are_mapped_once() -> None:
    assert sorted(p.index for p in doubtful(make_predictions((1,), total=4))) == [0, 1, 2, 3]
