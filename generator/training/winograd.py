"""Convolution by kernels of 3 × 3 with fewer multiplications: Winograd's minimal filtering of tiles.

Four outputs in a row need six inputs. By sums of few terms these become six numbers, and so do the three of a row of
the kernel; of the six products the four outputs are sums again: six multiplications instead of twelve, and in two
dimensions 36 instead of 144. `INTO`, `KERNEL` and `BACK` are those sums: B', G and A' in A. Lavin and S. Gray, Fast
Algorithms for Convolutional Neural Networks (2015), arXiv:1509.09308, section 4.3, F(4 × 4, 3 × 3).

The outputs are the same but for rounding: in float32 a few millionths of their size
(`tests/training/test_convolution.py`).
"""

from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from generator.training.convolution import Geometry, convolve

INTO = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
KERNEL = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
BACK = (
    (1, 1, 1, 1, 1, 0),
    (0, 1, -1, 2, -2, 0),
    (0, 1, 1, 4, 4, 0),
    (0, 1, -1, 8, -8, 1),
)

OUTPUTS, NUMBERS = len(BACK), len(INTO)
"""Of a tile, along one side."""

TRANSFORM = 200
"""How many multiplications of a product take as long as a number's way into a tile or back.

By hand on two cores with AVX-512: of 50, 100, 200 and 300 this was fastest, or within noise of it, for the forward
passes of ResNet50, VGG16 and InceptionV3 at 224 pixels.
"""


class Tiling(NamedTuple):
    """One side of images in tiles; a row of numbers is `number * tiles + tile`."""

    tiles: int
    into: np.ndarray
    """(6 tiles, side), float64: numbers of a row or column of images, the padding's zeros left out."""
    back: np.ndarray
    """(outputs, 6 tiles), float64."""


def convolve_in_tiles(images: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, geometry: Geometry) -> tf.Tensor:
    """`convolution.convolve`, in tiles where these are known to be faster: of images whose sizes are known."""
    if not _is_faster(images.shape, kernel.shape, geometry):
        return convolve(images, kernel, bias, geometry)
    down, right = (_tiling(side, geometry.padding) for side in images.shape[1:3])
    products = tf.matmul(_into_tiles(images, down, right), _of_kernel(kernel))
    return tf.nn.bias_add(_out_of_tiles(products, down, right), bias)


def _is_faster(images: tf.TensorShape, kernel: tf.TensorShape, geometry: Geometry) -> bool:
    """Whether what multiplications are spared is more than what the ways into tiles and back cost."""
    sides, (*size, channels, filters) = images[1:3], kernel
    if size != [3, 3] or None in sides or geometry.strides != (1, 1) or geometry.dilations != (1, 1):
        return False
    tilings = [_tiling(side, geometry.padding) for side in sides]
    numbers = prod(NUMBERS * tiling.tiles for tiling in tilings)
    plain = prod(len(tiling.back) for tiling in tilings) * 9 * channels * filters
    return bool(numbers * (channels * filters + TRANSFORM * (channels + filters)) < plain)


@lru_cache(maxsize=64)
def _tiling(side: int, padding: str) -> Tiling:
    before = 1 if padding == "SAME" else 0
    outputs = side + 2 * before - 2
    tiles = -(-outputs // OUTPUTS)
    into, back = np.zeros((NUMBERS, tiles, side)), np.zeros((outputs, NUMBERS, tiles))
    for tile in range(tiles):
        first = tile * OUTPUTS
        met = np.arange(max(first - before, 0), min(first - before + NUMBERS, side))
        into[:, tile, met] = np.array(INTO)[:, met - first + before]
        given = back[first : first + OUTPUTS, :, tile]
        given[:] = np.array(BACK)[: len(given)]
    return Tiling(tiles, into.reshape(-1, side), back.reshape(outputs, -1))


def _into_tiles(images: tf.Tensor, down: Tiling, right: Tiling) -> tf.Tensor:
    """(b, h, w, c) images as (36, b · tiles, c)."""
    channels = images.shape[-1]
    tiles = tf.matmul(tf.constant(right.into, images.dtype), _down(down.into, images))
    tiles = tf.reshape(tiles, (-1, NUMBERS, down.tiles, NUMBERS, right.tiles, channels))
    return tf.reshape(tf.transpose(tiles, (1, 3, 0, 2, 4, 5)), (NUMBERS**2, -1, channels))


def _out_of_tiles(products: tf.Tensor, down: Tiling, right: Tiling) -> tf.Tensor:
    """(36, b · tiles, c) as (b, oh, ow, c) images."""
    channels = products.shape[-1]
    tiles = tf.reshape(products, (NUMBERS, NUMBERS, -1, down.tiles, right.tiles, channels))
    tiles = tf.transpose(tiles, (2, 0, 3, 1, 4, 5))
    tiles = tf.reshape(tiles, (-1, NUMBERS * down.tiles, NUMBERS * right.tiles, channels))
    return _down(down.back, tf.matmul(tf.constant(right.back, products.dtype), tiles))


def _down(matrix: np.ndarray, images: tf.Tensor) -> tf.Tensor:
    """(m, h) times the columns of (b, h, w, c) images: (b, m, w, c)."""
    height, width, channels = images.shape[1:]
    columns = tf.reshape(images, (-1, height, width * channels))
    return tf.reshape(tf.matmul(tf.constant(matrix, images.dtype), columns), (-1, len(matrix), width, channels))


def _of_kernel(kernel: tf.Tensor) -> tf.Tensor:
    """(3, 3, in, out) as (36, in, out)."""
    both = tf.constant(np.kron(KERNEL, KERNEL), kernel.dtype)
    numbers = tf.matmul(both, tf.reshape(kernel, (9, -1)))
    return tf.reshape(numbers, (NUMBERS**2, *kernel.shape[2:]))
