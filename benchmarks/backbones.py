"""Whether every network is computed as Keras computes it, and what a small build of it takes.

For each backbone, with numbers drawn for its variables so that none is neutral: by how much the frozen pass and the
prepared image differ from Keras' own, relative to the largest value, and by how much what three steps of fine-tuning
above the cut change differs from what Keras' whole network changes, relative to the length of the change. Then one
build of the smoke profile with random weights: processor time, of all cores together, and the most memory.
Prints Markdown, `--json FILE` keeps it. `tests/training/test_backbones.py` holds the differences to bounds.
"""

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine, project, record
from benchmarks.record import Record
from generator.backbones.backbone import AUTO, Backbone
from generator.backbones.registry import BACKBONES

CLASSES = np.array([[0.0], [1.0]])
"""Of the two images that are trained on."""


@dataclass(frozen=True)
class Steps:
    """Three steps of plain gradient descent, by Keras' whole network and by the project's upper part."""

    wanted: list[float]
    """Keras' losses."""
    found: list[float]
    difference: float
    """Length of the difference of both changes of the variables, over the length of Keras' change."""


def main() -> None:
    options = _options()
    machine.as_worker()
    measured = record.of()
    print(machine.as_markdown(measured["machine"]), flush=True)
    measured["networks"] = {}
    for name in options.backbones:
        measured["networks"][name] = equality(BACKBONES[name]) | built(name)
        print(as_markdown(measured).splitlines()[-1], flush=True)
        record.write(options.json, measured)


def equality(backbone: Backbone) -> dict[str, float]:
    """The differences from Keras, largest of all numbers."""
    import keras

    keras.backend.clear_session()  # numbers the layers from the start that Keras names by itself
    passed = frozen_pass(backbone)
    keras.backend.clear_session()
    return passed | {"steps": three_steps(backbone).difference}


def frozen_pass(backbone: Backbone) -> dict[str, float]:
    """Precision → by how much the folded network's features differ from Keras'."""
    import tensorflow as tf

    from generator.training.folding import fold

    base, given = drawn(backbone), images(backbone.least_size)
    wanted = base(given)
    return {name: difference(tf.function(fold(base, name))(given), wanted) for name in ("float32", "bfloat16")}


def three_steps(backbone: Backbone) -> Steps:
    """Three steps of the whole network as Keras computes it, and of what lies above the cut."""
    import keras

    from generator.training import network
    from generator.training.batches import preprocess_input_of

    given = images(backbone.least_size)
    if backbone.preparation.module:
        given = preprocess_input_of(backbone.preparation.module)(given)
    base, head = drawn(backbone), network.build_head(0.0)
    head.dense.build((None, backbone.features))
    # Steps of one size whatever the features' scale is.
    rate = 0.01 / float(np.abs(np.mean(base(given), axis=(1, 2))).max() ** 2)
    cut = network.cut_point(base, backbone.first_trained(AUTO))
    network.unfreeze(base, backbone.first_trained(AUTO))
    variables = [*base.trainable_variables, *head.dense.trainable_variables]
    start = [variable.numpy() for variable in variables]

    def steps(model: Any, through: np.ndarray, *, eager: bool) -> tuple[list[float], np.ndarray]:
        """The losses, and by how much each number of the variables moved."""
        for variable, value in zip(variables, start, strict=True):
            variable.assign(value)
        losses = _descend(model, through, rate, eager=eager)
        moved = [(v.numpy() - value).ravel() for v, value in zip(variables, start, strict=True)]
        return losses, np.concatenate(moved).astype(np.float64)

    inputs = keras.Input(base.input_shape[1:])
    features = _inference()(base.input, base.output)(inputs)
    whole = keras.Model(inputs, head.dense(head.dropout(head.pooling(features))))
    stored = np.asarray(network.below(base, cut)(given, training=False))
    # To trace the whole network for three steps would take longer than the steps.
    wanted, moved = steps(whole, given, eager=True)
    found, followed = steps(network.connect(network.above(base, cut), head), stored, eager=False)
    return Steps(wanted, found, float(np.linalg.norm(followed - moved) / np.linalg.norm(moved)))


