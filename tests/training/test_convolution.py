"""The ways to convolve are TensorFlow's own convolution, gradients included."""

import numpy as np
import pytest

pytestmark = pytest.mark.train

SHAPES = [
    # image sides, kernel sides, strides, padding
    ((7, 7), (1, 1), (1, 1), "VALID"),
    ((14, 14), (1, 1), (2, 2), "VALID"),
    ((7, 7), (3, 3), (1, 1), "SAME"),
    ((9, 6), (3, 2), (1, 1), "VALID"),
    ((8, 8), (3, 3), (2, 2), "SAME"),
    ((7, 10), (4, 3), (3, 2), "SAME"),
]


def outputs_and_gradients(function, arrays, geometry, dtype):
    """Outputs, and gradients of images, kernel and bias, of a sum with uneven weights."""
    import tensorflow as tf

    images, kernel, bias = (tf.constant(array, dtype) for array in arrays)
    with tf.GradientTape() as tape:
        tape.watch([images, kernel, bias])
        outputs = function(images, kernel, bias, geometry)
        weights = tf.cast(np.random.default_rng(1).normal(size=outputs.shape), dtype)
        total = tf.reduce_sum(tf.cast(outputs * weights, tf.float64))
    return [np.asarray(tf.cast(t, tf.float64)) for t in (outputs, *tape.gradient(total, [images, kernel, bias]))]


def arrays(sides, kernel, channels=5, filters=4):
    draw = np.random.default_rng(0)
    kernel = draw.normal(size=(*kernel, channels, filters))
    return draw.normal(size=(3, *sides, channels)), kernel, draw.normal(size=filters)


@pytest.mark.parametrize(("sides", "kernel", "strides", "padding"), SHAPES)
def test_products_give_tensorflows_gradients(sides, kernel, strides, padding):
    from generator.training.convolution import Geometry, convolve, convolve_by_products

    given = arrays(sides, kernel)
    geometry = Geometry(strides, padding, (1, 1))
    found = outputs_and_gradients(convolve_by_products, given, geometry, "float64")
    for ours, theirs in zip(found, outputs_and_gradients(convolve, given, geometry, "float64"), strict=True):
        assert np.abs(theirs).max() > 0.1
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.precision
@pytest.mark.bfloat16
def test_bfloat16_agrees_to_its_own_precision():
    from generator.training.convolution import Geometry, convolve, convolve_by_products

    given = arrays((7, 7), (3, 3))
    geometry = Geometry((1, 1), "SAME", (1, 1))
    found = outputs_and_gradients(convolve_by_products, given, geometry, "bfloat16")
    for ours, theirs in zip(found, outputs_and_gradients(convolve, given, geometry, "float64"), strict=True):
        difference = np.abs(ours - theirs).max() / np.abs(theirs).max()
        assert 0 < difference < 0.03


@pytest.mark.parametrize(("way", "strides"), [("convolve_by_products", (2, 2)), ("convolve_in_tiles", (1, 1))])
def test_images_of_no_fixed_size(way, strides):
    import tensorflow as tf

    from generator.training import winograd
    from generator.training.convolution import Geometry, convolve, convolve_by_products

    way = {"convolve_by_products": convolve_by_products, "convolve_in_tiles": winograd.convolve_in_tiles}[way]
    given = arrays((9, 6), (3, 3))
    geometry = Geometry(strides, "SAME", (1, 1))
    signature = [tf.TensorSpec((None, None, None, 5)), tf.TensorSpec((3, 3, 5, 4)), tf.TensorSpec((4,))]
    compiled = tf.function(lambda *tensors: way(*tensors, geometry), input_signature=signature)
    found = outputs_and_gradients(lambda *a: compiled(*a[:3]), given, geometry, "float32")
    for ours, theirs in zip(found, outputs_and_gradients(convolve, given, geometry, "float32"), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


TILED = [
    # image sides, padding: one tile and less of it, several, with and without a rest
    ((14, 14), "SAME"),
    ((7, 9), "SAME"),
    ((18, 13), "VALID"),
    ((4, 8), "SAME"),
    ((2, 3), "SAME"),
    ((3, 3), "VALID"),
]


@pytest.mark.parametrize(("sides", "padding"), TILED)
def test_tiles_give_tensorflows_convolution(sides, padding, monkeypatch):
    from generator.training import winograd
    from generator.training.convolution import Geometry, convolve

    monkeypatch.setattr(winograd, "TRANSFORM", -5)  # so that tiles pay at any size
    given = arrays(sides, (3, 3))
    geometry = Geometry((1, 1), padding, (1, 1))
    assert in_tiles(given, geometry)
    found = outputs_and_gradients(winograd.convolve_in_tiles, given, geometry, "float64")
    for ours, theirs in zip(found, outputs_and_gradients(convolve, given, geometry, "float64"), strict=True):
        assert np.abs(theirs).max() > 0.1
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


def in_tiles(given, geometry):
    """Whether what is traced for such arrays multiplies tiles."""
    import tensorflow as tf

    from generator.training.winograd import convolve_in_tiles

    compiled = tf.function(lambda *tensors: convolve_in_tiles(*tensors, geometry))
    graph = compiled.get_concrete_function(*(tf.TensorSpec(array.shape, tf.float32) for array in given)).graph
    kinds = {operation.type for operation in graph.get_operations()}
    assert ("Conv2D" in kinds) != ("BatchMatMulV2" in kinds)
    return "BatchMatMulV2" in kinds


@pytest.mark.parametrize(
    ("sides", "kernel", "channels", "strides", "dilations", "tiles"),
    [
        ((14, 14), (3, 3), 256, (1, 1), (1, 1), True),
        ((7, 7), (3, 3), 512, (1, 1), (1, 1), True),
        ((4, 4), (3, 3), 256, (1, 1), (1, 1), True),
        ((14, 14), (3, 3), 64, (1, 1), (1, 1), False),
        ((2, 2), (3, 3), 512, (1, 1), (1, 1), False),
        ((14, 14), (1, 1), 256, (1, 1), (1, 1), False),
        ((14, 14), (5, 3), 256, (1, 1), (1, 1), False),
        ((14, 14), (3, 3), 256, (2, 2), (1, 1), False),
        ((14, 14), (3, 3), 256, (1, 1), (2, 2), False),
    ],
)
def test_tiles_are_taken_where_they_spare_more_than_they_cost(sides, kernel, channels, strides, dilations, tiles):
    from generator.training.convolution import Geometry

    given = (np.empty((1, *sides, channels)), np.empty((*kernel, channels, channels)), np.empty(channels))
    assert in_tiles(given, Geometry(strides, "SAME", dilations)) == tiles


@pytest.mark.precision
def test_tiles_round_little_more_than_tensorflow_does():
    from generator.training.convolution import Geometry, convolve
    from generator.training.winograd import convolve_in_tiles

    given = arrays((14, 14), (3, 3), 256, 256)
    geometry = Geometry((1, 1), "SAME", (1, 1))
    exact = outputs_and_gradients(convolve, given, geometry, "float64")
    for ours, true in zip(outputs_and_gradients(convolve_in_tiles, given, geometry, "float32"), exact, strict=True):
        assert np.sqrt(np.mean((ours - true) ** 2) / np.mean(true**2)) < 1e-5
