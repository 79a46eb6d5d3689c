"""Claims about variants side by side and about single images."""

import pytest

from generator.experiment.results import VariantResult
from generator.experiment.showcase import showcase
from generator.post.prose import contrasts
from generator.post.prose.quantities import FUNCTIONS as QUANTITIES
from generator.support.statistics import noise
from tests import scaled
from tests.factories import make_measurement, make_outcome, make_predictions, make_results, make_variant


def named(changes: dict[str, dict[str, bool | int | float | str]]) -> dict[str, VariantResult]:
    return {
        name: make_variant().model_copy(update={"name": name, "changes": changed}) for name, changed in changes.items()
    }


def test_the_baseline_is_compared_with_each_and_others_that_differ_in_one_setting() -> None:
    variants = named(
        {
            "baseline": {},
            "a": {"model.augment": True},
            "b": {"model.augment": True, "model.preprocess": False},
            "c": {"seed": 7, "head.epochs": 3},
            "same": {"model.augment": True},
        }
    )
    found = [(old.name, new.name) for old, new in contrasts.pairs(variants)]
    assert found[:4] == [("baseline", "a"), ("baseline", "b"), ("baseline", "c"), ("baseline", "same")]
    assert found[4:] == [("a", "b"), ("b", "same")]
    assert contrasts.isolates(variants["a"], variants["b"]) == "model.preprocess"
    assert contrasts.isolates(variants["baseline"], variants["b"]) is None
    assert contrasts.isolates(variants["a"], variants["same"]) is None


def test_the_write_ups_variants_isolate_preprocessing() -> None:
    pairs = contrasts.pairs(make_results().variants)
    assert [contrasts.isolates(*pair) for pair in pairs] == ["model.augment", None, "model.preprocess"]


@pytest.mark.parametrize(
    ("wrong", "some", "every"),
    [(((1, 2), (2, 3)), [1, 2, 3], [2]), (((), (3,)), [3], []), (((), ()), [], [])],
)
def test_images_that_some_and_that_all_have_wrong(
    wrong: tuple[tuple[int, ...], tuple[int, ...]], some: list[int], every: list[int]
) -> None:
    variants = {str(i): make_variant(wrong=each) for i, each in enumerate(wrong)}
    assert contrasts.some_wrong(variants) == some
    assert [p.index for p in contrasts.all_wrong(variants)] == every


def test_the_closest_call_is_a_right_one() -> None:
    # The confidence grows with the index, from 0.55.
    closest = contrasts.closest_call(make_variant(wrong=(0, 1)))
    assert closest
    assert closest.index == 2
    assert contrasts.closest_call(make_variant(wrong=tuple(range(40)))) is None


def test_close_calls_are_below_three_in_five() -> None:
    variant = make_variant(wrong=(0, 4, 5, 30))
    assert contrasts.CLOSE == 3 / 5
    assert [p.index for p in contrasts.close_calls(variant.wrong)] == [0, 4]
    assert contrasts.surest(variant.wrong).index == 30


def test_shown_first_is_the_showcase() -> None:
    variant = make_variant()
    assert tuple(contrasts.shown_first(variant)) == showcase(variant.predictions)


def test_changed_images_are_those_that_one_gets_right_and_the_other_wrong() -> None:
    found = contrasts.changed_images(make_outcome((0, 1, 2)), make_outcome((2, 30)))
    assert [(old.index, old.wrong, new.wrong) for old, new in found] == [
        (0, True, False),
        (1, True, False),
        (30, False, True),
    ]


def test_chance_is_corrected_for_all_pairs() -> None:
    variants = {
        "baseline": make_variant(wrong=(0, 1, 2, 3, 4, 5)),
        "a": make_variant(wrong=()).model_copy(update={"name": "a", "changes": {"seed": 1}}),
        "b": make_variant(wrong=(0, 1, 2, 3, 4, 5)).model_copy(update={"name": "b", "changes": {"seed": 2}}),
    }
    assert len(contrasts.pairs(variants)) == 3
    # Six to none is 0.031: among three tests by Holm 0.094, and the same for the second; alone it would count.
    assert contrasts.adjusted(variants["a"], variants["baseline"], variants) == pytest.approx(3 * 2 / 2**6)
    assert contrasts.told_apart(variants) == []
    alone = {name: variants[name] for name in ("baseline", "a")}
    assert contrasts.told_apart(alone) == [(alone["baseline"], alone["a"])]


