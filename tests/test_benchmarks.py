"""What benchmarks/README.md says about plain Keras and the project is what the committed rounds say."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from benchmarks.compare import as_markdown

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def rounds() -> list[dict[str, Any]]:
    measured: list[dict[str, Any]] = json.loads((BENCHMARKS / "rounds.json").read_text("utf-8"))["rounds"]
    return measured


def test_readme_holds_every_table_of_the_rounds(rounds: list[dict[str, Any]]) -> None:
    readme = (BENCHMARKS / "README.md").read_text("utf-8")
    tables = as_markdown(rounds).strip().split("\n\n")
    assert len(tables) == 6  # whole, added and scores, for both precisions
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
