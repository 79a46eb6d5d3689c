"""How time, memory and disk of a build grow with the number of images, and whether they grow gently enough.

Builds the baseline with 0.25, 1, 4 and 10 times the sample's images, each with an empty store. Memory is the most
that the build and its worker hold at once; mapped files, which the system may drop at any time, are not in it. Of the
disk it is the store that the build leaves.
Prints Markdown, `--plot FILE` draws it, `--json FILE` keeps it.
"""

import argparse
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import machine, project, record
from generator.support.files import file_hash

PHASES = ("pixels", "features", "cut", "head", "fine_tuning", "evaluation")

TIME_LIMIT, MEMORY_LIMIT = 10, 1.3
"""Most that ten times the images may multiply time and memory by."""

Row = dict[str, Any]


def main() -> None:
    options = _options()
    measured = record.of()
    print(machine.as_markdown(measured["machine"]), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        copied = project.copy(Path(folder) / "project")
        rows = measured["rows"] = []
        for factor in options.factors:
            rows.append(_measure(copied, factor, options))
            record.write(options.json, measured)
    print(as_markdown(rows))
    if options.plot:
        draw(rows, options.plot, measured["machine"]["processor"])
        measured["plot"] = file_hash(options.plot)
        record.write(options.json, measured)


def _measure(copied: Path, factor: float, options: argparse.Namespace) -> Row:
    for name in (".store", "site"):
        shutil.rmtree(copied / name, ignore_errors=True)
    train, test = _even(360 * options.base * factor), _even(40 * options.base * factor)
    settings: dict[str, Any] = {
        "data.sample_train": train,
        "data.sample_test": test,
        "data.measure": 0,
        "data.image_size": options.image_size,
        "model.precision": options.precision,
    }
    if options.epochs:
        settings |= dict(zip(("head.epochs", "fine_tuning.epochs"), options.epochs, strict=True))
    arguments = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    built = project.build(copied, "--variants", "baseline", *arguments)
    print(f"{factor:g}×: {built.run.seconds:.1f} s, {built.run.memory / 2**20:.0f} MiB", flush=True)
    seconds = {name: sum(s for label, s in built.stages.items() if label.endswith(f".{name}")) for name in PHASES}
    disk = sum(path.stat().st_size for path in (copied / ".store").rglob("*") if path.is_file())
    return {"factor": factor, "images": train + test, **asdict(built.run), "disk": disk, "stages": seconds}


def _even(images: float) -> int:
    """As many of both classes, at least four of each."""
    return max(8, round(images / 2) * 2)


def as_markdown(rows: list[Row]) -> str:
    """One line per size, and the verdict where sizes ten times apart were measured."""
    header = [
        "data",
        "images",
        "seconds",
        "per image",
        "processor seconds",
        "peak memory, MiB",
        "store, MiB",
        *(p.replace("_", "-") for p in PHASES),
    ]
    lines = ["", "| " + " | ".join(header) + " |", "|" + "---:|" * len(header)]
    for row in rows:
        cells = [f"{row['factor']:g}×", f"{row['images']}", f"{row['seconds']:.1f}"]
        cells += [f"{row['seconds'] / row['images']:.3f}", f"{row['processor']:.1f}", f"{row['memory'] / 2**20:.0f}"]
        cells.append(f"{row['disk'] / 2**20:.0f}" if "disk" in row else "")  # older records have none
        cells += [f"{row['stages'][name]:.1f}" for name in PHASES]
        lines.append("| " + " | ".join(cells) + " |")
    by_factor = {row["factor"]: row for row in rows}
    pairs = [(row, by_factor[10 * factor]) for factor, row in by_factor.items() if 10 * factor in by_factor]
    lines += [line for one, ten in pairs for line in ("", _verdict(one, ten))]
    return "\n".join(lines)


def _verdict(one: Row, ten: Row) -> str:
    time, processor, memory = (ten[name] / one[name] for name in ("seconds", "processor", "memory"))
    kept = time <= TIME_LIMIT and memory <= MEMORY_LIMIT
    disk = f" and {ten['disk'] / one['disk']:.2f} times the store" if "disk" in one else ""
    return (
        f"Ten times the images, {one['images']:,} and {ten['images']:,}: {time:.2f} times the time "
        f"({processor:.2f} times the processor's), {memory:.2f} times the memory{disk}; "
        f"{'within' if kept else 'NOT within'} the limits of {TIME_LIMIT} and {MEMORY_LIMIT}."
    )


def draw(rows: list[Row], path: Path, processor: str) -> None:
    """Time and memory over the number of images, with what exact proportion would be."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    images = [row["images"] for row in rows]
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    time, memory = figure.subplots(1, 2)
    time.plot(images, [row["seconds"] for row in rows], "o-", label="measured")
    time.plot(images, [row["processor"] for row in rows], "s--", label="of the processor, all cores")
    reference = next((row for row in rows if row["factor"] == 1), rows[0])
    per_image = reference["seconds"] / reference["images"]
    time.plot(images, [per_image * n for n in images], "k:", label=f"in proportion to {reference['factor']:g}×")
    time.set(xscale="log", yscale="log", ylabel="seconds", title="Time of the whole build")
    time.legend()
    memory.plot(images, [row["memory"] / 2**20 for row in rows], "o-", color="C1")
    memory.set(xscale="log", ylabel="MiB", title="Peak memory")
    memory.set_ylim(0, 1.15 * max(row["memory"] for row in rows) / 2**20)
    for axes in (time, memory):
        axes.set_xlabel("images")
        axes.set_xticks(images, [str(n) for n in images])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    figure.suptitle(processor, fontsize="small")
    figure.savefig(path, dpi=120, metadata={"Software": None})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--factors", type=float, nargs="+", default=[0.25, 1.0, 4.0, 10.0])
    parser.add_argument("--base", type=float, default=1.0, help="1× as a share of the sample's 400 images")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--epochs", type=int, nargs=2, metavar=("HEAD", "TUNING"), help="instead of 30 11")
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16", "auto"))
    parser.add_argument("--plot", type=Path, help="PNG to draw")
    parser.add_argument("--json", type=Path, help="file for every figure")
    return parser.parse_args()


if __name__ == "__main__":
    main()
