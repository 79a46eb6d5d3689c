"""The real command, end to end, on a tiny experiment: builds, builds again, and says what changed."""

import csv
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from generator.experiment import figure_names
from tests.factories import ROOT

pytestmark = pytest.mark.train

TINY = (
    # Of all networks the one with the fewest layers: what these tests show of a build no network decides, and most of
    # the time goes into tracing layers. ResNet50 is built in `test_crash`, `test_model_file` and `test_new`.
    "model.backbone=VGG16",
    "data.image_size=32",
    "data.batch_size=4",
    "data.sample_train=12",
    "data.sample_test=4",
    "data.measure=8",
    "head.epochs=2",
    "fine_tuning.epochs=1",
)


def run(where: Path, *arguments: str, environment: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    settings = [part for setting in TINY for part in ("--set", setting)]
    names = {"--site": "site", "--store": "store", "--preview": "preview.html"}
    places = [part for option, name in names.items() for part in (option, str(where / name))]
    command = [sys.executable, str(ROOT / "build.py"), "--weights", "random", *settings, *places, *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **(environment or {})}
    )


def tree(folder: Path) -> dict[str, str]:
    """Path → hash of every file, those that hold times left out."""
    timed = ("provenance.json", "ro-crate-metadata.json", "manifest.json")
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name not in timed]
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def rows(table: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(table.read_text("utf-8").splitlines()))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("built")
    done = run(where, "--variants", "all", "--export", str(where / "post.html"))
    assert done.returncode == 0, done.stderr
    return where


def test_the_site_has_its_post_figures_and_data(built: Path) -> None:
    site = built / "site"
    post = site / "_posts" / "2023-01-31-image-classification-with-cnn-and-transfer-learning.md"
    assert "## Evaluation" in post.read_text("utf-8")
    metrics = json.loads((site / "assets/data/CV_HW_2/metrics.json").read_text("utf-8"))
    assert set(metrics["variants"]) == {"baseline", "augmentation", "augmentation-no-preprocessing"}
    for name in ("history.csv", "predictions.csv", "provenance.json", "manifest.json"):
        assert (site / "assets/data/CV_HW_2" / name).stat().st_size > 0
    for variant in metrics["variants"]:
        folder = site / "assets/images/CV_HW_2" / variant
        assert {p.name for p in folder.iterdir()} == {
            f"{name}.{suffix}"
            for name in (
                *figure_names.OF_TRAINING,
                *figure_names.OF_VARIANT,
                *figure_names.OF_MAPS,
                *figure_names.OF_MEASUREMENT,
            )
            for suffix in ("png", "webp")
        }


def test_what_the_head_gave_is_what_its_last_epoch_validated(built: Path) -> None:
    metrics = json.loads((built / "site/assets/data/CV_HW_2/metrics.json").read_text("utf-8"))
    for variant in metrics["variants"].values():
        for outcome, phase in ((variant["after_head"], "head"), (variant, "fine_tuning")):
            last = variant["epochs"][phase]
            assert outcome["validation"]["accuracy"] == pytest.approx(last["val_accuracy"])
            assert outcome["validation"]["loss"] == pytest.approx(last["val_loss"], rel=1e-5)


def test_variants_that_agree_share_what_is_frozen(built: Path) -> None:
    stages = {p.parent.name: 0 for p in (built / "store/stages").glob("*/*")}
    for path in (built / "store/stages").glob("*/*"):
        stages[path.parent.name] += 1
    assert (stages["features"], stages["cut"], stages["head"], stages["fine_tuning"]) == (2, 2, 3, 3)


def test_the_site_verifies(built: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "build.py"), "verify", "--site", str(built / "site")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_exported_file_asks_for_nothing(built: Path) -> None:
    text = (built / "post.html").read_text("utf-8")
    assert "data:image/webp;base64," in text
    assert 'src="http' not in text
    assert 'rel="stylesheet"' not in text


