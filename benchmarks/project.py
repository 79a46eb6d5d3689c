"""Runs the project's own command, `build.py`, in a copy of the project, and says what it cost.

A copy, so that a benchmark may edit templates and leaves site, store and preview of the project alone.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent

PARTS = ("build.py", "experiment.toml", "requirements.txt", "docs", "generator", "templates")

POLL_SECONDS = 0.1
"""How often memory is looked at: a shorter peak can be missed."""


@dataclass(frozen=True)
class Run:
    """One command, finished."""

    seconds: float
    """From its start to its end, the interpreter's start included."""
    processor: float
    """Seconds of processor time, all cores together: hardly disturbed by what else the machine does."""
    memory: int
    """Most bytes that the command and its children held at once, mapped files not counted; 0 where not known."""


@dataclass(frozen=True)
class Build:
    """One finished `build.py`."""

    run: Run
    stages: dict[str, float]
    """`<variant>.<stage>` → seconds that it took when it ran."""
    ran: tuple[str, ...]
    """The stages that ran in this build."""
    metrics: dict[str, Any]
    """metrics.json."""


def parsed(parser: argparse.ArgumentParser, *default: str) -> argparse.Namespace:
    """What was typed, with what several benchmarks take: `--json`, and options of build.py, else those of `default`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--json", type=Path, help="file for every figure")
    parser.add_argument("arguments", nargs="*", help=f"after --, options of build.py; else {' '.join(default)}")
    options = parser.parse_args()
    options.arguments = options.arguments or list(default)
    return options


def copy(into: Path) -> Path:
    """A copy of what `build.py` needs, in the new folder `into`."""
    into.mkdir(parents=True)
    for name in PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, into / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, into / name)
    return into


def build(project: Path, *options: str, environment: Mapping[str, str] | None = None) -> Build:
    """`build.py` with `options`. Its store and site are the copy's own; remove `.store` for a first build."""
    done = run([sys.executable, "build.py", *options], project, environment)
    (data,) = (project / "site" / "assets" / "data").iterdir()
    provenance = json.loads((data / "provenance.json").read_text("utf-8"))
    return Build(
        run=done,
        stages={label: stage["seconds"] for label, stage in provenance["stages"].items()},
        ran=tuple(provenance["ran"]),
        metrics=json.loads((data / "metrics.json").read_text("utf-8")),
    )


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Run:
    """Run `command` in `folder`. Where it fails, its last lines are shown and the benchmark ends."""
    started, used = time.perf_counter(), _processor_seconds()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**_newcomers(), **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watch = Watch(lambda: _tree(process.pid))
    output, _ = process.communicate()
    seconds = time.perf_counter() - started
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit {process.returncode}\n" + "\n".join(output.splitlines()[-20:]))
    return Run(seconds, _processor_seconds() - used, watch.stop())


def _newcomers() -> dict[str, str]:
    """The environment, without what would have Python compile the program anew at every start."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _processor_seconds() -> float:
    """Of all children that have ended, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Watch:
    """Looks at the memory of processes until stopped."""

    def __init__(self, processes: Callable[[], Iterable[int]]) -> None:
        """`processes` gives their numbers at each look."""
        self._processes, self._peak, self._stopped = processes, 0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """The most bytes that they held at once, mapped files not counted."""
        self._stopped.set()
        self._thread.join()
        return self._peak

    def _look(self) -> None:
        while not self._stopped.wait(POLL_SECONDS):
            self._peak = max(self._peak, sum(map(_anonymous_memory, self._processes())))


def _tree(pid: int) -> list[int]:
    """A process and all below it; Linux only, else nothing."""
    found = [pid]
    for parent in found:  # grows while it is walked
        with suppress(OSError):  # One may end at any moment; unseen, that would end the watch.
            for task in Path(f"/proc/{parent}/task").glob("*/children"):
                found += map(int, _text(task).split())
    return found


def _anonymous_memory(pid: int) -> int:
    # Not the whole resident set: of a mapped file that counts whatever the system happens to keep in memory.
    for line in _text(Path(f"/proc/{pid}/status")).splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", errors="replace")
    except OSError:  # The process has ended, or this is not Linux.
        return ""
