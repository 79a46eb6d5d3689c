"""How what follows training grows with the test images, the classes and the variants, and how much memory it holds.

Results are drawn, not trained (`tests/scaled.py`), of a tenth of the size and of the whole of it: 40,000 test images,
100 classes, 30 variants of three runs, one of these at a time. Of each the post is made and published, held against its
manifest, compared with another build, exported as one file and as tables, and its figures are drawn; each in a process
of its own, whose processor time and peak memory are told. Prints Markdown, `--json FILE` keeps it.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks import machine, record
from benchmarks.record import Record
from generator.diff import builds, compare, report
from generator.experiment.data_summary import Part
from generator.experiment.outcomes import Phase
from generator.experiment.results import BuildResults, VariantResult
from generator.experiment.statistics.two_way import interval
from generator.figures import charts
from generator.figures.accuracies import Accuracies, Runs
from generator.figures.curves import History
from generator.post.formats import export, latex
from generator.publishing import verify
from tests import factories, scaled

AXES: Final = {
    "images": ({"images": 4000}, {"images": 40_000}),
    "classes": ({"images": 2000, "classes": 10}, {"images": 2000, "classes": 100}),
    "variants": ({"runs": 3}, {"variants": 30, "runs": 3}),
}
"""What grows → what `scaled.make` is given at a tenth of the size, and at the whole of it."""

TIMES, MEMORY = 10, 2 * 2**30
"""What ten times the size may multiply time and page by, and most bytes that may be held."""

Row = dict[str, Any]
Facts = dict[str, int]


def main() -> None:
    options = _options()
    if options.step:
        print(json.dumps(_measured(options.step, options.folder, json.loads(options.size))))
        return
    measured = record.of(rows=[])
    print(machine.as_markdown(measured["machine"]), flush=True)
    for axis in options.axes:
        for size in AXES[axis]:
            with tempfile.TemporaryDirectory() as folder:
                for step in STEPS:
                    row = {"axis": axis, "size": size, "step": step, **_run(step, folder, size)}
                    print(f"{axis} {size}: {step} {row['seconds']:.1f} s, {row['memory'] / 2**20:.0f} MiB", flush=True)
                    measured["rows"] += [row] if step != "other" else []
    print(as_markdown(measured))
    record.write(options.json, measured)


def _run(step: str, folder: str, size: Mapping[str, int]) -> Row:
    """One step in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.results_scale", "--step", step, "--folder", folder]
    done = subprocess.run([*command, "--size", json.dumps(size)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{step} of {size}: exit {done.returncode}\n{done.stderr[-2000:]}")
    found: Row = json.loads(done.stdout.splitlines()[-1])
    return found


def _measured(step: str, folder: Path, size: Mapping[str, int]) -> Row:
    """The seconds that a step takes of the processor, without making what it begins with, and the process' memory."""
    work = STEPS[step](folder, size)
    begun = time.process_time()
    facts = work()
    seconds, memory = time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": seconds, "memory": memory, **facts}


# ---- The steps: from the size to what is measured ----------------------------------------------------------


def post(folder: Path, size: Mapping[str, int]) -> Callable[[], Facts]:
    found = scaled.make(**size)

    def work() -> Facts:
        places, _ = scaled.publish(found, folder / "new")
        page = places.preview.read_text("utf-8")
        return {"page": len(page.encode()), "table_rows": page.count("<tr"), "pictures": page.count("<img")}

    return work


def verified(folder: Path, size: Mapping[str, int]) -> Callable[[], Facts]:
    return lambda: {"findings": len(verify.verify(folder / "new" / "site"))}


def other(folder: Path, size: Mapping[str, int]) -> Callable[[], Facts]:
    """The build to compare with. By itself, since what it holds would count as the comparison's."""
    return lambda: {"variants": len(scaled.publish(scaled.make(**size, seed=2), folder / "old")[1].results.variants)}


def differences(folder: Path, size: Mapping[str, int]) -> Callable[[], Facts]:
    places = builds.SearchPlaces(folder, folder / "new" / "site", folder / "store", "")

    def work() -> Facts:
        sides = [builds.find(str(folder / name / "site"), places) for name in ("old", "new")]
        return {"report": len(report.to_html(compare.compare(*sides)).encode())}

    return work


def exported(folder: Path, size: Mapping[str, int]) -> Callable[[], Facts]:
    preview = folder / "new" / "preview.html"
    return lambda: {"file": len(export.export(preview.read_text("utf-8"), preview.parent).encode())}


def tables(folder: Path, size: Mapping[str, int]) -> Callable[[], Facts]:
    found = scaled.make(**size)
    return lambda: {"file": len(latex.tables(factories.make_config().post, found)[0].encode())}


def figures(folder: Path, size: Mapping[str, int]) -> Callable[[], Facts]:
    found = scaled.make(**size)
    shape = (len(found.baseline.predictions), 32, 32, 3)
    # A mapped file, as a build has them.
    pixels = np.lib.format.open_memmap(folder / "pixels.npy", "w+", np.uint8, shape)
    return lambda: {"drawn": _draw(found, pixels)}


def _draw(found: BuildResults, pixels: Any) -> int:
    """Every figure that follows from predictions or histories; gives their number."""
    names, variants, drawn = found.data.class_names, found.variants.values(), []
    for variant in variants:
        drawn += charts.draw_variant(variant, names, pixels, variant.predictions)
        drawn += charts.draw_curves([History(run.head, run.fine_tuning, []) for run in variant.every_run])
    drawn += charts.draw_examples(found.baseline, names, pixels)
    drawn += charts.draw_comparison(
        [
            Accuracies(
                title=each.title,
                head_validation=_runs(each, "head", "validation"),
                head_test=_runs(each, "head", "test"),
                validation=_runs(each, "fine_tuning", "validation"),
                test=_runs(each, "fine_tuning", "test"),
            )
            for each in variants
        ]
    )
    return len(drawn)


def _runs(variant: VariantResult, phase: Phase, part: Part) -> Runs:
    """The accuracies of its runs, as the stage `comparison` has them."""
    outcomes = variant.outcomes[phase]
    scores = [getattr(outcome, part) for outcome in outcomes]
    predictions = [outcome.predictions_by_part[part] for outcome in outcomes]
    return Runs.one(scores[0]) if len(scores) == 1 else Runs(scores, interval(predictions))


STEPS: Final[dict[str, Callable[[Path, Mapping[str, int]], Callable[[], Facts]]]] = {
    "post": post,
    "verify": verified,
    "other": other,
    "diff": differences,
    "export": exported,
    "tables": tables,
    "figures": figures,
}
"""Name → what begins with what; in order, because later ones read the site of the first."""


# ---- The report --------------------------------------------------------------------------------------------


def as_markdown(measured: Record) -> str:
    """A line for each step and what grows, with a tenth beside the whole; then the page, and the verdict."""
    lines = ["", "| ten times the | step | seconds, a tenth | whole | ratio | MiB, a tenth | whole |"]
    lines.append("|---|---|---:|---:|---:|---:|---:|")
    for tenth, whole in _both(measured["rows"]):
        one, ten = ([row["seconds"], row["memory"] / 2**20] for row in (tenth, whole))
        cells = f"{one[0]:.1f} | {ten[0]:.1f} | {ten[0] / one[0]:.1f}× | {one[1]:.0f} | {ten[1]:.0f}"
        lines.append(f"| {tenth['axis']} | {tenth['step']} | {cells} |")
    lines += ["", "| ten times the | page, kB, a tenth | whole | ratio | rows of tables | whole | pictures | whole |"]
    lines.append("|---|---:|---:|---:|---:|---:|---:|---:|")
    for tenth, whole in _both(measured["rows"]):
        if tenth["step"] == "post":
            sizes = f"{tenth['page'] / 1e3:.0f} | {whole['page'] / 1e3:.0f} | {whole['page'] / tenth['page']:.1f}×"
            counts = " | ".join(f"{row[name]:,}" for name in ("table_rows", "pictures") for row in (tenth, whole))
            lines.append(f"| {tenth['axis']} | {sizes} | {counts} |")
    return "\n".join([*lines, "", _verdict(measured["rows"])])


def _both(rows: list[Row]) -> list[tuple[Row, Row]]:
    """The rows of one step at a tenth and at the whole, in order."""
    kinds = dict.fromkeys((row["axis"], row["step"]) for row in rows)
    found = {kind: [row for row in rows if (row["axis"], row["step"]) == kind] for kind in kinds}
    return [(each[0], each[1]) for each in found.values() if len(each) == 2]


def _verdict(rows: list[Row]) -> str:
    pairs = _both(rows)
    if not pairs:
        return "Nothing was measured at both sizes."
    slowest = max(pairs, key=lambda pair: pair[1]["seconds"] / pair[0]["seconds"])
    largest = max((row for pair in pairs for row in pair), key=lambda row: row["memory"])
    ratio = slowest[1]["seconds"] / slowest[0]["seconds"]
    kept = ratio <= TIMES and largest["memory"] <= MEMORY
    return (
        f"Most in time: {slowest[0]['step']}, {ratio:.1f} times for ten times the {slowest[0]['axis']}. Most memory: "
        f"{largest['memory'] / 2**20:.0f} MiB, for {largest['step']}; {'within' if kept else 'NOT within'} the limits "
        f"of {TIMES} times and {MEMORY // 2**20} MiB."
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.results_scale", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--axes", nargs="+", choices=tuple(AXES), default=list(AXES), help="what grows; default: all")
    parser.add_argument("--json", type=Path, help="file for every figure")
    for name, kind in (("step", str), ("folder", Path), ("size", str)):
        parser.add_argument(f"--{name}", type=kind, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
