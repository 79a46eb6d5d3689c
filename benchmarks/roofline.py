"""How near the frozen forward pass comes to what this processor can do: its measured matrix-product peak.

Measures, in turn so that a disturbance hits all alike: a product of two large matrices in float32 and bfloat16;
Keras' own forward pass of ResNet50; the folded one in both precisions. A multiplication and an addition are two
operations. Prints Markdown, `--json FILE` keeps it.

`--threads 1 --cpu-clock` counts the processor's time on one core instead of the time that passes: what to use on a
machine that is busy with other things.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import machine, record
from generator.support import hardware

SIZE = 224


def main() -> None:
    options = _options()
    measured = record.of()
    print(machine.as_markdown(measured["machine"]), flush=True)
    machine.as_worker()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    clock = time.process_time if options.cpu_clock else time.perf_counter
    works = {**products(options.product), **forward_passes(options.batch)}
    seconds = medians({name: work for name, (_, work) in works.items()}, options.repeats, clock)
    rates = {name: works[name][0] / 1e9 / seconds[name] for name in works}
    measured["works"] = _rated(rates, images=options.batch, gigaflop=works["Keras, float32"][0] / 1e9)
    print(as_markdown(measured["works"]))
    record.write(options.json, measured)


Work = tuple[float, Callable[[], None]]
"""Floating-point operations, and what performs them."""

Rates = dict[str, float]
"""`gflops`, and `images` per second of what computes any."""


def products(side: int) -> dict[str, Work]:
    """Products of two square matrices."""
    import tensorflow as tf

    multiply = tf.function(tf.matmul)

    def product(dtype: str) -> Work:
        matrix = tf.cast(tf.random.stateless_normal((side, side), (0, 1)), dtype)
        return 2.0 * side**3, lambda: multiply(matrix, matrix).numpy()

    return {f"matrix product, {dtype}": product(dtype) for dtype in machine.precisions()}


def forward_passes(batch: int) -> dict[str, Work]:
    """ResNet50 without its top on `batch` images, by Keras and folded."""
    import tensorflow as tf

    from generator.training.folding import fold
    from generator.training.network import build_base

    base = build_base("ResNet50", SIZE)
    images = tf.random.stateless_uniform((batch, SIZE, SIZE, 3), (0, 1), -120, 120)
    operations = 2.0 * batch * sum(map(multiplications, base.layers))

    def forward(function: Callable[[tf.Tensor], tf.Tensor]) -> Work:
        compiled = tf.function(function, autograph=False)
        return operations, lambda: compiled(images).numpy()

    folded = {f"folded, {dtype}": forward(fold(base, dtype)) for dtype in machine.precisions()}
    return {"Keras, float32": forward(partial(base, training=False)), **folded}


def multiplications(layer: object) -> int:
    """Of a convolution for one image; nothing else in the network counts beside them."""
    import keras

    if not isinstance(layer, keras.layers.Conv2D):
        return 0
    _, height, width, _ = layer.output.shape
    return height * width * layer.kernel.shape.num_elements()


def _rated(rates: dict[str, float], images: int, gigaflop: float) -> dict[str, Rates]:
    """Work → GFLOP/s, and of a forward pass images per second."""
    return {
        name: {"gflops": rate} | ({} if name.startswith("matrix") else {"images": rate / gigaflop * images})
        for name, rate in rates.items()
    }


def as_markdown(works: dict[str, Rates]) -> str:
    """GFLOP/s of each work, images per second, and the share of the peak in the same precision."""
    lines = ["", "| work | GFLOP/s | images per second | of the peak |", "|---|---:|---:|---:|"]
    for name, rates in works.items():
        peak = works[f"matrix product, {name.rpartition(', ')[2]}"]["gflops"]
        speed = f"{rates['images']:.1f}" if "images" in rates else ""
        lines.append(f"| {name} | {rates['gflops']:.0f} | {speed} | {rates['gflops'] / peak:.0%} |")
    return "\n".join(lines)


def medians(
    works: Mapping[str, Callable[[], object]], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """The seconds of each, all of them in turn in every round; the first time does not count."""
    for work in works.values():
        work()
    rounds = [{name: _seconds(work, clock) for name, work in works.items()} for _ in range(repeats)]
    return {name: median(r[name] for r in rounds) for name in works}


def _seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    started = clock()
    work()
    return clock() - started


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.roofline", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--threads", type=int, default=hardware.cores())
    parser.add_argument("--cpu-clock", action="store_true", help="the processor's time, not the time that passes")
    parser.add_argument("--repeats", type=int, default=5, help="rounds; the table holds medians")
    parser.add_argument("--batch", type=int, default=32, help="images at once")
    parser.add_argument("--product", type=int, default=4096, help="rows of the matrices")
    parser.add_argument("--json", type=Path, help="file for every figure")
    return parser.parse_args()


if __name__ == "__main__":
    main()
