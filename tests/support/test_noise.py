"""Noise: intervals and paired tests against published or independently computed values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from generator.support.statistics import noise
from generator.support.statistics.noise import Pairs
from tests.factories import make_predictions


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [
        (35, 40, 0.7389, 0.9454),
        (81, 263, 0.2553, 0.3662),  # Newcombe, Statistics in Medicine 17 (1998), table I
        (15, 148, 0.0624, 0.1605),  # the same
        (0, 20, 0.0, 0.1611),
        (29, 29, 0.8830, 1.0),
    ],
)
def test_wilson(correct: int, total: int, low: float, high: float) -> None:
    assert noise.wilson(correct, total) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("mended", "broken", "p"),
    [(0, 0, 1.0), (5, 0, 0.0625), (0, 5, 0.0625), (6, 0, 0.03125), (5, 2, 0.453125), (3, 3, 1.0), (1, 0, 1.0)],
)
def test_mcnemar(mended: int, broken: int, p: float) -> None:
    assert noise.mcnemar(mended, broken) == p


def test_mcnemar_does_not_overflow() -> None:
    assert 0 <= noise.mcnemar(3000, 1000) < 1e-200


def test_paired_counts_each_way() -> None:
    assert noise.paired(make_predictions((0, 1, 2)), make_predictions((2, 3))) == Pairs(36, 2, 1, 1)


def test_paired_refuses_other_images() -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        noise.paired(make_predictions((0,)), make_predictions((0,), ("bear", "kangaroo")))


@pytest.mark.parametrize(
    ("pairs", "low", "high"),
    [
        # Both as in Fagerland, Lydersen & Laake, Statistics in Medicine 33 (2014), whose tables have the difference
        # the other way round, and in their R package `contingencytables`.
        (Pairs(1, 7, 1, 12), 0.0256, 0.5069),
        (Pairs(59, 16, 6, 80), 0.0046, 0.1186),
        # Altman and others, Statistics with Confidence (2000), page 52.
        (Pairs(14, 5, 0, 22), 0.0115, 0.2265),
        # Always wrong, both: no correlation can be seen.
        (Pairs(0, 0, 0, 40), -0.0876, 0.0876),
    ],
)
def test_newcombe(pairs: Pairs, low: float, high: float) -> None:
    assert noise.newcombe(pairs) == pytest.approx((low, high), abs=5e-5)
    turned = pairs._replace(mended=pairs.broken, broken=pairs.mended)
    assert noise.newcombe(turned) == pytest.approx((-high, -low), abs=5e-5)


@given(st.tuples(*[st.integers(0, 60)] * 4).filter(any))
def test_newcombe_holds_the_difference_and_stays_within_bounds(cells: tuple[int, int, int, int]) -> None:
    pairs = Pairs(*cells)
    low, high = noise.newcombe(pairs)
    assert -1 <= low <= (pairs.mended - pairs.broken) / sum(pairs) <= high <= 1


@pytest.mark.parametrize("shares", [(0.7, 0.1, 0.1, 0.1), (0.8, 0.15, 0.02, 0.03), (0.3, 0.4, 0.1, 0.2)])
def test_newcombe_covers_as_often_as_it_says(shares: tuple[float, ...]) -> None:
    """In Newcombe's evaluation the mean coverage is 0.95 or more; a point may lie a little below."""
    tables = np.random.default_rng(1998).multinomial(40, shares, size=2000).tolist()
    truth = shares[1] - shares[2]
    intervals = [noise.newcombe(Pairs(*table)) for table in tables]
    assert 0.94 <= np.mean([low <= truth <= high for low, high in intervals]) <= 0.985


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 30), st.integers(1, 30))
def test_fisher_is_scipys(correct: int, other: int, wrong: int, other_wrong: int) -> None:
    table = [[correct, wrong], [other, other_wrong]]
    p = noise.fisher(correct, correct + wrong, other, other + other_wrong)
    assert p == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-9)


def test_fisher_of_the_ladys_tea() -> None:
    """Fisher, The Design of Experiments (1935): three of four cups named rightly."""
    assert noise.fisher(3, 4, 1, 4) == pytest.approx(34 / 70)
    assert noise.fisher(4, 4, 0, 4) == pytest.approx(2 / 70)


@given(st.integers(0, 60), st.integers(0, 60))
def test_sign_is_scipys_binomial_test(lower: int, higher: int) -> None:
    expected = stats.binomtest(lower, lower + higher).pvalue if lower + higher else 1.0
    assert noise.sign(lower, higher) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [  # Newcombe, Statistics in Medicine 17 (1998), pages 873 to 890, table II, method 10
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_unpaired(counts: tuple[int, int, int, int], low: float, high: float) -> None:
    assert noise.unpaired(*counts) == pytest.approx((low, high), abs=5e-5)
    assert noise.unpaired(*counts[2:], *counts[:2]) == pytest.approx((-high, -low), abs=5e-5)


@pytest.mark.parametrize(("comparisons", "fewest"), [(1, 6), (2, 7), (3, 7), (10, 9)])
def test_fewest_one_sided_under_holms_first_step(comparisons: int, fewest: int) -> None:
    assert noise.fewest_one_sided(comparisons) == fewest
    clearest = [noise.mcnemar(fewest, 0)] + [1.0] * (comparisons - 1)
    assert min(noise.holm(clearest)) < noise.SIGNIFICANT
    assert min(noise.holm([noise.mcnemar(fewest - 1, 0), *clearest[1:]])) >= noise.SIGNIFICANT


@pytest.mark.parametrize("total", [10, 40, 1000, 10_000])
def test_a_detectable_difference_is_found_in_four_of_five_test_sets(total: int) -> None:
    assert stats.binom.sf(5, total, noise.detectable(total)) == pytest.approx(0.8, abs=1e-9)
    assert stats.binom.sf(6, total, noise.detectable(total, 3)) == pytest.approx(0.8, abs=1e-9)


def test_nothing_is_detectable_on_too_few_images() -> None:
    assert noise.detectable(5) == float("inf")
    assert noise.detectable(6) < 1


def test_exact_tests_of_thousands_of_images_are_scipys() -> None:
    assert noise.sign(900, 1000) == pytest.approx(stats.binomtest(900, 1900).pvalue, rel=1e-9)
    table = [[3600, 400], [3560, 440]]
    assert noise.fisher(3600, 4000, 3560, 4000) == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-6)


def test_exact_tests_work_out_no_binomial_coefficient_for_each_image(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, comb = [], math.comb
    monkeypatch.setattr(noise.math, "comb", lambda *of: asked.append(of) or comb(*of))
    noise.sign(1800, 2000)
    noise.fisher(3600, 4000, 3560, 4000)
    assert len(asked) == 5
