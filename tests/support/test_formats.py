"""Formats: what each number looks like on the page."""

import pytest

from generator.support.formats import FORMATS


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("accuracy", 0.925, "0.9250"),
        ("accuracy", 1.0, "1.0000"),
        ("loss", 0.3859, "0.3859"),
        ("loss", 1.8288e-04, "1.8288e-04"),
        ("loss", 0.0, "0.0000e+00"),
        ("loss", 12.5, "12.5000"),
        ("rounded", 0.6686, "0.67"),
        ("change", 0.025, "+0.0250"),
        ("change", -0.025, "-0.0250"),
        ("change", -0.00001, "0.0000"),
        ("points", 0.11, "+11.0"),
        ("points", -0.0251, "-2.5"),
        ("points", -0.0004, "0.0"),
        ("percent", 0.925, "92.5%"),
        ("share", 0.375, "37.50%"),
        ("probability", 0.0625, "0.0625"),
        ("probability", 1.9e-06, "1.9e-06"),
        ("probability", 0.0, "0.0000"),
        ("logit", -1.87341, "-1.873"),
        ("integer", 360, "360"),
        ("count", 23_587_712, "23,587,712"),
        ("setting", 0.2, "0.2"),
        ("setting", 32, "32"),
        ("setting", 1e-4, "1e-4"),
        ("setting", 2.5e-5, "2.5e-5"),
        *(("setting", float(f"1e-{n}"), f"1e-{n}") for n in (11, 20, 21, 24, 29)),
        ("setting", 0, "0"),
    ],
)
def test_format(name: str, value: float, text: str) -> None:
    assert FORMATS[name](value) == text


def test_names_are_those_of_the_functions() -> None:
    assert all(name == function.__name__ for name, function in FORMATS.items())
