"""The pre-training script's parts that need no PyTorch: quantising, folding, writing, and what is drawn."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generator.backbones.resnet50 import RESNET50
from generator.backbones.weight_files import unpacked
from generator.data import sample
from generator.support.places import ROOT

sys.path.append(str(ROOT / "tools"))
import animals
import pretrain


@pytest.fixture(scope="module")
def small() -> dict[str, np.ndarray]:
    """A block's worth of arrays with the names that folding looks for."""
    rng = np.random.default_rng(0)
    arrays = {f"{name}/{v}": rng.normal(size=8) for name in pretrain.SCALED for v in ("gamma", "beta", "moving_mean")}
    arrays |= {f"{name}/kernel": rng.normal(size=(1, 1, 8, 4)) for name in pretrain.UNSCALED}
    arrays["conv5_block3_2_conv/kernel"] = np.zeros((3, 3, 4, 4))
    return pretrain.quantised(arrays)


def test_neither_camel_nor_horse_is_among_the_animals() -> None:
    assert not set(animals.NAMES) & set(sample.SPECIES)
    assert len(animals.NAMES) == 16


@pytest.mark.parametrize("name", animals.NAMES)
def test_each_animal_is_drawn_the_same_from_the_same_seed(name: str) -> None:
    first, second = (np.asarray(animals.picture(np.random.default_rng(7), name)) for _ in range(2))
    assert np.array_equal(first, second)
    assert (first[..., 3] == 255).sum() > 200


def test_a_batch_is_the_same_wherever_it_is_drawn() -> None:
    pixels, labels = pretrain.draw_batch((0, 5, 48, 3))
    again, _ = pretrain.draw_batch((0, 5, 48, 3))
    assert pixels.shape == (3, 48, 48, 3)
    assert pixels.dtype == np.float32
    assert np.array_equal(pixels, again)
    assert set(labels) <= set(range(16))


def test_images_enter_with_and_without_preprocessing_upright_and_turned() -> None:
    lowest = [float(pretrain.drawn(np.random.default_rng(seed), "cow", 48).min()) for seed in range(40)]
    prepared = sum(low < 0 for low in lowest)
    assert 20 <= prepared <= 38
    assert all(low >= -124 for low in lowest)


def test_turning_fills_with_the_image_itself() -> None:
    grey = Image.fromarray(np.full((16, 16, 3), 90, np.uint8))
    assert (np.asarray(pretrain.turned(grey, 33)) == 90).all()
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8))
    assert np.array_equal(np.asarray(pretrain.turned(image, 0)), np.asarray(image))


def test_quantising_is_off_by_half_a_step_at_most() -> None:
    kernel = np.random.default_rng(1).normal(size=(3, 3, 4, 6)).astype(np.float32)
    found = pretrain.quantised({"conv1_conv/kernel": kernel})
    whole, scale = found["conv1_conv/kernel:q"], found["conv1_conv/kernel:s"]
    assert (whole.dtype, scale.shape) == (np.int8, (6,))
    assert (np.abs(whole * scale - kernel) <= 0.5001 * scale).all()


def test_folding_scales_the_last_stage_and_unscales_what_reads_it(small: dict[str, np.ndarray]) -> None:
    found = pretrain.folded(small, 8)
    for name, array in small.items():
        layer, variable = name.split("/")
        factor = 1.0
        if layer in pretrain.SCALED and variable in ("gamma", "beta"):
            factor = 8.0
        if layer in pretrain.UNSCALED and variable == "kernel:s":
            factor = 1 / 8
        assert np.array_equal(found[name], array * factor if factor != 1 else array), name
        assert found[name].dtype == array.dtype


def test_folding_there_and_back_gives_the_same_bits(small: dict[str, np.ndarray]) -> None:
    back = pretrain.folded(pretrain.folded(small, 8), 1 / 8)
    assert all(back[name].tobytes() == array.tobytes() for name, array in small.items())


@pytest.mark.parametrize("scale", [0.0, 3.0, -2.0])
def test_only_powers_of_two_are_folded(scale: float, small: dict[str, np.ndarray]) -> None:
    with pytest.raises(SystemExit, match="power of two"):
        pretrain.folded(small, scale)


def test_a_file_written_twice_has_the_same_bytes(small: dict[str, np.ndarray], tmp_path: Path) -> None:
    pretrain.write(tmp_path / "a.npz", small)
    pretrain.write(tmp_path / "b.npz", dict(reversed(small.items())))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_the_embedded_file_is_what_the_script_writes(tmp_path: Path) -> None:
    with np.load(RESNET50.embedded) as file:
        arrays = dict(file)
    pretrain.write(tmp_path / "again.npz", arrays)
    with np.load(tmp_path / "again.npz") as file:
        assert all(np.array_equal(file[name], array) for name, array in arrays.items())
    assert list(unpacked((tmp_path / "again.npz").read_bytes(), RESNET50)) == list(RESNET50.shapes)
