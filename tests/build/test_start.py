"""What a build starts from: the weights of every variant's network, found once for each network."""

from pathlib import Path

import pytest

from generator.backbones import downloads
from generator.build.start import Start, introduce, start
from generator.support.errors import BadInput
from tests.fakes import Project, Recorder, make_project

OTHER = "variants.other.model.backbone=MobileNetV2"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = make_project(tmp_path_factory.mktemp("start"))
    made.variants = "other,augmentation"
    return made


@pytest.fixture(autouse=True)
def without_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv(downloads.URL_VARIABLE, "http://127.0.0.1:9/closed/")
    monkeypatch.setenv("no_proxy", "*")


def begin(project: Project, weights: str | dict[str, str], *overrides: str) -> Start:
    settings = project.config(OTHER, *overrides).model_copy(update={"weights": weights})
    return start(settings, project.places.store)


def test_each_variant_has_the_weights_of_its_network(project: Project) -> None:
    found = begin(project, {"MobileNetV2": "random"}).weights
    assert {name: (each.backbone.name, each.kind) for name, each in found.items()} == {
        "baseline": ("ResNet50", "embedded"),
        "augmentation": ("ResNet50", "embedded"),
        "other": ("MobileNetV2", "random"),
    }
    assert {each.kind for each in begin(project, "random").weights.values()} == {"random"}


def test_what_cannot_be_had_for_one_network_is_refused_with_the_setting_for_it_alone(project: Project) -> None:
    alone = r"--set weights\.MobileNetV2=random"
    for kind in ("auto", "embedded"):
        with pytest.raises(
            BadInput, match=rf"no weights of MobileNetV2 come with .*: --set weights={kind} {alone} in pl"
        ):
            begin(project, kind)
    with pytest.raises(BadInput, match=rf"no weights of MobileNetV2 come with .*; for this backbone alone: {alone}$"):
        begin(project, {"ResNet50": "embedded"})


def test_where_a_variant_names_its_weights_the_setting_for_its_network_is_not_named(project: Project) -> None:
    with pytest.raises(BadInput) as caught:
        begin(project, "random", 'variants.other.model.weights="embedded"')
    assert "--set weights" not in str(caught.value)


def test_of_one_network_alone_there_is_no_such_setting_to_speak_of(project: Project) -> None:
    with pytest.raises(BadInput) as caught:
        begin(project, "auto", "model.backbone=MobileNetV2")
    assert "--set weights" not in str(caught.value)


def test_a_variant_may_start_from_other_weights_of_the_same_network(project: Project) -> None:
    other = 'variants.augmentation.model.weights="random"'
    settings = project.config(other, "variants.other.seed=1").model_copy(update={"weights": "embedded"})
    begun, display = start(settings, project.places.store), Recorder()
    assert {name: each.kind for name, each in begun.weights.items()} == {
        "baseline": "embedded",
        "augmentation": "random",
        "other": "embedded",
    }
    introduce(begun, settings, display)
    told = [line.split(" (")[0] for line in display.lines if "weights of" in line]
    assert told == ["weights of ResNet50: embedded resnet50-photos-int8.npz", "weights of ResNet50: random"]


def test_the_weights_of_each_network_are_told_once(project: Project) -> None:
    settings, display = project.config(OTHER), Recorder()
    introduce(start(settings, project.places.store), settings, display)
    told = [line for line in display.lines if "weights of" in line]
    assert [line.partition(":")[0] for line in told] == ["weights of ResNet50", "weights of MobileNetV2"]
