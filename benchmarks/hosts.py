"""Whether a cluster of several hosts gives the site of one machine, also where their network is cut.

The hosts are namespaces of Linux on this machine, each with an address, a network and temporary files of its own and
without the project's folder; the build runs outside of them and speaks with their head as any machine does, `ray://`.
So nothing of this is faster either: it says what was the same. Needs root, and Debian's iproute2 and util-linux. What
the builds say of the cluster is printed; `--json FILE` keeps it.
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import machine, project, record
from benchmarks.cluster import Builds, held
from generator.support.places import ROOT
from tests.stations import SECRET, wait_until

NETWORK = "10.77.0"
BRIDGE = "mp-bridge"
SHARED = "each fine-tuning on both"
"""What builds are called whose hosts share each batch: another draw of dropout, and so a site of its own."""
OTHER = "pillow"
"""The package of which one host has another version."""
PATIENCE = 120
"""Longest wait for a host's Ray, seconds."""


def main() -> None:
    options = _options()
    if os.geteuid():
        sys.exit("network namespaces need root")
    measured = record.of(arguments=options.arguments)
    print(machine.as_markdown(measured["machine"]), flush=True)
    os.environ.update(SECRET)
    # The project lies where hosts have files of their own, what they share of this machine elsewhere.
    with tempfile.TemporaryDirectory(dir="/tmp") as own, tempfile.TemporaryDirectory(dir="/var/tmp") as shared:
        measured["builds"] = _trials(Path(shared), Builds(Path(own), options.arguments))
    print(as_markdown(measured))
    record.write(options.json, measured)
    if not all(build["same"] for build in measured["builds"] if not _is_own(build)):
        sys.exit("not all sites are the same")


def _trials(folder: Path, builds: Builds) -> list[dict[str, Any]]:
    found = [builds.anew("without a cluster")]
    with Hosts(folder / "a") as hosts:
        found.append(builds.anew("on two hosts", hosts.address))
        nodes = ("--set", "execution.nodes=2")
        found.append(builds.anew(SHARED, hosts.address, None, *nodes))
        cut = f"{SHARED}, the network of one cut in it"
        found.append(builds.anew(cut, hosts.address, lambda: hosts.cut(2), *nodes))
    with Hosts(folder / "b", other=2) as hosts:
        cut = f"another {OTHER} on one host, the network of the head cut in fine-tuning"
        found.append(builds.anew(cut, hosts.address, lambda: hosts.cut(0), fails=True))
    return [*found, builds.on("the same command, without a cluster")]


class Hosts:
    """A head that runs no stage and two nodes that run one at a time, each on a host of its own, for a block's time."""

    def __init__(self, folder: Path, other: int | None = None) -> None:
        """`other`: the host that has another version of `OTHER`."""
        self._folder, self._other = folder, other
        self._environment = folder / "environment"
        self._started: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        """Of the head, from outside."""
        return f"ray://{_address(0)}:10001"

    def __enter__(self) -> "Hosts":
        self._environment.mkdir(parents=True)
        try:
            _run(f"ip link add {BRIDGE} type bridge")
            _run(f"ip addr add {NETWORK}.254/24 dev {BRIDGE}")
            _run(f"ip link set {BRIDGE} up")
            for number in range(3):
                self._connect(number)
                self._start(number)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        for number in range(3):
            pids = subprocess.run(["ip", "netns", "pids", _name(number)], capture_output=True, text=True, check=False)
            for pid in pids.stdout.split():
                subprocess.run(["kill", "-9", pid], check=False, stderr=subprocess.DEVNULL)
            # The link as well: with its namespace it goes only some time after.
            subprocess.run(["ip", "link", "del", f"mp-{number}"], check=False, stderr=subprocess.DEVNULL)
            subprocess.run(["ip", "netns", "del", _name(number)], check=False, stderr=subprocess.DEVNULL)
        for process in self._started:
            process.wait()
        subprocess.run(["ip", "link", "del", BRIDGE], check=False, stderr=subprocess.DEVNULL)

    def cut(self, number: int) -> None:
        """Take a host from the network."""
        _run(f"ip link set mp-{number} down")

    def _connect(self, number: int) -> None:
        host = _name(number)
        inside = f"ip netns exec {host} ip"
        _run(f"ip netns add {host}")
        _run(f"ip link add mp-{number} type veth peer name eth0 netns {host}")
        _run(f"ip link set mp-{number} master {BRIDGE}")
        _run(f"ip link set mp-{number} up")
        _run(f"{inside} addr add {_address(number)}/24 dev eth0")
        _run(f"{inside} link set eth0 up")
        _run(f"{inside} link set lo up")

    def _start(self, number: int) -> None:
        """Start a host's Ray. This environment is all that it has of this machine's files beside the system's."""
        head = "--head --port=6379 --include-dashboard=false --num-cpus=0"
        whose = head if number == 0 else f"--address={_address(0)}:6379 --num-cpus=1"
        python = self._environment / "bin" / "python"
        ray = f"{python} {python.parent / 'ray'} start --block --disable-usage-stats"
        # In this order: the environment may lie in what is hidden.
        steps = [
            f"mount --bind {shlex.quote(sys.prefix)} {self._environment}",
            *([self._other_version()] if number == self._other else []),
            f"mount -t tmpfs none {shlex.quote(str(ROOT))}",
            "mount -t tmpfs none /tmp",
            f"cd /tmp && exec {ray} --node-ip-address={_address(number)} {whose}",
        ]
        log = self._folder / f"{number}.log"
        command = ["ip", "netns", "exec", _name(number), "unshare", "--mount", "--propagation", "private"]
        with log.open("wb") as stream:
            shell = ["sh", "-ec", "\n".join(steps)]
            self._started.append(subprocess.Popen([*command, *shell], stdout=stream, stderr=subprocess.STDOUT))
        wait_until(lambda: b"Ray runtime started" in log.read_bytes(), f"Ray on host {number}, see {log}", PATIENCE)
        time.sleep(2)  # The head's server for clients begins a little later.

    def _other_version(self) -> str:
        """Has a host's package call itself another version."""
        own = metadata.distribution(OTHER)
        file = Path(str(own.locate_file(f"{OTHER}-{own.version}.dist-info"))) / "METADATA"
        changed = self._folder / "METADATA"
        text = file.read_text("utf-8")
        changed.write_text(text.replace(f"\nVersion: {own.version}\n", "\nVersion: 1.0\n"), "utf-8")
        return f"mount --bind {changed} {self._environment / file.relative_to(sys.prefix)}"


def as_markdown(measured: record.Record) -> str:
    """A line for each build, and what each said of the cluster."""
    lines = ["", "| build | exit | site | said |", "|---|---:|---|---|"]
    for build in measured["builds"]:
        verdict = "the same" if build["same"] else "its own" if _is_own(build) else "another"
        site = f"{build['files']} files, {verdict}" if build["files"] else "none"
        told = "<br>".join(line for line in build["told"] if "stages run at a time" not in line)
        lines.append(f"| {build['build']} | {build['exit']} | {site} | {told} |")
    return "\n".join([*lines, "", held(measured)])


def _is_own(build: dict[str, Any]) -> bool:
    return str(build["build"]).startswith(SHARED)


def _name(number: int) -> str:
    return f"mp-host-{number}"


def _address(number: int) -> str:
    return f"{NETWORK}.{number + 1}"


def _run(command: str) -> None:
    subprocess.run(shlex.split(command), check=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hosts", description=__doc__)
    return project.parsed(parser, "--profile", "smoke", "--variants", "baseline", "--set", "fine_tuning.epochs=6")


if __name__ == "__main__":
    main()
