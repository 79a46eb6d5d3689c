"""What several runs of every variant cost against one run of each: builds of all variants, each with an empty store.

    one      a single run of each variant
    moving   several runs, everything moves that moves by default
    still    several runs, the split and the augmented images the same in all, so that runs share the augmented pass

The ratio is that of the processor's time, which hardly changes with what else the machine does. Prints Markdown,
`--json FILE` keeps it, with the time by the clock.
"""

import argparse
import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import machine, project, record
from benchmarks.record import Record

STILL = ("weights", "head", "order", "dropout")
"""Sources of chance that move while split and augmentation stay."""

SHARED = ("pixels", "features", "cut", "augmented")
"""Stages that several runs may have in common."""


def main() -> None:
    options = _options()
    measured = record.of(count=options.count, image_size=options.image_size, epochs=options.epochs)
    print(machine.as_markdown(measured["machine"]), flush=True)
    kinds = {
        "one": "1",
        "moving": str(options.count),
        "still": f"{{count = {options.count}, vary = {json.dumps(STILL)}}}",
    }
    with tempfile.TemporaryDirectory() as folder:
        copied = project.copy(Path(folder) / "project")
        measured["builds"] = {kind: _measure(copied, kinds[kind], options) for kind in ("one", *options.kinds)}
    print(f"\n{as_markdown(measured)}")
    record.write(options.json, measured)


def _measure(copied: Path, seeds: str, options: argparse.Namespace) -> dict[str, Any]:
    for name in (".store", "site"):
        shutil.rmtree(copied / name, ignore_errors=True)
    head, tuning = options.epochs
    settings = {
        "seeds": seeds,
        "data.image_size": options.image_size,
        "data.measure": 0,
        "head.epochs": head,
        "fine_tuning.epochs": tuning,
    }
    arguments = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    built = project.build(copied, "--variants", "all", *arguments)
    kinds = {label.rpartition(".")[2] for label in built.stages}
    seconds = {
        kind: sum(s for label, s in built.stages.items() if label.endswith(f".{kind}")) for kind in sorted(kinds)
    }
    print(f"{seeds}: {built.run.processor:.0f} s of the processor, {built.run.seconds:.0f} s by the clock", flush=True)
    return {**asdict(built.run), "stages ran": len(built.ran), "stages": seconds}


def as_markdown(measured: Record) -> str:
    """One line per kind of build, each as a multiple of the single run."""
    builds, many = measured["builds"], measured["count"]
    one = builds["one"]
    told = {
        "one": "one run of each variant",
        "moving": f"{many} runs, everything moves",
        "still": f"{many} runs, split and augmentation stay",
    }
    lines = ["| build | stages | processor seconds | of one run's |", "|---|---:|---:|---:|"]
    for kind, build in builds.items():
        times = "" if kind == "one" else f"{build['processor'] / one['processor']:.2f}×"
        lines.append(f"| {told[kind]} | {build['stages ran']} | {build['processor']:.0f} | {times} |")
    head, tuning = measured["epochs"]
    size = f"images of {measured['image_size']} pixels, {head} epochs of the head and {tuning} of fine-tuning"
    last = list(builds.values())[-1]
    heads, tuned = (last["stages"][stage] / last["seconds"] for stage in ("head", "fine_tuning"))
    parts = f"Of the last build's time the heads' own training took {heads:.1%}, fine-tuning {tuned:.0%}."
    return "\n".join([*lines, "", f"All variants; {size}. {parts}"])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seeds", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--count", type=int, default=5, help="runs of each variant")
    parser.add_argument("--kinds", nargs="+", default=["moving", "still"], choices=("moving", "still"))
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--epochs", type=int, nargs=2, metavar=("HEAD", "TUNING"), default=(30, 11))
    parser.add_argument("--json", type=Path, help="file for every figure")
    return parser.parse_args()


if __name__ == "__main__":
    main()
