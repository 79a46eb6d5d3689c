"""Runs the trials by which docs/protocol.md chooses the sample's difficulty, and keeps what they gave as JSON.

    python -m tools.trials ROUND [--out tools/records/trials.json]

Each trial is a whole build of the baseline with trial seeds and two test images, the fewest there can be. Nothing but
validation accuracy is read of it. Other rounds in the file are kept.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean

from generator.data.drawn import sample

ROOT = Path(__file__).parents[1]

SEEDS = (101, 102, 103)
PHASES = ("head", "fine_tuning")


def trial(seed: int, folder: Path) -> dict[str, float]:
    """Validation accuracy at the end of each phase of a baseline with this seed, for sample and run."""
    site = folder / "site"
    settings = {"seed": seed, "data.sample_seed": seed, "data.sample_test": 2, "data.measure": 0}
    command = [sys.executable, "build.py", "--site", str(site), "--store", str(folder / "store")]
    command += [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    command += ["--preview", str(folder / "preview.html")]
    if code := subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit(code)  # The build has said why.
    [metrics] = site.glob("assets/data/*/metrics.json")
    epochs = json.loads(metrics.read_text("utf-8"))["variants"]["baseline"]["epochs"]
    return {phase: epochs[phase]["val_accuracy"] for phase in PHASES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("round", help="name of the round in the record, such as first")
    parser.add_argument("--out", type=Path, default=ROOT / "tools" / "records" / "trials.json", help="the record")
    options = parser.parse_args()
    found = {}
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            found[str(seed)] = trial(seed, Path(folder))
        print(seed, found[str(seed)], flush=True)
    record = json.loads(options.out.read_text("utf-8")) if options.out.exists() else {}
    means = {phase: mean(row[phase] for row in found.values()) for phase in PHASES}
    record[options.round] = {"version": sample.VERSION, "blend": sample.MOST_BLEND, "seeds": found, "mean": means}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(record, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
