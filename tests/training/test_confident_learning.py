"""Every image is judged by a model that never saw it, nor any test image."""

import warnings

import numpy as np
import pytest

from generator.training import confident_learning
from generator.training.confident_learning import out_of_fold

N = 60


def features(labels: np.ndarray, apart: float = 6.0) -> np.ndarray:
    """Eight features a row, float32, of which one for each class lies `apart` from the others."""
    found = np.random.default_rng(5).normal(size=(len(labels), 8))
    found[np.arange(len(labels)), labels] += apart
    return found.astype(np.float32)


def given(classes: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, folds and who is learnt from: the last sixth is not."""
    return np.arange(N) % classes, np.arange(N) // classes % 5, np.arange(N) < N - N // 6


@pytest.mark.parametrize("classes", [2, 3, 8])
def test_features_that_tell_the_classes_give_them_back(classes: int) -> None:
    labels, folds, learnt = given(classes)
    found = out_of_fold(features(labels), labels, folds, learnt)
    assert found.shape == (N, classes)
    assert found.sum(axis=1) == pytest.approx(np.ones(N))
    assert (found.argmax(axis=1) == labels).mean() > 0.8


def test_of_many_classes_of_few_images_nothing_is_warned_of() -> None:
    """A warning is an error here."""
    labels = np.arange(N) % 30
    found = out_of_fold(features(labels % 8), labels, np.arange(N) // 30, np.full(N, True))
    assert found.shape == (N, 30)


def test_neither_an_image_itself_nor_a_test_image_counts_for_what_is_said_of_it() -> None:
    labels, folds, learnt = given()
    before = out_of_fold(features(labels), labels, folds, learnt)
    for changed in (7, N - 1):
        other = labels.copy()
        other[changed] = (labels[changed] + 1) % 3
        after = out_of_fold(features(labels), other, folds, learnt)
        same = folds == folds[changed] if learnt[changed] else np.full(N, True)
        assert np.array_equal(after[same], before[same])
        assert np.array_equal(after, before) == (not learnt[changed])


def test_a_wrong_label_is_called_by_its_right_name() -> None:
    labels, folds, learnt = given()
    wrong = labels.copy()
    wrong[[4, N - 2]] = (labels[[4, N - 2]] + 1) % 3
    found = out_of_fold(features(labels), wrong, folds, learnt)
    assert found[[4, N - 2]].argmax(axis=1).tolist() == labels[[4, N - 2]].tolist()


def test_a_class_that_a_model_would_not_know_is_left_out() -> None:
    labels, folds, learnt = given()
    labels[0] = 3
    found = out_of_fold(features(labels), labels, folds, learnt)
    assert np.isnan(found[0]).all()
    assert not np.isnan(found[1:]).any()
    assert (found[1:, 3] == 0).all()


@pytest.mark.parametrize("lone", [[0] * N, [0] * (N - 1) + [1]])
def test_with_fewer_than_two_classes_to_learn_nothing_is_judged(lone: list[int]) -> None:
    labels = np.array(lone)
    _, folds, learnt = given()
    assert np.isnan(out_of_fold(features(labels), labels, folds, learnt)).all()


def test_a_feature_that_never_changes_tells_nothing() -> None:
    labels, folds, learnt = given()
    dark, bright = (np.hstack([features(labels), np.full((N, 1), value, np.float32)]) for value in (0, 7))
    found = out_of_fold(dark, labels, folds, learnt)
    assert np.isfinite(found).all()
    assert np.array_equal(found, out_of_fold(bright, labels, folds, learnt))


def test_how_far_a_feature_is_beyond_all_that_was_learnt_from_does_not_count() -> None:
    labels, folds, learnt = given()
    trace = np.where((labels == 0) & learnt, 0.001, 0.0)
    last = np.flatnonzero(~learnt)[-1]
    found = []
    for value in (1, 1000):
        trace[last] = value
        found.append(
            out_of_fold(np.hstack([features(labels), trace[:, None].astype(np.float32)]), labels, folds, learnt)
        )
    assert np.array_equal(*found)
    assert found[0][last].max() < 0.99


def test_of_many_images_some_of_each_class_are_learnt_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confident_learning, "MOST_LEARNT", 12)
    labels, folds, learnt = given()
    assert (out_of_fold(features(labels), labels, folds, learnt).argmax(axis=1) == labels).mean() > 0.7
    few = confident_learning._few(labels, np.flatnonzero(learnt))
    assert len(few) <= 12 + 3
    assert np.bincount(labels[few]).min() >= 4


def test_a_fit_that_is_cut_off_warns_nobody_and_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confident_learning, "ITERATIONS", 1)
    labels, folds, learnt = given()
    told: list[float] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out_of_fold(features(labels), labels, folds, learnt, told.append)
    assert told == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


def test_sums_in_another_order_end_in_the_same_digits() -> None:
    """As on another processor: there a model once stopped an iteration earlier."""
    labels, folds, learnt = given(2)
    drawn = np.random.default_rng(3).normal(size=(N, 700)).astype(np.float32)
    order = np.random.default_rng(4).permutation(700)
    found = [out_of_fold(np.ascontiguousarray(each), labels, folds, learnt) for each in (drawn, drawn[:, order])]
    assert found[0] == pytest.approx(found[1], abs=1e-9)
