"""Class activation maps: what each place of the last features adds to a logit.

The network ends in the average over places and one dense layer, so that a logit is an average itself:

    logit_k = mean over places of (features · kernel_k) + bias_k

What is averaged is the class activation map (Zhou et al., Learning Deep Features for Discriminative Localization,
CVPR 2016): no approximation, and nothing is trained for it. Every network of `backbones` ends like this; one with
another head would need other means, such as covering a part of the image and looking at what that changes.
"""

from collections.abc import Iterable, Sequence

import keras
import numpy as np
import tensorflow as tf

from generator.training.network import Head, InferenceModel


def activation_maps(
    model: keras.Model, head: Head, batches: Iterable[tuple[tf.Tensor, tf.Tensor]], logits: Sequence[int]
) -> np.ndarray:
    """The map of one logit for each image of `batches`, float32 (n, h, w), in their order; `logits` says which.

    `model` is what `network.connect` made of a base and `head`. A map's mean and the logit's bias give the logit.
    """
    base = next(layer for layer in model.layers if isinstance(layer, InferenceModel))
    kernel = tf.convert_to_tensor(head.dense.kernel)
    # One graph for all operations, as in training.
    forward = tf.function(lambda images: tf.tensordot(base(images, training=False), kernel, 1), autograph=False)
    maps: list[np.ndarray] = []
    for images, _ in batches:
        every = np.asarray(forward(images))
        maps += [each[..., logit] for each, logit in zip(every, logits[len(maps) :], strict=False)]
    return np.stack(maps)
