"""Labels flipped on purpose, and what is told of those that were found."""

import pytest

from benchmarks import labels, storage
from generator.experiment.config.loading import load
from generator.support.places import ROOT


def test_one_label_in_twenty_is_flipped_to_another() -> None:
    given = [position % 3 for position in range(200)]
    changed = labels.flips(given, 3, seed=4)
    assert len(changed) == 10
    assert all(given[position] != label and label in (0, 1, 2) for position, label in changed.items())
    assert changed != labels.flips(given, 3, seed=5)
    assert len(labels.flips([0, 1], 2, seed=0)) == 1


def test_what_flips_gave_is_told_over_all_seeds() -> None:
    flips = [{"seed": n, "flipped": 20, "marked": 10 + n, "found": 9} for n in range(2)]
    row = {"name": "pets", "image_size": 64, "classes": 3, "images": 400, "correct": 300, "marked": 6, "flips": flips}
    told = labels.as_markdown({"sets": [row, row | {"flips": [flips[0] | {"marked": 0, "found": 0}]}]}).splitlines()
    assert told[2] == "| pets, 64 px | 3 | 400 | 75% | 6 (1.5%) | 20 | 10.5 | 86% | 45% |"
    assert told[3].endswith("| 20 | 0.0 | none marked | 0% |")


@pytest.mark.parametrize("seed", labels.SAMPLES)
def test_labels_are_measured_on_no_sample_that_decided_anything(seed: int) -> None:
    assert seed not in (0, load(ROOT / "experiment.toml").data.sample_seed, *storage.SEEDS)
