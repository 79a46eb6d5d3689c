"""The network: a base of `keras.applications` without its top, average pooling, dropout, a dense layer for the logits.

`connect` puts the parts together. Since everything below the first unfrozen block is frozen, the base can be
cut there (`cut_point`, `below`, `above`): what the lower part gives for an image need be computed only once.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np

from generator.experiment.config.settings import ModelSettings
from generator.support.errors import BadInput
from generator.support.hardware import Precision
from generator.training.batches import augmentation_layers
from generator.training.folding import Forward, fold

Layer = Callable[[keras.KerasTensor], keras.KerasTensor]

SUMMARY_WIDTH = 98
"""Columns of a printed summary; Keras' default follows the terminal, and the post would with it."""


@dataclass(frozen=True)
class Head:
    """The layers on top of the base: (b, h, w, c) features in, (b, outputs) logits out."""

    pooling: keras.layers.Layer
    dropout: keras.layers.Layer
    dense: keras.layers.Layer


class InferenceModel(keras.Model):  # type: ignore[misc]  # Keras comes without complete types
    """A functional model whose layers run in inference mode whatever the mode of the call, folded (`folding`).

    Calling a nested model with `training=False` is not enough: Keras 3.15 hands the outer model's mode to every
    layer, and unfrozen batch normalisation would use the batch's statistics and move its stored ones.
    """

    precision = "float32"
    """Of its arithmetic; its variables are float32 in any case."""

    def call(self, inputs: keras.KerasTensor, training: bool | None = None, mask: Any = None) -> keras.KerasTensor:
        return self._folded(inputs)

    @cached_property
    def _folded(self) -> Forward:
        return fold(self, self.precision, live=True)


def build_base(name: str, image_size: int) -> keras.Model:
    """The network `name` of `keras.applications` without its top, frozen.

    (b, s, s, 3) images in, (b, h, w, c) features out.
    """
    make = getattr(keras.applications, name)
    base = make(weights=None, include_top=False, input_shape=(image_size, image_size, 3))
    base.trainable = False
    return base


def assign(base: keras.Model, arrays: Mapping[str, np.ndarray]) -> None:
    """Assign `<layer>/<variable>` arrays to the base. Raises `BadInput` if one is missing or misshapen."""
    for layer in base.layers:
        for name, variable in variables_of(layer).items():
            found = arrays.get(name)
            if found is None or found.shape != tuple(variable.shape):
                shape = "missing" if found is None else f"of shape {found.shape}"
                raise BadInput(f"weights: {name} is {shape}, expected {tuple(variable.shape)}")
            variable.assign(found)
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # it computes with a copy of its variables


def variables_of(layer: keras.layers.Layer) -> dict[str, keras.Variable]:
    """`<layer>/<variable>` → variable, in Keras' order; of a layer made of layers, under the names of these."""
    if isinstance(layer, keras.Sequential):
        return {name: variable for part in layer.layers for name, variable in variables_of(part).items()}
    # Keras numbers variables that nobody named, on through all networks of a process.
    return {f"{layer.name}/{re.sub(r'^variable_[0-9]+$', 'variable', v.name)}": v for v in layer.weights}


def build_head(dropout: float, outputs: int = 1) -> Head:
    """Fresh layers with `outputs` logits; the dense kernel is drawn from Keras' global seed when first connected."""
    return Head(
        pooling=keras.layers.GlobalAveragePooling2D(name="average_pooling"),
        dropout=keras.layers.Dropout(dropout, name="dropout"),
        dense=keras.layers.Dense(outputs, name="classification"),
    )


class FixedShapeModel(keras.Model):  # type: ignore[misc]
    """A functional model whose steps on batches are traced for each batch size by itself.

    Keras has TensorFlow leave the number of images open as soon as a second one comes by, as it does in an epoch's
    last batch. In bfloat16 such a graph does not give the same bits each time (TensorFlow 2.21 on processors with
    AMX); those of fixed shapes do.
    """

    def compile(self, *arguments: Any, **options: Any) -> None:
        super().compile(*arguments, **options)
        self._traced: dict[str, Any] = {}

    def train_on_batch(self, x: Any, y: Any = None, **options: Any) -> Any:
        return self._step("train_function", super().train_on_batch, x, y, options)

    def test_on_batch(self, x: Any, y: Any = None, **options: Any) -> Any:
        return self._step("test_function", super().test_on_batch, x, y, options)

    def _step(self, kind: str, step: Callable[..., Any], x: Any, y: Any, options: dict[str, Any]) -> Any:
        key = f"{kind} {len(x)}"
        setattr(self, kind, self._traced.get(key))  # None has Keras make one
        figures = step(x, y, **options)
        self._traced[key] = getattr(self, kind)
        return figures


