"""Trained weights in the embedded form: scaled without rounding, quantised by half a step at most, same bytes."""

from pathlib import Path

import numpy as np
import pytest

from generator.backbones.resnet50 import EMBEDDED, RESNET50
from generator.backbones.weight_files import unpacked
from generator.support.errors import BadInput
from generator.support.strict_json import parse_json
from tools import embedded_form


@pytest.fixture(scope="module")
def small() -> embedded_form.Arrays:
    """A block's worth of arrays with the names that scaling looks for."""
    rng = np.random.default_rng(0)
    variables = ("gamma", "beta", "moving_mean")
    arrays = {f"{name}/{v}": rng.normal(size=8) for name in embedded_form.ENLARGED for v in variables}
    arrays |= {f"{name}/kernel": rng.normal(size=(1, 1, 8, 4)) for name in embedded_form.REDUCED}
    arrays["conv5_block3_2_conv/kernel"] = np.zeros((3, 3, 4, 4))
    return {name: array.astype(np.float32) for name, array in arrays.items()}


@pytest.fixture(scope="module")
def trained() -> embedded_form.Arrays:
    """As a training writes it: kernels as float16, no biases. Zero but for the first convolution."""
    arrays: embedded_form.Arrays = {
        name: np.zeros(shape, np.float16 if name.endswith("/kernel") else np.float32)
        for name, shape in RESNET50.shapes.items()
        if not name.endswith("/bias")
    }
    first = np.random.default_rng(2).normal(size=arrays["conv1_conv/kernel"].shape)
    return arrays | {"conv1_conv/kernel": first.astype(np.float16)}


def test_the_record_beside_the_embedded_file_is_of_that_file() -> None:
    record = parse_json(EMBEDDED.path.with_suffix(".json").read_text("utf-8"), "the record")
    assert record["file"] == embedded_form.described(EMBEDDED.path)
    assert record["training"]["left_out"] == ["camel"]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_quantising_is_off_by_half_a_step_at_most(dtype: type[np.floating]) -> None:
    kernel = np.random.default_rng(1).normal(size=(3, 3, 4, 6)).astype(dtype)
    found = embedded_form.quantised({"conv1_conv/kernel": kernel})
    whole, steps = found["conv1_conv/kernel:q"], found["conv1_conv/kernel:s"]
    assert (whole.dtype, steps.dtype, steps.shape) == (np.int8, np.float32, (6,))
    assert (np.abs(whole).max((0, 1, 2)) == 127).all()
    assert (np.abs(whole * steps - kernel.astype(np.float32)) <= 0.5001 * steps).all()


def test_an_empty_channel_stays_empty() -> None:
    found = embedded_form.quantised({"conv1_conv/kernel": np.zeros((3, 3, 4, 6), np.float32)})
    assert not found["conv1_conv/kernel:q"].any()
    assert (found["conv1_conv/kernel:s"] == 1).all()


def test_scaling_multiplies_what_enters_the_last_stage_and_divides_what_reads_it(small: embedded_form.Arrays) -> None:
    found = embedded_form.scaled(small, 8)
    for name, array in small.items():
        layer, variable = name.split("/")
        enlarged = layer in embedded_form.ENLARGED and variable in ("gamma", "beta")
        factor = 8 if enlarged else 1 / 8 if layer in embedded_form.REDUCED else 1
        assert np.array_equal(found[name], array * np.float32(factor)), name
        assert found[name].dtype == array.dtype


def test_scaling_there_and_back_gives_the_same_bits(small: embedded_form.Arrays) -> None:
    back = embedded_form.scaled(embedded_form.scaled(small, 8), 1 / 8)
    assert all(back[name].tobytes() == array.tobytes() for name, array in small.items())


def test_scaling_changes_no_whole_number_of_a_kernel(small: embedded_form.Arrays) -> None:
    before, after = embedded_form.quantised(small), embedded_form.quantised(embedded_form.scaled(small, 8))
    assert all(np.array_equal(before[name], after[name]) for name in before if name.endswith(":q"))


@pytest.mark.parametrize("scale", [0.0, 3.0, -2.0, float("nan")])
def test_only_powers_of_two_scale(scale: float, small: embedded_form.Arrays) -> None:
    with pytest.raises(BadInput, match="power of two"):
        embedded_form.scaled(small, scale)


def test_a_training_becomes_a_file_that_the_project_reads(trained: embedded_form.Arrays, tmp_path: Path) -> None:
    source, first, second = (tmp_path / name for name in ("trained.npz", "first.npz", "second.npz"))
    np.savez(source, **trained)
    embedded_form.convert(source, first, 8)
    embedded_form.convert(source, second, 8)
    assert first.read_bytes() == second.read_bytes()
    arrays = unpacked(first.read_bytes(), RESNET50)
    assert list(arrays) == list(RESNET50.shapes)
    assert not arrays["conv1_conv/bias"].any()
    kernel = trained["conv1_conv/kernel"].astype(np.float32)
    assert np.abs(arrays["conv1_conv/kernel"] - kernel).max() <= np.abs(kernel).max() / 250


LAST = "conv5_block3_3_bn/beta"


@pytest.mark.parametrize("changed", [{}, {LAST: np.zeros(3, np.float32)}, {LAST: np.full(2048, np.inf, np.float32)}])
def test_what_is_no_resnet50_is_refused(
    changed: embedded_form.Arrays, trained: embedded_form.Arrays, tmp_path: Path
) -> None:
    others = {name: array for name, array in trained.items() if name != LAST}
    np.savez(tmp_path / "trained.npz", **(others | changed))
    with pytest.raises(BadInput, match=LAST):
        embedded_form.read(tmp_path / "trained.npz")
