"""A network asked about images, without training: what it says, what it knows of them, and what cannot be read."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generator import cli
from generator.experiment.predicted import Answer, Answers, ClassProbability, to_text
from generator.experiment.task import task_for
from generator.models import found as finding
from generator.models import images as reading
from generator.models import page, predict
from generator.publishing.schemas import schemas
from generator.stages import artifacts, asked
from generator.stages.job import Job
from generator.support.places import ROOT
from generator.support.progress import Report
from tests import browsing, fakes
from tests.publishing.test_schemas import faults


def features(pixels: np.ndarray) -> np.ndarray:
    """Of images, (n, s, s, 3): their rows' mean colours, so that images alike have features alike."""
    return np.asarray(pixels, np.float32).mean(2).reshape(len(pixels), -1) - 128


class Network:
    """An executor whose network takes bright images for class 1."""

    def run(self, job: Job, out: Path, report: Report) -> None:
        pixels = np.load(job.inputs[asked.IMAGES] / artifacts.PIXELS)
        logits = pixels.mean((1, 2, 3))[:, None] / 64 - 2
        np.save(out / asked.LOGITS, logits)
        np.save(out / artifacts.POOLED, features(pixels))
        np.save(out / artifacts.MAPS, np.stack([np.array([[z, 0.0], [3 * z, 0.0]], np.float32) for z in logits[:, 0]]))

    def close(self) -> None:
        """There is no process to end."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> fakes.Project:
    project = fakes.make_project(tmp_path_factory.mktemp("built"), train=8)

    def write_features(job: Job, out: Path, report: Report, hook: fakes.Hook) -> None:
        np.save(out / artifacts.POOLED, features(np.load(job.inputs["pixels"] / artifacts.PIXELS)))

    with pytest.MonkeyPatch.context() as patch:
        fakes.install(patch.setattr)
        patch.setitem(fakes.STAGES, "features", write_features)
        project.build()
    return project


def find(project: fakes.Project) -> finding.Found:
    wanted = finding.Wanted("baseline", 1, "python build.py")
    config = project.config()
    return finding.find(config, project.places.store, ROOT, wanted, fakes.Recorder(), also=("features",))


def ask(project: fakes.Project, *named: Path) -> tuple[Answers, list[reading.Image], finding.Found]:
    found = find(project)
    read, not_read = reading.read(named, found.data, {})
    return predict.predict(found, read, not_read, fakes.Recorder(), Network()), read, found


def one(project: fakes.Project, path: Path) -> Answer:
    said, _, _ = ask(project, path)
    return said.images[0]


def plain(path: Path, shade: int) -> Path:
    Image.new("RGB", (40, 30), (shade, shade, shade)).save(path)
    return path


def test_the_class_is_the_more_probable_one(built: fakes.Project, tmp_path: Path) -> None:
    said, _, _ = ask(built, plain(tmp_path / "dark.png", 10), plain(tmp_path / "bright.png", 240))
    dark, bright = said.images
    assert (dark.class_name, bright.class_name) == ("camel", "horse")
    for answer in said.images:
        assert answer.probability == max(row.probability for row in answer.probabilities) > 0.5
        assert sum(row.probability for row in answer.probabilities) == pytest.approx(1)
    assert dark.probability == pytest.approx(1 / (1 + np.exp(10 / 64 - 2)))


def test_a_map_speaks_for_the_class_that_is_named(built: fakes.Project, tmp_path: Path) -> None:
    for shade in (10, 240):
        answer = one(built, plain(tmp_path / f"{shade}.png", shade))
        rows = np.array(answer.activation_map.rows)
        assert rows.mean() > 0
        assert rows[1, 0] == pytest.approx(3 * rows[0, 0])


class Nowhere:
    """A data set in which no image is known, or near."""

    def known(self, image: reading.Image, cosines: np.ndarray) -> list[Any]:
        return []

    def nearest(self, cosines: np.ndarray, left_out: set[int]) -> tuple[Any, ...]:
        return ()


def test_of_several_classes_each_has_its_probability(tmp_path: Path) -> None:
    image = reading.Image("a.png", "0" * 64, np.zeros((8, 8, 3), np.uint8), ())
    names, logits, places = ("camel", "cow", "horse"), np.array([[0.0, 2.0, 1.0]]), np.array([[-1.0, 3.0]], np.float32)
    answer = predict._answer(image, names, task_for(3), logits, 2.0, places, Nowhere(), np.zeros(5))  # type: ignore[arg-type]
    plain, cooled = (np.exp(logits[0] / degree) / np.exp(logits[0] / degree).sum() for degree in (1.0, 2.0))
    assert answer.class_name == "cow"
    assert [row.probability for row in answer.probabilities] == pytest.approx(plain.tolist())
    assert [row.calibrated for row in answer.probabilities] == pytest.approx(cooled.tolist())
    assert (answer.probability, answer.calibrated) == pytest.approx((plain[1], cooled[1]))
    # The map is that of the class that is named.
    assert answer.activation_map.rows == ((-1.0, 3.0),)


def test_the_temperature_of_validation_calibrates(
    built: fakes.Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The made-up predictions follow from the keys, and need not have a best temperature.
    asked: list[Any] = []
    monkeypatch.setattr(predict.confidences, "temperature", lambda run: asked.append(run) or 2.5)
    said, _, found = ask(built, plain(tmp_path / "dark.png", 10))
    answer = said.images[0]
    logit = np.log(answer.probability / (1 - answer.probability))
    assert said.temperature == 2.5
    assert answer.calibrated == pytest.approx(1 / (1 + np.exp(-logit / 2.5)))
    assert asked == [found.results().baseline.every_run[0]]
    assert found.results().baseline.name == "baseline"


def test_an_image_of_the_data_set_is_said_to_be(built: fakes.Project, tmp_path: Path) -> None:
    split = artifacts.read_split(find(built).folder("split"))
    samples = find(built).begun.dataset.samples
    trained, validating = samples[split.train[0]], samples[split.validation[0]]
    tested = find(built).begun.dataset.test[0]
    for sample, part in ((trained, "train"), (validating, "validation"), (tested, "test")):
        answer = one(built, Path(shutil.copy(sample.path, tmp_path / "copy.png")))
        assert [(known.file, known.part, known.same) for known in answer.known] == [(sample.name, part, "bytes")]
        assert sample.name not in [neighbour.file for neighbour in answer.nearest]


def test_so_is_one_that_was_saved_anew(built: fakes.Project, tmp_path: Path) -> None:
    sample = find(built).begun.dataset.train[2]
    with Image.open(sample.path) as image:
        image.save(tmp_path / "anew.bmp")
    (known,) = one(built, tmp_path / "anew.bmp").known
    assert (known.file, known.class_name, known.same) == (sample.name, "camel", "pixels")


def test_so_is_a_copy_of_other_bytes_beside_one_of_the_same(built: fakes.Project) -> None:
    """Else the image itself might be named as the nearest to it."""
    found = find(built)
    around, cosines = predict._Around(found), np.zeros(len(found.begun.dataset.samples))
    around._pixels = np.array(around._pixels)
    around._pixels[1], cosines[:3] = around._pixels[0], 1.0
    image = reading.Image("a.png", found.begun.dataset.samples[0].digest, around._pixels[0], ())
    known = around.known(image, cosines)
    assert [(row, each.same) for row, each in known] == [(0, "bytes"), (1, "pixels")]


def test_another_image_is_not(built: fakes.Project, tmp_path: Path) -> None:
    assert one(built, plain(tmp_path / "grey.png", 77)).known == ()


def test_the_nearest_are_of_those_that_were_trained_on(built: fakes.Project) -> None:
    found = find(built)
    samples = found.begun.dataset.samples
    trained = {samples[row].name for row in artifacts.read_split(found.folder("split")).train}
    answer = one(built, found.begun.dataset.test[1].path)
    cosines = [neighbour.cosine for neighbour in answer.nearest]
    assert len(answer.nearest) == predict.NEAREST
    assert {neighbour.file for neighbour in answer.nearest} <= trained
    assert cosines == sorted(cosines, reverse=True)
    mine = features(np.asarray(Image.open(found.begun.dataset.test[1].path))[None])[0]
    rows = {sample.name: features(np.asarray(Image.open(sample.path))[None])[0] for sample in samples}
    expected = {name: float(mine @ row / np.linalg.norm(mine) / np.linalg.norm(row)) for name, row in rows.items()}
    assert cosines[0] == pytest.approx(max(expected[name] for name in trained), abs=1e-6)


def test_folders_are_searched_and_what_is_no_image_is_named(built: fakes.Project, tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    for name in ("10.png", "2.png", "deep/1.png"):
        plain(tmp_path / "in" / name, 50)
    (tmp_path / "broken.png").write_bytes(b"no image")
    os.mkfifo(tmp_path / "pipe.png")
    named = [tmp_path / name for name in ("in", "empty", "broken.png", "gone.png", "pipe.png")]
    said, _, _ = ask(built, *named)
    assert [Path(answer.file).name for answer in said.images] == ["2.png", "10.png", "1.png"]
    reasons = {Path(each.file).name: each.reason for each in said.not_read}
    assert reasons.keys() == {"empty", "broken.png", "gone.png", "pipe.png"}
    assert reasons["pipe.png"] == "a device, pipe or socket, not an image file"
    assert reasons["empty"] == "a folder without images"
    assert reasons["broken.png"] == "a text file, not an image; remove it"
    assert "No such file" in reasons["gone.png"]


def test_an_image_that_is_named_and_lies_in_a_named_folder_is_one(built: fakes.Project, tmp_path: Path) -> None:
    paths = [plain(tmp_path / name, 50) for name in ("a.png", "b.png")]
    said, _, _ = ask(built, paths[1], tmp_path, paths[1])
    assert [Path(answer.file).name for answer in said.images] == ["b.png", "a.png"]


def test_the_json_is_of_its_schema(built: fakes.Project, tmp_path: Path) -> None:
    said, _, _ = ask(built, plain(tmp_path / "grey.png", 77), tmp_path / "gone.png")
    schema = schemas()["predicted.json"]
    assert faults(json.loads(to_text(said)), schema, schema) == []


def test_the_page_needs_nothing_else_and_escapes_names(built: fakes.Project, tmp_path: Path) -> None:
    said, read, found = ask(built, plain(tmp_path / "<b>x.png", 77), found_path(built))
    text = page.to_html(said, read, found)
    assert "<b>x" not in text
    assert "&lt;b&gt;x.png" in text
    sources = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert len(sources) > 8
    assert all(source.startswith("data:") for source in sources)
    assert len(re.findall("<img", text)) == len(re.findall(r'<img src="[^"]*" alt="[^"]+"', text))
    assert "This is training image" in text or "This is validation image" in text


def test_of_many_classes_the_page_shows_the_first_and_folds_the_others(built: fakes.Project, tmp_path: Path) -> None:
    said, read, found = ask(built, plain(tmp_path / "grey.png", 77))
    names = tuple(f"kind {number}" for number in range(60))
    rows = tuple(ClassProbability(class_name=name, probability=1 / 60, calibrated=1 / 60) for name in names)
    answer = said.images[0].model_copy(update={"class_name": names[0], "probabilities": rows})
    text = page.to_html(said.model_copy(update={"class_names": names, "images": (answer,)}), read, found)
    assert "fine-tuned to tell kind 0, kind 1, kind 2, kind 3, kind 4 and fifty-five more apart" in text
    open_rows, folded = text.split("<details><summary>The other fifty-five</summary>")
    assert open_rows.count('<th scope="row">') == 5
    assert folded.count('<th scope="row">') == 55


@pytest.mark.skipif(bool(browsing.MISSING), reason=browsing.REASON)
def test_the_page_is_whole_quiet_and_accessible(built: fakes.Project, tmp_path: Path) -> None:
    said, read, found = ask(built, plain(tmp_path / "grey.png", 77), found_path(built), tmp_path / "gone.png")
    (tmp_path / "answers.html").write_text(page.to_html(said, read, found), "utf-8")
    with browsing.browser() as browser:
        for width in (browsing.PHONE, browsing.DESKTOP):
            for scheme in ("light", "dark"):
                browser.open((tmp_path / "answers.html").as_uri(), width, scheme)
                assert browser.faults("file:") == []
                assert browser.violations() == []


def found_path(project: fakes.Project) -> Path:
    return find(project).begun.dataset.train[0].path


def run(project: fakes.Project, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    settings = [part for override in fakes.SMALL for part in ("--set", override)]
    what = ["--data", str(project.data), "--weights", "random", "--store", str(project.places.store)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finding, "Local", lambda log: Network())
        code = cli.main(["predict", *arguments, *what, *settings])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_command_predicts_what_can_be_read(
    built: fakes.Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.png").write_bytes(b"no image")
    good = str(plain(tmp_path / "good.png", 240))
    code, out, err = run(built, capsys, str(tmp_path / "broken.png"), good, "--html", str(tmp_path / "a.html"))
    assert code == 2
    assert f"build.py: {tmp_path / 'broken.png'}: a text file, not an image; remove it\n" in err
    assert re.search(rf"^{re.escape(good)} +horse +0\.8", out, re.M)
    assert "<h1>" in (tmp_path / "a.html").read_text("utf-8")


def test_the_command_gives_json(built: fakes.Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(built, capsys, str(plain(tmp_path / "good.png", 240)), "--json")
    assert code == 0
    assert json.loads(out)["images"][0]["class_name"] == "horse"


def test_where_nothing_can_be_read_nothing_is_asked(
    built: fakes.Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(built, capsys, str(tmp_path / "gone.png"))
    assert (code, out) == (2, "")
    assert "none of the images can be read" in err


def test_a_page_that_cannot_be_written_is_refused_first(
    built: fakes.Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(built, capsys, str(plain(tmp_path / "good.png", 240)), "--html", str(tmp_path))
    assert code == 2
    assert "--html" in err
