"""The command line: commands and exit codes.

0  done    1  a build, check or gate failed    2  bad input or usage    3  another build has the site
130  interrupted (Ctrl-C)    143  terminated
"""

import errno
import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO

from generator.support.display import accept_any_text
from generator.support.errors import BadInput, MeasuredPostError, Terminated, printable
from generator.support.files import FULL
from generator.support.program import COMMAND, as_typed

COMMANDS = ("backbones", "build", "cache", "diff", "history", "model", "new", "predict", "render", "serve", "verify")
"""Each is a module of `commands` with a function `run`."""

DEFAULT = "build"
"""The one that is meant where none is named."""

UNREACHABLE = {
    errno.EACCES: "name another, or let this user into it and the folders above it",
    errno.ENAMETOOLONG: "name a shorter one",
}
"""Number of an error of a path that cannot even be reached → how to mend it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, the one that was typed unless `arguments` are given; gives the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, _terminate)
    _open_closed_streams()
    accept_any_text()
    os.environ["MPLBACKEND"] = "agg"  # Figures are files; a notebook leaves its own to what it starts.
    try:
        code = _run(arguments)
    finally:
        # Now: when the interpreter ends, a reader who has gone would change the exit code.
        written = [_flush(stream) for stream in (sys.stdout, sys.stderr)]
    return code if all(written) else code or MeasuredPostError.exit_code


def _run(arguments: Sequence[str]) -> int:
    named = bool(arguments) and arguments[0] in COMMANDS
    name = arguments[0] if named else DEFAULT
    try:
        # Late: none of them waits for what another one imports.
        run: Callable[[list[str]], int] = importlib.import_module(f"generator.commands.{name}").run
        return run(list(arguments[1:] if named else arguments))
    except MeasuredPostError as error:
        print(f"{COMMAND}: {as_typed(str(error))}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read the output has gone, as `| head` does. Nothing is left to say, nor anybody to say it to.
        return 0
    except OSError as error:
        if error.filename is None and error.errno in (*FULL, errno.EIO):
            return _give_up(sys.stdout, error)
        # Of a path that somebody named, wherever it was looked up first: Python only says for some that nothing is
        # there. Other refusals are met where they mean something, and what is met nowhere keeps its traceback.
        if error.errno not in UNREACHABLE or error.filename is None:
            raise
        reason, advice = error.strerror, UNREACHABLE[error.errno]
        print(
            f"{COMMAND}: {printable(os.fsdecode(error.filename))}: cannot be reached ({reason}); {advice}",
            file=sys.stderr,
        )
        return BadInput.exit_code
    except KeyboardInterrupt:
        return _stopped(130, name)
    except Terminated:
        return _stopped(143, name)


def _open_closed_streams() -> None:
    """Let what is printed go nowhere, instead of being an error, where a stream was closed, as by `2>&-`."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  # as long as the process


def _flush(stream: TextIO) -> bool:
    """Write what was printed; False where it could not be, although somebody may want to read it."""
    try:
        stream.flush()
    except BrokenPipeError:
        _discard(stream)
    except OSError as error:
        return not _give_up(stream, error)
    return True


def _give_up(stream: TextIO, error: OSError) -> int:
    """Say that what was printed cannot be written, on a disk that is full, say; gives the exit code."""
    _discard(stream)
    if stream is sys.stdout:
        print(f"{COMMAND}: what it prints cannot be written ({error.strerror}); send it elsewhere", file=sys.stderr)
    return MeasuredPostError.exit_code


def _discard(stream: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _terminate(number: int, frame: Any) -> NoReturn:
    raise Terminated


def _stopped(code: int, name: str) -> int:
    goes_on = "; the same command goes on at the last finished epoch" if name == DEFAULT else ""
    print(f"{COMMAND}: stopped{goes_on}", file=sys.stderr)
    return code
