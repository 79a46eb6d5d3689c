"""What the page of `build --live` costs a build: builds without it and with it, somebody looking, in turns.

Each begins with an empty store. Processor time is compared, of all processes of the build together, and of the build's
own process, in which the page is made, as a share of that: training is in processes of its own, whose time says how
far the two builds differ anyhow. The sites must be the same to the byte but for what tells the time. Prints Markdown,
`--json FILE` keeps it.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import jobs, machine, project, record
from benchmarks.record import Record

MEASURE = """
import json, resource, sys
from generator.cli import main
code = main(sys.argv[2:])
spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
open(sys.argv[1], "w").write(json.dumps([each.ru_utime + each.ru_stime for each in spent]))
sys.exit(code)
"""
"""The command, which notes the processor time of its own process and of those that trained."""


@dataclass(frozen=True)
class Cost:
    """One build; seconds."""

    elapsed: float
    own: float
    """Processor time of the build's own process: it decodes and draws, and makes the page."""
    workers: float
    """Of those that train."""
    events: int
    """That somebody who looked was sent."""
    received: int
    """Bytes of them."""

    @property
    def processor(self) -> float:
        return self.own + self.workers


def main() -> None:
    options = _options()
    measured = record.of(arguments=options.arguments)
    print(machine.as_markdown(measured["machine"]), flush=True)
    rounds: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        copied = project.copy(Path(folder) / "project")
        for number in range(options.rounds):
            rounds.append(_round(copied, options.arguments, number))
            told = ", ".join(f"{kind} {cost['processor']:.1f} s" for kind, cost in rounds[-1].items())
            print(f"processor time: {told}", flush=True)
    measured["rounds"] = rounds
    print(as_markdown(measured))
    record.write(options.json, measured)


def _round(copied: Path, arguments: list[str], number: int) -> dict[str, Any]:
    found, sites = {}, {}
    # Who is first in one round is second in the next: what else the machine does may grow or fade.
    for kind in ("without", "with")[:: 1 if number % 2 == 0 else -1]:
        for name in (".store", "site"):
            shutil.rmtree(copied / name, ignore_errors=True)
        found[kind] = asdict(build(copied, arguments, live=kind == "with"))
        found[kind]["processor"] = found[kind]["own"] + found[kind]["workers"]
        sites[kind] = jobs.site(copied / "site")
    if differ := jobs.differing(sites["without"], sites["with"]):
        sys.exit(f"the sites differ: {', '.join(map(str, differ))}")
    return found


def build(copied: Path, arguments: list[str], *, live: bool) -> Cost:
    """One build in `copied`; with `live` somebody looks at its page all the time."""
    noted, started = copied / "spent.json", time.perf_counter()
    command = [sys.executable, "-c", MEASURE, noted.name, *arguments, *(["--live"] if live else [])]
    process = subprocess.Popen(
        command, cwd=copied, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    lines, watcher = [], None
    for line in process.stderr:
        lines.append(line)
        address = re.match(r"live: (http\S+/)$", line)
        if address:
            watcher = _Watcher(address[1])
    if process.wait():
        sys.exit(f"{' '.join(arguments)}: exit {process.returncode}\n" + "".join(lines[-20:]))
    own, workers = json.loads(noted.read_text("utf-8"))
    events, received = watcher.stop() if watcher else (0, 0)
    return Cost(time.perf_counter() - started, own, workers, events, received)


class _Watcher:
    """Somebody who has the page open: it takes every event until there are no more."""

    def __init__(self, address: str) -> None:
        self._events = self._received = 0
        self._thread = threading.Thread(target=self._look, args=(address,), daemon=True)
        self._thread.start()

    def stop(self) -> tuple[int, int]:
        self._thread.join(30)
        return self._events, self._received

    def _look(self, address: str) -> None:
        urllib.request.urlopen(address).read()
        with urllib.request.urlopen(f"{address}events") as stream:
            for line in stream:
                self._events += line.startswith(b"data: ")
                self._received += len(line)


def as_markdown(measured: Record) -> str:
    """The median of the rounds, the ratios as the rounds' own, and what the page took of the whole."""
    rounds = measured["rounds"]
    lines = ["", "| seconds | without | with | with, of the time without |", "|---|---:|---:|---:|"]
    names = {"processor": "processor time", "workers": "of it training", "own": "of it the rest", "elapsed": "elapsed"}
    for unit, name in names.items():
        without, live = ([each[kind][unit] for each in rounds] for kind in ("without", "with"))
        lines.append(f"| {name} | {median(without):.1f} | {median(live):.1f} | {_told(_ratios(rounds, unit), '.3f')} |")
    many = len(rounds)
    told = f"`build.py {' '.join(measured['arguments'])}`, {many} round{'' if many == 1 else 's'}"
    sent = f"{median(each['with']['events'] for each in rounds):.0f} events"
    shares = [_share(each) for each in rounds]
    cost = f"The page took {_told(shares, '+.2%')} of the build's processor time"
    if min(shares) <= 0 <= max(shares):
        cost += ": nothing that shows"
    return "\n".join([*lines, "", f"{told}; {sent} a build. {cost}."])


def _ratios(rounds: list[dict[str, Any]], unit: str) -> list[float]:
    return [each["with"][unit] / each["without"][unit] for each in rounds]


def _share(found: dict[str, Any]) -> float:
    """What the build's own process took more, of the processor time of the whole."""
    return float((found["with"]["own"] - found["without"]["own"]) / found["without"]["processor"])


def _told(values: list[float], form: str) -> str:
    spread = f" ({min(values):{form}} to {max(values):{form}})" if len(values) > 1 else ""
    return f"{median(values):{form}}{spread}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    return project.parsed(parser, "--profile", "smoke", "--variants", "all")


if __name__ == "__main__":
    main()
