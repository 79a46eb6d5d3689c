"""Where the time of a build goes, from a fresh clone to the page: seconds of each phase, and their share of the whole.

    the environment        `make env` in a fresh clone, if `--environment` asks for it, because it downloads packages
    the build              `build.py` with an empty store in a copy of the project; its functions of `TIMED` are timed,
                           each without what another of them takes within it, and stages by their kind
    TensorFlow's process   the stages in it, beside which the build draws: what it waits for them is a phase of its own
    TensorFlow's start     a process that imports what trains, by itself: the build starts its own while it checks the
                           post, and waits for the rest in its probe of a batch
    commands               how long those take that need no TensorFlow, and a build in which nothing changed

Prints Markdown, `--json FILE` keeps it.
"""

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from functools import reduce, wraps
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks import machine, project, record
from benchmarks.record import Record
from generator.experiment.outcomes import PHASES
from generator.stages.asked import PROBE
from generator.stages.stage import Stage
from generator.stages.sweep_table import OF_SWEEPS
from generator.stages.table import STAGES
from generator.support import git

ENVIRONMENT, TENSORFLOW, PROBED, REST = (
    "environment, packages downloaded",
    "TensorFlow's start, by itself",
    "rest of TensorFlow's start, probe of one batch",
    "start of the program, and what is left",
)

TRAINING = "stages: training"
RENDERED = "post rendered, before any training with made-up results"
AROUND = "the site around it rendered, the documents in it"
PUBLISHED = "publishing: manifest, crate, files"

TIMED: Final = {
    "generator.pipeline:start": "data and weights: found, drawn, checked",
    "generator.pipeline:plan": "plan: keys of all stages",
    "generator.post.render:check": RENDERED,
    "generator.build.outlook:expect": PROBED,
    "generator.build.schedule:run": "waiting for stages in TensorFlow's process, nothing to do beside them",
    "generator.build.storage.store:Store._keep": "store: checksums, flushed to the disk",
    "generator.build.collect:_variant_result": "results read",
    "generator.post.render:render": RENDERED,
    "generator.publishing.skeleton:skeleton": AROUND,
    "generator.publishing.documents:pages": AROUND,
    "generator.post.manifest:make": PUBLISHED,
    "generator.publishing.crate:make": PUBLISHED,
    "generator.publishing.publish:check": PUBLISHED,
    "generator.publishing.publish:publish": PUBLISHED,
    "generator.post.formats.preview:page": "preview",
}
"""`module:name` of a function, as the build looks it up → the phase that its seconds belong to."""

STAGES_RUN = "generator.build.executor:Local.run"
"""The same of what runs a stage: its phase is that of the stage's kind."""

LIGHT: Final = {
    "help": ["--help"],
    "history": ["history"],
    "cache": ["cache"],
    "backbones": ["backbones"],
    "verify --help": ["verify", "--help"],
    "diff site site": ["diff", "site", "site"],
}
"""Name → a command that needs no TensorFlow; beside these those with the build's own options."""

INSIDE = "import sys; from benchmarks import phases; sys.exit(phases.inside(sys.argv[1], sys.argv[2:]))"


