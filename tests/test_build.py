"""The real command, end to end, on a tiny experiment: builds, builds again, and says what changed."""

import csv
import hashlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from generator.build.executor import Local
from generator.build.plan import plan
from generator.build.runner import Runner
from generator.build.start import start
from generator.build.storage.store import ENTRY, Store
from generator.experiment import figure_names
from generator.experiment.config import loading
from generator.stages import artifacts
from generator.stages.table import STAGES
from generator.support.display import Display
from tests import stations
from tests.factories import ROOT

pytestmark = pytest.mark.train

TINY = (
    # Of all networks the one with the fewest layers: what these tests show of a build no network decides, and most of
    # the time goes into tracing layers. ResNet50 is built in `test_new`, with the weights that a newcomer has.
    "model.backbone=VGG16",
    "data.image_size=32",
    "data.batch_size=4",
    "data.sample_train=12",
    "data.sample_test=4",
    "data.measure=8",
    "head.epochs=3",
    "fine_tuning.epochs=3",
)

KILLED = """
import os, signal, sys
from generator import cli
from generator.support.display import Display

label, say = sys.argv.pop(1), Display.say

def say_or_end(self, text):
    if text.startswith(f"{label}: epoch 2/3, ") and "validation" in text:
        os.kill(os.getpid(), signal.SIGKILL)
    say(self, text)

Display.say = say_or_end
sys.exit(cli.main(sys.argv[1:]))
"""
"""The command, which kills itself where it would say that a stage's second epoch of three is finished: however busy the
machine, the first is kept by then, and the stage is not."""


