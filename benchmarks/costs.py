"""The ratios that the estimate of a build needs besides its probe (generator/estimate.py), and how far it is off.

In each precision one small build and one with full-size images, by the project's own stages, each with its probe.
Of both follow, as ratios to what the probe measured: what a stage takes apart from its images, what a step of
fine-tuning takes, and what a step of the head takes. Prints Markdown: the ratios, and for the larger builds, which
have an augmented variant too, each stage's estimate beside what it took. `--json` writes the program's own file.
"""

import argparse
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import machine, project
from generator import config, estimate, outlook, pipeline
from generator.bench import Bench, Places
from generator.display import Display
from generator.estimate import Costs, Speed, Work

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
    described = machine.describe()
    print(machine.as_markdown(described), flush=True)
    pairs = [_pair(precision) for _ in range(options.rounds) for precision in PRECISIONS]
    costs = ratios(pairs)
    large = [built for _, built in pairs]
    checked = {p: _checked([b for b in large if b.precision == p], costs) for p in PRECISIONS}
    table = {"machine": described, "rounds": options.rounds, "ratios": vars(costs), "checked": checked}
    print(as_markdown(table))
    if options.json:
        options.json.write_text(json.dumps(table, indent=1) + "\n", "utf-8")


def _pair(precision: str) -> tuple[Built, Built]:
    """A small build and a larger one."""
    small, large = _built(precision, "baseline", "smoke"), _built(precision, "baseline,augmentation", None, *LARGE)
    print(f"{precision}: {sum(small.took.values()):.0f} s and {sum(large.took.values()):.0f} s", flush=True)
    return small, large


def _built(precision: str, variants: str, profile: str | None, *settings: str) -> Built:
    with tempfile.TemporaryDirectory() as folder:
        chosen = config.load(
            project.ROOT / "experiment.toml",
            variants=variants,
            profile=profile,
            overrides=[f"model.precision={precision}", "weights=embedded", *settings],
        )
        places = Places(project.ROOT, Path(folder), Path(folder) / "site", Path(folder) / "preview.html")
        bench = Bench(chosen, places, Display())
        try:
            speed = outlook.measure(bench, bench.plan.variants["baseline"].fine_tuning)
            running = pipeline.running(bench.plan)
            work = outlook.expect(bench, running, probe=False).work
            bench.collect()
        finally:
            bench.worker.close()
        took = {stage.label: bench.entries[stage.key.digest].seconds for stage in running}
    return Built(precision, len(bench.dataset.samples), chosen.data.max_stored_bytes, speed, work, took)


def ratios(pairs: list[tuple[Built, Built]]) -> Costs:
    """Medians over all pairs of builds."""
    solved = [(small.precision, *_of_fine_tuning(small, large)) for small, large in pairs]
    step = {p: _rounded([step for precision, _, step in solved if precision == p]) for p in PRECISIONS}
    head = [_of_head(small, large) for small, large in pairs]
    known = {"fine_tuning": _rounded([each for _, each, _ in solved]), "head": _rounded([each for each, _ in head])}
    head_step = _rounded([each for _, each in head])
    none = Costs(dict.fromkeys((todo.stage for todo in pairs[0][0].work.values()), 0.0), step, head_step)
    fixed = {stage: _rounded([_beyond(small, stage, none) for small, _ in pairs]) for stage in none.fixed}
    return replace(none, fixed={**fixed, **known})


def _of_fine_tuning(small: Built, large: Built) -> tuple[float, float]:
    """What fine-tuning takes apart from its images, in builds of the base, and a step in forward passes."""
    sides, took = [], []
    for built in (small, large):
        todo, speed = built.work["baseline.fine_tuning"], built.speed
        sides.append([speed.base, todo.trained * speed.upper])
        took.append(built.took["baseline.fine_tuning"] - todo.upper * speed.upper)
    fixed, step = np.linalg.solve(sides, took)
    return float(fixed), float(step)


def _of_head(small: Built, large: Built) -> tuple[float, float]:
    """What the head takes apart from its steps, and one of them, in builds of the base."""
    sides = [[built.speed.base, built.work["baseline.head"].head_steps * built.speed.base] for built in (small, large)]
    fixed, step = np.linalg.solve(sides, [built.took["baseline.head"] for built in (small, large)])
    return float(fixed), float(step)


def _beyond(built: Built, stage: str, none: Costs) -> float:
    """What `stage` took beyond what its images explain, in builds of the base."""
    (label,) = (label for label, todo in built.work.items() if todo.stage == stage)
    return max(0.0, built.took[label] - built.expected(label, none)) / built.speed.base


def _rounded(values: list[float]) -> float:
    return float(f"{max(0.0, median(values)):.2g}")


def _checked(builds: list[Built], costs: Costs) -> dict[str, tuple[float, float]]:
    """Stage's label → what was expected and what it took, s: medians over builds that are alike."""
    return {
        label: (
            round(median(built.expected(label, costs) for built in builds), 2),
            round(median(built.took[label] for built in builds), 2),
        )
        for label in builds[0].work
    }


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
    parser.add_argument("--rounds", type=int, default=3, help="the ratios are medians")
    parser.add_argument("--json", type=Path, help="file for the ratios: generator/costs.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