def main() -> None:
    options = _options()
    measured = record.of(arguments=options.arguments)
    print(machine.as_markdown(measured["machine"]), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        environment = _environment(Path(folder), options.python) if options.environment else None
        copied = project.copy(Path(folder) / "project")
        built = _build(copied, options.arguments)
        measured["phases"] = ({ENVIRONMENT: environment} if environment is not None else {}) | built["phases"]
        start = median(_tensorflow(copied) for _ in range(options.repeats))
        measured["beside"] = {TENSORFLOW: start} | built["beside"]
        commands = {
            **LIGHT,
            "build, --explain": [*options.arguments, "--explain"],
            "build, unchanged": options.arguments,
        }
        measured["commands"] = {
            name: _seconds([sys.executable, "build.py", *words], copied, options.repeats)
            for name, words in commands.items()
        }
    print(as_markdown(measured))
    record.write(options.json, measured)


def _environment(folder: Path, python: str) -> float:
    """Seconds of `make env` in a fresh clone."""
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", str(project.ROOT), str(clone)], check=True, env=git.environment())
    return project.run(["make", "env", f"PYTHON={python}"], clone).seconds


def _tensorflow(copied: Path) -> float:
    """Seconds until a process could train; the interpreter's own start is in them."""
    return project.run([sys.executable, "-c", "import generator.stages.learning"], copied).seconds


def _build(copied: Path, arguments: list[str]) -> dict[str, dict[str, float]]:
    """A build with an empty store; what `inside` wrote of it, and the rest of its seconds."""
    kept = copied.parent / "phases.json"
    # The copy's own program comes first: it is the folder that the process starts in.
    run = project.run([sys.executable, "-c", INSIDE, str(kept), *arguments], copied, {"PYTHONPATH": str(project.ROOT)})
    found: dict[str, dict[str, float]] = json.loads(kept.read_text("utf-8"))
    found["phases"] = {REST: run.seconds - sum(found["phases"].values()), **found["phases"]}
    return found


def _seconds(command: list[str], folder: Path, repeats: int) -> dict[str, float]:
    taken = [project.run(command, folder) for _ in range(repeats)]
    seconds, processor = [run.seconds for run in taken], [run.processor for run in taken]
    return {"median": median(seconds), "slowest": max(seconds), "processor": median(processor), "repeats": repeats}


def inside(kept: str, arguments: list[str]) -> int:
    """`build.py` with `arguments` in this process; writes to the file `kept` what a `Clock` has seen of it."""
    clock = Clock()
    for where, name in TIMED.items():
        clock.watch(where, lambda *given, name=name: name)
    clock.watch(STAGES_RUN, lambda executor, job, *given: kind_of(job.stage))
    cli = importlib.import_module("generator.cli")
    code: int = cli.main(arguments)
    Path(kept).write_text(json.dumps({"phases": clock.seconds, "beside": clock.beside}), "utf-8")
    return code


class _Within(threading.local):
    """Each thread has its own."""

    def __init__(self) -> None:
        self.stack: list[float] = []
        """Of each function that the thread runs now, seconds that passed in timed ones within it."""


class Clock:
    """Times functions: what passes in one that is called by another belongs to the inner one alone."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self.seconds: dict[str, float] = defaultdict(float)
        """Phase → seconds of the thread that builds, in the order in which they began."""
        self.beside: dict[str, float] = defaultdict(float)
        """The same of its other threads, which have stages run in TensorFlow's process."""
        self._within = _Within()

    def watch(self, where: str, phase_of: Callable[..., str]) -> None:
        """Time the function `module:name` from now on; `phase_of` its arguments is the phase it belongs to."""
        module, _, names = where.partition(":")
        *owners, name = names.split(".")
        owner = reduce(getattr, owners, importlib.import_module(module))
        setattr(owner, name, self.timed(getattr(owner, name), phase_of))

    def timed(self, function: Callable[..., Any], phase_of: Callable[..., str]) -> Callable[..., Any]:
        @wraps(function)
        def run(*given: Any, **named: Any) -> Any:
            own = threading.current_thread() is threading.main_thread()
            seconds, stack = self.seconds if own else self.beside, self._within.stack
            phase, began = phase_of(*given), self._now()
            seconds[phase] += 0.0
            stack.append(0.0)
            try:
                return function(*given, **named)
            finally:
                took = self._now() - began
                seconds[phase] += took - stack.pop()
                if stack:
                    stack[-1] += took

        return run


def kind_of(name: str) -> str:
    """The phase that a stage's seconds belong to, by its row."""
    if name == PROBE.name:
        return PROBED
    stage = next(stage for stage in (*STAGES, *OF_SWEEPS) if stage.name == name)
    return f"stages: {_kind(stage)}"


def _kind(stage: Stage) -> str:
    if stage.name in PHASES:
        return TRAINING.removeprefix("stages: ")
    if stage.tensorflow:
        return "images passed through the network, scored"
    if "matplotlib" in stage.packages:
        return "drawing"
    return "decoding" if stage.decodes else "others"


def as_markdown(measured: Record) -> str:
    """Three tables: the phases with their shares of the whole, what goes on beside them, and the commands."""
    found: dict[str, float] = measured["phases"]
    beside: dict[str, float] = measured["beside"]
    whole, training = sum(found.values()), beside.get(TRAINING, 0.0)
    lines = ["| phase | seconds | of the whole |", "|---|---:|---:|"]
    lines += [f"| {name} | {seconds:.1f} | {seconds / whole:.0%} |" for name, seconds in found.items()]
    lines += [
        f"| **whole** | {whole:.1f} | |",
        f"| **of it not training** | {whole - training:.1f} | {1 - training / whole:.0%} |",
    ]
    lines += ["", "| in TensorFlow's process meanwhile | seconds |", "|---|---:|"]
    lines += [f"| {name} | {seconds:.1f} |" for name, seconds in beside.items()]
    lines += ["", "| command | seconds, median | slowest | processor time |", "|---|---:|---:|---:|"]
    for name, took in measured["commands"].items():
        lines.append(f"| {name} | {took['median']:.2f} | {took['slowest']:.2f} | {took['processor']:.2f} |")
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.phases", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="runs of each command")
    parser.add_argument("--environment", action="store_true", help="also `make env` in a fresh clone, which downloads")
    parser.add_argument("--python", default="python3", help="interpreter that makes the environment")
    return project.parsed(parser, "--profile", "smoke", "--variants", "all")


if __name__ == "__main__":
    main()
