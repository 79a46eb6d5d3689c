"""Claims: what the prose says is true of histories that rise, fall, stand still, or are one epoch long."""

import pytest

from generator.experiment.results import Epoch
from generator.post import claims
from tests.factories import make_variant


def history(*accuracies: float, loss: tuple[float, ...] = ()) -> tuple[Epoch, ...]:
    losses = loss or tuple(0.5 for _ in accuracies)
    return tuple(
        Epoch(epoch=i, loss=0.5, accuracy=0.75, val_loss=lost, val_accuracy=accuracy)
        for i, (accuracy, lost) in enumerate(zip(accuracies, losses, strict=True), start=1)
    )


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        (0.5, 0.6, "rose"),
        (0.6, 0.5, "fell"),
        (0.5, 0.5, "stayed"),
        (0.90001, 0.90002, "stayed"),  # both print as 0.9000
        (0.90004, 0.90006, "rose"),  # 0.9000 and 0.9001
        (2e-4, 1e-4, "fell"),
        (0.0, 0.0, "stayed"),
    ],
)
def test_trend(before: float, after: float, word: str) -> None:
    assert claims.trend(before, after) == word


@pytest.mark.parametrize(("a", "b", "word"), [(1.0, 0.5, "above"), (0.5, 1.0, "below"), (0.500001, 0.5, "level with")])
def test_position(a: float, b: float, word: str) -> None:
    assert claims.position(a, b) == word


@pytest.mark.parametrize(
    ("accuracies", "epoch", "stays"),
    [
        ((0.5, 1.0, 1.0), 2, True),
        ((0.5, 1.0, 0.9), 2, False),
        ((1.0,), 1, True),
        ((0.0, 0.0), None, False),
        ((0.5, 0.99994), None, False),  # prints as 0.9999
        ((0.5, 0.99996), 2, True),  # prints as 1.0000
    ],
)
def test_first_perfect(accuracies: tuple[float, ...], epoch: int | None, stays: bool) -> None:
    epochs = history(*accuracies)
    found = claims.first_perfect(epochs, "val_accuracy")
    assert (found and found.epoch) == epoch
    assert claims.stays_perfect(epochs, "val_accuracy") == stays


def test_best_epoch_is_the_first_of_equals_and_the_lowest_loss() -> None:
    epochs = history(0.5, 0.8, 0.8, loss=(0.4, 0.9, 0.1))
    assert claims.best_epoch(epochs, "val_accuracy").epoch == 2
    assert claims.best_epoch(epochs, "val_loss").epoch == 3


@pytest.mark.parametrize(
    ("accuracies", "steady"),
    [
        ((0.1, 0.2, 0.2, 0.3), True),
        ((0.3, 0.2, 0.1), True),
        ((0.1, 0.3, 0.2), False),
        ((0.5, 0.5), True),
        ((0.5, 0.6, 0.5), False),  # back where it began, but not by standing still
        ((0.5,), True),
    ],
)
def test_steady(accuracies: tuple[float, ...], steady: bool) -> None:
    assert claims.steady(history(*accuracies), "val_accuracy") == steady


@pytest.mark.parametrize(
    ("accuracies", "word"),
    [
        ((0.8, 0.9), "every"),
        ((0.8, 0.9, 0.1), "most"),
        ((0.8, 0.1), "half"),
        ((0.8, 0.1, 0.75), "some"),
        ((0.75, 0.75), "no"),  # level is not above
        ((0.0,), "no"),
    ],
)
def test_how_often_validation_lies_above_training(accuracies: tuple[float, ...], word: str) -> None:
    assert claims.how_often(history(*accuracies), "accuracy") == word


@pytest.mark.parametrize(
    ("wrong", "way"),
    [((), ""), ((0, 1), "positive"), ((25, 30), "negative"), ((0, 25), ""), (tuple(range(40)), "")],
)
def test_one_way(wrong: tuple[int, ...], way: str) -> None:
    assert claims.one_way(make_variant(wrong=wrong)) == way


def test_best_names_all_that_are_level() -> None:
    variants = {
        "a": make_variant(wrong=(1,)),
        "b": make_variant(wrong=(2,)),
        "c": make_variant(wrong=(1, 2)),
    }
    assert claims.best(variants) == [variants["a"], variants["b"]]


def test_is_best_marks_the_best_and_nothing_where_all_are_level() -> None:
    variants = {"a": make_variant(wrong=(1,)), "b": make_variant(wrong=(1, 2))}
    assert [claims.is_best(v, variants, "test.accuracy") for v in variants.values()] == [True, False]
    assert not any(claims.is_best(v, variants, "test.loss") for v in variants.values())
    assert not any(claims.is_best(v, variants, "head.-1.val_accuracy") for v in variants.values())
    assert not claims.is_best(variants["a"], {"a": variants["a"]}, "test.accuracy")


def test_is_best_takes_the_lowest_loss() -> None:
    low, high = make_variant(), make_variant()
    low = low.model_copy(update={"test": low.test.model_copy(update={"loss": 0.1})})
    assert claims.is_best(low, {"low": low, "high": high}, "test.loss")
    assert not claims.is_best(high, {"low": low, "high": high}, "test.loss")


@pytest.mark.parametrize(("p", "more"), [(0.0, True), (0.049, True), (0.05, False), (1.0, False)])
def test_more_than_chance(p: float, more: bool) -> None:
    assert claims.more_than_chance(p) == more


def test_plural() -> None:
    assert [claims.plural(n, "image", "images") for n in (0, 1, 2)] == ["images", "image", "images"]


def test_headings_are_plain_and_differ() -> None:
    variants = {
        name: make_variant().model_copy(update={"title": title})
        for name, title in {
            "a": "Data augmentation, without preprocessing",
            "b": "Déjà & vu",
            "c": "骆驼",
            "d": "Same!",
            "e": "same?",
        }.items()
    }
    assert claims.headings(variants) == {
        "a": "data augmentation without preprocessing",
        "b": "deja vu",
        "c": "c",
        "d": "d",
        "e": "e",
    }
