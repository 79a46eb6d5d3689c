"""What the network is worth with other weights: the default build again, with each kind of `--weights` that is named.

    python -m benchmarks.weights --kinds random --json benchmarks/recorded/weights.json

The embedded ones need no run of their own: the committed site is a build with them, and its results stand above these
in the table. Prints Markdown, `--json` keeps the results, beside those of kinds that were not named this time.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import machine, project, record
from benchmarks.record import Record
from generator.experiment.settings import BASELINE
from generator.support.places import ROOT

SITE = "site/assets/data/CV_HW_2/metrics.json"

KINDS = ("embedded", "imagenet", "random")

Table = dict[str, Any]


def main() -> None:
    options = _options()
    print(machine.as_markdown(machine.describe()), flush=True)
    found: Record = json.loads(options.json.read_text("utf-8")) if options.json and options.json.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        copied = project.copy(Path(folder) / "project")
        for kind in options.kinds:
            built = project.build(copied, "--variants", options.variants, "--weights", kind, *options.arguments)
            found[kind] = record.of(seconds=built.run.seconds, variants=_kept(built.metrics["variants"]))
            record.write(options.json, found)
    print(as_markdown(found))


def _kept(variants: Table) -> Table:
    """Of each variant the scores; what it is made of stands in the site's own results."""
    names = ("title", "precision", "epochs", "validation", "test", "measurement")
    return {name: {part: variant[part] for part in names if part in variant} for name, variant in variants.items()}


def as_markdown(found: Record) -> str:
    """The committed site's variants, then those of each kind that was measured."""
    site = json.loads((ROOT / SITE).read_text("utf-8"))
    kinds = {site["weights"]["used"]: site, **found}
    lines = ["| weights | variant | validation, head | validation, fine-tuned | test | measured, head | measured |"]
    lines += ["|---|---|---:|---:|---:|---:|---:|"]
    for kind, built in kinds.items():
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
    parser.add_argument("--kinds", nargs="+", default=["random"], choices=KINDS)
    parser.add_argument("--variants", default="all", help="as of build.py")
    parser.add_argument("--json", type=Path, help="file for the scores")
    parser.add_argument("arguments", nargs="*", help="after --, further options of build.py")
    return parser.parse_args()


if __name__ == "__main__":
    main()
