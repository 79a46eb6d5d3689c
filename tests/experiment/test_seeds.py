"""Seeds of runs: what is accepted, the first run's, and what moves in the others."""

import pytest

from generator.experiment.config.seeds import SOURCES, SeedSettings
from generator.experiment.config.settings import Config
from tests.experiment.test_loading import load, refused


def moved(config: Config, number: int) -> set[str]:
    """The sources of chance in which a run of the baseline differs from the first."""
    runs = {run.name: run.seeds.model_dump() for run in config.runs}
    return {source for source in SOURCES if runs["baseline"][source] != runs[f"baseline~{number}"][source]}


def test_one_run_is_the_default_and_takes_every_seed_from_the_setting() -> None:
    (run,) = load("seed=7").runs
    assert (run.name, run.number, set(run.seeds.model_dump().values())) == ("baseline", 1, {7})


@pytest.mark.parametrize("given", ["seeds=3", "seeds={ count = 3 }", "seeds.count=3"])
def test_a_number_and_a_table_say_the_same(given: str) -> None:
    assert load(given).seeds == SeedSettings(count=3, vary=SOURCES)


def test_the_count_and_what_varies_may_come_from_different_places() -> None:
    for overrides in (["seeds=3", 'seeds.vary=["head"]'], ['seeds.vary=["head"]', "seeds=3"]):
        assert load(*overrides).seeds == SeedSettings(count=3, vary=("head",))
    assert load('seeds.vary=["order", "split"]', options={"seeds": 5}).seeds.vary == ("split", "order")


def test_the_first_run_is_the_one_that_there_is_of_one_seed() -> None:
    one, three = load(variants="all").runs, load("seeds=3", variants="all").runs
    assert three[:3] == one
    assert [run.name for run in three[3:]] == [f"{run.name}~{number}" for number in (2, 3) for run in one]


def test_every_source_moves_by_default_and_each_by_itself() -> None:
    assert moved(load("seeds=3"), 2) == moved(load("seeds=3"), 3) == set(SOURCES)
    assert moved(load('seeds={ count = 2, vary = ["head", "order"] }'), 2) == {"head", "order"}
    # Another source that moves as well leaves it the seed that it has alone.
    alone, both = load('seeds={count=2, vary=["head"]}').runs[1], load("seeds=2").runs[1]
    assert alone.seeds.head == both.seeds.head


def test_the_seeds_of_all_runs_are_different_and_follow_the_setting() -> None:
    further = [seed for run in load("seeds=5").runs[1:] for seed in run.seeds.model_dump().values()]
    assert len(set(further)) == 4 * len(SOURCES)
    assert load("seeds=5", "seed=7").runs[1].seeds != load("seeds=5").runs[1].seeds


def test_runs_of_one_number_are_paired_across_variants() -> None:
    runs = load("seeds=2", variants="all").runs
    assert len({run.seeds for run in runs if run.number == 2}) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("seeds=0", "seeds.count = 0: should be greater than or equal to 1"),
        ("seeds=-2", "seeds.count = -2: should be greater than or equal to 1"),
        ("seeds=101", "seeds.count = 101: should be less than or equal to 100"),
        ("seeds=true", "seeds = true: must be a number of runs, or a table of count and vary"),
        ("seeds=many", "seeds = 'many': must be a number of runs, or a table of count and vary"),
        ("seeds={ count = 2, vary = [] }", "name sources in vary: split, weights, head, order, dropout, augmentation"),
        ('seeds.vary=["heads"]', "seeds.vary.0 = 'heads': should be 'split', 'weights', 'head', 'order', 'dropout' or"),
        ("seeds.counts=2", "unknown setting 'seeds.counts'"),
    ],
)
def test_what_cannot_be_a_number_of_runs_is_refused_in_one_line(given: str, said: str) -> None:
    assert said in refused(given)
