"""Convolution, and the same one with gradients that are fast in bfloat16 on processors with units for it.

TensorFlow's bfloat16 gradients of kernel and bias are hardly faster there than those in float32, while its matrix
products are several times as fast; so they are written as products. At float32 that gains nothing; there tiles do
(`winograd`, benchmarks/README.md).
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import keras
import tensorflow as tf

Shape = tuple[int | tf.Tensor, ...]
"""Sizes, those as numbers that are known when a graph is traced: fewer operations to trace."""

Gradients = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]


class Geometry(NamedTuple):
    """How a kernel moves over images; pairs are (rows, columns)."""

    strides: tuple[int, int]
    padding: str
    """SAME or VALID."""
    dilations: tuple[int, int]


Convolve = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, Geometry], tf.Tensor]
"""Images, kernel, bias, geometry to outputs, as `convolve` does it."""


def convolve(images: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, geometry: Geometry) -> tf.Tensor:
    """(b, h, w, in) images by a (kh, kw, in, out) kernel plus a bias (out,): (b, oh, ow, out), all of one dtype."""
    strides, padding, dilations = geometry
    return tf.nn.bias_add(tf.nn.conv2d(images, kernel, strides, padding, dilations=dilations), bias)


def convolve_by_products(images: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, geometry: Geometry) -> tf.Tensor:
    """`convolve`; where nothing is dilated, with the gradients of kernel and bias as matrix products."""
    if geometry.dilations != (1, 1):
        return convolve(images, kernel, bias, geometry)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def compute(images: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tuple[tf.Tensor, Gradients]:
        def gradients(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            of_images = tf.raw_ops.Conv2DBackpropInput(
                input_sizes=tf.shape(images),
                filter=kernel,
                out_backprop=upstream,
                strides=[1, *geometry.strides, 1],
                padding=geometry.padding,
            )
            rows = tf.reshape(upstream, (-1, kernel.shape[-1]))
            views = _views(images, kernel.shape, keras.ops.shape(upstream), geometry)
            of_kernel = [tf.matmul(view, rows, transpose_a=True) for view in views]
            of_bias = tf.matmul(tf.ones((1, tf.shape(rows)[0]), rows.dtype), rows)
            return of_images, tf.reshape(of_kernel, kernel.shape), of_bias[0]

        return convolve(images, kernel, bias, geometry), gradients

    return compute(images, kernel, bias)


def _views(images: tf.Tensor, kernel: tf.TensorShape, outputs: Shape, geometry: Geometry) -> Iterator[tf.Tensor]:
    """What each place of the kernel meets, (b oh ow, in), row by row of the kernel, for outputs of that shape."""
    spans = [(outputs[axis + 1] - 1) * geometry.strides[axis] + 1 for axis in (0, 1)]
    if geometry.padding == "SAME":
        missing = [tf.maximum(spans[axis] + kernel[axis] - 1 - keras.ops.shape(images)[axis + 1], 0) for axis in (0, 1)]
        images = tf.pad(images, [(0, 0), *((m // 2, m - m // 2) for m in missing), (0, 0)])
    down, right = geometry.strides
    for y in range(kernel[0]):
        for x in range(kernel[1]):
            view = images[:, y : y + spans[0] : down, x : x + spans[1] : right]
            yield tf.reshape(view, (-1, kernel[2]))
