"""The real network held to the write-up's facts, and the shortcuts held to the long way round."""

import numpy as np
import pytest

pytestmark = pytest.mark.train

keras = pytest.importorskip("keras")

from generator.experiment.config.settings import ModelSettings  # noqa: E402
from generator.support.errors import BadInput  # noqa: E402
from generator.training import network  # noqa: E402  # needs TensorFlow


@pytest.fixture(scope="module")
def base() -> "keras.Model":
    return network.build_base("ResNet50", 224)


def test_the_base_has_the_write_ups_layers_and_parameters(base: "keras.Model") -> None:
    assert len(base.layers) == 175
    assert network.parameter_count(base.variables) == 23_587_712
    assert network.parameter_count(base.trainable_variables) == 0


def test_the_shapes_of_a_batch(base: "keras.Model") -> None:
    head = network.build_head(0.2)
    whole = network.connect(base, head)
    assert base.compute_output_shape((32, 224, 224, 3)) == (32, 7, 7, 2048)
    assert tuple(head.pooling.compute_output_shape((32, 7, 7, 2048))) == (32, 2048)
    assert whole.compute_output_shape((32, 224, 224, 3)) == (32, 1)


def test_what_is_trainable_in_each_phase() -> None:
    base = network.build_base("ResNet50", 224)
    whole = network.connect(base, network.build_head(0.2), network.layers_before(ModelSettings(augment=True), 0, None))
    assert network.parameter_count(whole.variables) == 23_589_761
    assert network.parameter_count(whole.trainable_variables) == 2_049
    network.unfreeze(base, 100)
    assert network.parameter_count(whole.trainable_variables) == 19_454_977
    assert network.parameter_count(whole.variables) - 19_454_977 == 4_134_784


@pytest.mark.parametrize(
    ("from_layer", "cut"),
    [(0, 0), (1, 0), (100, 92), (143, 142), (174, 173)],
)
def test_the_cut_lies_as_high_as_it_can(base: "keras.Model", from_layer: int, cut: int) -> None:
    assert network.cut_point(base, from_layer) == base.layers[cut].name


def test_nothing_passes_around_a_cut(base: "keras.Model") -> None:
    """Both parts together are the base: what the lower gives, the upper takes."""
    images = np.random.default_rng(0).normal(size=(2, 64, 64, 3)).astype(np.float32)
    small = network.build_base("ResNet50", 64)
    cut = network.cut_point(small, 100)
    assert cut == "conv4_block1_out"
    halves = network.above(small, cut)(network.below(small, cut)(images, training=False), training=False)
    np.testing.assert_allclose(halves, small(images, training=False), rtol=1e-5, atol=1e-6)


def test_missing_and_misshapen_arrays_are_named() -> None:
    base = network.build_base("ResNet50", 32)
    arrays = {f"{layer.name}/{v.name}": v.numpy() for layer in base.layers for v in layer.weights}
    network.assign(base, arrays)
    with pytest.raises(BadInput, match=r"conv1_conv/kernel is missing"):
        network.assign(base, {k: a for k, a in arrays.items() if k != "conv1_conv/kernel"})
    with pytest.raises(BadInput, match=r"conv1_bn/gamma is of shape \(3,\)"):
        network.assign(base, {**arrays, "conv1_bn/gamma": np.ones(3, np.float32)})


def test_the_summary_does_not_follow_the_terminal(base: "keras.Model", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text = network.summary(base)
    assert max(map(len, text.splitlines())) == network.SUMMARY_WIDTH
    assert "Total params: 23,587,712" in text
    assert "\x1b" not in text
