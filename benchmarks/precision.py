"""What computing the base in bfloat16 does to the results, against what another seed does to them.

Builds every seed in float32 and in bfloat16 and compares them in pairs: same seed, same split, same order of
batches. The measure of chance is how far the float32 results of different seeds lie apart (their standard
deviation). Prints Markdown with a verdict per measure; `--json FILE` keeps every figure.
"""

import argparse
import math
import tempfile
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from benchmarks import machine, project, record
from generator.experiment.config.settings import BASELINE
from generator.experiment.files import result_files
from generator.experiment.results import BuildResults, VariantResult
from generator.support.statistics import noise

PRECISIONS = ("float32", "bfloat16")

MEASURES = {
    "head validation loss": lambda v: v.head[-1].val_loss,
    "head validation accuracy": lambda v: v.head[-1].val_accuracy,
    "fine-tuned validation loss": lambda v: v.fine_tuning[-1].val_loss,
    "fine-tuned validation accuracy": lambda v: v.fine_tuning[-1].val_accuracy,
    "test loss": lambda v: v.test.loss,
    "test accuracy": lambda v: v.test.accuracy,
}

Pairs = list[tuple[VariantResult, VariantResult]]
"""(float32, bfloat16) of each seed."""

Table = dict[str, Any]


def main() -> None:
    options = _options()
    measured = record.of()
    print(machine.as_markdown(measured["machine"]), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        copied = project.copy(Path(folder) / "project")
        runs = {s: [_built(copied, s, precision, options) for precision in PRECISIONS] for s in range(options.seeds)}
    measured["variants"] = {
        name: compared([(exact.variants[name], fast.variants[name]) for exact, fast in runs.values()])
        for name in runs[0][0].variants
    }
    print("\n".join(f"\n**{name}**\n{as_markdown(found)}" for name, found in measured["variants"].items()))
    measured["runs"] = {seed: _figures(pair) for seed, pair in runs.items()}
    record.write(options.json, measured)


def _built(copied: Path, seed: int, precision: str, options: argparse.Namespace) -> BuildResults:
    """One build; what does not depend on seed or precision comes from the store of the ones before."""
    settings = {"model.precision": precision, "data.image_size": options.image_size}
    settings |= {"data.sample_train": options.images, "data.sample_test": options.test_images, "data.measure": 0}
    if options.epochs:
        settings |= dict(zip(("head.epochs", "fine_tuning.epochs"), options.epochs, strict=True))
    arguments = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    built = project.build(copied, "--variants", options.variants, "--seed", str(seed), *arguments)
    print(f"seed {seed}, {precision}: {built.run.seconds:.1f} s", flush=True)
    (data,) = (copied / "site" / "assets" / "data").iterdir()
    files = {path.name: path.read_text("utf-8") for path in data.iterdir()}
    return result_files.from_files(files, "the build")


def compared(pairs: Pairs) -> Table:
    """Of one variant: per measure means, mean paired difference and spread of seeds; the images told otherwise."""
    measures = {
        name: _difference(*([value(v) for v in column] for column in zip(*pairs, strict=True)))
        for name, value in MEASURES.items()
    }
    tables = [noise.paired(e.predictions, f.predictions) for e, f in pairs]
    mended, broken = sum(t.mended for t in tables), sum(t.broken for t in tables)
    total = sum(exact.test.total for exact, _ in pairs)
    return {"seeds": len(pairs), "measures": measures, "mended": mended, "broken": broken, "predictions": total}


def _difference(exact: list[float], fast: list[float]) -> dict[str, float]:
    differences = [f - e for e, f in zip(exact, fast, strict=True)]
    return {
        "float32": mean(exact),
        "bfloat16": mean(fast),
        "difference": mean(differences),
        "error": stdev(differences) / math.sqrt(len(differences)),
        "spread": stdev(exact),
    }


def as_markdown(found: Table) -> str:
    """One line per measure, the images on which the precisions disagree, and the verdict."""
    lines = ["", "| measure | float32 | bfloat16 | paired difference | spread of seeds | verdict |"]
    lines += ["|---|---:|---:|---:|---:|---|"]
    for name, m in found["measures"].items():
        shown = f"{m['float32']:.4f} | {m['bfloat16']:.4f} | {m['difference']:+.4f} ± {m['error']:.4f}"
        lines.append(f"| {name} | {shown} | {m['spread']:.4f} | {'within' if _within(m) else 'beyond'} noise |")
    p = noise.mcnemar(found["mended"], found["broken"])
    lines += ["", f"{found['seeds']} seeds. Of {found['predictions']:,} test predictions bfloat16 mends "]
    lines[-1] += f"{found['mended']} and breaks {found['broken']} (McNemar's p = {p:.2f})."
    kept = all(map(_within, found["measures"].values()))
    return "\n".join([*lines, f"All in all: its effect is {'within' if kept else 'NOT within'} the seeds' noise."])


def _within(measure: dict[str, float]) -> bool:
    """Whether the mean difference is no larger than the spread of seeds."""
    return abs(measure["difference"]) <= measure["spread"]


def in_a_sentence(found: Table) -> str:
    """`it changed 0 of 1,000 test predictions and moved …`, for a document."""
    changed, losses = found["mended"] + found["broken"], [n for n in found["measures"] if n.endswith("loss")]
    most = max(abs(found["measures"][n]["difference"]) / found["measures"][n]["spread"] for n in losses)
    return (
        f"over {found['seeds']} seeds it changed {changed} of {found['predictions']:,} test predictions and moved the "
        f"losses by at most {most:.1%} of what another seed does"
    )


def _figures(pair: list[BuildResults]) -> dict[str, Any]:
    return {
        precision: {name: {m: value(v) for m, value in MEASURES.items()} for name, v in built.variants.items()}
        for precision, built in zip(PRECISIONS, pair, strict=True)
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.precision", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seeds", type=int, default=5, help="0, 1, …; at least 2")
    parser.add_argument("--variants", default=BASELINE, help="as of build.py")
    parser.add_argument("--images", type=int, default=360, help="training images of the sample")
    parser.add_argument("--test-images", type=int, default=40, help="more of them make the accuracy less coarse")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--epochs", type=int, nargs=2, metavar=("HEAD", "TUNING"), help="instead of 30 11")
    parser.add_argument("--json", type=Path, help="file for every figure")
    options = parser.parse_args()
    if options.seeds < 2:
        parser.error("--seeds: one seed has no spread; give at least 2")
    return options


if __name__ == "__main__":
    main()
