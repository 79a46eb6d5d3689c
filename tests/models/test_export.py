"""A network as a folder of its own, without training: what is written, refused and checked."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from generator import cli, pipeline
from generator.build.storage.store import Store
from generator.experiment import exported
from generator.experiment.config import loading
from generator.experiment.config.settings import BASELINE
from generator.models import export as exporting
from generator.models import found as finding
from generator.publishing.verify import verify_model
from generator.stages import artifacts, asked
from generator.stages.job import Job
from generator.support import lock
from generator.support.errors import BadInput, BuildFailed
from generator.support.hardware import Precision
from generator.support.places import ROOT
from generator.support.progress import Report
from tests import fakes

COMMANDS = ("python build.py", "python build.py model --out DIR")


class Network:
    """An executor that writes what the build predicted, off by so much."""

    def __init__(self, found: finding.Found, off: float = 0.0) -> None:
        self.found, self.off, self.asked = found, off, []

    def run(self, job: Job, out: Path, report: Report) -> None:
        self.asked.append(job)
        predictions = self.found.results().variants[self.found.run.variant.name].every_run
        said = [prediction.probabilities for prediction in predictions[self.found.run.number - 1].predictions]
        name, probabilities = {
            "export": (asked.MODEL, asked.PROBABILITIES),
            "lite": (asked.MODEL_LITE, asked.PROBABILITIES_LITE),
        }[job.stage]
        (out / name).write_bytes(b"\0network")
        np.save(out / probabilities, np.array(said) + self.off)

    def close(self) -> None:
        """There is no process to end."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> fakes.Project:
    project = fakes.make_project(tmp_path_factory.mktemp("built"), train=8)
    with pytest.MonkeyPatch.context() as patch:
        fakes.install(patch.setattr)
        project.build("seeds=2")
    return project


def find(project: fakes.Project, variant: str = BASELINE, run: int = 1, *overrides: str) -> finding.Found:
    wanted = finding.Wanted(variant, run, "python build.py --seeds 2")
    config = project.config("seeds=2", *overrides)
    return finding.find(config, project.places.store, ROOT, wanted, fakes.Recorder())


def write(found: finding.Found, folder: Path, off: float = 0.0, **options: bool) -> exporting.Outcome:
    chosen = exporting.Options(options.get("lite", False), "mit", COMMANDS, options.get("overwrite", False))
    return exporting.export(found, folder, fakes.Recorder(), chosen, Network(found, off))


@pytest.mark.parametrize(("variant", "run"), [(BASELINE, 1), (BASELINE, 2), ("augmentation", 1)])
def test_the_folder_is_verified_number_by_number(built: fakes.Project, tmp_path: Path, variant: str, run: int) -> None:
    outcome = write(find(built, variant, run), tmp_path / "model", lite=True)
    assert (outcome.exported.variant, outcome.exported.run) == (variant, run)
    assert verify_model(tmp_path / "model") == ()
    files = fakes.tree(tmp_path / "model")
    assert {"README.md", "model.keras", "model.tflite", "labels.txt", "preprocessing.json"} <= set(files)
    assert files["labels.txt"] == b"camel\nhorse\n"
    assert json.loads(files["build/metrics.json"])["variants"].keys() == {variant}


def test_another_number_in_the_card_is_found(built: fakes.Project, tmp_path: Path) -> None:
    write(find(built), tmp_path)
    card = tmp_path / "README.md"
    lines = card.read_text("utf-8").split("\n")
    row = next(i for i, line in enumerate(lines) if line.startswith("| Accuracy |"))
    place = lines[row].index("0.") + 2
    lines[row] = lines[row][:place] + str(9 - int(lines[row][place])) + lines[row][place + 1 :]
    card.write_text("\n".join(lines), "utf-8")
    found = verify_model(tmp_path)
    assert [finding.kind for finding in found] == ["file", "number"]
    assert found[1].place.startswith(f"README.md:{row + 1}:")