@cache
def _inference() -> type:
    """The network as Keras itself computes it, with nothing of the project's; a class, once Keras is there."""
    import keras

    class KerasInference(keras.Model):  # type: ignore[misc]
        def call(self, inputs: object, training: object = None, mask: object = None) -> object:
            return super().call(inputs, training=False, mask=mask)

    return KerasInference


def _descend(model: Any, given: np.ndarray, rate: float, *, eager: bool) -> list[float]:
    """The losses of three steps of plain gradient descent on two images of two classes."""
    import keras

    # With RMSprop rounding would decide on the first steps of variables whose gradients are nearly zero.
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(rate), loss=loss, jit_compile=False, run_eagerly=eager)
    return [float(model.train_on_batch(given, CLASSES)) for _ in range(3)]


def drawn(backbone: Backbone) -> Any:
    """The network with values of its variables of which none is neutral, as training would leave them."""
    import keras

    from generator.training import network

    keras.utils.set_random_seed(0)  # The kernels are Keras' own: whatever ran before must not decide them.
    return with_drawn(network.build_base(backbone.name, backbone.least_size))


def with_drawn(model: Any, seed: int = 0) -> Any:
    """`model` with such values, drawn for its layers' variables."""
    import keras

    from generator.training import network

    draw = np.random.default_rng(seed)
    for layer in model.layers:
        for name, variable in network.variables_of(layer).items():
            shape, kind = tuple(variable.shape), name.rpartition("/")[2]
            if kind in ("gamma", "moving_variance", "variance", "variable"):
                variable.assign(draw.uniform(0.5, 1.5, shape))
            elif kind in ("beta", "moving_mean", "bias", "mean"):
                variable.assign(draw.normal(0, 0.3, shape))
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()
    return model


def images(size: int, count: int = 2) -> np.ndarray:
    """(count, size, size, 3) of float32, 0 to 255."""
    return np.random.default_rng(2).uniform(0, 255, (count, size, size, 3)).astype(np.float32)


def difference(found: Any, wanted: Any) -> float:
    """The largest, relative to the largest value. Raises `ValueError` for other shapes and what is not finite."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    if found.shape != wanted.shape or not np.isfinite(wanted).all():
        raise ValueError(f"cannot be compared: {found.shape} with {wanted.shape}")
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def built(name: str) -> dict[str, Any]:
    """What a build of the smoke profile takes, in a copy of the project without a store."""
    size = max(64, BACKBONES[name].least_size)
    settings = {"model.backbone": name, "weights": "random", "data.image_size": size}
    arguments = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    with tempfile.TemporaryDirectory() as folder:
        copied = project.copy(Path(folder) / "project")
        done = project.build(copied, "--profile", "smoke", "--variants", "baseline", *arguments)
    return {"size": size, "build": asdict(done.run)}


def as_markdown(measured: Record) -> str:
    """One row a network."""
    lines = [
        "| backbone | frozen pass, float32 | in bfloat16 | three steps | smoke build at | processor time | memory |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [_row(name, found) for name, found in measured["networks"].items()]
    return "\n".join(lines)


def _row(name: str, found: Mapping[str, Any]) -> str:
    build = found["build"]
    equal = " | ".join(f"{found[key]:.0e}" if found[key] else "0" for key in ("float32", "bfloat16", "steps"))
    memory = f"{build['memory'] / 2**20:,.0f} MiB" if build["memory"] else "not known"
    return f"| {name} | {equal} | {found['size']} px | {build['processor']:.0f} s | {memory} |"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backbones", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--backbones", nargs="+", default=list(BACKBONES), choices=BACKBONES, metavar="NAME")
    parser.add_argument("--json", type=Path, help="keep every figure in this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
