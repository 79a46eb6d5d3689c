"""One build at a time: an advisory lock per store and per site, which the kernel frees when its holder dies.

`hold` takes the lock or says who has it; `for_folder` says where the lock of a folder lies.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from generator.support.errors import BadInput, BuildFailed, Locked, printable


@contextmanager
def hold(path: Path, purpose: str) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; `purpose` says what is built, for whoever must wait.

    Raises `Locked` at once, naming the holder's PID and purpose, where another process holds it, and
    `BadInput` where the lock file cannot be made. A killed holder's lock is free.
    """
    lock = FileLock(path, timeout=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise Locked(f"{_holder(path)}; wait for it to end, or end it, and run again") from None
    except OSError as error:
        raise BadInput(f"{path}: the lock cannot be made ({error.strerror}); name another folder") from None
    try:
        with suppress(OSError):  # A full disk, say: the lock holds without its note.
            _note_beside(path).write_text(f"{os.getpid()}\n{printable(purpose)}\n", encoding="utf-8")
        yield
    finally:
        _note_beside(path).unlink(missing_ok=True)
        lock.release()


def for_folder(folder: Path) -> Path:
    """The lock file of `folder`, in the system's folder for temporary files.

    Not inside the folder, which publishing exchanges for another, nor beside it, where a user's own files
    are. Two spellings of one folder have one lock. Raises `BuildFailed` where no temporary file can be written.
    """
    try:
        temporary = tempfile.gettempdir()
    except FileNotFoundError as error:
        raise BuildFailed(f"no temporary file can be written ({error.strerror}); free space on the disk") from None
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:24]
    return Path(temporary) / f"measured-post-{os.getuid()}" / f"{name}.lock"


def _note_beside(path: Path) -> Path:
    # Beside the lock, not in it: some versions of filelock truncate the file they try to lock.
    return path.with_name(path.name + ".holder")


def _holder(path: Path) -> str:
    try:
        pid, purpose = _note_beside(path).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return f"another process holds {path}"
    return f"process {pid} is {purpose}"
