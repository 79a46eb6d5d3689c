"""History: what it says of a variant that is the winner of a sweep, and of one with weights of its own."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from generator.backbones.weights_summary import WeightsSummary
from generator.commands import history
from generator.experiment.files import result_files
from generator.experiment.results import BuildResults
from generator.support.places import HISTORY
from tests.factories import make_results, make_variant
from tests.post.test_sweeping import make_sweep, with_sweep

Rows = dict[str, str]


def rows_of(store: Path, found: BuildResults, seconds: Mapping[str, float], shown: pytest.CaptureFixture[str]) -> Rows:
    """Variant → its line in the list of a store that has one record."""
    folder = store / HISTORY / "20260101-000000"
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(result_files.to_files(found)["metrics.json"], "utf-8")
    provenance = {"commit": None, "stages": {label: {"seconds": each} for label, each in seconds.items()}}
    (folder / "provenance.json").write_text(json.dumps(provenance), "utf-8")
    assert history.run(["--store", str(store)]) == 0
    return {line.split()[2]: line for line in shown.readouterr().out.splitlines()[1:]}


def test_the_time_of_all_points_counts_to_their_winner(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seconds = {"augmentation.evaluation": 1, "augmentation_1.head": 20, "augmentation_3~2.head": 40, "baseline.head": 7}
    rows = rows_of(tmp_path, with_sweep(make_sweep(0.5, 0.3, 0.4)), seconds, capsys)
    assert "61 s" in rows["augmentation"] or "1 min 1 s" in rows["augmentation"]
    assert "best of 3 points" in rows["augmentation"]
    assert "best of" not in rows["baseline"]


def test_a_variant_is_listed_with_the_weights_that_it_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = WeightsSummary(requested="random", used="random", name="", fingerprint="f" * 64, reason="")
    used = make_results().weights.used
    found = make_results(
        variants={"baseline": make_variant(), "augmentation": make_variant("augmentation", weights=own)}
    )
    rows = rows_of(tmp_path, found, {}, capsys)
    assert used != "random"
    assert f"  {used}, seed " in rows["baseline"]
    assert "  random, seed " in rows["augmentation"]
