"""Refuses places that could not be written in the end, before anything is computed.

`check` tries each place that a build was given, as it will be written, and leaves nothing behind.
"""

import errno
import itertools
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from generator.support import lock
from generator.support.errors import BadInput, printable
from generator.support.files import temporary_beside
from generator.support.places import STORE_FOLDERS, WORKER_LOG


def check(site: Path, store: Path, files: Mapping[str, Path]) -> None:
    """Raise `BadInput`, naming the option, unless `site`, `store` and each of `files` can be written.

    `files`: option → the file that it names. No file may be another one, nor lie where a folder must be.
    """
    _check_apart({"--site": site, "--store": store}, files)
    with _refused("--site", site, "folder"):
        _try_folder(site)
    check_store(store)
    for option, path in files.items():
        with _refused(option, path, "file"):
            _try_file(option, path)


def check_store(store: Path) -> None:
    """Raise `BadInput`, naming the option, unless `store` can be written."""
    with _refused("--store", store, "folder"):
        _try_folder(store)
        _check_store(store)


def check_file(option: str, path: Path) -> None:
    """Raise `BadInput`, naming the option, unless the file at `path` can be written."""
    with _refused(option, path, "file"):
        _try_file(option, path)


def writable(folder: Path) -> None:
    """Raise `PermissionError` unless new files can be made in `folder`, or in its nearest parent that exists."""
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "no permission to write there", str(folder))


@contextmanager
def _refused(option: str, path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        place = Path(os.fsdecode(error.filename or path))
        # What was tried under a name of its own says something about the folder.
        place = place.parent if place.name.startswith((".probe-", f".{path.name}.")) else place
        where = "" if place == path else f"{printable(place)}: "
        raise BadInput(
            f"{option}: {printable(path)} cannot be written ({where}{reason}); name another {what} with {option}"
        ) from None


def _check_apart(folders: Mapping[str, Path], files: Mapping[str, Path]) -> None:
    # A link in a file's place is replaced by the file, one on the way to it is followed.
    real = {option: Path(os.path.realpath(path)) for option, path in folders.items()}
    real |= {option: Path(os.path.realpath(path.parent)) / path.name for option, path in files.items()}
    for one, other in itertools.combinations(real, 2):
        if real[one] == real[other]:
            raise BadInput(f"{one} and {other} are both {printable(real[one])}; name another place for one of them")
    for option, inside in itertools.product(files, real):
        if option != inside and real[inside].is_relative_to(real[option]) and not real[option].is_dir():
            raise BadInput(
                f"{option}: {printable(files[option])} is to be a file, and {inside} lies below it; name another file"
            )


def _try_folder(folder: Path) -> None:
    """Make a folder in `folder`, or beside it where it is not there yet, and remove it."""
    there = folder.is_dir()
    if not there and os.path.lexists(folder):
        raise NotADirectoryError(errno.ENOTDIR, "it is no folder", str(folder))
    # Beside a site a killed run's is known by its name and cleaned up (`transaction.recover`).
    prefix = ".probe-" if there else f".{folder.name}.new-"[:100]
    parent = folder if there else folder.parent
    with _made(parent):
        Path(tempfile.mkdtemp(prefix=prefix, dir=parent)).rmdir()


def _check_store(store: Path) -> None:
    for name in STORE_FOLDERS:
        folder = store / name
        if os.path.lexists(folder) and not folder.is_dir():
            raise BadInput(f"--store: {printable(folder)} is a file where a folder is needed; move it away")
        writable(folder)
    log = store / WORKER_LOG
    if log.is_dir():
        raise BadInput(f"--store: {printable(log)} is a folder where a file is needed; move it away")
    if log.exists() and not os.access(log, os.W_OK):
        raise PermissionError(errno.EACCES, "no permission to write it", str(log))


def _try_file(option: str, path: Path) -> None:
    """Write an empty file under the name that `files.write_atomically` takes, and remove it."""
    if path.is_dir():
        raise BadInput(f"{option}: {printable(path)} is a folder; name a file")
    if path.exists() and not path.is_file():
        raise BadInput(f"{option}: {printable(path)} is no regular file, and would be replaced by one; name a file")
    temporary = temporary_beside(path)
    # Another build may be writing it.
    with lock.wait_for(lock.for_folder(path), f"trying {path}"), _made(path.parent):
        temporary.write_bytes(b"")
        temporary.unlink()


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Have `folder` and its parents there; those that were not there before are gone afterwards."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for each in missing:
            with suppress(OSError):
                each.rmdir()