def test_a_network_of_another_build_is_found(built: fakes.Project, tmp_path: Path) -> None:
    write(find(built), tmp_path)
    (tmp_path / "model.keras").write_bytes(b"\0another")
    assert [str(found) for found in verify_model(tmp_path)] == ["model.keras: is not the file that the build wrote"]


def test_a_file_that_gives_other_predictions_is_not_written(built: fakes.Project, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    with pytest.raises(BuildFailed, match=r"by up to 6\.0e-02, more than .* so nothing was written"):
        write(find(built), folder, off=0.06)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("precision", "largest", "most"),
    [
        ("float32", 3, 1e-5),
        ("float32", 10, 1e-5),
        ("float32", 282, 2.82e-4),
        ("bfloat16", 3, 0.05),
        ("bfloat16", 282, 0.05),
    ],
)
def test_what_rounding_explains_grows_with_the_logits_of_float32(
    precision: Precision, largest: float, most: float
) -> None:
    assert exported.tolerance(precision, largest) == pytest.approx(most)


def test_a_float32_network_with_large_logits_can_be_written(built: fakes.Project, tmp_path: Path) -> None:
    found = find(built)
    results = found.results()

    def compared(larger: float) -> exported.Exported:
        plain = results.baseline
        rows = tuple(p.model_copy(update={"logit": larger * p.logit}) for p in plain.predictions)
        parts = {**plain.predictions_by_part, "test": rows}
        variant = plain.model_copy(update={"precision": "float32", "predictions_by_part": parts})
        np.save(tmp_path / asked.PROBABILITIES, np.array([p.probabilities for p in rows]) + 2e-5)
        changed = results.model_copy(update={"variants": {BASELINE: variant}})
        return exporting._compared(found, changed, tmp_path, lite=False)

    with pytest.raises(BuildFailed, match=r"by up to 2\.0e-05, more than rounding explains \(1e-05 for float32\)"):
        compared(1)
    assert compared(100).difference == pytest.approx(2e-5)


