"""What the network is worth with other weights: the site's scores, and those of the same build with each of `--kinds`.

    python -m benchmarks.weights --kinds random --json benchmarks/recorded/weights.json

The site is read as it lies there. Prints Markdown, `--json` keeps the scores, beside those of kinds that were not named
this time.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import machine, project, record
from benchmarks.record import Record
from generator.experiment import provenance
from generator.experiment.config import loading
from generator.experiment.config.settings import BASELINE
from generator.support.places import ROOT

SITE = ROOT / "site"

KINDS = ("embedded", "imagenet", "random")

Table = dict[str, Any]


def main() -> None:
    options = _options()
    print(machine.as_markdown(machine.describe()), flush=True)
    found: Record = json.loads(options.json.read_text("utf-8")) if options.json and options.json.exists() else {}
    found |= of_site(SITE)
    with tempfile.TemporaryDirectory() as folder:
        copied = project.copy(Path(folder) / "project")
        for kind in options.kinds:
            built = project.build(copied, "--variants", options.variants, "--weights", kind, *options.arguments)
            found[kind] = record.of(seconds=built.run.seconds, variants=_kept(built.metrics["variants"]))
            record.write(options.json, found)
    record.write(options.json, found)
    print(as_markdown(found))


def of_site(site: Path) -> Record:
    """Kind of weights → the scores of the first post in a site, with what its build says of itself."""
    data = site / "assets" / "data" / loading.load(ROOT / "experiment.toml").post.asset_folder
    metrics = json.loads((data / "metrics.json").read_text("utf-8"))
    # Not of the last rendering, which may have been on another machine.
    told = (data / provenance.NAME).read_bytes()
    built, evaluated = provenance.origin(told), provenance.stages_of(told)[f"{BASELINE}.evaluation"]
    measured = {"date": built["time"][:10], "commit": (built["commit"] or "no commit")[:9], "command": "make site"}
    scores = {"measured": measured, "machine": {"processor": evaluated["machine"]["processor"]}}
    return {metrics["weights"]["used"]: scores | {"variants": _kept(metrics["variants"])}}


def _kept(variants: Table) -> Table:
    """Of each variant the scores; what it is made of stands in the site's results."""
    names = ("title", "precision", "epochs", "validation", "test", "measurement")
    return {name: {part: variant[part] for part in names if part in variant} for name, variant in variants.items()}


def as_markdown(found: Record) -> str:
    """One row for each variant with each kind of weights."""
    lines = ["| weights | variant | validation, head | validation, fine-tuned | test | measured, head | measured |"]
    lines += ["|---|---|---:|---:|---:|---:|---:|"]
    for kind, built in found.items():
        variants = sorted(built["variants"].items(), key=lambda item: item[0] != BASELINE)
        lines += [f"| {kind} | {one['title']} | {' | '.join(_scores(one))} |" for _, one in variants]
    return "\n".join(lines)


def _scores(variant: Table) -> list[str]:
    measured = variant.get("measurement") or {}
    return [
        *(f"{variant['epochs'][phase]['val_accuracy']:.4f}" for phase in ("head", "fine_tuning")),
        _counted(variant["test"]),
        *(_counted(measured[phase]) if phase in measured else "" for phase in ("head", "fine_tuning")),
    ]


def _counted(score: Table) -> str:
    return f"{score['accuracy']:.4f} ({score['correct']:,} of {score['total']:,})"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.weights", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--kinds", nargs="*", default=[], choices=KINDS, help="a build for each")
    parser.add_argument("--variants", default="all", help="as of build.py")
    parser.add_argument("--json", type=Path, help="file for the scores")
    parser.add_argument("arguments", nargs="*", help="after --, further options of build.py")
    return parser.parse_args()


if __name__ == "__main__":
    main()
