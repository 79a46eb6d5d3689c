"""What the project is compared with: other programs get the same images and weights, and are told apart."""

import json
from argparse import Namespace
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from benchmarks import compare, machine, peer
from generator.experiment.config.settings import Config
from generator.support.errors import BadInput
from generator.support.places import ROOT
from tests.factories import make_config

SIZE = 64
"""Side of the pictures."""

Rounds = list[dict[str, Any]]


@pytest.fixture
def rounds() -> Rounds:
    found = json.loads((ROOT / "benchmarks" / "recorded" / "rounds-all.json").read_text("utf-8"))
    return list(found["rounds"])


def of_peer(rounds: Rounds, name: str) -> Rounds:
    return [deepcopy(each) | {"peer": name} for each in rounds]


def pictures(folder: Path, *overrides: str, **parts: int) -> Config:
    """Settings for a new data set: in each part as many pictures of either class."""
    for part, count in parts.items():
        for name in ("camel", "horse"):
            (folder / part / name).mkdir(parents=True)
            for i in range(count):
                colours = np.random.default_rng([i, *part.encode(), *name.encode()]).integers(0, 256, (SIZE, SIZE, 3))
                Image.fromarray(colours.astype(np.uint8)).save(folder / part / name / f"{i}.png")
    small = (f"data.image_size={SIZE}", "data.batch_size=4", "head.epochs=2", "fine_tuning.epochs=1")
    given = f"data.path={json.dumps(str(folder))}"
    return make_config("baseline,augmentation", given, "weights=embedded", *small, *overrides)


@pytest.mark.parametrize("name", [name for name in peer.PEERS if name != "keras"])
def test_tables_name_the_peer_that_was_measured(rounds: Rounds, name: str) -> None:
    label, found = peer.PEERS[name].label, of_peer(rounds, name)
    told = compare.as_markdown(found)
    assert f"| bfloat16, median of 3 | {label}, s | project, s | ratio |" in told
    assert f"| scores ({label} / project) |" in told
    assert f"| added | {label}, s |" in told
    assert "plain Keras" not in told


def test_each_peer_has_goals_of_its_own(rounds: Rounds) -> None:
    torch, cached = (compare.against_goals(of_peer(rounds, name)) for name in ("torch", "cached"))
    assert "| all, bfloat16 | 1.8× | 4.57× | 4.23× | met by every round |" in torch
    assert "float32" not in torch
    assert [line.split("|")[2].strip() for line in cached.splitlines()[2:]] == ["1.3×"] * 4


def test_the_baselines_goal_is_shown_beside_that_of_all(rounds: Rounds) -> None:
    told = compare.against_goals(rounds).splitlines()
    assert told[2] == "| baseline, float32 | 3.6× | 3.49× | 3.46× | not met |"
    assert [line.split("|")[1].strip() for line in told[2:]] == [
        "baseline, float32",
        "all, float32",
        "baseline, bfloat16",
        "all, bfloat16",
    ]


def test_accuracies_agree_where_chance_would_explain_their_difference(rounds: Rounds) -> None:
    assert compare.agreement(rounds).startswith(
        "After fine-tuning both sides' accuracies differ by at most 1 of 64 validation images and 1 of 40 test images, "
        "which may be chance"
    )
    bad = deepcopy(rounds)
    bad[1]["plain"]["augmentation"]["test"]["accuracy"] = 0.5
    assert "and 19 of 40 test images, which is more than chance" in compare.agreement(bad)


