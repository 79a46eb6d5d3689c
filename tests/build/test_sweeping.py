"""Sweeps in a build: points are trained and validated, the best is evaluated, and nothing of the others is tested."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from generator import pipeline
from generator.build import sweeping
from generator.build.plan import Node, plan
from generator.build.runner import Runner
from generator.build.start import start
from generator.build.storage.shared import ELSEWHERE, SharedStore
from generator.build.storage.store import Store
from generator.experiment.results import BuildResults
from generator.publishing.verify import verify
from generator.support.errors import BadInput, BuildFailed, Diverged
from tests import fakes
from tests.fakes import Project, make_project

SWEPT = (
    "sweeps.rates.head.learning_rate=[1e-5, 1e-4, 1e-3]",
    "sweeps.rates.fine_tuning.learning_rate=[1e-6, 1e-5]",
)
TESTING = {"head_evaluation", "evaluation", "activation_maps", "map_figures", "figures", "measurement", "comparison"}
"""Stages that see test images, or what comes of them."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    fakes.install(monkeypatch.setattr)
    found = make_project(tmp_path, train=12)
    found.variants = "rates"
    return found


def losses(found: BuildResults) -> list[float]:
    return [point.loss for point in found.sweeps["rates"].points]


def test_the_point_with_the_lowest_validation_loss_becomes_a_variant(project: Project) -> None:
    found = project.build(*SWEPT).results
    sweep = found.sweeps["rates"]
    assert list(found.variants) == ["baseline", "rates"]
    assert len(sweep.points) == 6
    assert sweep.winner.loss == min(losses(found))
    assert found.variants["rates"].changes == sweep.winner.settings
    assert found.variants["rates"].validation == sweep.winner.scores[0]
    assert verify(project.places.site) == ()


def test_no_point_but_the_winner_is_tested(project: Project) -> None:
    outcome = project.build(*SWEPT)
    owners = {label.partition(".")[0] for label in outcome.ran if label.partition(".")[2] in TESTING}
    # Where the winner has the settings of the baseline, the baseline's test is its own.
    assert {"baseline", "all"} <= owners <= {"baseline", "rates", "all"}
    data = project.places.site / "assets" / "data" / "CV_HW_2"
    metrics = json.loads((data / "metrics.json").read_text("utf-8"))
    assert set(metrics["variants"]) == {"baseline", "rates"}
    assert {key for point in metrics["sweeps"]["rates"]["points"] for key in point} == {"number", "settings", "scores"}
    for file in project.places.site.rglob("*"):
        assert "rates_" not in file.name
        if file.suffix in (".csv", ".md", ".json") and file.name != "provenance.json":
            assert "rates_" not in file.read_text("utf-8"), file


def test_a_point_whose_runs_would_be_one_is_refused_before_anything_runs(project: Project) -> None:
    seeds = 'seeds={ count = 2, vary = ["augmentation"] }'
    with pytest.raises(BadInput, match=r"seeds\.vary = \['augmentation'\]: rates_2 draws nothing from it"):
        project.plan(seeds, "model.augment=true", "sweeps.rates.model.augment=[true, false]")


ROTATIONS = "sweeps.rates.model.rotation=[0.1, 0.3]"


@pytest.mark.parametrize("beside", [(), SWEPT[:1]])
def test_a_setting_that_does_nothing_in_any_point_is_refused(project: Project, beside: tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match=r"sweeps\.rates\.model\.rotation: no value of it changes any point, so"):
        project.plan(ROTATIONS, *beside)
    # In the points that augment it does something.
    assert len(project.plan(ROTATIONS, "sweeps.rates.model.augment=[false, true]", *beside).trials) in (4, 12)


def test_the_winner_shares_its_training_with_its_point(project: Project) -> None:
    trained = [label for label in project.build(*SWEPT).ran if label.endswith(".fine_tuning")]
    # One of them has the settings of the baseline.
    assert len(trained) == 6
    assert "rates.fine_tuning" not in trained


def test_a_second_build_runs_nothing_and_says_so_before(project: Project) -> None:
    rows = project.explain(*SWEPT)
    assert rows["rates"].runs
    assert rows["rates"].causes == (pipeline.sweeping.OPEN,)
    assert rows["rates_6.fine_tuning"].causes == ("never ran",)
    first = project.build(*SWEPT)
    assert [row for row in project.explain(*SWEPT).values() if row.runs] == []
    again = project.build(*SWEPT)
    assert again.ran == ()
    assert again.results == first.results


def test_to_explain_removes_nothing_that_is_broken(project: Project) -> None:
    project.build(*SWEPT)
    score, *_ = (project.places.store / "stages" / "validation").glob("*/result.json")
    score.write_text("{}", "utf-8")

    def kept() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in project.places.store.rglob("*")}

    before = kept()
    assert project.explain(*SWEPT)["rates"].causes == (pipeline.sweeping.OPEN,)
    assert kept() == before


