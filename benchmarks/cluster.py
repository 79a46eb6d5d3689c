"""Whether a build on two nodes of Ray is the one without a cluster, also where a node or the head is lost.

Two nodes run on this machine, each with folders of its own, so nothing of this is faster: it says what was the same.
Builds, each with an empty store: without a cluster; on two nodes; on two nodes of which the one that fine-tunes is
killed after its first epoch; on two nodes whose head is killed there, and then the same command without a cluster. Each
site must be the first one's to the byte, but for provenance, the crate, and their hashes in the manifest. What the
builds say of the cluster is printed; `--json FILE` keeps it.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import machine, project, record
from tests.fakes import timeless, tree
from tests.stations import SECRET, Nodes

AFTER_ONE = re.compile(r"^([\w~-]+\.fine_tuning): epoch 1/.*validation")
"""The line that is said when the first epoch of fine-tuning has ended."""
TOLD = re.compile(r"ray: |was lost|goes on elsewhere|waits for a node|stages run at a time")
"""Of the lines of a build those about the cluster."""


def main() -> None:
    options = _options()
    measured = record.of(arguments=options.arguments)
    print(machine.as_markdown(measured["machine"]), flush=True)
    os.environ.update(SECRET)
    # Ray's sockets lie below, whose names may be no longer than a hundred characters.
    with tempfile.TemporaryDirectory(prefix="c", dir="/tmp") as folder:
        trial = Trial(Path(folder), options.arguments)
        measured["builds"] = [trial.without(), trial.on_two_nodes(), trial.node_killed(), *trial.head_killed()]
    print(as_markdown(measured))
    record.write(options.json, measured)
    if not all(build["same"] for build in measured["builds"]):
        sys.exit("not all sites are the same")


class Trial:
    """Builds without a cluster, and on nodes of one."""

    def __init__(self, folder: Path, arguments: list[str]) -> None:
        self._folder, self._count = folder, 0
        self._builds = Builds(folder, arguments)

    def without(self) -> dict[str, Any]:
        return self._builds.anew("without a cluster")

    def on_two_nodes(self) -> dict[str, Any]:
        with self._nodes() as nodes:
            return self._builds.anew("on two nodes", nodes.address)

    def node_killed(self) -> dict[str, Any]:
        with self._nodes() as nodes:
            return self._builds.anew("a node killed in fine-tuning", nodes.address, lambda: _kill_a_busy_node(nodes))

    def head_killed(self) -> list[dict[str, Any]]:
        with self._nodes() as nodes:
            lost = self._builds.anew("the head killed in fine-tuning", nodes.address, nodes.end, fails=True)
        return [lost, self._builds.on("the same command, without a cluster")]

    def _nodes(self) -> Nodes:
        """A head that runs no stage, and two nodes that run one at a time each."""
        self._count += 1
        return Nodes(self._folder / str(self._count), (0, 1, 1))


class Builds:
    """Builds of one copy of the project, each held against the site of the first."""

    def __init__(self, folder: Path, arguments: list[str]) -> None:
        self._arguments = arguments
        self._project = project.copy(folder / "project")
        self._expected: dict[str, Any] = {}

    def anew(
        self, what: str, address: str = "", strike: Callable[[], None] | None = None, *more: str, fails: bool = False
    ) -> dict[str, Any]:
        """As `on`, with an empty store."""
        for name in (".store", "site"):
            shutil.rmtree(self._project / name, ignore_errors=True)
        return self.on(what, address, strike, *more, fails=fails)

    def on(
        self, what: str, address: str = "", strike: Callable[[], None] | None = None, *more: str, fails: bool = False
    ) -> dict[str, Any]:
        """A build on the cluster at `address`, with `more` options, called `what`.

        `strike` is done once, when the first epoch of fine-tuning has ended; with `fails` the build must fail then.
        Exits where it ends otherwise.
        """
        ray = ["--ray", address] if address else []
        command = [sys.executable, "build.py", *self._arguments, *ray, *more]
        began = time.monotonic()
        with subprocess.Popen(
            command, cwd=self._project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout
            lines = []
            for line in process.stdout:
                lines.append(line.rstrip())
                if strike and AFTER_ONE.match(line):
                    strike()
                    strike = None
        if bool(process.returncode) != fails or strike:
            sys.exit("\n".join([f"{what}: exit {process.returncode}", *lines[-20:]]))
        site = timeless(tree(self._project / "site"))
        self._expected = self._expected or site
        same = not site if fails else site == self._expected
        ran = sum(line.endswith(" …") for line in lines)
        found = {
            "build": what,
            "exit": process.returncode,
            "seconds": round(time.monotonic() - began, 1),
            "stages": ran,
            "files": len(site),
            "same": same,
        }
        verdict = "no site" if fails and same else "the same" if same else "NOT the same"
        print(f"\n{what}: exit {process.returncode}, {ran} stages begun, {len(site)} files, {verdict}", flush=True)
        told = [_plain(line) for line in filter(TOLD.search, lines)]
        print("".join(f"    {line}\n" for line in told), end="", flush=True)
        return {**found, "told": told}


def _plain(line: str) -> str:
    """A line of a build without the folder that it names."""
    return re.sub(r"[^ (]*/(?=[\w-]+\.log)", "", line)


def as_markdown(measured: record.Record) -> str:
    """A line for each build."""
    lines = ["", "| build | exit | stages begun | site |", "|---|---:|---:|---|"]
    for build in measured["builds"]:
        site = f"{build['files']} files, {'the same' if build['same'] else 'another'}" if build["files"] else "none"
        lines.append(f"| {build['build']} | {build['exit']} | {build['stages']} | {site} |")
    return "\n".join([*lines, "", held(measured)])


def held(measured: record.Record) -> str:
    """Which build it was, and what of its site is held against the first."""
    asked = " ".join(measured["arguments"])
    return f"`build.py {asked}`; the site but for when and by which machine it was made."


def _kill_a_busy_node(nodes: Nodes) -> None:
    """Kill the node that computes most at this moment."""

    def spent(number: int) -> float:
        return sum(_seconds(pid) for pid in nodes.processes(number))

    before = {number: spent(number) for number in (1, 2)}
    time.sleep(1)
    nodes.kill(max(before, key=lambda number: spent(number) - before[number]))


def _seconds(pid: int) -> float:
    """Processor time that a process has used."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    return project.parsed(parser, "--profile", "smoke", "--variants", "all", "--seeds", "3")


if __name__ == "__main__":
    main()
