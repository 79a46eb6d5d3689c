"""What was measured, as a file: the figures, and when, by which code, on which machine and data.

Documents are filled from such files (`make docs`). `of` adds the circumstances to figures, `write` writes the file,
`circumstances` says them in a document.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import machine
from generator.backbones.resnet50 import EMBEDDED
from generator.data.drawn import sample
from generator.support import git
from generator.support.places import ROOT

Record = dict[str, Any]


def of(**figures: Any) -> Record:
    """`figures` with what they were measured with, now."""
    return {"measured": _now(), "machine": machine.describe(), **figures}


def write(path: Path | None, record: Record) -> None:
    """The file, where one is wanted."""
    if path:
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _now() -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
        "command": " ".join(["python -m", _module(), *sys.argv[1:]]),
        **_inputs(),
    }


def _inputs() -> dict[str, Any]:
    """Sample and weights that benchmarks use unless they are given others."""
    return {"sample": sample.VERSION, "weights": EMBEDDED.sha256}


def _module() -> str:
    """The program as it was called."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return spec.name if spec else Path(sys.argv[0]).name


def _commit() -> str:
    """Of the code that measures; `-dirty` behind it says that files differ from it."""
    commit, _, changed = (git.described(ROOT) or "no commit").partition("-")
    return commit[:9] + (changed and f"-{changed}")


def circumstances(record: Record) -> str:
    """The sentences that belong to figures: `Measured on 2026-11-26 with the code of 32300ba on …`."""
    measured, found = record["measured"], record["machine"]
    units = found.get("bfloat16 units")
    told = f"Measured on {measured['date']} with the code of {measured['commit']} on {found['processor']}"
    told += f" (bfloat16 units: {units})" if units else ""
    told += f", {found['packages']}." if "packages" in found else "."
    told += f" {measured['transcribed']}" if "transcribed" in measured else ""
    older = [name for name, value in _inputs().items() if measured.get(name, value) != value]
    if older:
        told += f" The {' and the '.join(older)} {'has' if older == ['sample'] else 'have'} changed since."
    return told
