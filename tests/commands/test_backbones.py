"""`build.py backbones` lists the networks, and of one its layers; without TensorFlow."""

from pathlib import Path

import pytest

from generator import cli
from generator.backbones.registry import BACKBONES
from generator.backbones.vgg16 import VGG16


@pytest.fixture(autouse=True)
def keras_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


def test_every_network_has_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["backbones"]) == 0
    header, *rows, hint = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == list(BACKBONES)
    assert header.split()[:3] == ["backbone", "layers", "parameters"]
    assert rows[0].split()[1:4] == ["175", "23,587,712", "94"]
    assert rows[0].endswith("embedded")
    assert all(row.endswith("none") for row in rows[1:])
    assert "model.backbone" in hint


def test_one_network_is_told_with_its_layers(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["backbones", "VGG16"]) == 0
    out = capsys.readouterr().out
    assert VGG16.imagenet.file in out
    assert "is not there" in out
    assert "15     block5_conv1  2,359,808" in out


def test_an_unknown_network_is_refused_with_the_choices(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["backbones", "VGG19"]) == 2
    assert "unknown backbone 'VGG19'; did you mean 'VGG16'?" in capsys.readouterr().err