@pytest.mark.parametrize(("begun", "asked"), [({}, "torch"), ({"peer": "torch"}, "keras")])
def test_rounds_of_two_peers_are_not_mixed(tmp_path: Path, begun: dict[str, str], asked: str) -> None:
    file = tmp_path / "rounds.json"
    file.write_text(json.dumps({"options": {"seed": "0", **begun}, "rounds": [1]}), "utf-8")
    options = {"json": file, "repeats": 1, "seed": 0}
    same = begun.get("peer", "keras")
    assert compare._begun(Namespace(**options, peer=same))["rounds"] == [1]
    with pytest.raises(SystemExit, match="name another file"):
        compare._begun(Namespace(**options, peer=asked))


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [(["--peer", "torch"], "pip install torch"), (["--peer", "torch", "--xla"], "leave it out")],
)
def test_a_peer_that_cannot_be_run_is_refused_before_anything_runs(
    arguments: list[str], fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks.compare", *arguments])
    monkeypatch.setattr(peer, "find_spec", lambda name: None if "pip" in fault else object())
    monkeypatch.setattr(compare, "one_round", None)
    with pytest.raises(SystemExit) as ended:
        compare.main()
    assert ended.value.code == 2
    assert fault in capsys.readouterr().err


def test_versions_name_what_a_peer_computes_with() -> None:
    assert machine.packages("scipy")["packages"].startswith(machine.packages()["packages"] + ", scipy ")
    assert machine.packages("keras") == machine.packages()


def test_every_peer_is_there_and_described_in_the_readme() -> None:
    told = (ROOT / "benchmarks" / "README.md").read_text("utf-8")
    for name, each in peer.PEERS.items():
        file = each.module.rpartition(".")[2] + ".py"
        assert (ROOT / "benchmarks" / file).exists()
        assert f"`{file}`" in told
        assert name == "keras" or f"--peer {name}" in told


def test_a_peer_trains_on_some_images_and_validates_on_the_others(tmp_path: Path) -> None:
    settings = pictures(tmp_path / "pets", train=8, test=3)
    found = peer.images(settings.baseline.recipe, settings, tmp_path)
    names = [[each.name for each in part] for part in (found.training, found.validation, found.test)]
    assert [len(part) for part in names] == [12, 4, 6]
    assert not set(names[0]) & set(names[1])
    assert {name.split("/")[0] for name in names[0] + names[1]} == {"train"}


def test_a_peer_validates_on_the_data_sets_own_images(tmp_path: Path) -> None:
    settings = pictures(tmp_path / "pets", train=5, validation=2, test=3)
    found = peer.images(settings.baseline.recipe, settings, tmp_path)
    assert {each.name.split("/")[0] for each in found.validation} == {"validation"}
    assert len(found.training) == 10


def test_images_that_look_alike_are_refused_because_the_two_sides_would_split_them_otherwise(tmp_path: Path) -> None:
    settings = pictures(tmp_path / "pets", train=4, test=2)
    peer.check_alike(settings, tmp_path)
    file = tmp_path / "pets" / "train" / "camel" / "0.png"
    with Image.open(file) as image:
        ImageEnhance.Brightness(image).enhance(0.9).save(file.with_name("again.png"))
    with pytest.raises(BadInput, match=r"train/camel/0\.png and train/camel/again\.png look alike, 1 such"):
        peer.check_alike(settings, tmp_path)


def test_scores_are_loss_and_accuracy_of_logits() -> None:
    found = peer.scores(np.array([[0.0], [np.log(3)], [-np.log(3)]]), np.array([[0.0], [1.0], [1.0]]))
    assert found["loss"] == pytest.approx(np.log([2, 4 / 3, 4]).mean())
    assert found["accuracy"] == pytest.approx(2 / 3)


@pytest.mark.train
def test_kept_outputs_give_what_the_whole_network_gives(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    from benchmarks import cached_keras, plain_keras

    settings = pictures(tmp_path / "pets", train=4, test=2)
    recipe = settings.variants[1].recipe
    base = plain_keras.load_base(settings, tmp_path)
    base.trainable = False
    parts = cached_keras.split(base, recipe)
    images = np.random.default_rng(0).uniform(0, 255, (3, SIZE, SIZE, 3)).astype(np.float32)
    x = keras.applications.resnet50.preprocess_input(images.copy())
    wanted = parts.head(keras.layers.GlobalAveragePooling2D()(base(x, training=False)), training=False)
    cut = parts.below(images, training=False)
    assert cut.shape == (3, SIZE // 16, SIZE // 16, 1024)
    for found in (parts.above(cut, training=False), parts.whole(images, training=False)):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    assert len(parts.whole.trainable_variables) == len(parts.head.trainable_variables) == 2
    plain_keras.unfreeze(base, recipe)
    assert parts.below.trainable_variables == []
    assert sum(np.prod(v.shape) for v in parts.above.trainable_variables) == 19_454_977
    assert {v.path for v in parts.whole.trainable_variables} == {v.path for v in parts.above.trainable_variables}


@pytest.mark.train
def test_the_cached_recipe_trains_the_baseline_and_an_augmented_variant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a ResNet of one block a group: most of the time goes into tracing layers, and the test before has all."""
    pytest.importorskip("keras")
    from benchmarks import cached_keras, plain_keras
    from tests.training import shortened

    def small(settings: Config, store: Path) -> Any:
        assert settings.data.image_size == SIZE
        return shortened.resnet(SIZE)

    monkeypatch.setattr(plain_keras, "load_base", small)
    settings = pictures(tmp_path / "pets", "fine_tuning.from_layer=34", train=8, test=2)
    for variant in settings.variants:
        found = cached_keras.run(variant.recipe, settings, tmp_path, xla=False)
        assert found["seconds"].keys() == {"start", "head", "fine_tuning", "evaluation"}
        for phase in ("head", "fine_tuning"):
            assert found[phase].keys() == {"loss", "accuracy", "val_loss", "val_accuracy"}
        assert np.isfinite(found["test"]["loss"])
