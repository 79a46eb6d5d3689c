"""Plain Keras and the project side by side: seconds per phase and in all, their ratios, both accuracies.

Both run the same recipe on the same images with the same weights, split and epochs, each in processes of its own,
in turn. The project is the real command with an empty store, so its seconds hold figures, post and preview too.
Prints Markdown; `--json FILE` keeps every figure.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import machine, project
from generator import sample
from generator.config import BASELINE
from generator.origins import SAMPLE_SEED

PHASES = {
    "head": ("features", "head"),
    "fine_tuning": ("cut", "fine_tuning"),
    "evaluation": ("evaluation",),
}
"""Phase of the recipe → the project's stages that do its work."""

Table = dict[str, Any]


def main() -> None:
    options = _options()
    described = machine.describe()
    print(machine.as_markdown(described), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        copied = project.copy(Path(folder) / "project")
        # Beforehand, for both: how long drawing takes says nothing about training.
        images = options.data or _drawn(Path(folder) / "images", options.images)
        rounds = [one_round(copied, images, options) for _ in range(options.repeats)]
    print(as_markdown(rounds))
    if options.json:
        kept = {name: str(value) for name, value in vars(options).items() if value is not None}
        report = {"machine": described, "options": kept, "rounds": rounds}
        options.json.write_text(json.dumps(report, indent=1) + "\n", "utf-8")


def one_round(copied: Path, images: Path, options: argparse.Namespace) -> Table:
    """Both measured once: `{"plain": {variant: …}, "plain_run": …, "project": {selection: …}}`."""
    out = copied.parent / "plain.json"
    places = ["--store", str(copied.parent / "plain-store"), "--out", str(out)]
    recipe = ["--config", str(copied / "experiment.toml"), "--variants", options.variants]
    arguments = [*recipe, *places, *_settings(images, options), *(["--xla"] if options.xla else [])]
    plain = project.run([sys.executable, "-m", "benchmarks.plain_keras", *arguments], project.ROOT)
    print(f"plain Keras, {options.variants}: {plain.seconds:.1f} s", flush=True)
    found: Table = {"plain": json.loads(out.read_text("utf-8")), "plain_run": asdict(plain), "project": {}}
    for selection in dict.fromkeys((BASELINE, options.variants)):
        found["project"][selection] = first_build(copied, selection, images, options)
    return found


def first_build(copied: Path, selection: str, images: Path, options: argparse.Namespace) -> Table:
    """The project's own command with nothing in its store."""
    for name in (".store", "site"):
        shutil.rmtree(copied / name, ignore_errors=True)
    precision = ["--set", f"model.precision={options.precision}"]
    built = project.build(copied, "--variants", selection, *precision, *_settings(images, options))
    print(f"project, {selection}: {built.run.seconds:.1f} s", flush=True)
    return {**asdict(built.run), "stages": built.stages, "variants": built.metrics["variants"]}


def as_markdown(rounds: list[Table]) -> str:
    """The medians of all rounds: per phase of the baseline, whole runs, and scores."""
    lines = ["", "| seconds | plain Keras | project | ratio |", "|---|---:|---:|---:|"]
    for phase, stages in PHASES.items():
        lines.append(
            _ratio(
                f"baseline, {phase.replace('_', '-')}",
                _median(rounds, lambda r, p=phase: r["plain"][BASELINE]["seconds"][p]),
                _median(rounds, lambda r, s=stages: sum(_stage(r, name) for name in s)),
            )
        )
    whole = _median(rounds, _plain_baseline)
    lines.append(_ratio("baseline, whole", whole, _median(rounds, lambda r: r["project"][BASELINE]["seconds"])))
    selection = list(rounds[0]["project"])[-1]
    if selection != BASELINE:
        ours = _median(rounds, lambda r: r["project"][selection]["seconds"])
        lines.append(_ratio(f"{selection}, whole", _median(rounds, lambda r: r["plain_run"]["seconds"]), ours))
    plain, ours = (_median(rounds, use) for use in (_plain_processor, _project_processor))
    lines.append(_ratio(f"{selection}, whole, processor time", plain, ours))
    lines += ["", "| scores (plain Keras / project) | head val. acc. | fine-tuned val. acc. | test acc. | test loss |"]
    lines += ["|---|---|---|---|---|"]
    lines += [_scores(name, rounds[-1], selection) for name in rounds[-1]["plain"]]
    return "\n".join(lines)


def _plain_baseline(found: Table) -> float:
    """What plain Keras takes for the baseline alone: its process less the other variants."""
    others = (table["seconds"] for name, table in found["plain"].items() if name != BASELINE)
    return found["plain_run"]["seconds"] - sum(sum(seconds.values()) for seconds in others)


def _plain_processor(found: Table) -> float:
    return found["plain_run"]["processor"]


def _project_processor(found: Table) -> float:
    return list(found["project"].values())[-1]["processor"]


def _stage(found: Table, stage: str) -> float:
    return found["project"][BASELINE]["stages"][f"{BASELINE}.{stage}"]


def _median(rounds: list[Table], value: Callable[[Table], float]) -> float:
    return median(map(value, rounds))


def _ratio(name: str, plain: float, ours: float) -> str:
    return f"| {name} | {plain:.1f} | {ours:.1f} | {plain / ours:.2f}× |"


def _scores(name: str, found: Table, selection: str) -> str:
    plain, ours = found["plain"][name], found["project"][selection]["variants"][name]
    pairs = [
        (plain["head"]["val_accuracy"], ours["epochs"]["head"]["val_accuracy"]),
        (plain["fine_tuning"]["val_accuracy"], ours["epochs"]["fine_tuning"]["val_accuracy"]),
        (plain["test"]["accuracy"], ours["test"]["accuracy"]),
        (plain["test"]["loss"], ours["test"]["loss"]),
    ]
    return f"| {name} | " + " | ".join(f"{a:.4f} / {b:.4f}" for a, b in pairs) + " |"


def _drawn(folder: Path, images: int) -> Path:
    """Sample images: `images` for training and a ninth of that for the test, as in the project's sample."""
    sample.draw(folder, train=images, test=max(2, round(images / 9 / 2) * 2), seed=SAMPLE_SEED)
    return folder


def _settings(images: Path, options: argparse.Namespace) -> list[str]:
    """The options that both commands understand."""
    settings = {"data.path": json.dumps(str(images)), "data.image_size": options.image_size, "seed": options.seed}
    if options.epochs:
        head, tuning = options.epochs
        settings |= {"head.epochs": head, "fine_tuning.epochs": tuning}
    return [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--variants", default=BASELINE, help="as of build.py; the baseline is timed alone as well")
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16", "auto"), help="the project's")
    parser.add_argument("--repeats", type=int, default=1, help="rounds; the table holds medians")
    parser.add_argument("--data", type=Path, help="a folder of your images instead of the sample")
    parser.add_argument("--images", type=int, default=360, help="training images of the sample")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--epochs", type=int, nargs=2, metavar=("HEAD", "TUNING"), help="instead of 30 11")
    parser.add_argument("--xla", action="store_true", help="let plain Keras use XLA, its default; slower on CPUs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="file for every figure")
    return parser.parse_args()


if __name__ == "__main__":
    main()
