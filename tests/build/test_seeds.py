"""Builds of several runs without TensorFlow: what runs, what is shared, what a failure leaves, what is kept."""

import shutil
from pathlib import Path

import pytest

from generator.publishing import verify
from generator.support.errors import BuildFailed
from tests import fakes
from tests.fakes import Project, Recorder, make_project, timeless

PER_RUN = {"head", "head_evaluation", "fine_tuning", "evaluation"}
"""Of a further run; where the split moves, that too."""


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch.setattr)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that was built once, with three runs of each variant; tests work on copies."""
    with fakes.installed():
        project = make_project(tmp_path_factory.mktemp("template"))
        project.build("seeds=3")
    return project


@pytest.fixture
def built(template: Project, tmp_path: Path) -> Project:
    shutil.copytree(template.folder, tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    return make_project(tmp_path / "fresh")


def further(*numbers: int, stages: set[str]) -> set[str]:
    """Labels of stages of the further runs of both variants."""
    return {
        f"{name}~{number}.{stage}" for name in ("baseline", "augmentation") for number in numbers for stage in stages
    }


def test_more_runs_train_their_own_alone(fresh: Project) -> None:
    fresh.build()
    # Made once for each number, and serves both variants; the base's weights are drawn in this project.
    shared = {f"baseline~{number}.{stage}" for number in (2, 3) for stage in ("split", "cut", "features")}
    over_all_runs = {"all.comparison", "baseline.curves", "augmentation.curves"}
    augmented = {"augmentation~2.augmented", "augmentation~3.augmented"}
    assert set(fresh.build("seeds=3").ran) == further(2, 3, stages=PER_RUN) | shared | augmented | over_all_runs


def test_what_does_not_vary_is_shared(fresh: Project) -> None:
    fresh.build()
    ran = {label for label in fresh.build('seeds={ count = 2, vary = ["head"] }').ran if "~" in label}
    assert ran == further(2, stages=PER_RUN)


def test_fewer_runs_come_from_the_store_and_leave_no_trace(built: Project, fresh: Project) -> None:
    built.build()
    fresh.build()
    assert timeless(built.site()) == timeless(fresh.site())


def test_every_run_is_kept_and_verified(built: Project) -> None:
    found = built.build("seeds=3").results
    for variant in found.variants.values():
        assert [run.number for run in variant.runs] == [2, 3]
        assert len({run.predictions for run in variant.every_run}) == 3
        assert len({run.head for run in variant.every_run}) == 3
        assert len({tuple(p.file for p in run.predictions) for run in variant.every_run}) == 1
    validating = [{p.file for p in run.predictions_by_part["validation"]} for run in found.baseline.every_run]
    assert len({frozenset(files) for files in validating}) > 1
    assert verify.verify(built.places.site) == ()


def test_runs_of_one_number_have_the_same_seeds_in_every_variant(built: Project) -> None:
    found = built.build("seeds=3").results
    assert len({tuple(run.seeds for run in variant.runs) for variant in found.variants.values()}) == 1


def test_a_prediction_changed_in_a_further_run_is_found(built: Project) -> None:
    path = next(built.places.site.glob("assets/data/*/predictions.csv"))
    rows = path.read_text("utf-8").splitlines()
    position = next(i for i, row in enumerate(rows) if row.startswith("baseline,3,head,test,"))
    cells = rows[position].split(",")
    cells[8] = str(-float(cells[8]))
    path.write_text("\n".join([*rows[:position], ",".join(cells), *rows[position + 1 :], ""]), "utf-8")
    texts = [finding.message for finding in verify.verify(built.places.site)]
    assert any("variants.baseline.runs.1.after_head.test.loss is not what predictions.csv gives" in t for t in texts)


def test_a_failing_run_leaves_the_others_finished(fresh: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    failure = BuildFailed("its process was killed by SIGKILL")
    fakes.install(monkeypatch.setattr, {"baseline~2.fine_tuning": failure})
    with pytest.raises(BuildFailed) as caught:
        fresh.build("seeds=3")
    assert str(caught.value).splitlines() == [
        f"baseline~2 failed: {failure}",
        "the site stays as it was; finished and kept: "
        "baseline, augmentation, augmentation~2, baseline~3, augmentation~3",
    ]
    fakes.install(monkeypatch.setattr)
    ran = {label for label in fresh.build("seeds=3").ran if "~" in label}
    assert ran == {"baseline~2.fine_tuning", "baseline~2.evaluation"}


def test_an_interrupted_build_goes_on_to_the_same_site(
    fresh: Project, built: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(event: str) -> None:
        if event == "augmentation~2.head epoch 2":
            raise KeyboardInterrupt

    fakes.install(monkeypatch.setattr, hook=interrupt)
    with pytest.raises(KeyboardInterrupt):
        fresh.build("seeds=3")
    went_on: list[str] = []
    fakes.install(monkeypatch.setattr, hook=went_on.append)
    fresh.build("seeds=3")
    assert "augmentation~2.head epoch 1" not in went_on
    assert "baseline~2.head" not in went_on
    assert timeless(fresh.site()) == timeless(built.site())


def test_runs_are_announced_and_explained(fresh: Project) -> None:
    display = Recorder()
    fresh.build("seeds=2", display=display)
    assert any(line.startswith("  baseline~2: split, cut, features, head, head_evaluation, ") for line in display.lines)
    assert any(line.startswith("baseline~2.head: epoch 1/3") for line in display.lines)
    explained = {label: row.causes for label, row in fresh.explain("seeds=2", "head.epochs=4").items()}
    assert explained["baseline~2.head"] == ("setting head.epochs: 3 → 4",)
    assert explained["baseline~2.split"] == ()
