"""A fast forward pass of a frozen model: batch normalisation folded into the convolutions before it.

In inference a convolution followed by batch normalisation is one convolution with other numbers:

    gamma (k * x + b - mean) / sqrt(var + eps) + beta  =  (k s) * x + (b - mean) s + beta,   s = gamma / sqrt(var + eps)

`fold` walks the operations of any Keras functional model, replaces such pairs, computes what is left over in plain
TensorFlow where that is known to be the same, and calls every other layer as it is. It is the same function of the
same variables, so a model whose batch normalisation keeps its statistics can be trained through it as well.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from generator.training.convolution import Convolve, Geometry, convolve, convolve_by_products
from generator.training.kernels import CONVOLUTIONS, Convolution, Numbers, value
from generator.training.winograd import convolve_in_tiles

Forward = Callable[[tf.Tensor], tf.Tensor]

Compute = Callable[..., tf.Tensor]

ELEMENTWISE = (keras.layers.Activation, keras.layers.Concatenate, keras.layers.Multiply, keras.layers.ReLU)
"""Layers whose `call` is as good in `dtype`: casting to the layer's own precision and back would only take time."""

Step = tuple[Compute, list[int], int]
"""What to compute, from which tensors, to which tensor: tensors are named by their Keras tensor's id."""


def fold(model: keras.Model, dtype: str = "float32", *, live: bool = False) -> Forward:
    """A function that computes what `model(x, training=False)` does, in `dtype`; takes and gives float32.

    Weights are taken as they are now. With `live` they are read from the layers' float32 variables at every call,
    and gradients reach these. Raises `ValueError` for a model with several inputs or outputs.
    """
    # Measured and left out, each within 3 % of this or slower: XLA, weights as constants of the graph, other
    # batch sizes. What is here comes near the processor's matrix-product peak (benchmarks/README.md).
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(f"{model.name}: only a model with one input and one output can be folded")
    steps = _steps(model, dtype, live=live)
    source, target = id(model.inputs[0]), id(model.outputs[0])

    def forward(images: tf.Tensor) -> tf.Tensor:
        values = {source: tf.cast(images, dtype)}
        for step, inputs, output in steps:
            values[output] = step(*(values[i] for i in inputs))
        return tf.cast(values[target], tf.float32)

    return forward


def as_convolution(channels: Compute) -> Forward:
    """An affine function of three channels, such as Keras' preprocessing, as one operation on (b, h, w, 3) images.

    Where `channels` exchanges them and adds to them it is the same to the bit, in one pass over memory.
    """
    # In float64, so that what is added cancels to more digits than float32 has.
    shift = channels(np.zeros((1, 1, 1, 3)))
    kernel = channels(np.eye(3).reshape(1, 1, 3, 3)) - shift
    kernel, shift = tf.constant(kernel, tf.float32), tf.constant(shift.ravel(), tf.float32)
    return lambda images: convolve(images, kernel, shift, Geometry((1, 1), "VALID", (1, 1)))


def _steps(model: keras.Model, dtype: str, *, live: bool = False) -> list[Step]:
    nodes = _nodes(model)
    consumers = _consumers(nodes)
    folded: set[int] = set()
    steps: list[Step] = []
    for node in nodes:
        if node.is_input or id(node) in folded:
            continue
        norm = _norm_after(node, consumers)
        if norm is not None:
            folded.add(id(norm))
        step = _step(node, norm and norm.operation, dtype, live=live)
        steps.append((step, [id(t) for t in node.input_tensors], id((norm or node).outputs[0])))
    return steps


def _nodes(model: keras.Model) -> list[Any]:
    """The model's calls of layers, in an order of computation; a shared layer has several."""
    depths = model._nodes_by_depth
    return [node for depth in sorted(depths, reverse=True) for node in depths[depth]]


def _consumers(nodes: list[Any]) -> dict[int, list[Any]]:
    """Tensor → the calls that take it."""
    found: dict[int, list[Any]] = {}
    for node in nodes:
        for tensor in node.input_tensors:
            found.setdefault(id(tensor), []).append(node)
    return found


