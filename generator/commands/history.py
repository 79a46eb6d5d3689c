"""`build.py history`: list the builds made with a store."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from generator.commands.options import add_config, add_store, make_parser, print_table
from generator.support.display import duration
from generator.support.formats import FORMATS
from generator.support.places import HISTORY
from generator.support.program import COMMAND


def run(arguments: list[str]) -> int:
    parser = make_parser("history", "List the builds made with this store, the newest last.")
    add_config(parser)
    add_store(parser)
    options = parser.parse_args(arguments)
    # A record without provenance was begun by a build that was killed.
    folders = sorted(path.parent for path in (options.store / HISTORY).glob("*/provenance.json"))
    rows = [row for folder in folders for row in _history_rows(folder)]
    if not rows:
        print(f"no builds in {options.store}; run {COMMAND}")
        return 0
    print_table(["build", "commit", "variant", "test acc.", "test loss", "seconds", "settings"], rows)
    return 0


def _history_rows(folder: Path) -> list[list[str]]:
    """A row per variant of one record; none, with a warning, if the record is broken."""
    try:
        return list(_rows_of_record(folder))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        print(f"warning: {folder}: a broken record of a build, passed over; delete it", file=sys.stderr)
        return []


def _rows_of_record(folder: Path) -> Iterator[list[str]]:
    provenance = json.loads((folder / "provenance.json").read_text("utf-8"))
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    seconds = {label: stage["seconds"] for label, stage in provenance["stages"].items()}
    for name, variant in metrics["variants"].items():
        runs = [variant, *variant.get("runs", ())]
        weights = variant.get("weights") or metrics["weights"]
        several = f", mean of {len(runs)} runs" if len(runs) > 1 else ""
        yield [
            folder.name,
            (provenance["commit"] or "-")[:12],
            name,
            FORMATS["accuracy"](fmean(run["test"]["accuracy"] for run in runs)),
            FORMATS["loss"](fmean(run["test"]["loss"] for run in runs)),
            duration(sum(s for label, s in seconds.items() if _owner(label) == name)),
            f"{weights['used']}, seed {variant['recipe']['seed']}{several}{_chosen(name, metrics)}",
        ]


def _owner(label: str) -> str:
    """The variant whose stage it is; a sweep's points, `rates_3~2.head`, are those of its winner."""
    return label.partition(".")[0].partition("~")[0].partition("_")[0]


def _chosen(name: str, metrics: Mapping[str, Any]) -> str:
    sweep = metrics.get("sweeps", {}).get(name)
    return f", best of {len(sweep['points'])} points" if sweep else ""
