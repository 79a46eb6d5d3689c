"""Every kind of convolution, with what follows it folded in: what Keras' own layers give, gradients included."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.train

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

from benchmarks.backbones import difference, with_drawn  # noqa: E402
from generator.training.folding import fold  # noqa: E402
from generator.training.kernels import CONVOLUTIONS  # noqa: E402

layers = keras.layers

FOLDED: dict[str, Callable[[], Any]] = {
    "full": lambda: layers.Conv2D(6, 3, strides=2, activation="swish"),
    "dilated": lambda: layers.Conv2D(6, 3, dilation_rate=2, use_bias=False),
    "depthwise": lambda: layers.DepthwiseConv2D(3, strides=2, padding="same"),
    "depthwise, several a channel": lambda: layers.DepthwiseConv2D((3, 5), depth_multiplier=2, use_bias=False),
    "as many groups as channels": lambda: layers.Conv2D(4, 3, groups=4, padding="same"),
    "several filters a group": lambda: layers.Conv2D(12, 3, groups=4, use_bias=False),
    "separable": lambda: layers.SeparableConv2D(5, 3, padding="same", use_bias=False),
    "separable, several a channel": lambda: layers.SeparableConv2D(5, 3, strides=2, depth_multiplier=3),
    "dense at every place": lambda: layers.Dense(7),
}

LEFT: dict[str, Callable[[], Any]] = {
    "groups of channels": lambda: layers.Conv2D(6, 3, groups=2),
    "transposed": lambda: layers.Conv2DTranspose(5, 3),
    "depthwise, dilated": lambda: layers.DepthwiseConv2D(3, dilation_rate=2),
    "channels first": lambda: layers.Conv2D(5, 1, data_format="channels_first"),
}


def model_of(layer: Any) -> Any:
    keras.utils.set_random_seed(3)
    inputs = keras.Input((9, 9, 4))
    return with_drawn(keras.Model(inputs, layers.BatchNormalization()(layer(inputs))))


def images() -> Any:
    return tf.constant(np.random.default_rng(2).normal(0, 3, (3, 9, 9, 4)).astype(np.float32))


def operations(forward: Any) -> set[str]:
    graph = tf.function(forward).get_concrete_function(tf.TensorSpec((3, 9, 9, 4))).graph
    return {operation.type for operation in graph.get_operations()}


@pytest.mark.parametrize("name", FOLDED)
def test_what_is_folded_is_the_same(name: str) -> None:
    model = model_of(FOLDED[name]())
    assert difference(fold(model)(images()), model(images())) < 1e-5
    assert difference(fold(model, "bfloat16")(images()), model(images())) < 0.03
    if model.layers[1].activation is keras.activations.linear:
        assert "Rsqrt" not in operations(fold(model))


@pytest.mark.parametrize("name", FOLDED)
def test_gradients_reach_every_variable(name: str) -> None:
    model = model_of(FOLDED[name]())

    def gradients(compute: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(compute(images()) ** 2)
        return tape.gradient(loss, [variable.value for variable in model.trainable_variables])

    wanted = gradients(lambda given: model(given, training=False))
    for found, each in zip(gradients(fold(model, live=True)), wanted, strict=True):
        assert difference(found, each) < 1e-4


@pytest.mark.parametrize("name", LEFT)
def test_what_is_not_known_is_left_to_keras(name: str) -> None:
    model = model_of(LEFT[name]())
    assert not any(kind.fits(model.layers[1]) for kind in CONVOLUTIONS)


def test_a_dense_layer_on_vectors_is_no_convolution() -> None:
    inputs = keras.Input((4,))
    model = keras.Model(inputs, layers.Dense(3)(inputs))
    given = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    assert difference(fold(model)(tf.constant(given)), model(given)) < 1e-5
