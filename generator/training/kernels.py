"""The ways in which Keras' layers convolve, each as its kernels with a scale and a shift of its outputs folded in.

A `Convolution` is made for a layer that it `fits`; `numbers` are its kernels and bias, `compute` is what it does with
them. `CONVOLUTIONS` lists the kinds: one over all channels, one over each channel by itself, that followed by one of a
single pixel, and a dense layer at every place, which is one of a single pixel too.
"""

from typing import Any, Protocol

import keras
import tensorflow as tf

from generator.training.convolution import Convolve, Geometry

Numbers = tuple[tf.Tensor, ...]


class Convolution(Protocol):
    """One layer's convolution; its activation is left to who computes it."""

    layer: Any

    def __init__(self, layer: Any, convolve: Convolve) -> None:
        """`convolve` computes what goes over all channels."""

    @staticmethod
    def fits(layer: Any) -> bool:
        """Whether the layer convolves in this way."""

    def numbers(self, work: str, scale: tf.Tensor | None, shift: tf.Tensor | None) -> Numbers:
        """Kernels and bias, in the precision `work`, of outputs · scale + shift; (channels,) each, None for neither."""

    def compute(self, images: tf.Tensor, *numbers: tf.Tensor) -> tf.Tensor:
        """(b, h, w, in) images to (b, oh, ow, out), all of the dtype of `numbers`."""


class Full:
    """Over all channels."""

    def __init__(self, layer: Any, convolve: Convolve) -> None:
        self.layer = layer
        self._geometry = _geometry(layer)
        self._convolve = convolve

    @staticmethod
    def fits(layer: Any) -> bool:
        # Not a subclass (depthwise, transposed); TensorFlow's CPU kernels have no groups.
        return type(layer) is keras.layers.Conv2D and layer.groups == 1 and _channels_last(layer)

    def numbers(self, work: str, scale: tf.Tensor | None, shift: tf.Tensor | None) -> Numbers:
        kernel, bias = value(self.layer.kernel, work), _bias(self.layer, self.layer.filters, work)
        return (kernel, bias) if scale is None else (kernel * scale, bias * scale + shift)

    def compute(self, images: tf.Tensor, *numbers: tf.Tensor) -> tf.Tensor:
        kernel, bias = numbers
        return self._convolve(images, kernel, bias, self._geometry)


class Channelwise:
    """Over each channel by itself: Keras' depthwise layer, or as many groups as there are channels."""

    def __init__(self, layer: Any, convolve: Convolve) -> None:
        self.layer = layer
        self._geometry = _geometry(layer)

    @staticmethod
    def fits(layer: Any) -> bool:
        depthwise = type(layer) is keras.layers.DepthwiseConv2D
        # Keras leaves groups to XLA, which takes ten times as long on a processor.
        grouped = type(layer) is keras.layers.Conv2D and layer.groups > 1 and layer.kernel.shape[2] == 1
        return (depthwise or grouped) and _channels_last(layer) and _is_even(layer)

    def numbers(self, work: str, scale: tf.Tensor | None, shift: tf.Tensor | None) -> Numbers:
        kernel = value(self.layer.kernel, work)
        if type(self.layer) is keras.layers.Conv2D:  # (kh, kw, 1, in · multiplier)
            kernel = tf.reshape(kernel, (*kernel.shape[:2], self.layer.groups, -1))
        bias = _bias(self.layer, kernel.shape[2] * kernel.shape[3], work)
        if scale is None:
            return kernel, bias
        return kernel * tf.reshape(scale, kernel.shape[2:]), bias * scale + shift

    def compute(self, images: tf.Tensor, *numbers: tf.Tensor) -> tf.Tensor:
        kernel, bias = numbers
        return tf.nn.bias_add(_channelwise(images, kernel, self._geometry), bias)


class Separable:
    """Over each channel by itself, then over all channels of each place."""

    def __init__(self, layer: Any, convolve: Convolve) -> None:
        self.layer = layer
        self._geometry = _geometry(layer)
        self._mix = convolve

    @staticmethod
    def fits(layer: Any) -> bool:
        return type(layer) is keras.layers.SeparableConv2D and _channels_last(layer) and _is_even(layer)

    def numbers(self, work: str, scale: tf.Tensor | None, shift: tf.Tensor | None) -> Numbers:
        alone, mixing = value(self.layer.depthwise_kernel, work), value(self.layer.pointwise_kernel, work)
        bias = _bias(self.layer, self.layer.filters, work)
        return (alone, mixing, bias) if scale is None else (alone, mixing * scale, bias * scale + shift)

    def compute(self, images: tf.Tensor, *numbers: tf.Tensor) -> tf.Tensor:
        alone, mixing, bias = numbers
        return self._mix(_channelwise(images, alone, self._geometry), mixing, bias, PLACE)


class Placewise:
    """A dense layer on images: over all channels of each place."""

    def __init__(self, layer: Any, convolve: Convolve) -> None:
        self.layer = layer
        self._convolve = convolve

    @staticmethod
    def fits(layer: Any) -> bool:
        return type(layer) is keras.layers.Dense and len(layer.input.shape) == 4

    def numbers(self, work: str, scale: tf.Tensor | None, shift: tf.Tensor | None) -> Numbers:
        kernel, bias = value(self.layer.kernel, work)[None, None], _bias(self.layer, self.layer.units, work)
        return (kernel, bias) if scale is None else (kernel * scale, bias * scale + shift)

    def compute(self, images: tf.Tensor, *numbers: tf.Tensor) -> tf.Tensor:
        kernel, bias = numbers
        return self._convolve(images, kernel, bias, PLACE)


CONVOLUTIONS: tuple[type[Convolution], ...] = (Full, Channelwise, Separable, Placewise)

PLACE = Geometry((1, 1), "VALID", (1, 1))
"""That of a kernel of one pixel."""


def value(variable: keras.Variable, dtype: str) -> tf.Tensor:
    return tf.cast(tf.convert_to_tensor(variable), dtype)


def _bias(layer: Any, channels: int, work: str) -> tf.Tensor:
    return value(layer.bias, work) if layer.use_bias else tf.zeros(channels, work)


def _geometry(layer: Any) -> Geometry:
    return Geometry(layer.strides, layer.padding.upper(), layer.dilation_rate)


def _channels_last(layer: Any) -> bool:
    return bool(layer.data_format == "channels_last")


def _is_even(layer: Any) -> bool:
    """Whether it moves alike along rows and columns, as TensorFlow's kernel does."""
    down, right = layer.strides
    return bool(down == right and layer.dilation_rate == (1, 1))


def _channelwise(images: tf.Tensor, kernel: tf.Tensor, geometry: Geometry) -> tf.Tensor:
    return tf.nn.depthwise_conv2d(images, kernel, (1, *geometry.strides, 1), geometry.padding)