def test_files_of_others_are_not_written_over(built: fakes.Project, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine", "utf-8")
    found = find(built)
    with pytest.raises(BadInput, match=r"README\.md was not written by this program"):
        write(found, tmp_path)
    assert (tmp_path / "README.md").read_text("utf-8") == "mine"
    write(found, tmp_path, overwrite=True)
    assert verify_model(tmp_path) == ()


def test_a_place_that_cannot_be_written_is_named_with_the_option_that_names_it(
    built: fakes.Project, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BadInput, match=r"cannot be written .* name another folder with --out DIR"):
        write(find(built), tmp_path / "file" / "model")


def test_a_second_call_replaces_the_first(built: fakes.Project, tmp_path: Path) -> None:
    write(find(built), tmp_path, lite=True)
    write(find(built, "augmentation"), tmp_path)
    assert not (tmp_path / "model.tflite").exists()
    assert verify_model(tmp_path) == ()


def test_nothing_is_trained_for_it(built: fakes.Project) -> None:
    with pytest.raises(BadInput, match=r"baseline\.head, .* nothing is trained here, so build first: python build\.py"):
        find(built, BASELINE, 1, "head.epochs=4")


def test_what_is_read_stays_as_long_as_it_is_asked(built: fakes.Project, tmp_path: Path) -> None:
    project = fakes.Project(tmp_path / "project")
    shutil.copytree(built.folder, project.folder)
    found = find(project)
    with found.held():
        Store(project.places.store).prune(0)
        assert found.folder("fine_tuning").is_dir()
        assert write(found, tmp_path / "model").exported.run == 1
    Store(project.places.store).prune(0)
    with pytest.raises(BadInput, match="nothing is trained here"):
        find(project)


def test_two_who_ask_at_a_time_have_processes_and_files_of_their_own(built: fakes.Project) -> None:
    with find(built).executor() as one, find(built).executor() as other:
        logs = [str(each._workers[0]._log.name) for each in (one, other)]  # type: ignore[attr-defined]
    assert logs == ["asked.log", "asked-2.log"]


def test_a_network_that_is_being_written_is_not_verified_meanwhile(
    built: fakes.Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "model"
    write(find(built), folder)
    with lock.hold(lock.for_folder(folder), f"writing {folder}"):
        assert cli.main(["verify", "--model", str(folder)]) == 3
    assert f"writing {folder}" in capsys.readouterr().err
    assert cli.main(["verify", "--model", str(folder)]) == 0


SWEEP = "sweeps.rates.head.learning_rate=[1e-5, 1e-3]"


def test_the_winner_of_a_sweep_is_a_variant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch.setattr)
    project = fakes.make_project(tmp_path / "project", train=8)
    project.variants = "rates"
    with pytest.raises(BadInput, match=r"rates is the best of a sweep whose points .* build first: python build\.py"):
        find(project, "rates", 1, SWEEP)
    results = project.build("seeds=2", SWEEP).results
    write(find(project, "rates", 2, SWEEP), tmp_path / "model")
    assert verify_model(tmp_path / "model") == ()
    metrics = json.loads((tmp_path / "model" / "build" / "metrics.json").read_text("utf-8"))
    assert metrics["variants"]["rates"]["changes"] == results.sweeps["rates"].winner.settings


def test_a_build_of_the_sample_is_found_in_a_remote_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fsspec")
    fakes.install(monkeypatch.setattr)
    sample = ("sample_train=8", "sample_test=4", "measure=4", "image_size=32", "batch_size=4")
    shared = [*(f"data.{each}" for each in sample), f"store.remote={tmp_path / 'remote'}", "store.push=true"]
    options = {"data.path": "sample", "weights": "random"}
    config = loading.load(ROOT / "experiment.toml", overrides=shared, options=options)
    project = fakes.Project(tmp_path / "project")
    pipeline.build(config, project.places, fakes.Recorder())
    shutil.rmtree(project.places.store)
    rows = pipeline.explain(config, project.places, fakes.Recorder())
    assert not [row.label for row in rows if row.runs]
    assert {"measure_pixels", "measure_features"} <= {row.label.rpartition(".")[2] for row in rows if row.remote}
    assert not list(project.places.store.glob("measure-*"))
    found = finding.find(config, project.places.store, ROOT, finding.Wanted(BASELINE, 1, ""), fakes.Recorder())
    assert found.results().measure is not None


@pytest.mark.parametrize("name", ["all", "baseline,augmentation"])
def test_several_variants_are_no_network(built: fakes.Project, name: str) -> None:
    with pytest.raises(BadInput, match=rf"^--variant {name}: expected the name of one; .*baseline, augmentation"):
        find(built, name)


def test_there_are_only_the_runs_that_were_built(built: fakes.Project) -> None:
    with pytest.raises(BadInput, match=r"baseline has no such run; .*choose from 1, 2"):
        find(built, BASELINE, 3)


def test_a_broken_entry_is_missing(built: fakes.Project, tmp_path: Path) -> None:
    copy = fakes.Project(tmp_path, built.variants)
    shutil.copytree(built.folder, tmp_path, dirs_exist_ok=True)
    (find(copy).folder("evaluation") / artifacts.RESULT).write_text("{}", "utf-8")
    with pytest.raises(BadInput, match=r"baseline\.evaluation of these settings is not in"):
        find(copy)


def test_a_folder_without_a_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"holds no build/manifest\.json of a model; write one with build\.py model"):
        verify_model(tmp_path)


def test_of_many_test_images_as_many_are_tried_all_over() -> None:
    assert asked.tried(range(5, 9)) == [5, 6, 7, 8]
    many = asked.tried(range(100, 100 + 4 * asked.MOST_TRIED))
    assert len(many) == asked.MOST_TRIED
    assert (many[0], many[1], many[-1]) == (100, 104, 100 + 4 * asked.MOST_TRIED - 4)
