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
from typing import Any, NoReturn

from generator.support.display import accept_any_text
from generator.support.errors import BadInput, MeasuredPostError, Terminated, printable
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
    accept_any_text()
    os.environ["MPLBACKEND"] = "agg"  # Figures are files; a notebook leaves its own to what it starts.
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
    finally:
        _flush()


def _flush() -> None:
    """Write what was printed now: when the interpreter ends, a reader who has gone would change the exit code."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _terminate(number: int, frame: Any) -> NoReturn:
    raise Terminated


def _stopped(code: int, name: str) -> int:
    goes_on = "; the same command goes on at the last finished epoch" if name == DEFAULT else ""
    print(f"{COMMAND}: stopped{goes_on}", file=sys.stderr)
    return code