def run(
    where: Path, *arguments: str, program: tuple[str, ...] = ("build.py",), environment: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    settings = [part for setting in TINY for part in ("--set", setting)]
    names = {"--site": "site", "--store": "store", "--preview": "preview.html"}
    places = [part for option, name in names.items() for part in (option, str(where / name))]
    return subprocess.run(
        [sys.executable, *program, "--weights", "random", *settings, *places, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
    )


def tree(folder: Path) -> dict[str, str]:
    """Path → hash of every file, those that hold times left out."""
    timed = ("provenance.json", "ro-crate-metadata.json", "manifest.json")
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name not in timed]
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def computed_by_tensorflow(label: str) -> bool:
    return label.partition(".")[2] in {stage.name for stage in STAGES if stage.tensorflow}


def copy_without(built: Path, where: Path, gone: Callable[[str], bool]) -> Path:
    """What was built, in a new place, where the stages whose labels are `gone` run again."""
    shutil.copytree(built, where)
    for entry in (where / "store/stages").glob(f"*/*/{ENTRY}"):
        if gone(json.loads(entry.read_text("utf-8"))["label"]):
            shutil.rmtree(entry.parent)
    return where


def same_as(built: Path, again: Path) -> bool:
    """Whether the stages' files are the same bytes, and so is all that is published of them."""
    return tree(again / "site") == tree(built / "site") and files_of_stages(again) == files_of_stages(built)


def files_of_stages(built: Path) -> dict[str, object]:
    """Entry of the store → the hashes of its files."""
    entries = (built / "store/stages").glob(f"*/*/{ENTRY}")
    return {entry.parent.name: json.loads(entry.read_text("utf-8"))["files"] for entry in entries}


def rows(table: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(table.read_text("utf-8").splitlines()))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built where Keras and Matplotlib are set for other programs; tests that build again, to the byte, are not."""
    where, home = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("home")
    (home / "keras.json").write_text('{"floatx": "float16", "backend": "jax", "image_data_format": "channels_first"}')
    foreign = {"KERAS_HOME": str(home), "KERAS_BACKEND": "jax", "MPLBACKEND": "a-notebook's"}
    done = run(where, "--variants", "all", "--export", str(where / "post.html"), environment=foreign)
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
    """Two variants at once; only the drawings of one and those of all are drawn again."""

    def gone(label: str) -> bool:
        variant = label.partition(".")[0]
        return variant in ("augmentation", "all") or (variant == "baseline" and computed_by_tensorflow(label))

    again = copy_without(built, tmp_path / "again", gone)
    done = run(again, "--variants", "all", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    for label in ("baseline.cut", "baseline.fine_tuning", "augmentation.fine_tuning", "augmentation.figures"):
        assert f"{label} …" in done.stderr
    assert same_as(built, again)


def test_killed_and_resumed_in_both_phases_it_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    """Fine-tuning alone, after the head came from the store, gives what it gave behind the head, and so resumed."""
    again = ("baseline.fine_tuning", "baseline.evaluation", "augmentation.head")
    where = copy_without(built, tmp_path / "again", lambda label: label in again)
    shutil.rmtree(where / "site")
    told = ""
    for label in ("baseline.fine_tuning", "augmentation.head"):
        done = run(where, "--variants", "all", program=("-c", KILLED, label))
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert not (where / "site").exists()
        told += done.stderr
    assert "baseline.head …" not in told
    # Nor does the probe change anything that the first build began with.
    assert "a probe of one batch …" not in told
    done = run(where, "--variants", "all")
    assert done.returncode == 0, done.stderr
    assert same_as(built, where)
    entries = [json.loads(path.read_text("utf-8")) for path in (where / "store/stages").glob(f"*/*/{ENTRY}")]
    assert {entry["label"] for entry in entries if entry["resumed"]} == {"baseline.fine_tuning", "augmentation.head"}


def test_past_its_budget_fine_tuning_computes_what_it_would_have_kept(built: Path, tmp_path: Path) -> None:
    """The features, too, which else go on from what is kept."""
    where = copy_without(built, tmp_path / "again", lambda label: label in ("baseline.features", "baseline.head"))
    kept, anew = trained(built), trained(where, "data.max_stored_bytes=0")
    assert (kept["cut"] / artifacts.OUTPUTS).exists()
    assert not (anew["cut"] / artifacts.OUTPUTS).exists()
    assert artifacts.read_records(anew["head"])["history"] == artifacts.read_records(kept["head"])["history"]
    for loss in (
        lambda made: artifacts.read_records(made["fine_tuning"])["history"][-1]["loss"],
        lambda made: artifacts.read_records(made["evaluation"])["outcome"]["test"]["loss"],
    ):
        assert loss(anew) == pytest.approx(loss(kept), rel=1e-3)


def trained(where: Path, *settings: str) -> dict[str, Path]:
    """Folders of the baseline's stages, made as a build makes them where they are not there; nothing is drawn."""
    options = {"weights": "random"}
    config = loading.load(ROOT / "experiment.toml", variants="all", overrides=[*TINY, *settings], options=options)
    nodes = plan(config, start(config, where / "store")).runs["baseline"]
    with closing(Local(where / "worker.log")) as executor:
        runner = Runner(Store(where / "store"), executor, Display())
        return {name: runner.require(nodes[name]).folder for name in ("cut", "head", "fine_tuning", "evaluation")}


def test_another_learning_rate_runs_what_depends_on_it(built: Path) -> None:
    done = run(built, "--variants", "all", "--explain", "--set", "fine_tuning.learning_rate=2e-5")
    assert "baseline.head: is up to date" in done.stdout
    assert "baseline.fine_tuning: runs" in done.stdout
    assert "setting fine_tuning.learning_rate: 1e-05 → 2e-05" in done.stdout
    assert "baseline.evaluation: runs" in done.stdout


@pytest.fixture(scope="module")
def own(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of images in a folder, split as the write-up's leak does it, with the test images to measure with."""
    where = tmp_path_factory.mktemp("own")
    (drawn,) = [path for path in (built / "store").glob("sample-*") if path.is_dir()]
    shutil.copytree(drawn, where / "animals")
    shutil.copytree(drawn / "test", where / "animals/measure")
    done = run(where, "--data", str(where / "animals"), "--set", "split.mode=reshuffled")
    assert done.returncode == 0, done.stderr
    assert "are in the data set too" in done.stderr
    return where


def test_the_write_ups_leaking_split_can_be_measured(own: Path) -> None:
    metrics = json.loads((own / "site/assets/data/CV_HW_2/metrics.json").read_text("utf-8"))
    assert metrics["variants"]["baseline"]["recipe"]["split"]["mode"] == "reshuffled"


def test_images_to_measure_with_are_scored_as_test_images_are(own: Path) -> None:
    """Given the test images to measure with, each has the logit that it has as a test image."""
    folder = own / "site/assets/data/CV_HW_2"
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
    """Of every kind of stage that goes there, one."""

    # What only serves other stages is computed where one of these is.
    others = ("augmentation.augmented", "augmentation.head", "all.augmentation", "all.data_figures")

    def gone(label: str) -> bool:
        return label in others or (label.startswith("baseline.") and computed_by_tensorflow(label))

    again = copy_without(built, tmp_path / "again", gone)
    done = run(again, "--variants", "all", "--ray", "local", environment=stations.EAGER)
    assert done.returncode == 0, done.stderr
    assert same_as(built, again)
