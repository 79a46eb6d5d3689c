"""Bound numbers: each carries its path, prints only through a format, and can be looked up again."""

import pytest
from markupsafe import Markup

from generator.experiment.outcomes import PhaseOutcome
from generator.post import bound
from generator.post.bound import Unbound
from generator.support.errors import BadInput
from generator.support.formats import FORMATS
from tests.factories import make_data, make_results

RESULTS = make_results()
VIEW = bound.view(RESULTS)
FILTERS = bound.filters()
CALLS = bound.functions()


@pytest.mark.parametrize(
    "source",
    [
        "data.train_total",
        "variants.baseline.test.accuracy",
        "variants.augmentation-no-preprocessing.fine_tuning.3.val_loss",
        "variants.baseline.shapes.features.1",
        "original.variants.baseline.head.loss",
        "count(variants.baseline.wrong)",
        "last_batch(data)",
        "wilson_low(variants.baseline.test)",
        "mcnemar(variants.baseline,variants.augmentation)",
        "gain_low(variants.baseline.predictions,variants.augmentation.predictions)",
        "fisher(original.tests.baseline,variants.baseline.test)",
        "one_sided(variants.baseline.confusion)",
        "networks.MobileNetV2.paper.year",
        "count(networks.MobileNetV2.layers)",
        "variants.baseline.confusion.recalls.0",
        "variants.baseline.last_epochs.head.val_loss.mean",
        "variants.augmentation.test.accuracy - variants.baseline.test.accuracy",
        "variants.baseline.confusion.false_positive / variants.baseline.confusion.total",
    ],
)
def test_a_source_is_resolved(source: str) -> None:
    assert isinstance(bound.value_of(RESULTS, source), int | float)


def test_values() -> None:
    assert bound.value_of(RESULTS, "variants.baseline.test.accuracy") == 0.875
    assert bound.value_of(RESULTS, "count(variants.baseline.wrong)") == 5
    assert bound.value_of(RESULTS, "last_batch(data)") == 8
    assert bound.value_of(RESULTS, "mended(variants.baseline,variants.augmentation)") == 5
    cells = [f"{name}(variants.baseline,variants.augmentation)" for name in ("both_right", "broken", "both_wrong")]
    assert [bound.value_of(RESULTS, cell) for cell in cells] == [33, 2, 0]
    assert bound.value_of(RESULTS, "fisher(original.tests.baseline,original.tests.baseline)") == 1
    assert bound.value_of(RESULTS, "one_sided(variants.baseline.confusion)") == pytest.approx(0.0471, abs=5e-5)
    assert bound.value_of(RESULTS, "mcnemar(variants.baseline,variants.augmentation)") == 0.453125
    assert bound.value_of(RESULTS, "data.train_total - data.test_total / data.batches") == pytest.approx(320 / 12)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "variants.nobody.test.loss",
        "variants.baseline.test",
        "variants.baseline.name",
        "data.train.9.images",
        "data.__class__",
        "system(data)",
        "count(data",
        "data.batches -",
        "data.batches * data.batches",
        "variants.baseline.recipe.model.augment",
    ],
)
def test_a_source_that_names_no_number_is_refused(source: str) -> None:
    with pytest.raises(BadInput, match="build the site again"):
        bound.value_of(RESULTS, source)


def test_numbers_carry_their_path() -> None:
    assert VIEW.variants.baseline.test.accuracy.source == "variants.baseline.test.accuracy"
    assert VIEW.variants["baseline"].head[-1].loss.source == "variants.baseline.head.29.loss"
    assert [count.images.source for count in VIEW.data.test] == ["data.test.0.images", "data.test.1.images"]


def test_keys_with_dots_and_blanks_can_be_looked_up() -> None:
    results = make_results(data=make_data(ignored={"a.b (c), d": 3}))
    [number] = bound.view(results).data.ignored.values()
    assert bound.value_of(results, number.source) == 3


def test_arithmetic_is_bound_between_bound_numbers_only() -> None:
    test = VIEW.variants.baseline.test
    assert (test.accuracy - test.loss).source == "variants.baseline.test.accuracy - variants.baseline.test.loss"
    assert bound.value_of(RESULTS, (test.correct / test.total).source) == 0.875
    for value in (1 - test.accuracy, test.accuracy * 2, round(test.accuracy, 2), test.accuracy - 1):
        assert not isinstance(value, bound.Bound)
        with pytest.raises(Unbound):
            FILTERS["accuracy"](value)


@pytest.mark.parametrize("show", [str, "{}".format, "{:.2f}".format, Markup("").join, Markup.escape])
def test_a_number_has_no_text_without_a_format(show: object) -> None:
    number = VIEW.variants.baseline.test.accuracy
    with pytest.raises(Unbound, match=r"variants\.baseline\.test\.accuracy"):
        show([number] if getattr(show, "__name__", "") == "join" else number)  # type: ignore[operator]


def test_text_escapes_itself_wherever_it_is_joined() -> None:
    name = bound.view("a|b")
    assert Markup("<b>{}</b>").format(name) == "<b>a&#124;b</b>"
    assert Markup("") + name == "a&#124;b"


def test_extract_gives_places_and_takes_the_marks_off() -> None:
    test = VIEW.variants.baseline.test
    marked = f"é {FILTERS['accuracy'](test.accuracy)} and {FILTERS['loss'](test.loss)}\n"
    marked += (
        f"```\n{bound.quotation_mark('generator.training.network:connect')}code {FILTERS['integer'](test.total)}\n```"
    )
    text, numbers, quoted = bound.extract(marked)
    assert text == "é 0.8750 and 0.3807\n```\ncode 40\n```"
    assert [(n.line, n.column, n.text) for n in numbers] == [(1, 3, "0.8750"), (1, 14, "0.3807"), (3, 6, "40")]
    assert (numbers[0].format, numbers[0].source) == ("accuracy", "variants.baseline.test.accuracy")
    assert [(q.line, q.symbol) for q in quoted] == [(3, "generator.training.network:connect")]


def test_every_format_is_a_filter() -> None:
    assert set(FILTERS) == set(FORMATS)


def test_a_function_of_plain_values_is_plain() -> None:
    assert not isinstance(CALLS["count"]([1, 2]), bound.Bound)


def test_what_a_source_leads_through_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    build, asked = make_results(), []
    looked = type(build.baseline).wrong.fget
    monkeypatch.setattr(PhaseOutcome, "wrong", property(lambda self: asked.append(1) or looked(self)))
    for position in range(5):
        bound.value_of(build, f"variants.baseline.wrong.{position}.index")
    assert len(asked) == 1


def test_a_source_that_leads_nowhere_is_refused_however_long_it_is() -> None:
    with pytest.raises(BadInput):
        bound.value_of(make_results(), "variants" + ".baseline" * 100_000)
