"""`build --live` in a process of its own, and what its page is sent."""

import contextlib
import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator

from tests.fakes import ROOT, Project, command

PATIENCE = 600
"""Most seconds that a test waits: where it takes as long, something hangs."""


@contextlib.contextmanager
def running(project: Project, *arguments: str, terminal: bool = False) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The command in a process of its own; gives the page's address, without a slash, and the process."""
    master, slave = os.openpty()
    process = subprocess.Popen(
        command(project, *arguments, "--live"),
        cwd=ROOT,
        stdin=slave if terminal else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    try:
        assert process.stderr is not None
        found = re.fullmatch(r"live: (http://127\.0\.0\.1:\d+)/\n", process.stderr.readline())
        assert found
        yield found[1], process
    finally:
        process.kill()
        process.communicate()
        os.close(master)
        os.close(slave)


def get(address: str, host: str | None = None) -> str:
    request = urllib.request.Request(address, headers={"Host": host} if host else {})
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        return str(response.read(), "utf-8")


def events(address: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Kind and content of every event until the stream ends."""
    kind = ""
    with urllib.request.urlopen(f"{address}/events", timeout=PATIENCE) as stream:
        for line in stream:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                yield kind, json.loads(value)
