"""What benchmarks/README.md says about plain Keras and the project is what the committed rounds say."""

import json
from copy import deepcopy
from typing import Any

import pytest

from benchmarks import costs
from benchmarks.compare import as_markdown
from generator.support.places import ROOT

BENCHMARKS = ROOT / "benchmarks"


def rounds_of(name: str) -> list[dict[str, Any]]:
    measured: list[dict[str, Any]] = json.loads((BENCHMARKS / name).read_text("utf-8"))["rounds"]
    return measured


@pytest.fixture
def rounds() -> list[dict[str, Any]]:
    return rounds_of("rounds-all.json")


# Whole and scores for both precisions; with more than the baseline, what each variant added too.
@pytest.mark.parametrize(("name", "count"), [("rounds-baseline.json", 4), ("rounds-all.json", 6)])
def test_readme_holds_every_table_of_the_rounds(name: str, count: int) -> None:
    readme = (BENCHMARKS / "README.md").read_text("utf-8")
    tables = as_markdown(rounds_of(name)).strip().split("\n\n")
    assert len(tables) == count
    for table in tables:
        assert table in readme


def test_a_ratio_is_the_median_of_the_rounds_own(rounds: list[dict[str, Any]]) -> None:
    same, slow, slowing = (deepcopy(rounds[0]) for _ in range(3))
    for found, plain, project in ((same, 300, 100), (slow, 900, 300), (slowing, 300, 150)):
        found["plain_runs"]["baseline"]["seconds"] = plain
        found["project"]["float32"]["baseline"]["seconds"] = project
    # The quotient of the medians would be 2.00.
    assert "| baseline, whole | 300.0 | 150.0 | 3.00× (2.00–3.00) |" in as_markdown([same, slow, slowing])


def test_a_single_round_has_no_spread(rounds: list[dict[str, Any]]) -> None:
    assert "–" not in as_markdown(rounds[:1]).split("\n\n")[0]


def test_readme_holds_the_ratios_that_the_estimate_uses() -> None:
    measured = json.loads((ROOT / "generator" / "build" / "costs.json").read_text("utf-8"))
    readme = (BENCHMARKS / "README.md").read_text("utf-8")
    for table in costs.as_markdown(measured).strip().split("\n\n"):
        assert table in readme
