"""Claims: what the prose says is true of histories that rise, fall, stand still, or are one epoch long."""

import pytest

from generator.experiment.data_summary import Count
from generator.experiment.outcomes import Epoch, Spread
from generator.experiment.results import VariantResult
from generator.post.prose import claims
from generator.support.statistics import noise
from tests.factories import make_history, make_outcome, make_predictions, make_variant


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
    ("losses", "over"),
    [
        ((0.5, 0.4, 0.4, 0.4), True),  # as low as the lowest is not lower
        ((0.5, 0.4, 0.4), False),
        ((0.5, 0.4, 0.6, 0.5, 0.45), True),
        ((0.5,), False),
    ],
)
def test_a_phase_waited_for_a_lower_loss_whatever_else_ended_it(losses: tuple[float, ...], over: bool) -> None:
    assert claims.waited_out(history(*losses, loss=losses), 2) == over


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
    assert claims.worst(variants) == [variants["c"]]
    assert claims.worst({name: variants[name] for name in "ab"}) == [variants["a"], variants["b"]]


def test_best_counts_images_and_no_digits() -> None:
    score = make_variant().test
    variants = {
        name: make_variant().model_copy(update={"test": score.model_copy(update={"total": 30_000, "correct": right})})
        for name, right in (("a", 26_150), ("b", 26_151))
    }
    assert claims.best(variants) == [variants["b"]]
    assert claims.worst(variants) == [variants["a"]]


SIX = tuple(range(6))
"""Wrong images, as few as McNemar's test needs to tell two variants apart."""


def marked(metric: str, **variants: VariantResult) -> str:
    """The names of those that are marked as best."""
    return "".join(name for name, variant in variants.items() if claims.is_best(variant, variants, metric))


@pytest.mark.parametrize("metric", ["test.accuracy", "test.f1"])
def test_is_best_needs_more_than_noise(metric: str) -> None:
    def variant(wrong: tuple[int, ...]) -> VariantResult:
        made = make_variant(wrong=wrong)
        return made.model_copy(update={"test": made.test.model_copy(update={"f1": 1 - len(wrong) / 40})})

    good, bad = variant(()), variant(SIX)
    assert marked(metric, a=good, b=bad) == "a"
    assert marked(metric, a=good, b=variant(SIX[:5])) == ""  # p = 0.0625
    assert marked(metric, a=good, b=bad, c=variant((0,))) == ""  # better than one, not than the other
    assert marked(metric, a=good, b=bad, c=variant(())) == ""  # two are level
    assert marked(metric, a=good) == ""


def test_is_best_is_nobody_where_the_images_differ_or_are_unknown() -> None:
    good, bad = make_variant(wrong=()), make_variant(wrong=SIX, names=("bear", "kangaroo"))
    assert marked("test.accuracy", a=good, b=bad) == ""
    assert marked("head.-1.val_accuracy", a=good, b=make_variant(wrong=SIX)) == ""


def test_is_best_takes_the_lowest_loss_where_the_images_agree() -> None:
    def variant(loss: float, sharper: int, blunter: int = 0) -> VariantResult:
        """Images are told apart twice as clearly in the first `sharper` of them, half as clearly in the last."""
        made = make_variant(wrong=())
        factors = [2.0] * sharper + [1.0] * (40 - sharper - blunter) + [0.5] * blunter
        logits = [p.logit * factor for p, factor in zip(made.predictions, factors, strict=True)]
        rows = [p.model_copy(update={"logit": logit}) for p, logit in zip(made.predictions, logits, strict=True)]
        test = made.test.model_copy(update={"loss": loss})
        parts = {**made.predictions_by_part, "test": tuple(rows)}
        return made.model_copy(update={"test": test, "predictions_by_part": parts})

    assert marked("test.loss", low=variant(0.1, 40), high=variant(0.2, 0)) == "low"
    assert marked("test.loss", low=variant(0.1, 22, 18), high=variant(0.2, 0)) == ""
    assert marked("test.loss", low=variant(0.2, 40), high=variant(0.2, 0)) == ""


@pytest.mark.parametrize("metric", ["validation.accuracy", "fine_tuning.-1.val_accuracy"])
def test_is_best_compares_the_images_that_a_metric_is_of(metric: str) -> None:
    """The test images are alike, the validation images are not."""

    def variant(wrong: tuple[int, ...], accuracy: float) -> VariantResult:
        made = make_variant(fine_tuning=make_history(30, 2, 0.5, accuracy))
        parts = {**made.predictions_by_part, "validation": make_predictions(wrong, total=64, folder="train")}
        validation = made.validation.model_copy(update={"correct": 64 - len(wrong)})
        return made.model_copy(update={"predictions_by_part": parts, "validation": validation})

    assert marked(metric, a=variant((), 1.0), b=variant(SIX, 0.9)) == "a"
    assert marked(metric, a=variant((), 1.0), b=variant(SIX[:5], 0.9)) == ""


def test_is_best_of_the_head_alone() -> None:
    good, bad = make_variant(after_head=make_outcome(())), make_variant(after_head=make_outcome(SIX))
    assert marked("after_head.test.accuracy", a=good, b=bad) == "a"
    assert marked("test.accuracy", a=good, b=bad) == ""


@pytest.mark.parametrize(
    ("before", "after", "p", "answer"),
    [
        (0.8, 0.9, 0.01, "yes"),
        (0.9, 0.8, 0.01, "no"),
        (0.8, 0.9, 0.05, "within noise"),
        (0.9, 0.8, 1.0, "within noise"),
        (0.9, 0.9, 0.0, "within noise"),
    ],
)
def test_verdict(before: float, after: float, p: float, answer: str) -> None:
    assert claims.verdict(before, after, p) == answer


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ((0.1, 0.2), (0.3, 0.4), "above"),
        ((0.3, 0.4), (0.1, 0.2), "below"),
        ((0.1, 0.3), (0.2, 0.4), "overlapping"),
        ((0.1, 0.2), (0.2, 0.3), "overlapping"),  # they touch
    ],
)
def test_ranges(old: tuple[float, float], new: tuple[float, float], place: str) -> None:
    spreads = [Spread(mean=low, low=low, high=high, epochs=5) for low, high in (old, new)]
    assert claims.ranges(*spreads) == place


@pytest.mark.parametrize(("p", "more"), [(0.0, True), (0.049, True), (0.05, False), (1.0, False)])
def test_more_than_chance(p: float, more: bool) -> None:
    assert claims.more_than_chance(p) == more


@pytest.mark.parametrize(("correct", "total", "rough"), [(40, 40, True), (37, 40, True), (900, 1000, False)])
def test_few_images_settle_an_accuracy_roughly(correct: int, total: int, rough: bool) -> None:
    assert claims.rough(*noise.wilson(correct, total)) == rough


@pytest.mark.parametrize(
    ("images", "level"), [((20, 20), True), ((27, 37), False), ((5, 5, 5), True), ((5, 5, 4), False)]
)
def test_classes_of_one_size_are_level(images: tuple[int, ...], level: bool) -> None:
    assert claims.level([Count(class_name=str(i), images=n) for i, n in enumerate(images)]) == level


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


def test_a_heading_that_gives_way_meets_no_other() -> None:
    titles = {"x": "Foo", "foo": "Foo!", "z": "X", "no-noise": "骆驼", "y": "No noise", "dropout": "Dropout"}
    variants = {name: make_variant().model_copy(update={"title": title}) for name, title in titles.items()}
    assert claims.headings(variants) == {name: name.replace("-", " ") for name in titles}
