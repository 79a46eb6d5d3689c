"""Image batches for training and evaluation: order, decoding from the pixel store, augmentation.

Every random choice comes from a seed derived from (seed, purpose, epoch), so that an epoch is the same
whether the epochs before it ran in this process, in an earlier one, or not at all.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from generator.experiment.config.settings import Fill
from generator.support.threads import mapped_ahead

AHEAD = 2
"""Batches read ahead."""

Batches = Iterable[tuple[tf.Tensor, tf.Tensor]]
"""(inputs (b, …), labels (b, 1)), float32; mostly to be gone through once."""


def preprocess_input_of(module: str) -> Callable[[Any], Any]:
    """Keras' own preparation of (b, s, s, 3) images, 0 to 255: that of `keras.applications.<module>`."""
    prepare: Callable[[Any], Any] = getattr(keras.applications, module).preprocess_input
    return prepare


def derived_seed(seed: int, purpose: str, epoch: int = 0) -> int:
    """A seed of its own for each purpose and epoch, 0 to 2**31 - 1."""
    words = [seed, epoch, *purpose.encode()]
    return int(np.random.SeedSequence(words).generate_state(1)[0]) % 2**31


def shuffled(positions: Sequence[int] | np.ndarray, seed: int) -> np.ndarray:
    """`positions` in a random order, int64 (n,)."""
    return np.random.default_rng(seed).permutation(np.asarray(positions, dtype=np.int64))


def batches(store: np.ndarray, labels: np.ndarray, order: np.ndarray, batch_size: int) -> Batches:
    """Batches of (float32 rows of `store`, float32 labels (b, 1)) in the given order, read while others compute.

    `store` may be a memory map of any row shape and dtype: only the rows of some batches are in memory at a time.
    Without tf.data, which would trace a graph for every pass over the images.
    """

    def read(start: int) -> tuple[tf.Tensor, tf.Tensor]:
        positions = order[start : start + batch_size]
        with tf.device("CPU"):
            return tf.constant(np.asarray(store[positions], np.float32)), tf.constant(targets[positions])

    targets = np.asarray(labels, np.float32)[:, None]
    return mapped_ahead(read, range(0, len(order), batch_size), ahead=AHEAD, threads=1)


def augmentation_layers(rotation: float, fill: Fill, seed: int) -> keras.Sequential:
    """A random horizontal flip, then a random rotation by up to `rotation` full turns either way.

    What a rotation uncovers is filled as `fill` says: by reflection, the layer's default; with white;
    or with the colour of the nearest edge. Images are 0 to 255.
    """
    uncovered = {"fill_mode": "constant", "fill_value": 255.0} if fill == "white" else {"fill_mode": fill}
    return keras.Sequential(
        [
            keras.layers.RandomFlip("horizontal", seed=seed),
            keras.layers.RandomRotation(rotation, **uncovered, seed=seed + 1),
        ],
        name="augmentation",
    )
