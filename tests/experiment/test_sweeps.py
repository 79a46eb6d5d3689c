"""Sweeps in the settings: which points there are, and what is refused in one line."""

from itertools import product
from typing import Any

import pytest

from generator.experiment.config import loading, settings
from generator.experiment.outcomes import Score
from generator.experiment.sweep_results import Lead, Point, SweepResult
from generator.support.errors import BadInput
from tests.factories import ROOT

FILE = ROOT / "experiment.toml"
RATES = "sweeps.rates.head.learning_rate=[1e-5, 1e-4, 1e-3]"
RANGE = 'sweeps.rates.fine_tuning.learning_rate={ from = 1e-6, to = 1e-4, steps = 5, scale = "log" }'


def load(*overrides: str, variants: str = "all") -> settings.Config:
    return loading.load(FILE, overrides=overrides, variants=variants)


def sweep(*overrides: str, variants: str = "rates") -> settings.Sweep:
    (found,) = load(*overrides, variants=variants).sweeps
    return found


def refused(*overrides: str, variants: str = "all") -> str:
    with pytest.raises(BadInput) as caught:
        load(*overrides, variants=variants)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix("on the command line: ")


def test_the_points_are_the_product_the_last_setting_the_fastest() -> None:
    found = sweep(RATES, RANGE)
    tried = found.settings
    assert tried["head.learning_rate"] == (1e-5, 1e-4, 1e-3)
    assert tried["fine_tuning.learning_rate"] == (1e-6, 3.162e-6, 1e-5, 3.162e-5, 1e-4)
    assert [tuple(point.changes.values()) for point in found.points] == list(product(*tried.values()))
    assert [point.recipe.head.learning_rate for point in found.points][::5] == [1e-5, 1e-4, 1e-3]
    assert [point.name for point in found.points][:2] == ["rates_1", "rates_2"]


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ("{ from = 1, to = 9, steps = 3 }", (1, 5, 9)),
        ("[3, 7]", (3, 7)),
    ],
)
def test_a_range_between_whole_numbers_is_of_whole_numbers(given: str, values: tuple[int, ...]) -> None:
    found = sweep(f"sweeps.rates.head.epochs={given}").settings["head.epochs"]
    assert found == values
    assert all(isinstance(value, int) for value in found)


def test_a_linear_range_has_no_crumbs() -> None:
    assert sweep("sweeps.rates.model.dropout={ from = 0.1, to = 0.7, steps = 7 }").settings["model.dropout"] == (
        0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7,
    )  # fmt: skip


def test_points_are_differences_from_the_variant_that_is_named() -> None:
    found = sweep(RATES, 'sweeps.rates.of="augmentation"', 'sweeps.rates.title="Learning rates"')
    assert found.title == "Learning rates"
    assert found.points[0].changes == {"model.augment": True, "head.learning_rate": 1e-5}
    assert all(point.recipe.model.augment for point in found.points)


def test_drawn_points_are_some_of_all_and_the_seed_says_which() -> None:
    every = [point.changes for point in sweep(RATES, RANGE).points]
    drawn = {
        seed: [p.changes for p in sweep(RATES, RANGE, "sweeps.rates.draw=6", f"sweeps.rates.draw_seed={seed}").points]
        for seed in range(20)
    }
    for points in drawn.values():
        assert len(points) == 6
        assert [each for each in every if each in points] == points
    assert len({str(points) for points in drawn.values()}) == 20
    # Each of the 15 is drawn in some of the 20 draws of 6: none is left out by construction.
    assert all(any(each in points for points in drawn.values()) for each in every)


def test_a_few_points_may_be_drawn_of_very_many() -> None:
    many = "{ from = 0.0001, to = 0.9, steps = 1000 }"
    given = (f"sweeps.rates.{path}={many}" for path in ("head.learning_rate", "fine_tuning.learning_rate"))
    assert len(sweep(*given, "sweeps.rates.draw=5").points) == 5