def test_to_explain_takes_no_scores_of_another_machine_where_a_build_takes_none(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.build(*SWEPT)
    monkeypatch.setattr(SharedStore, "_refusal", lambda store, table: ELSEWHERE)
    rows = project.explain(*SWEPT, "store.same_machine=true")
    assert rows["rates"].causes == (pipeline.sweeping.OPEN,)
    assert rows["rates_1.validation"].causes == (ELSEWHERE,)


def test_a_point_that_lost_is_not_trained_again_where_only_its_network_is_gone(project: Project) -> None:
    first, config, store = project.build(*SWEPT), project.config(*SWEPT), project.places.store
    begun = start(config, store)
    decided = sweeping.from_store(config, begun, plan(config, begun), Store(store), Store(store).find)
    assert decided
    needed = {nodes["fine_tuning"].key.digest for nodes in decided.planned.runs.values()}
    losers = [path for path in (store / "stages" / "fine_tuning").iterdir() if path.name not in needed]
    assert len(losers) > 3
    for path in losers:
        shutil.rmtree(path)
    assert [row.label for row in project.explain(*SWEPT).values() if row.runs] == []
    again = project.build(*SWEPT)
    assert again.ran == ()
    assert again.results == first.results


def test_another_value_trains_its_points_alone(project: Project) -> None:
    project.build(*SWEPT)
    wider = "sweeps.rates.fine_tuning.learning_rate=[1e-6, 1e-5, 1e-4]"
    ran = project.build(SWEPT[0], wider).ran
    assert sum(label.endswith(".fine_tuning") for label in ran) == 3
    assert not any(label.endswith(".head") for label in ran)


def test_points_are_prepared_side_by_side_and_give_the_same(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    one = project.build(*SWEPT).results
    shutil.rmtree(project.places.store)
    prepare, prepared = Runner.prepare, []

    def noted(runner: Runner, nodes: Iterable[Node]) -> None:
        asked = list(nodes)
        prepared.append([node.label for node in asked])
        prepare(runner, asked)

    monkeypatch.setattr(Runner, "prepare", noted)
    outcome = project.build(*SWEPT, "execution.jobs=3")
    assert prepared[0] == [f"rates_{number}.validation" for number in range(1, 7)]
    assert outcome.results == one
    assert sum(label.endswith(".fine_tuning") for label in outcome.ran) == 6


def test_points_of_several_runs_are_chosen_by_their_mean(project: Project) -> None:
    found = project.build(*SWEPT, "seeds=3").results
    sweep = found.sweeps["rates"]
    assert {len(point.scores) for point in sweep.points} == {3}
    assert sweep.winner.loss == min(losses(found))
    assert tuple(run.validation for run in found.variants["rates"].every_run) == sweep.winner.scores
    assert verify(project.places.site) == ()


def diverging(*labels: str) -> dict[str, Exception]:
    return {label: Diverged(f"{label}: the loss is not a number any more in epoch 2") for label in labels}


@pytest.mark.parametrize("how", ["execution.jobs=1", "execution.jobs=3", "store.same_machine=true"])
def test_a_point_that_diverges_has_lost_and_is_not_tried_again(
    project: Project, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    fakes.install(monkeypatch.setattr, diverging("rates_5.head", "rates_2.fine_tuning"))
    found = project.build(*SWEPT, how).results.sweeps["rates"]
    # Points 5 and 6 have one head.
    assert [point.number for point in found.diverged] == [2, 5, 6]
    assert found.winner.number in (1, 3, 4)
    assert verify(project.places.site) == ()
    assert project.build(*SWEPT, how).ran == ()
    assert [row for row in project.explain(*SWEPT, how).values() if row.runs] == []


def test_where_every_point_diverges_the_build_fails(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch.setattr, diverging(*(f"rates_{i}.head" for i in range(1, 7))))
    with pytest.raises(BuildFailed, match=r"^sweeps\.rates: the loss of every point is not a number any more"):
        project.build(*SWEPT)
    assert not project.places.site.exists()


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_point_that_fails_otherwise_fails_the_build_and_the_others_finish(
    project: Project, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    killed = BuildFailed("rates_3.fine_tuning: killed")
    fakes.install(monkeypatch.setattr, {"rates_3.fine_tuning": killed})
    with pytest.raises(BuildFailed, match=r"^rates_3 failed: rates_3\.fine_tuning: killed"):
        project.build(*SWEPT, f"execution.jobs={jobs}")
    fakes.install(monkeypatch.setattr)
    ran = project.build(*SWEPT).ran
    assert [label for label in ran if label.startswith("rates_")] == ["rates_3.fine_tuning", "rates_3.validation"]


def test_a_sweep_may_start_from_a_variant_and_draw_its_points(project: Project) -> None:
    found = project.build(*SWEPT, 'sweeps.rates.of="augmentation"', "sweeps.rates.draw=3").results
    assert len(found.sweeps["rates"].points) == 3
    assert found.sweeps["rates"].combinations == 6
    assert found.variants["rates"].recipe.model.augment
    assert "augmentation" not in found.variants