def test_on_the_images_to_measure_with_chance_is_corrected_within_each_list() -> None:
    measured = {
        "baseline": make_measurement(head=tuple(range(6)), fine_tuning=()),
        "a": make_measurement(head=(), fine_tuning=tuple(range(6))),
        "b": make_measurement(head=(1, 2), fine_tuning=tuple(range(12))),
    }
    variants = {
        name: make_variant().model_copy(update={"name": name, "measurement": each, "changes": {"seed": i} if i else {}})
        for i, (name, each) in enumerate(measured.items())
    }
    six, twelve = noise.mcnemar(0, 6), noise.mcnemar(0, 12)
    assert contrasts.adjusted_measured(variants["baseline"], variants["a"], variants) == pytest.approx(2 * six)
    assert contrasts.adjusted_measured(variants["baseline"], variants["b"], variants) == pytest.approx(3 * twelve)
    assert contrasts.told_apart_measured(variants) == [(variants["baseline"], variants["b"])]
    assert contrasts.adjusted_phases(variants["baseline"], variants) == pytest.approx(2 * six)
    assert contrasts.adjusted_phases(variants["a"], variants) == pytest.approx(2 * six)
    assert contrasts.adjusted_phases(variants["b"], variants) == pytest.approx(3 * noise.mcnemar(0, 10))


def test_without_a_measurement_no_pair_can_be_compared_on_it() -> None:
    with pytest.raises(ValueError, match="nothing was measured of baseline"):
        contrasts.told_apart_measured(make_results().variants)


def test_losses_are_corrected_for_all_pairs() -> None:
    variants = make_results().variants
    ps = [contrasts.by_losses(old.predictions, new.predictions) for old, new in contrasts.pairs(variants)]
    found = [contrasts.adjusted_loss(old, new, variants) for old, new in contrasts.pairs(variants)]
    assert found == noise.holm(ps)
    assert contrasts.by_losses(variants["baseline"].predictions, variants["baseline"].predictions) == 1.0


@pytest.mark.parametrize(("total", "shows"), [(6, False), (8, True), (40, True)])
def test_few_images_show_no_difference(total: int, shows: bool) -> None:
    """The clearest of three differences needs seven images."""
    few = make_variant(predictions=make_predictions((), total=total))
    variants = {**make_results().variants, "baseline": few}
    assert contrasts.can_show(few, variants) is shows


def test_what_cannot_be_told_is_not_bounded() -> None:
    assert all(contrasts.bounded(make_variant(), metric) for metric in ("loss", "f1", "roc_auc"))
    assert not contrasts.bounded(make_variant(wrong=()), "f1")  # without an error none can be drawn
    assert not contrasts.bounded(make_variant(predictions=make_predictions((), total=2)), "roc_auc")


def test_head_and_fine_tuned_network_are_compared_once_for_all_variants() -> None:
    variants = dict(make_results().variants)
    plain = [contrasts.by_outcomes(v.after_head.predictions, v.predictions) for v in variants.values()]
    assert [contrasts.adjusted_tuning(v, variants) for v in variants.values()] == noise.holm(plain)
    alone = {"baseline": variants["baseline"]}
    assert contrasts.adjusted_tuning(variants["baseline"], alone) == plain[0]


def of_one_setting(count: int) -> dict[str, VariantResult]:
    rates = {f"rate-{i}": {"head.learning_rate": i / 1000} for i in range(1, count)}
    return {name: v.model_copy(update=dict(make_outcome((i % 40,)))) for i, (name, v) in
            enumerate(named({"baseline": {}, **rates}).items())}  # fmt: skip


def test_variants_of_one_setting_are_compared_with_each_other_while_they_are_few() -> None:
    assert len(contrasts.pairs(of_one_setting(12))) == 11 + 55
    assert contrasts.left_out(of_one_setting(12)) == 0
    assert [old.name for old, _ in contrasts.pairs(of_one_setting(20))] == ["baseline"] * 19
    assert contrasts.left_out(of_one_setting(20)) == 19 * 18 // 2


def test_each_pair_of_images_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, paired = [], noise.paired
    monkeypatch.setattr(noise, "paired", lambda old, new: asked.append(1) or paired(old, new))
    build = scaled.make(variants=20)
    pairs = contrasts.pairs(build.variants)
    for old, new in pairs:
        contrasts.adjusted(old, new, build.variants)
        QUANTITIES["mended"](old, new), QUANTITIES["gain_low"](old, new)
    contrasts.told_apart(build.variants)
    assert len(asked) == len(pairs) == 19
