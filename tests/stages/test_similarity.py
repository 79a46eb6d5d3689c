"""What features say of near-duplicates, against sums by hand."""

import numpy as np
import pytest

from generator.stages import similarity
from generator.stages.similarity import similarities

ANGLES = (0, 10, 30, 90, 11)
"""Degrees at which the features of five images lie."""


def at(*degrees: float) -> np.ndarray:
    radians = np.radians(degrees)
    lengths = np.arange(1, len(degrees) + 1)
    return (lengths[:, None] * np.stack([np.cos(radians), np.sin(radians)], axis=1)).astype(np.float32)


def test_cosine_and_rank_are_those_of_the_angles() -> None:
    near, apart = similarities(at(*ANGLES), [(1, 4), (0, 3)], range(5))
    assert near.cosine == pytest.approx(np.cos(np.radians(1)), abs=1e-4)
    assert near.rank == 1
    assert apart.cosine == 0
    assert apart.rank == 4, "of both ways the worse: three images are nearer"


def test_the_rank_is_the_worse_of_both_ways() -> None:
    # Nothing is nearer to the image at 30 degrees than that at 11; to this one two others are.
    (found,) = similarities(at(*ANGLES), [(2, 4)], range(5))
    assert found.rank == 3


def test_copies_are_counted_once_and_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    features = at(0, 20, 1, 1, 1)
    (several,) = similarities(features, [(0, 1)], range(5))
    (once,) = similarities(features, [(0, 1)], range(3))
    assert (several.rank, once.rank) == (4, 2)
    monkeypatch.setattr(similarity, "_BLOCK", 2)
    assert similarities(features, [(0, 1)], range(5)) == [several]


def test_features_that_are_all_zero_are_like_none() -> None:
    (found,) = similarities(np.zeros((3, 4), np.float32), [(0, 1)], range(3))
    assert (found.cosine, found.rank) == (0, 1)


def test_without_pairs_nothing_is_said() -> None:
    assert similarities(at(0, 1), [], range(2)) == []
