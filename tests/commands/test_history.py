"""History: what it says of a variant that is the winner of a sweep."""

import json
from pathlib import Path

import pytest

from generator.commands import history
from generator.experiment.files import result_files
from generator.support.places import HISTORY
from tests.post.test_sweeping import make_sweep, with_sweep


def test_the_time_of_all_points_counts_to_their_winner(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / HISTORY / "20260101-000000"
    folder.mkdir(parents=True)
    files = result_files.to_files(with_sweep(make_sweep(0.5, 0.3, 0.4)))
    (folder / "metrics.json").write_text(files["metrics.json"], "utf-8")
    seconds = {"augmentation.evaluation": 1, "augmentation_1.head": 20, "augmentation_3~2.head": 40, "baseline.head": 7}
    provenance = {"commit": None, "stages": {label: {"seconds": each} for label, each in seconds.items()}}
    (folder / "provenance.json").write_text(json.dumps(provenance), "utf-8")
    assert history.run(["--store", str(tmp_path)]) == 0
    rows = {line.split()[2]: line for line in capsys.readouterr().out.splitlines()[1:]}
    assert "61 s" in rows["augmentation"] or "1 min 1 s" in rows["augmentation"]
    assert "best of 3 points" in rows["augmentation"]
    assert "best of" not in rows["baseline"]