def test_variants_are_selected_with_sweeps_and_sweeps_with_variants() -> None:
    assert load(RATES, variants="baseline").sweeps == ()
    found = load(RATES, variants="all")
    assert [variant.name for variant in found.variants] == ["baseline", "augmentation", "augmentation-no-preprocessing"]
    assert [each.name for each in found.sweeps] == ["rates"]
    assert "did you mean 'rates'?" in refused(RATES, variants="rate")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("head.learning_rate=[]", "sweeps.rates.head.learning_rate = []: expected one value at least"),
        ("head.learning_rate=1e-4", "sweeps.rates.head.learning_rate = 0.0001: expected a list of values"),
        ("head.learning_rate=[1e-4, 3]", "sweeps.rates.head.learning_rate = 3: should be less than 1"),
        ("head.learning_rate=[1e-4, 1e-4]", "sweeps.rates.head.learning_rate: 0.0001 stands there twice"),
        ("head.learning_rate=[1e-4, [1]]", "sweeps.rates.head.learning_rate: [1] is no value of a setting"),
        ("head.learning_rate=[1e-4]", "sweeps.rates: has a single point, so there is nothing to choose"),
        ("head.learnin_rate=[1, 2]", "unknown setting 'sweeps.rates.head.learnin_rate'; did you mean 'learning_rate'?"),
        ("heads.epochs=[1, 2]", "unknown setting 'sweeps.rates.heads'; did you mean 'head'?"),
        ("title='x'", "sweeps.rates: has no setting to try"),
        ("seed=[1, 2]", "sweeps.rates: seed cannot be swept: a seed is nothing to be chosen"),
        ("split.validation_fraction=[0.1, 0.2]", "sweeps.rates: split cannot be swept: points are compared"),
        ("head.epochs={ from = 1, to = 4, steps = 3 }", "sweeps.rates.head.epochs = 2.5: should be a valid integer"),
        ("head.epochs={ from = 4, to = 1, steps = 3 }", "sweeps.rates.head.epochs: from = 4 is not below to = 1"),
        ("head.epochs={ from = 1, to = 4 }", "sweeps.rates.head.epochs: steps: Field required; expected a range"),
        ("head.epochs={ from = 1, to = 4, steps = 1 }", "sweeps.rates.head.epochs: steps: "),
        ("model.dropout={ from = 0, to = 0.5, steps = 3, scale = 'log' }", "sweeps.rates.model.dropout: from = 0: "),
        ("model.dropout={ from = 0.5, to = 0.50001, steps = 9, scale = 'log' }", "sweeps.rates.model.dropout: 9 steps"),
        ("head.epochs={ from = 1, to = 1001, steps = 1001 }", "sweeps.rates.head.epochs: steps: "),
        ("fine_tuning.from_layer=['auto', 100]", "sweeps.rates: Rates, point 1 and Rates, point 2 have the same"),
        ("model.backbone=['ResNet50', 'ResNet']", "sweeps.rates.model.backbone = 'ResNet': there is no such network"),
    ],
)  # fmt: skip
def test_what_cannot_be_swept_is_refused_in_one_line(setting: str, message: str) -> None:
    assert refused(f"sweeps.rates.{setting}").startswith(message)


def test_too_many_points_and_draws_are_refused() -> None:
    many = "sweeps.rates.head.epochs={ from = 1, to = 1000, steps = 1000 }"
    assert "has 3,000 combinations, and 1,000 is the most; draw some of them" in refused(many, RATES)
    assert len(sweep(many).points) == 1000
    assert "draw = 4: there are 3 combinations" in refused(RATES, "sweeps.rates.draw=4")
    assert "sweeps.rates.draw = 1: should be greater than or equal to 2" in refused(RATES, "sweeps.rates.draw=1")
    three = (f"sweeps.rates.{each}={{ from = 0.0001, to = 0.9, steps = 1000 }}" for each in (
        "head.learning_rate", "fine_tuning.learning_rate", "model.dropout", "model.rotation"))  # fmt: skip
    assert "1,000,000,000 is the most; leave values out" in refused(*three, "sweeps.rates.draw=5")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("baseline", "sweep name 'baseline' is taken"),
        ("augmentation", "sweep name 'augmentation' is taken: it is a variant's"),
        ("Rates_1", "sweep name 'Rates_1' must be lower-case words"),
    ],
)
def test_names_of_sweeps_are_those_of_variants_to_be(name: str, message: str) -> None:
    assert message in refused(f"sweeps.{name}.head.epochs=[1, 2]")


def test_the_variant_to_start_from_must_be_one() -> None:
    assert "sweeps.rates.of = 'augment': there is no such variant; did you mean" in refused(
        RATES, 'sweeps.rates.of="augment"'
    )


# ---- Results ---------------------------------------------------------------------------------------------


def result(*losses: float | None, **changes: Any) -> SweepResult:
    points = tuple(
        Point(
            number=number,
            settings={"head.epochs": number},
            scores=() if loss is None else (Score(loss=loss, correct=3, total=4),),
        )
        for number, loss in enumerate(losses, start=1)
    )
    fields: dict[str, Any] = {"title": "Epochs", "of": "baseline", "settings": ("head.epochs",), "draw_seed": None}
    fields |= {"combinations": len(losses), "points": points, "lead": Lead(low=0, high=1, p=0.3, others=4)}
    return SweepResult(**fields | changes)


def test_the_lowest_loss_wins_and_of_equals_the_first() -> None:
    assert result(0.5, 0.3, 0.4).winner.number == 2
    assert result(0.5, 0.3, 0.3).winner.number == 2
    assert [point.number for point in result(0.5, None, 0.3).finished] == [3, 1]
    assert [point.number for point in result(0.5, None, 0.3).diverged] == [2]


def test_the_expected_lowest_is_of_the_points_that_did_not_diverge() -> None:
    assert result(0.5, None, 0.3).expected == pytest.approx((0.4, 0.3))


def test_a_lead_is_corrected_for_the_points_it_is_over() -> None:
    lead = result(0.5, 0.3).lead
    assert lead is not None
    assert lead.corrected == 1.0
    assert Lead(low=0, high=1, p=0.01, others=4).corrected == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"points": tuple(reversed(result(0.5, 0.3).points))}, "are not counted from 1"),
        ({"settings": ("head.epochs", "model.dropout")}, "not every point has the settings"),
        ({"points": result(0.5, None).points[1:] * 2}, "are not counted from 1"),
    ],
)
def test_points_that_are_not_those_of_the_sweep_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        result(0.5, 0.3, **changes)
    with pytest.raises(ValueError, match="every point of the sweep diverged"):
        result(None, None)
