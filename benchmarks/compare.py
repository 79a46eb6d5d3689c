"""Plain Keras and the project side by side: seconds per phase and in all, their ratios, both accuracies.

Both run the same recipe on the same images with the same weights, split and epochs, each in processes of its own,
in turn. The project is the real command, so its seconds hold figures, post and preview too: first the baseline with
an empty store, then the other variants as they are added to it.

Prints Markdown with the medians of all rounds. `--json FILE` keeps every figure after each round, and a later run
with the same options adds its rounds to it, so that hours of measuring need not be one piece.
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

PRECISIONS = ("float32", "bfloat16")

Table = dict[str, Any]


def main() -> None:
    options = _options()
    print(machine.as_markdown(machine.describe()), flush=True)
    report = _begun(options)
    with tempfile.TemporaryDirectory() as folder:
        copied = project.copy(Path(folder) / "project")
        # Beforehand, for both: how long drawing takes says nothing about training.
        images = options.data or _drawn(Path(folder) / "images", options.images)
        for _ in range(options.repeats):
            report["rounds"].append(one_round(copied, images, options))
            if options.json:
                options.json.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    print(as_markdown(report["rounds"]))


def _begun(options: argparse.Namespace) -> Table:
    """The report with the rounds that are already in `--json`."""
    chosen = {name: str(value) for name, value in vars(options).items() if name not in ("json", "repeats")}
    report: Table = {"options": chosen, "rounds": []}
    if options.json and options.json.exists():
        report = json.loads(options.json.read_text("utf-8"))
        if report["options"] != chosen:
            sys.exit(f"{options.json}: holds rounds with other options; name another file")
    return report


def one_round(copied: Path, images: Path, options: argparse.Namespace) -> Table:
    """Both measured once: `{"machine": …, "plain": {variant: …}, "plain_run": …, "project": {precision: …}}`."""
    out = copied.parent / "plain.json"
    places = ["--store", str(copied.parent / "plain-store"), "--out", str(out)]
    recipe = ["--config", str(copied / "experiment.toml"), "--variants", options.variants]
    arguments = [*recipe, *places, *_settings(images, options), *(["--xla"] if options.xla else [])]
    described = machine.describe()
    plain = project.run([sys.executable, "-m", "benchmarks.plain_keras", *arguments], project.ROOT)
    print(f"plain Keras, {options.variants}: {plain.seconds:.1f} s", flush=True)
    return {
        "machine": described,
        "plain": json.loads(out.read_text("utf-8")),
        "plain_run": asdict(plain),
        "project": {p: both_builds(copied, p, images, options) for p in PRECISIONS if p in options.precision},
    }


def both_builds(copied: Path, precision: str, images: Path, options: argparse.Namespace) -> Table:
    """The project's own command: the baseline with nothing in its store, then the other variants added to it."""
    for name in (".store", "site"):
        shutil.rmtree(copied / name, ignore_errors=True)
    found: Table = {}
    for selection in dict.fromkeys((BASELINE, options.variants)):
        settings = ["--set", f"model.precision={precision}", *_settings(images, options)]
        built = project.build(copied, "--variants", selection, *settings)
        print(f"project, {precision}, {selection}: {built.run.seconds:.1f} s", flush=True)
        found[selection] = {
            **asdict(built.run),
            "stages": built.stages,
            "ran": built.ran,
            "variants": built.metrics["variants"],
        }
    return found


def as_markdown(rounds: list[Table]) -> str:
    """The medians of all rounds: per phase of the baseline, whole runs, and the last round's scores."""
    return "\n".join(line for precision in rounds[0]["project"] for line in _tables(rounds, precision))


def _tables(rounds: list[Table], precision: str) -> list[str]:
    def ours(selection: str, what: str) -> float:
        return _median(rounds, lambda r: r["project"][precision][selection][what])

    def work(found: Table) -> float:
        built = found["project"][precision]
        return sum(built[selection]["processor"] for selection in built)

    def stages(names: tuple[str, ...]) -> float:
        return _median(
            rounds,
            lambda r: sum(r["project"][precision][BASELINE]["stages"][f"{BASELINE}.{name}"] for name in names),
        )

    selection = list(rounds[0]["project"][precision])[-1]
    lines = [
        "",
        f"| {precision}, median of {len(rounds)} | plain Keras, s | project, s | ratio |",
        "|---|---:|---:|---:|",
    ]
    for phase, names in PHASES.items():
        plain = _median(rounds, lambda r, p=phase: r["plain"][BASELINE]["seconds"][p])
        lines.append(_ratio(f"baseline, {phase.replace('_', '-')}", plain, stages(names)))
    lines.append(_ratio("baseline, whole", _median(rounds, _plain_baseline), ours(BASELINE, "seconds")))
    if selection != BASELINE:
        added = _median(rounds, lambda r: r["plain_run"]["seconds"] - _plain_baseline(r))
        lines.append(_ratio("the other variants, added", added, ours(selection, "seconds")))
        whole = ours(BASELINE, "seconds") + ours(selection, "seconds")
        lines.append(_ratio(f"{selection}, whole", _median(rounds, lambda r: r["plain_run"]["seconds"]), whole))
    processor = _median(rounds, lambda r: r["plain_run"]["processor"])
    lines.append(_ratio(f"{selection}, whole, processor time", processor, _median(rounds, work)))
    lines += _added(rounds, precision, selection)
    lines += ["", "| scores (plain Keras / project) | head val. acc. | fine-tuned val. acc. | test acc. | test loss |"]
    lines += ["|---|---|---|---|---|"]
    lines += [_scores(name, rounds[-1], precision, selection) for name in rounds[-1]["plain"]]
    return lines


def _added(rounds: list[Table], precision: str, selection: str) -> list[str]:
    """What each variant cost that was added to the baseline: only the stages that it does not share."""

    def built(found: Table) -> Table:
        added: Table = found["project"][precision][selection]
        return added

    lines = []
    for name in rounds[-1]["plain"]:
        labels = [label for label in built(rounds[-1])["ran"] if label.startswith(f"{name}.")]
        if name == BASELINE or not labels:
            continue
        seconds = {label: _median(rounds, lambda r, label=label: built(r)["stages"][label]) for label in labels}
        plain = _median(rounds, lambda r, name=name: sum(r["plain"][name]["seconds"].values()))
        stages = ", ".join(f"{label.split('.')[1].replace('_', '-')} {took:.1f}" for label, took in seconds.items())
        lines.append(f"{_ratio(name, plain, sum(seconds.values()))} {stages} |")
    head = ["", "| added | plain Keras, s | project's stages, s | ratio | which ran |", "|---|---:|---:|---:|---|"]
    return [*head, *lines] if lines else []


def _plain_baseline(found: Table) -> float:
    """What plain Keras takes for the baseline alone: its process less the other variants."""
    others = (table["seconds"] for name, table in found["plain"].items() if name != BASELINE)
    return found["plain_run"]["seconds"] - sum(sum(seconds.values()) for seconds in others)


def _median(rounds: list[Table], value: Callable[[Table], float]) -> float:
    return median(map(value, rounds))


def _ratio(name: str, plain: float, ours: float) -> str:
    return f"| {name} | {plain:.1f} | {ours:.1f} | {plain / ours:.2f}× |"


def _scores(name: str, found: Table, precision: str, selection: str) -> str:
    plain, ours = found["plain"][name], found["project"][precision][selection]["variants"][name]
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
    parser.add_argument("--precision", nargs="+", default=["float32"], choices=PRECISIONS, help="the project's")
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
