"""Noise: intervals and paired tests against published or independently computed values."""

import pytest

from generator.support import noise
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


def test_discordant_counts_each_way() -> None:
    assert noise.discordant(make_predictions((0, 1, 2)), make_predictions((2, 3))) == (2, 1)


def test_discordant_refuses_other_images() -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        noise.discordant(make_predictions((0,)), make_predictions((0,), ("bear", "kangaroo")))