def _norm_after(node: Any, consumers: dict[int, list[Any]]) -> Any:
    """The call of the batch normalisation that alone follows a linear convolution, else None."""
    following = consumers.get(id(node.outputs[0]), [])
    linear = _convolution_of(node.operation) and node.operation.activation is keras.activations.linear
    return following[0] if linear and len(following) == 1 and _is_norm(following[0].operation) else None


def _convolution_of(layer: Any) -> type[Convolution] | None:
    """How the layer convolves, None for one that does not."""
    return next((kind for kind in CONVOLUTIONS if kind.fits(layer)), None)


def _is_norm(layer: Any) -> bool:
    return isinstance(layer, keras.layers.BatchNormalization) and layer.axis in (-1, 3)


def _step(node: Any, norm: Any, dtype: str, *, live: bool) -> Compute:
    """What `node` computes, with `norm` after it if that is not None; its own words for what networks consist of."""
    layer = node.operation
    convolution = _convolution_of(layer)
    if convolution:
        return _convolved(convolution(layer, way(dtype, live)), norm, dtype, live=live)
    if _is_norm(layer):
        return _normalisation(layer, dtype, live=live)
    if isinstance(layer, keras.layers.Activation) and layer.activation is keras.activations.relu:
        return lambda x: tf.nn.relu(x)  # TensorFlow's CPU kernels fuse this one with the convolution before it
    if isinstance(layer, keras.layers.Add) and len({tensor.shape for tensor in node.input_tensors}) == 1:
        return lambda *terms: tf.add_n(terms)  # and this one too
    return _as_it_is(node, dtype, of=layer.call if type(layer) in ELEMENTWISE else layer)


def way(dtype: str, live: bool) -> Convolve:
    """How this processor convolves fastest; GPUs have their own ways."""
    if tf.config.list_logical_devices("GPU"):
        return convolve
    if dtype == "float32":
        return convolve_in_tiles
    return convolve_by_products if live and dtype == "bfloat16" else convolve


def _convolved(
    convolution: Convolution, norm: keras.layers.BatchNormalization | None, dtype: str, *, live: bool
) -> Compute:
    def fold(work: str) -> Numbers:
        scale, shift = _scale_and_shift(norm, work) if norm else (None, None)
        return convolution.numbers(work, scale, shift)

    numbers = _numbers(fold, dtype, live=live)
    return lambda x: convolution.layer.activation(convolution.compute(x, *numbers()))


def _normalisation(layer: keras.layers.BatchNormalization, dtype: str, *, live: bool) -> Compute:
    """Batch normalisation that follows no convolution."""
    numbers = _numbers(partial(_scale_and_shift, layer), dtype, live=live)

    def step(x: tf.Tensor) -> tf.Tensor:
        scale, shift = numbers()
        return x * scale + shift

    return step


def _numbers(compute: Callable[[str], Numbers], dtype: str, *, live: bool) -> Callable[[], Numbers]:
    """What `compute` gives, in `dtype`: computed at every call if `live`, else once, now."""

    def cast(work: str) -> Numbers:
        return tuple(tf.cast(each, dtype) for each in compute(work))

    if live:
        return partial(cast, "float32")
    fixed = cast("float64")
    return lambda: fixed


def _scale_and_shift(norm: keras.layers.BatchNormalization, work: str) -> Numbers:
    """What batch normalisation is in inference: x scale + shift per channel, (channels,) each."""
    scale = 1 / tf.sqrt(value(norm.moving_variance, work) + norm.epsilon)
    if norm.scale:
        scale = scale * value(norm.gamma, work)
    shift = -value(norm.moving_mean, work) * scale
    return scale, shift + value(norm.beta, work) if norm.center else shift


def _as_it_is(node: Any, dtype: str, of: Compute) -> Compute:
    """`of` what the layer is given: the layer itself computes in its own precision, so its result is cast back."""
    keywords = {"training": False} if of is node.operation and isinstance(of, keras.layers.Layer) else {}

    def step(*tensors: tf.Tensor) -> tf.Tensor:
        given = {id(tensor): value for tensor, value in zip(node.input_tensors, tensors, strict=True)}
        arguments, named = node.arguments.fill_in(given)
        return tf.cast(of(*arguments, **(named | keywords)), dtype)

    return step
