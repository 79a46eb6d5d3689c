"""Who may do what alone: advisory locks on files, which the kernel frees when their holder dies.

`hold` takes a lock or says who has it, `wait_for` waits for it, `attempt` tries; `for_folder` says where the lock of
a folder lies. A lock file may be removed by who holds it: whoever opened it before sees that and takes a new one.
"""

import hashlib
import itertools
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from generator.support import temporary
from generator.support.errors import Locked, printable
from generator.support.files import FREE_SPACE, refused

POLL = 0.1
"""Seconds between two tries of a lock that is waited for."""
TOLD_AFTER = 10
"""Tries after which whoever waits is told why: most locks are held for a moment."""

_log = logging.getLogger(__name__)


@contextmanager
def hold(path: Path, purpose: str) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; `purpose` says what is built, for whoever must wait.

    Raises `Locked` at once, naming the holder's PID and purpose, where another process holds it, and
    `BuildFailed` where the lock file cannot be made. A killed holder's lock is free.
    """
    with attempt(path, purpose) as held:
        if not held:
            raise Locked(f"{_holder(path)}; wait for it to end, or end it, and run again")
        yield


@contextmanager
def wait_for(
    path: Path,
    purpose: str,
    tell: Callable[[str], None] = _log.warning,
    pause: Callable[[float], object] = time.sleep,
) -> Iterator[None]:
    """As `hold`, but wait while another holds it; `tell` is told once who that is, if it takes longer.

    `pause` waits for so many seconds; what it raises ends the waiting.
    """
    for tries in itertools.count():
        with attempt(path, purpose) as held:
            if held:
                yield
                return
        if tries == TOLD_AFTER:
            tell(f"{_holder(path)}; waiting for it")
        pause(POLL)


@contextmanager
def attempt(path: Path, purpose: str = "looking") -> Iterator[bool]:
    """Hold the lock file `path` while the block runs, if it is free; gives whether it was.

    Raises `BuildFailed` where the lock file cannot be made.
    """
    lock = FileLock(path, timeout=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        yield False
        return
    except OSError as error:
        raise refused(path, error, temporary.ADVICE if temporary.holds(path) else FREE_SPACE) from None
    own = _number(path)
    try:
        with suppress(OSError):  # A full disk, say: the lock holds without its note.
            _note_beside(path).write_text(f"{os.getpid()}\n{printable(purpose)}\n", encoding="utf-8")
        yield True
    finally:
        if _number(path) == own:  # Else it was removed, and the note is that of who has the lock now.
            _note_beside(path).unlink(missing_ok=True)
        lock.release()


@contextmanager
def first_free(paths: Iterable[Path], locks: Path) -> Iterator[Path]:
    """The first of `paths` that no other process was given; its lock lies in the folder `locks`."""
    for path in paths:
        with attempt(locks / f"{path.name}.lock") as held:
            if held:
                yield path
                return
    raise AssertionError("no path is left")


def for_folder(folder: Path) -> Path:
    """The lock file of `folder`, in this user's folder for temporary files.

    Not inside the folder, which publishing exchanges for another, nor beside it, where a user's own files
    are. Two spellings of one folder have one lock. Raises `BuildFailed` where that folder cannot be used.
    """
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:24]
    return temporary.own_folder() / f"{name}.lock"


def remove(path: Path) -> None:
    """Remove a lock file that the caller holds, and its note."""
    _note_beside(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def _number(path: Path) -> int | None:
    """By which the system knows the file; no other file has it as long as this one is open."""
    with suppress(OSError):
        return path.stat().st_ino
    return None


def _note_beside(path: Path) -> Path:
    # Beside the lock, not in it: some versions of filelock truncate the file they try to lock.
    return path.with_name(path.name + ".holder")


def _holder(path: Path) -> str:
    try:
        pid, purpose = _note_beside(path).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return f"another process holds {path}"
    return f"process {pid} is {purpose}"