def test_an_unchanged_build_runs_nothing_and_touches_nothing(built: Path, tmp_path: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in (built / "site").rglob("*") if p.is_file()}
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('TensorFlow was imported')\n")
    done = run(built, "--variants", "all", environment={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert "…" not in done.stderr, "a stage ran"
    assert {p: p.stat().st_mtime_ns for p in (built / "site").rglob("*") if p.is_file()} == before


def test_the_same_seed_gives_the_same_bytes_with_two_jobs_too(built: Path, tmp_path: Path) -> None:
    done = run(tmp_path, "--variants", "all", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "site") == tree(built / "site")


def test_a_skipped_stage_changes_nothing_in_the_next(built: Path, tmp_path: Path) -> None:
    """Fine-tuning alone, after the head came from the store, gives what it gave behind the head."""
    shutil.copytree(built, tmp_path / "copy")
    for stage in ("fine_tuning", "evaluation"):
        shutil.rmtree(tmp_path / "copy/store/stages" / stage)
    done = run(tmp_path / "copy", "--variants", "all")
    assert done.returncode == 0, done.stderr
    assert "baseline.fine_tuning …" in done.stderr
    assert "baseline.head …" not in done.stderr
    # Nor does the probe that the first build began with.
    assert "a probe of one batch …" not in done.stderr
    assert tree(tmp_path / "copy/site") == tree(built / "site")


def test_past_its_budget_fine_tuning_computes_what_it_would_have_kept(built: Path, tmp_path: Path) -> None:
    done = run(tmp_path, "--set", "data.max_stored_bytes=0")
    assert done.returncode == 0, done.stderr
    assert not list((tmp_path / "store/stages/cut").glob("*/outputs.npy"))
    assert list((built / "store/stages/cut").glob("*/outputs.npy"))
    kept, anew = (
        json.loads((where / "site/assets/data/CV_HW_2/metrics.json").read_text("utf-8"))["variants"]["baseline"]
        for where in (built, tmp_path)
    )
    for figures in (lambda v: v["epochs"]["fine_tuning"], lambda v: v["test"]):
        assert figures(anew)["loss"] == pytest.approx(figures(kept)["loss"], rel=1e-3)
    assert anew["epochs"]["head"] == kept["epochs"]["head"]


def test_another_learning_rate_runs_what_depends_on_it(built: Path) -> None:
    done = run(built, "--variants", "all", "--explain", "--set", "fine_tuning.learning_rate=2e-5")
    assert "baseline.head: is up to date" in done.stdout
    assert "baseline.fine_tuning: runs" in done.stdout
    assert "setting fine_tuning.learning_rate: 1e-05 → 2e-05" in done.stdout
    assert "baseline.evaluation: runs" in done.stdout


@pytest.mark.parametrize("mode", ["reshuffled"])
def test_the_write_ups_leaking_split_can_be_measured(mode: str, tmp_path: Path) -> None:
    done = run(tmp_path, "--set", f"split.mode={mode}")
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "site/assets/data/CV_HW_2/metrics.json").read_text("utf-8"))
    assert metrics["variants"]["baseline"]["recipe"]["split"]["mode"] == mode


def test_images_to_measure_with_are_scored_as_test_images_are(built: Path, tmp_path: Path) -> None:
    """Given the test images to measure with, each has the logit that it has as a test image."""
    (drawn,) = [path for path in (built / "store").glob("sample-*") if path.is_dir()]
    shutil.copytree(drawn, tmp_path / "animals")
    shutil.copytree(drawn / "test", tmp_path / "animals/measure")
    done = run(tmp_path, "--data", str(tmp_path / "animals"))
    assert done.returncode == 0, done.stderr
    assert "are in the data set too" in done.stderr
    folder = tmp_path / "site/assets/data/CV_HW_2"
    tested = [row for row in rows(folder / "predictions.csv") if row["part"] == "test"]
    measured = {(row["phase"], row["file"]): float(row["logit"]) for row in rows(folder / "measure.csv")}
    assert len(measured) == len(tested)
    for row in tested:
        file = f"measure/{row['file'].removeprefix('test/')}"
        assert measured[row["phase"], file] == pytest.approx(float(row["logit"]), rel=1e-4)
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))["variants"]["baseline"]
    for name in ("accuracy", "roc_auc", "precision"):
        assert metrics["measurement"]["fine_tuning"][name] == metrics["test"][name]
        assert metrics["measurement"]["head"][name] == metrics["after_head"]["test"][name]
    assert metrics["measurement"]["head"]["total"] == 4


def test_drawings_to_measure_with_are_scored_after_both_phases(built: Path) -> None:
    folder = built / "site/assets/data/CV_HW_2"
    found = rows(folder / "measure.csv")
    assert {row["variant"] for row in found} == {"baseline", "augmentation", "augmentation-no-preprocessing"}
    assert len(found) == 3 * 2 * 8
    assert len({row["logit"] for row in found if row["variant"] == "baseline"}) == 16
    header = (folder / "measure-images.csv").read_text("utf-8").partition("\n")[0]
    assert header.startswith("index,file,class,load,")


@pytest.mark.cluster
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install ray")
def test_on_a_cluster_of_ray_the_bytes_are_the_same(built: Path, tmp_path: Path) -> None:
    done = run(tmp_path, "--variants", "all", "--ray", "local")
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "site") == tree(built / "site")
