"""The bootstrap: against SciPy's, and where two ways of drawing must agree."""

import tracemalloc

import numpy as np
import pytest
from scipy import stats

from generator.support.statistics import bootstrap


def skewed(size: int, seed: int = 40) -> tuple[float, ...]:
    """Losses as a good model has them: most near zero, a few large."""
    return tuple(np.random.default_rng(seed).exponential(size=size).tolist())


@pytest.mark.parametrize("size", [5, 40, 300])
def test_of_mean_is_scipys_bca(size: int) -> None:
    values = skewed(size)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=9999, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert bootstrap.of_mean(values)[:2] == pytest.approx(tuple(theirs), abs=0.03 * width)


def f1(cells: np.ndarray) -> np.ndarray:
    """Of (draws, 4) right negatives, false positives, false negatives, right positives."""
    return 2 * cells[:, 3] / np.maximum(1, 2 * cells[:, 3] + cells[:, 1] + cells[:, 2])


def test_of_counts_is_scipys_bca_over_images() -> None:
    actual, predicted = np.repeat([0, 0, 1, 1], (17, 3, 4, 16)), np.repeat([0, 1, 0, 1], (17, 3, 4, 16))
    theirs = stats.bootstrap(
        (actual, predicted),
        lambda a, p: 2 * np.sum(a & p) / (a.sum() + p.sum()),
        paired=True,
        vectorized=False,
        n_resamples=1999,
        method="BCa",
        rng=np.random.default_rng(1),
    ).confidence_interval
    found = bootstrap.of_counts((17, 3, 4, 16), f1)
    assert found[:2] == pytest.approx(tuple(theirs), abs=0.05 * (theirs.high - theirs.low))


@pytest.mark.parametrize("shift", [-1.0, -0.4, -0.3, 0.0, 0.3, 0.31, 0.33, 0.5, 2.0])
def test_p_is_below_a_twentieth_where_the_interval_excludes_zero(shift: float) -> None:
    found = bootstrap.of_mean(tuple(x - 1 + shift for x in skewed(40)))
    assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


def test_what_does_not_differ_is_no_difference() -> None:
    assert bootstrap.of_mean((0.0,) * 40) == (0.0, 0.0, 1.0)
    always = bootstrap.of_mean((0.25,) * 40)
    assert (always.low, always.high) == (0.25, 0.25)
    assert always.p < 0.001


@pytest.mark.parametrize("away", [0.5, 5.0, -0.5, -5.0])
def test_p_is_never_less_than_the_draws_can_give(away: float) -> None:
    """As of percentiles: half a draw beyond zero on either side."""
    values, least = tuple(away + x / 40 for x in range(-20, 20)), 1 / (bootstrap.DRAWS + 1)
    assert least <= bootstrap.of_mean(values).p < 1.1 * least
    assert bootstrap.two_way([values]).p == pytest.approx(least)


@pytest.mark.parametrize("images", range(2, 7))
@pytest.mark.parametrize("step", [0.0, 0.01])
def test_p_is_never_less_than_that_of_as_many_signs(images: int, step: float) -> None:
    """However far all of them lie from zero, and however many more images do not differ."""
    values = tuple(0.3 + step * i for i in range(images))
    assert bootstrap.of_mean(values).p == 2.0 ** (1 - images)
    assert bootstrap.of_mean((*values, *(0.0,) * 4)).p >= 2.0 ** (1 - images)
    cells = (images, 20)
    assert bootstrap.of_counts(cells, lambda counts: counts[:, 0] / counts.sum(axis=1), images).p >= 2.0 ** (1 - images)


def test_the_draws_are_the_same_in_every_version_of_numpy() -> None:
    """Numbers of `RandomState`, which the intervals of a published post hang on."""
    assert np.random.RandomState(1987).randint(0, 40, 5).tolist() == [14, 35, 30, 6, 10]
    assert np.random.RandomState(1987).multinomial(5, [0.2] * 5).tolist() == [0, 0, 2, 2, 1]


def test_two_way_over_seeds_that_agree_is_the_bootstrap_over_images() -> None:
    values = np.asarray(skewed(40))
    found = bootstrap.two_way(np.stack([values] * 5))
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=9999, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert found[:2] == pytest.approx(tuple(theirs), abs=0.03 * (theirs.high - theirs.low))


def test_two_way_over_images_that_agree_is_the_bootstrap_over_seeds() -> None:
    values = np.asarray(skewed(6))
    found = bootstrap.two_way(np.stack([values] * 30, axis=1))
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=9999, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert found[:2] == pytest.approx(tuple(theirs), abs=0.03 * (theirs.high - theirs.low))


def test_two_way_adds_the_variance_of_seeds_to_that_of_images() -> None:
    random = np.random.default_rng(5)
    seeds, images = random.normal(size=(8, 1)), random.normal(size=(1, 60))
    found = bootstrap.two_way(seeds + images)
    error = np.sqrt(seeds.var() / 8 + images.var() / 60)
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.05)


def test_two_way_compares_seed_by_seed() -> None:
    """What both models share, hard images and lucky seeds, drops out of the difference."""
    random = np.random.default_rng(5)
    shared = random.normal(size=(5, 40))
    found = bootstrap.two_way(shared + 0.1, shared)
    assert (found.low, found.high) == pytest.approx((0.1, 0.1))
    assert found.p < 0.001


def test_outperforming_counts_seeds() -> None:
    found = bootstrap.outperforming([0.9, 0.8, 0.9, 0.9, 0.7], [0.8, 0.8, 0.8, 0.8, 0.8])
    assert found[0] == pytest.approx(0.7)
    assert found[1] < 0.5 < 0.7 < found[2]
    assert bootstrap.outperforming([2, 3], [1, 1]) == (1.0, 1.0, 1.0)


def test_two_stage_of_one_run_is_the_bootstrap_over_its_images() -> None:
    values = np.random.RandomState(5).normal(0.1, 1, 80)
    found, one = bootstrap.two_stage([values]), bootstrap.of_mean(tuple(values))
    assert found[:2] == pytest.approx(one[:2], abs=0.02)


def test_two_stage_adds_the_variance_of_runs_to_that_of_images() -> None:
    """Of r runs drawn again the variance is (r - 1) / r² times that between them, beside that within them."""
    random = np.random.RandomState(6)
    runs = [shift + random.normal(0, 1, size) for shift, size in ((-1, 40), (0, 60), (1, 50), (2, 50))]
    found = bootstrap.two_stage(runs)
    between = float(np.var([run.mean() for run in runs])) / len(runs)
    within = float(np.mean([run.var() / len(run) for run in runs])) / len(runs)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * (between + within) ** 0.5, rel=0.05)


def test_of_counts_is_the_same_however_many_are_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = bootstrap.of_counts((17, 3, 4, 16), f1)
    monkeypatch.setattr(bootstrap, "_AT_ONCE", 1000)
    assert bootstrap.of_counts((17, 3, 4, 16), f1) == whole


def test_of_counts_of_many_kinds_holds_no_table_of_all_their_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = 1000
    monkeypatch.setattr(bootstrap, "_AT_ONCE", 50_000)
    tracemalloc.start()
    bootstrap.of_counts((2,) * kinds, lambda counts: counts[:, : kinds // 2].sum(axis=1) / counts.sum(axis=1))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < kinds * kinds * 8
