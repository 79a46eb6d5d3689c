"""The ratios that the estimate of a build needs besides its probe (generator/build/estimate.py), and how far it is off.

    a step        training the part above the cut on a batch, in forward passes of it: the fastest of some, as the
                  probe takes the faster of two, because whatever else the machine does only makes them slower
    a head's step likewise, in builds of the base
    apart from    what each stage of a small build took that its images do not explain, in builds of the base
    its images

Each in both precisions, each beside its own probe. Prints Markdown; `--check` also makes larger builds, with an
augmented variant, and prints each stage's estimate beside what it took. `--json` writes the program's own file.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import machine, project, record
from generator.build import estimate, outlook
from generator.build.estimate import Costs, Speed, Work
from generator.build.executor import Local
from generator.build.outlook import Outset
from generator.build.plan import Node, plan, probe
from generator.build.runner import Runner
from generator.build.start import start
from generator.build.storage.store import Store
from generator.experiment.config import loading
from generator.support import hardware
from generator.support.display import Display
from generator.support.places import WORKER_LOG, Places

PRECISIONS = ("float32", "bfloat16")

LARGE = (
    "data.sample_train=160",
    "data.sample_test=40",
    "head.epochs=100",
    "fine_tuning.epochs=4",
    "variants.augmentation.head.epochs=4",
)


@dataclass(frozen=True)
class Built:
    """One build: what the probe measured, and of each stage the work and the seconds it took."""

    precision: str
    images: int
    most_stored: int
    speed: Speed
    work: Mapping[str, Work]
    took: Mapping[str, float]

    def expected(self, label: str, costs: Costs) -> float:
        todo = self.work[label]
        return estimate.predicted(todo, self.precision, self.images, self.speed, costs, self.most_stored)


def main() -> None:
    options = _options()
    measured = record.of(rounds=options.rounds)
    print(machine.as_markdown(measured["machine"]), flush=True)
    machine.as_worker()
    steps = {precision: _steps(precision, options.repeats) for precision in PRECISIONS}
    small = [_built(p, "baseline,augmentation", "smoke") for _ in range(options.rounds) for p in PRECISIONS]
    costs = ratios(steps, small)
    table = measured | {"ratios": vars(costs), "checked": {}}
    if options.check:
        large = {p: _built(p, "baseline,augmentation", None, *LARGE) for p in PRECISIONS}
        table["checked"] = {precision: _checked(built, costs) for precision, built in large.items()}
    print(as_markdown(table))
    record.write(options.json, table)


def _steps(precision: Any, repeats: int) -> tuple[float, float]:
    """A step of fine-tuning in passes of the part above the cut, and one of the head in builds of the base."""
    import keras

    from generator.stages.workspace import configure
    from generator.training import network
    from generator.training.epochs import compile_model

    configure(hardware.cores())
    settings = loading.load(project.ROOT / "experiment.toml")
    recipe, size, batch = settings.baseline.recipe, settings.data.image_size, settings.data.batch_size
    started = time.perf_counter()
    base = network.build_base("ResNet50", size)
    building = time.perf_counter() - started
    above = network.above(base, network.cut_point(base, recipe.fine_tuning.from_layer))
    draw = np.random.default_rng(0)
    outputs = draw.random((batch, *above.input_shape[1:]), np.float32)
    labels = draw.integers(0, 2, (batch, 1)).astype(np.float32)
    upper = _pass(above, precision, outputs)
    network.unfreeze(base, recipe.fine_tuning.from_layer)
    whole = network.connect(above, network.build_head(recipe.model.dropout), precision=precision)
    head = network.connect_head(network.build_head(recipe.model.dropout), base.output_shape[-1])
    compile_model(whole, recipe.fine_tuning)
    compile_model(head, recipe.head)
    pooled = draw.random((batch, base.output_shape[-1]), np.float32)
    step = _fastest(lambda: whole.train_on_batch(outputs, labels), repeats)
    head_step = _fastest(lambda: head.train_on_batch(pooled, labels), 10 * repeats)
    passing = _fastest(upper, repeats)
    keras.backend.clear_session()
    found = f"base {building:.2f} s, pass {passing:.3f} s, step {step:.3f} s, head's {head_step:.4f} s"
    print(f"{precision}: {found}", flush=True)
    return step / passing, head_step / building


def _pass(above: Any, precision: Any, outputs: Any) -> Callable[[], object]:
    """A forward pass of the part above the cut, as the probe times it."""
    import tensorflow as tf

    from generator.training import folding, network

    forward = tf.function(folding.fold(network.pooled(above), precision), autograph=False)
    images = tf.constant(outputs)
    return lambda: forward(images).numpy()


def _fastest(work: Callable[[], object], repeats: int) -> float:
    """Seconds of the fastest of `repeats`, after one that prepares."""
    work()
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken)


def _built(precision: str, variants: str, profile: str | None, *settings: str) -> Built:
    with tempfile.TemporaryDirectory() as folder:
        chosen = loading.load(
            project.ROOT / "experiment.toml",
            variants=variants,
            profile=profile,
            overrides=[f"model.precision={precision}", "weights=embedded", *settings],
        )
        places = Places(project.ROOT, Path(folder), Path(folder) / "site", Path(folder) / "preview.html")
        begun = start(chosen, places.store)
        planned, store, executor = plan(chosen, begun), Store(places.store), Local(places.store / WORKER_LOG)
        nodes = tuple({node.key.digest: node for node in planned.nodes}.values())
        there, runner = Outset(chosen, begun, planned, store), Runner(store, executor, Display())

        def measure(node: Node) -> dict[str, float]:
            figures: dict[str, float] = {}
            executor.run(probe(chosen, begun, node.run), places.store, figures.update)
            return figures

        try:
            speed = outlook.speed(there, planned.runs["baseline"]["fine_tuning"], measure)
            work = outlook.expect(there, nodes, Display()).work
            # One after the other, also what a build draws beside what trains, and what it asks for in some data only.
            for node in nodes:
                runner.require(node)
        finally:
            executor.close()
        took = {node.label: runner.entries[node.key.digest].seconds for node in nodes}
    return Built(precision, len(begun.dataset.samples), chosen.data.max_stored_bytes, speed, work, took)


def ratios(steps: Mapping[str, tuple[float, float]], small: list[Built]) -> Costs:
    """The steps as measured, and medians over the small builds of what is left."""
    step = {precision: _rounded([ratio]) for precision, (ratio, _) in steps.items()}
    head_step = _rounded([ratio for _, ratio in steps.values()])
    none = Costs(dict.fromkeys((todo.stage for todo in small[0].work.values()), 0.0), step, head_step)
    return replace(
        none, fixed={stage: _rounded([_beyond(built, stage, none) for built in small]) for stage in none.fixed}
    )


def _beyond(built: Built, stage: str, none: Costs) -> float:
    """What `stage` took beyond what its images explain, in builds of the base."""
    label = next(label for label, todo in built.work.items() if todo.stage == stage)
    return max(0.0, built.took[label] - built.expected(label, none)) / built.speed.base


def _rounded(values: list[float]) -> float:
    return float(f"{max(0.0, median(values)):.2g}")


def _checked(built: Built, costs: Costs) -> dict[str, tuple[float, float]]:
    """Stage's label → what was expected and what it took, s."""
    return {label: (round(built.expected(label, costs), 2), round(took, 2)) for label, took in built.took.items()}


