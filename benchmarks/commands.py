"""What a newcomer waits for: `make site`, a small build and `make test`, each in a fresh clone, set-up included.

A clone holds what is committed, and its environment is made anew without pip's cache, so the times hold the download of
the packages too. Prints each command's seconds, processor time and peak memory; `--json FILE` keeps them, beside those
of commands that were not asked for this time.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks import machine, project, record
from benchmarks.record import Record
from generator.support import git
from generator.support.places import ROOT

SMALL = ["--profile", "smoke", "--site", "build-output/smoke", "--store", "build-output/store"]

COMMANDS = {
    "site": ["make", "site"],
    "smoke": [".venv/bin/python", "build.py", *SMALL],
    "test": ["make", "test"],
}
"""Name → command. The small build finds the environment made."""

PROGRAMS = ("jekyll", "chromium")
"""What tests use where it is installed, and pass over where it is not."""


def main() -> None:
    options = _options()
    if (git.described(ROOT) or "-dirty").endswith("-dirty"):
        sys.exit("a clone holds only what is committed: commit first, or run this in a clone")
    print(machine.as_markdown(machine.describe()), flush=True)
    found: Record = json.loads(options.json.read_text("utf-8")) if options.json and options.json.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.commands:
            clone = (options.clone or Path(folder)) / name
            subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True, env=git.environment())
            found[name] = _measured(name, clone, options.python)
            print(f"{' '.join(COMMANDS[name])}: {told(found[name])}", flush=True)
            record.write(options.json, found)


def _measured(name: str, clone: Path, python: str) -> Record:
    if name == "smoke":
        project.run(["make", "env", f"PYTHON={python}"], clone)
    command = COMMANDS[name]
    measured = record.of(programs=[program for program in PROGRAMS if shutil.which(program)])
    made = [*command, f"PYTHON={python}"] if command[0] == "make" else command
    done = project.run(made, clone, {"PIP_NO_CACHE_DIR": "1"})
    return measured | asdict(done)


def told(found: Record) -> str:
    """Time and memory of one command in words: `8 minutes and 1.9 GiB of memory`."""
    seconds = found["seconds"]
    time = f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"
    return f"{time} and {found['memory'] / 2**30:.1f} GiB of memory" if found.get("memory") else time


def in_a_sentence(found: Record) -> str:
    """The two commands that a newcomer types: `make site` took 8 minutes and `make test` 21 minutes on a machine."""
    site, test = found["site"], found["test"]
    on, there = (f" on {one['machine']['processor']}" for one in (site, test))
    return f"`make site` took {told(site)}{'' if on == there else on}, `make test` {told(test)}{there}"


def as_markdown(found: Record) -> str:
    """One row a command."""
    lines = ["| command | took | processor time | most memory | on |", "|---|---:|---:|---:|---|"]
    for name, one in found.items():
        processor = f"{one['processor'] / 60:.1f} min" if "processor" in one else ""
        memory = f"{one['memory'] / 2**20:.0f} MiB" if one.get("memory") else ""
        where = f"{one['machine']['processor']}, {one['measured']['date']}, commit {one['measured']['commit']}"
        cells = [f"`{' '.join(COMMANDS[name])}`", f"{one['seconds'] / 60:.1f} min", processor, memory, where]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.commands", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--commands", nargs="+", default=list(COMMANDS), choices=COMMANDS)
    parser.add_argument("--python", default="python3", help="interpreter that makes the environment")
    parser.add_argument("--clone", type=Path, metavar="FOLDER", help="where to clone to; stays")
    parser.add_argument("--json", type=Path, help="file for every figure")
    return parser.parse_args()


if __name__ == "__main__":
    main()
