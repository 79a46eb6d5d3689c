"""The command line, with the fakes in place, as a process of its own that need not import anything first.

To import what a build runs takes longer than a build of the fakes, and is the same in every process. Here one process,
the fork server of `multiprocessing`, imports it and does nothing else; each command is a fork of it. To a test that is
a process as any other: with an id, streams and an exit code of its own, locks that end with it, and nothing in its
memory of the command before. What is about the start itself (encodings, missing packages) starts an interpreter, by
`fakes.command`.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import IO

from tests import fakes
from tests.fakes import Project

PRELOADED = (
    "tests.driven",
    "generator.commands.building",
    "generator.stages.labels",
    "generator.publishing.deliver",
    "generator.post.formats.preview",
)
"""What the fork server imports: the fakes, and what a build imports only when it comes to it."""


class Driven:
    """A command that runs; as much of `subprocess.Popen` as tests ask for."""

    def __init__(self, project: Project, *arguments: str) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(PRELOADED))
        pipes = [context.Pipe(duplex=False) for _ in range(2)]
        ours, theirs = zip(*pipes, strict=True)
        given = (project.arguments(*arguments), dict(os.environ), *theirs)
        self._process = context.Process(target=_drive, args=given)
        self._process.start()
        for end in theirs:
            end.close()
        self.stdout, self.stderr = map(_text, ours)

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        """Once it was waited for: its exit code, or minus the number of the signal that ended it."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()

    def communicate(self) -> tuple[str, str]:
        """What it still writes to its output and its errors until it ends."""
        with self.stdout, self.stderr, ThreadPoolExecutor(2) as both:
            output, errors = both.map(lambda stream: stream.read(), (self.stdout, self.stderr))
        self._process.join()
        return output, errors


def run_command(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end in a process of its own."""
    process = Driven(project, *arguments)
    output, errors = process.communicate()
    return subprocess.CompletedProcess(arguments, process.returncode or 0, output, errors)


def _text(end: Connection) -> IO[str]:
    """What comes out of a pipe, as a file of text."""
    with end:
        return os.fdopen(os.dup(end.fileno()), "r", encoding="utf-8")


def _drive(arguments: list[str], environment: Mapping[str, str], output: Connection, errors: Connection) -> None:
    """The process' own side."""
    for number, end in ((1, output), (2, errors)):
        with end:
            os.dup2(end.fileno(), number)
    # As an interpreter begins with them; those of the fork server are of the files that it was given.
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    # The fork server has those of the test that asked first.
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(fakes.ROOT)
    sys.argv = ["-c", *arguments]
    sys.exit(fakes.drive(arguments))