def as_markdown(table: Mapping[str, Any]) -> str:
    """The ratios, then each stage's estimate and what it took, in either precision."""
    costs = Costs(**table["ratios"])
    lines = ["", "| ratio | to | |", "|---|---|---:|"]
    lines += [f"| {stage}, apart from its images | building the base | {each} |" for stage, each in costs.fixed.items()]
    lines += [f"| the head's step on a batch | building the base | {costs.head_step} |"]
    lines += [f"| a step's image, {p} | its forward pass above the cut | {ratio} |" for p, ratio in costs.step.items()]
    for precision, rows in table["checked"].items():
        lines += ["", f"| {precision} | estimated, s | took, s |", "|---|---:|---:|"]
        lines += [f"| {label} | {expected:.1f} | {took:.1f} |" for label, (expected, took) in rows.items()]
        expected, took = (sum(column) for column in zip(*rows.values(), strict=True))
        lines.append(f"| all | {expected:.1f} | {took:.1f} |")
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.costs", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--rounds", type=int, default=3, help="small builds in either precision")
    parser.add_argument("--repeats", type=int, default=15, help="steps, of which the fastest counts")
    parser.add_argument("--check", action="store_true", help="also make larger builds and compare")
    parser.add_argument("--json", type=Path, help="file for the ratios: generator/build/costs.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
