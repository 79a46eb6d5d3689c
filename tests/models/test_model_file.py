"""A network that was built, written by the command and used as its card says, where this program is not."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import fakes
from tests.factories import ROOT

pytestmark = pytest.mark.train

TINY = (
    "model.backbone=VGG16",
    "data.image_size=32",
    "data.batch_size=4",
    "data.sample_train=12",
    "data.sample_test=6",
    "data.measure=0",
    "head.epochs=2",
    "fine_tuning.epochs=1",
    "fine_tuning.learning_rate=1e-4",
    'model.precision="float32"',
)
"""A network of few layers, which takes little to trace; as they leave it, its answers are not all 0 or 1."""

READER = """
import re, sys
sys.path.insert(0, "")
import keras
code = re.search(r"^```python\\n(.*?)^```$", open("README.md", encoding="utf-8").read(), re.S | re.M)[1]
model = keras.models.load_model("model.keras")
keras.models.load_model = lambda name: model
import json
said = {}
for path in sys.argv[1:]:
    names = {}
    exec(code.replace('"image.png"', repr(path)), names)
    said[path] = names["probabilities"].tolist()
assert not [name for name in sys.modules if name.split(".")[0] == "generator"]
print(json.dumps({"labels": names["labels"], "said": said}))
"""
"""Runs the code of the card for each image that is named, and says what the network gives."""


def build_py(where: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    settings = [part for setting in TINY for part in ("--set", setting)]
    command = [sys.executable, str(ROOT / "build.py"), *arguments, *settings, "--weights", "random"]
    return subprocess.run([*command, "--store", str(where / "store")], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("model")
    whole = ("--site", str(where / "site"), "--preview", str(where / "preview.html"))
    built = build_py(where, *whole, "--variants", "baseline")  # whose network the commands are about
    assert built.returncode == 0, built.stderr
    done = build_py(where, "model", "--out", str(where / "model"), "--tflite")
    assert done.returncode == 0, done.stderr
    return where


def test_plain_keras_gives_the_predictions_of_the_build(written: Path) -> None:
    folder = written / "model"
    with (folder / "build" / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["phase"] == "fine_tuning" and row["part"] == "test"]
    root = next((written / "store").rglob("test")).parent
    files = [str(root / row["file"]) for row in rows]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", READER, *files]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["labels"] == ["camel", "horse"]
    assert len({row["probability"] for row in rows}) == len(rows) == 6
    for row, file in zip(rows, files, strict=True):
        first, second = found["said"][file]
        assert first + second == pytest.approx(1, abs=1e-6)
        assert 0.01 < second < 0.99
        assert second == pytest.approx(float(row["probability"]), abs=1e-5)


def test_asked_about_its_test_images_the_network_says_what_it_said_in_the_build(written: Path) -> None:
    with (written / "model" / "build" / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["phase"] == "fine_tuning" and row["part"] == "test"]
    root = next((written / "store").rglob("test")).parent
    done = build_py(written, "predict", *(str(root / row["file"]) for row in rows), "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [answer["known"][0]["file"] for answer in said["images"]] == [row["file"] for row in rows]
    for row, answer in zip(rows, said["images"], strict=True):
        first, second = answer["probabilities"]
        assert second["probability"] == pytest.approx(float(row["probability"]), abs=1e-5)
        assert answer["class_name"] == row["predicted_name"]
        assert len(answer["activation_map"]["rows"]) == 1
        assert {neighbour["file"].split("/")[0] for neighbour in answer["nearest"]} == {"train"}
        assert first["probability"] + second["probability"] == pytest.approx(1)


def test_the_folder_holds_what_was_tried(written: Path) -> None:
    known = json.loads((written / "model" / "build" / "export.json").read_text("utf-8"))
    assert (known["images"], known["changed"], known["precision"]) == (6, 0, "float32")
    assert known["difference"] <= 1e-5
    assert known["lite_difference"] <= 1e-5
    done = subprocess.run(
        [sys.executable, str(ROOT / "build.py"), "verify", "--model", str(written / "model")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "README.md: " in done.stdout


def test_a_build_leaves_nothing_of_it_in_the_store(written: Path) -> None:
    entries = {path.name for path in (written / "store" / "stages").iterdir()}
    assert entries.isdisjoint({"export", "lite", "answers"})
    assert not fakes.tree(written / "store" / "temporary")
