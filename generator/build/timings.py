"""How long work took on this machine: `timings.json` of the store, for telling how long the next build takes.

A store may travel, so what every machine took is kept under its name (`hardware.machine`) and only this one's is
read. It is a memory and no more: where it is broken or cannot be written, nothing is known.
"""

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.support import hardware
from generator.support.errors import BuildFailed
from generator.support.files import write_atomically

FILE = "timings.json"


@dataclass(frozen=True)
class Timing:
    """What was done once."""

    volume: float
    """How much there was to do, in whatever the kind of work is counted in; above 0."""
    seconds: float


def read(store: Path) -> dict[str, Timing]:
    """Kind of work → what it took on this machine when it was done last."""
    table = _table(store).get(hardware.machine())
    found = {}
    for kind, row in (table if isinstance(table, dict) else {}).items():
        with suppress(KeyError, TypeError, ValueError, OverflowError):
            timing = Timing(float(row["volume"]), float(row["seconds"]))
            if timing.volume > 0 and math.isfinite(timing.volume) and 0 <= timing.seconds < math.inf:
                found[kind] = timing
    return found


def record(store: Path, timings: Mapping[str, Timing]) -> None:
    """Add what this machine took; the caller holds the store's lock."""
    rows = {
        kind: {"volume": t.volume, "seconds": round(t.seconds, 3)} for kind, t in {**read(store), **timings}.items()
    }
    table = {**_table(store), hardware.machine(): rows}
    # A build that cannot write here has failed of something else, or has all it needs.
    with suppress(BuildFailed):
        write_atomically(store / FILE, json.dumps(table, indent=1).encode())


def _table(store: Path) -> dict[str, Any]:
    try:
        table = json.loads((store / FILE).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}
