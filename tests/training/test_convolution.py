"""The convolution with gradients as matrix products is TensorFlow's own, gradients included."""

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


def arrays(sides, kernel):
    draw = np.random.default_rng(0)
    return draw.normal(size=(3, *sides, 5)), draw.normal(size=(*kernel, 5, 4)), draw.normal(size=4)


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


def test_images_of_no_fixed_size():
    import tensorflow as tf

    from generator.training.convolution import Geometry, convolve, convolve_by_products

    given = arrays((9, 6), (3, 3))
    geometry = Geometry((2, 2), "SAME", (1, 1))
    signature = [tf.TensorSpec((None, None, None, 5)), tf.TensorSpec((3, 3, 5, 4)), tf.TensorSpec((4,))]
    compiled = tf.function(lambda *tensors: convolve_by_products(*tensors, geometry), input_signature=signature)
    found = outputs_and_gradients(lambda *a: compiled(*a[:3]), given, geometry, "float32")
    for ours, theirs in zip(found, outputs_and_gradients(convolve, given, geometry, "float32"), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