def connect(
    base: keras.Model, head: Head, before: Sequence[Layer] = (), precision: Precision = "float32"
) -> keras.Model:
    """Inputs, the layers `before`, the base, pooling, dropout and the dense layer as one model.

    The base stays in inference mode: its batch normalisation uses its stored statistics, also while layers of
    it are fine-tuned. `precision` is that of the base's arithmetic.
    """
    inputs = keras.Input(base.input_shape[1:], name="inputs")
    x = inputs
    for layer in before:
        x = layer(x)
    inference = InferenceModel(base.input, base.output, name=base.name)
    inference.precision = precision
    x = inference(x)
    x = head.pooling(x)
    x = head.dropout(x)
    return FixedShapeModel(inputs, head.dense(x), name="classifier")


def connect_head(head: Head, features: int) -> keras.Model:
    """Dropout and the dense layer alone: (b, features) pooled features in, (b, outputs) logits out."""
    inputs = keras.Input((features,), name="pooled_features")
    return FixedShapeModel(inputs, head.dense(head.dropout(inputs)), name="head")


def layers_before(settings: ModelSettings, seed: int, prepare: Layer | None) -> list[Layer]:
    """What an image passes before it reaches the base: augmentation and preprocessing, as the variant has it.

    `prepare` is Keras' function for the base; None where the base prepares images by layers of its own.
    """
    augmentation = [augmentation_layers(settings.rotation, settings.fill, seed)] if settings.augment else []
    return [*augmentation, *([prepare] if prepare and settings.preprocess else [])]


def unfreeze(base: keras.Model, from_layer: int) -> None:
    """Make the base's layers from index `from_layer` on trainable, the others not."""
    base.trainable = True
    for layer in base.layers[:from_layer]:
        layer.trainable = False


def cut_point(base: keras.Model, from_layer: int) -> str:
    """Name of the highest operation below layer `from_layer` through which everything passes.

    Operations are layers and what Keras makes of arithmetic between them, in topological order. A cut behind one is
    possible if no later one takes its input from any before it. The input layer is always such a place.
    """
    operations = base.operations
    position = {operation.name: i for i, operation in enumerate(operations)}
    first = next((position[layer.name] for layer in base.layers[max(1, from_layer) :]), len(operations))
    best, reach = 0, 0
    for i, operation in enumerate(operations[:first]):
        if reach <= i:
            best = i
        consumers = [node.operation.name for node in operation._outbound_nodes if node.operation]
        reach = max([reach, *(position[name] for name in consumers if name in position)])
    return str(operations[best].name)


def below(base: keras.Model, cut: str) -> keras.Model:
    """The base from its input to the output of the operation `cut`."""
    return keras.Model(base.input, _output(base, cut), name="below_cut")


def above(base: keras.Model, cut: str) -> keras.Model:
    """The base from the output of the operation `cut` to its end; layers and variables are the base's own."""
    return keras.Model(_output(base, cut), base.output, name="above_cut")


def unprepared(base: keras.Model, until: str) -> keras.Model:
    """The base less the layers up to `until`, by which it prepares images: these reach its next layer as they are."""
    bare = keras.Model(_output(base, until), base.output, name=base.name)
    # A new model calls itself trainable whatever its layers are, and Keras ignores being told what it says already.
    bare.trainable = base.trainable
    return bare


def _output(base: keras.Model, operation: str) -> keras.KerasTensor:
    # Of its calls the one in this model: `unprepared` shares its operations with the network that it is cut out of.
    nodes = (node for nodes in base._nodes_by_depth.values() for node in nodes)
    return next(node.outputs[0] for node in nodes if node.operation.name == operation)


def pooled(part: keras.Model) -> keras.Model:
    """A part of the base that reaches its end, and the average over places: (b, c) features."""
    return keras.Model(part.input, keras.layers.GlobalAveragePooling2D()(part.output), name="pooled")


def summary(model: keras.Model) -> str:
    """`model.summary()` as text, `SUMMARY_WIDTH` columns wide wherever it is printed."""
    lines: list[str] = []
    # Keras crops the table to the width of the terminal, which rich reads from this variable.
    columns = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(SUMMARY_WIDTH)
    try:
        model.summary(line_length=SUMMARY_WIDTH, print_fn=lines.append)
    finally:
        if columns is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = columns
    return "\n".join(line.rstrip() for line in "\n".join(lines).rstrip().splitlines()) + "\n"


def parameter_count(variables: Sequence[keras.Variable]) -> int:
    """Numbers held by `variables`, seed generators' states left out."""
    return sum(int(np.prod(v.shape)) for v in variables if "seed_generator" not in v.path)
