"""How long a step of fine-tuning takes, and what each way of computing it gives.

One step trains the part above the cut on a batch: forward, gradients of 46 arrays, RMSprop. The ways are Keras' own
layers and optimiser, the fold that the project trains through with each way to convolve (`convolution` and `winograd`
in generator/training), and Keras' RMSprop in place of the project's. They are timed in turn, so that a disturbance hits
all alike, and with them a product of two large matrices: what the processor can do. Prints Markdown, `--json FILE`
keeps it.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine, record, roofline
from benchmarks.record import Record
from generator.support import hardware

SIZE, FROM_LAYER = 224, 100

Step = Callable[[], object]


def main() -> None:
    options = _options()
    measured = record.of()
    print(machine.as_markdown(measured["machine"]), flush=True)
    machine.as_worker()
    from generator.stages.workspace import configure

    configure(options.threads)
    products = roofline.products(options.product)
    works = {**{name: work for name, (_, work) in products.items()}, **steps(options.batch)}
    seconds = roofline.medians(works, options.repeats)
    peaks = {name.rpartition(", ")[2]: count / seconds.pop(name) for name, (count, _) in products.items()}
    measured |= {"images": options.batch, "operations": operations(options.batch), "peaks": peaks, "seconds": seconds}
    print(as_markdown(measured))
    record.write(options.json, measured)


def steps(batch: int) -> dict[str, Step]:
    """Name → one step of training."""
    import keras

    from benchmarks.plain_keras import inference
    from generator.training import folding
    from generator.training.convolution import convolve, convolve_by_products
    from generator.training.rmsprop import RMSprop
    from generator.training.winograd import convolve_in_tiles

    def folded(precision: Any, way: Any, optimizer: Any = RMSprop) -> Step:
        # Whichever the fold would take; it asks when the model is first called.
        taken, folding.way = folding.way, lambda dtype, live: way
        try:
            return _step(_folded, precision, batch, optimizer)
        finally:
            folding.way = taken

    found = {
        "Keras' layers and RMSprop, float32": _step(
            lambda above, network: inference(above), "float32", batch, keras.optimizers.RMSprop
        ),
        "folded, TensorFlow's gradients, float32": folded("float32", convolve),
        "folded, gradients as products, float32": folded("float32", convolve_by_products),
        "folded, in tiles, float32": folded("float32", convolve_in_tiles),
        "folded, in tiles, Keras' RMSprop, float32": folded("float32", convolve_in_tiles, keras.optimizers.RMSprop),
    }
    if "bfloat16" not in machine.precisions():
        return found
    return found | {
        "folded, TensorFlow's gradients, bfloat16": folded("bfloat16", convolve),
        "folded, gradients as products, bfloat16": folded("bfloat16", convolve_by_products),
        "folded, gradients as products, Keras' RMSprop, bfloat16": folded(
            "bfloat16", convolve_by_products, keras.optimizers.RMSprop
        ),
    }


def operations(batch: int) -> float:
    """Of a step as it is defined: forward, then back to the kernels and images of what is trained. Tiles need fewer."""
    from generator.training import network

    base = network.build_base("ResNet50", SIZE)
    network.unfreeze(base, FROM_LAYER)
    above = network.above(base, network.cut_point(base, FROM_LAYER))
    layers = [layer for layer in above.layers if roofline.multiplications(layer)]
    # A kernel takes part where only the normalisation after it is trained: it is folded into the kernel.
    trained = [layer for layer in layers if layer.trainable or layer._outbound_nodes[0].operation.trainable]
    forward, (first, *further) = sum(map(roofline.multiplications, layers)), map(roofline.multiplications, trained)
    # What the first of them is given was computed by what is frozen.
    return 2.0 * batch * (forward + first + 2 * sum(further))


def _folded(above: Any, network: Any) -> Any:
    """The part above the cut as the project computes it."""
    return network.InferenceModel(above.input, above.output)


def _step(wrapped: Callable[[Any, Any], Any], precision: Any, batch: int, optimizer: Any) -> Step:
    import keras

    from generator.experiment.config.settings import FineTuningSettings
    from generator.training import network
    from generator.training.epochs import OPTIMIZERS, compile_model

    keras.utils.set_random_seed(0)
    base = network.build_base("ResNet50", SIZE)
    network.unfreeze(base, FROM_LAYER)
    above = wrapped(network.above(base, network.cut_point(base, FROM_LAYER)), network)
    above.precision = precision
    head = network.build_head(0.2)
    inputs = keras.Input(above.input_shape[1:])
    model = keras.Model(inputs, head.dense(head.dropout(head.pooling(above(inputs)))))
    OPTIMIZERS["rmsprop"] = optimizer
    compile_model(model, FineTuningSettings(optimizer="rmsprop", learning_rate=1e-5, epochs=1, from_layer=FROM_LAYER))
    draw = np.random.default_rng(0)
    images = draw.random((batch, *above.input_shape[1:]), np.float32)
    labels = draw.integers(0, 2, (batch, 1)).astype(np.float32)
    start = model.get_weights()
    model.train_on_batch(images, labels)  # traced now, while the gradients are those that were asked for
    model.set_weights(start)
    model.reset_metrics()
    return lambda: model.train_on_batch(images, labels)


def as_markdown(measured: Record) -> str:
    """Seconds of a step, images per second, and the ratio to Keras' layers; operations where they were counted."""
    batch, seconds, operations = measured["images"], measured["seconds"], measured.get("operations")
    counted = (" GFLOP/s | of a matrix product's |", "---:|---:|") if operations else ("", "")
    lines = [
        "",
        f"| a step on {batch} images | seconds | images per second | of Keras' speed |{counted[0]}",
        f"|---|---:|---:|---:|{counted[1]}",
    ]
    keras = next(iter(seconds.values()))
    for name, s in seconds.items():
        line = f"| {name} | {s:.3f} | {batch / s:.1f} | {keras / s:.2f}× |"
        if operations:
            share = operations / s / measured["peaks"][name.rpartition(", ")[2]]
            line += f" {operations / s / 1e9:.0f} | {share:.0%} |"
        lines.append(line)
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.step", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--threads", type=int, default=hardware.cores())
    parser.add_argument("--repeats", type=int, default=7, help="rounds; the table holds medians")
    parser.add_argument("--batch", type=int, default=32, help="images of a step")
    parser.add_argument("--product", type=int, default=4096, help="rows of the matrices")
    parser.add_argument("--json", type=Path, help="file for every figure")
    return parser.parse_args()


if __name__ == "__main__":
    main()
