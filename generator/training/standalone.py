"""A trained network as one plain Keras model: what is needed to use it, and nothing of this program.

Its layers are Keras' own, so that `keras.models.load_model` reads the file without being told of any other:

    images          (b, s, s, 3), RGB, 0 to 255
    preprocessing   a convolution of one place, where the variant prepares images by a function of Keras'
    <the base>      as `keras.applications` builds it
    average_pooling, classification
    probabilities   softmax: a number for each class, also where there are two

Two classes are told apart by one logit z in training. The softmax of the logits 0 and z is the same decision: its
second number is the sigmoid of z. So whoever uses the model need not know how many classes make which form of answer.
"""

import keras
import numpy as np

from generator.training.network import Head, Layer


def standalone(base: keras.Model, head: Head, prepare: Layer | None) -> keras.Model:
    """(b, s, s, 3) images to (b, classes) probabilities, in float32, every layer frozen.

    `base` and `head` hold the trained variables, and the model shares those of `base`. `prepare` is Keras' function for
    the base; None where images reach it as they are. Frozen batch normalisation uses its stored statistics whatever the
    mode of a call, as it did in training.
    """
    images = keras.Input(base.input_shape[1:], name="images")
    x = images
    if prepare:
        kernel, bias = _as_kernel(prepare)
        x = _with_weights(keras.layers.Conv2D(3, 1, name="preprocessing"), x, kernel, bias)
    x = keras.Model(base.input, base.output, name=base.name)(x)
    x = keras.layers.GlobalAveragePooling2D(name=head.pooling.name)(x)
    kernel, bias = _for_every_class(head.dense)
    x = _with_weights(keras.layers.Dense(len(bias), name=head.dense.name), x, kernel, bias)
    model = keras.Model(images, keras.layers.Softmax(name="probabilities")(x), name="classifier")
    model.trainable = False
    return model


def _as_kernel(channels: Layer) -> tuple[np.ndarray, np.ndarray]:
    """Kernel (1, 1, 3, 3) and bias (3,) of an affine function of three channels, as in `folding.as_convolution`."""
    # In float64, so that what is added cancels to more digits than float32 has.
    shift = np.asarray(channels(np.zeros((1, 1, 1, 3))))
    kernel = np.asarray(channels(np.eye(3).reshape(1, 1, 3, 3))) - shift
    return kernel.astype(np.float32), shift.ravel().astype(np.float32)


def _with_weights(
    layer: keras.layers.Layer, x: keras.KerasTensor, kernel: np.ndarray, bias: np.ndarray
) -> keras.KerasTensor:
    output = layer(x)
    layer.set_weights([kernel, bias])
    return output


def _for_every_class(dense: keras.layers.Layer) -> tuple[np.ndarray, np.ndarray]:
    """Kernel (c, classes) and bias (classes,): of two classes, the first one's logit is 0."""
    kernel, bias = (np.asarray(variable) for variable in (dense.kernel, dense.bias))
    if len(bias) > 1:
        return kernel, bias
    return np.concatenate([np.zeros_like(kernel), kernel], axis=1), np.concatenate([np.zeros_like(bias), bias])
