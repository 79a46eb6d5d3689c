"""Files written whole or not at all, and their hashes."""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from generator.support.errors import BuildFailed

UNFINISHED = ".writing"
"""Ends the name of a file that is being written."""

FREE_SPACE = "free space there or name another folder with --store"
FREE_SPACE_OR_NAME = "free space there or name another"
DISK_FULL = "is the disk full?"
FULL = (errno.ENOSPC, errno.EDQUOT)
"""Numbers of the errors of a disk, or a user's part of one, that is full."""


@contextmanager
def replacing(path: Path, advice: str = FREE_SPACE) -> Iterator[BinaryIO]:
    """A stream whose content replaces `path` when the block ends, whole or not at all.

    Its folder is made where it is missing. Raises `BuildFailed`, with the `advice`, if the disk refuses, also
    where the block meets that.
    """
    temporary = temporary_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        raise refused(path, error, advice) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_atomically(path: Path, data: bytes, advice: str = FREE_SPACE) -> None:
    """Replace `path` by `data`, whole or not at all. Raises `BuildFailed`, with the `advice`, if the disk refuses."""
    with replacing(path, advice) as stream:
        stream.write(data)


def file_hash(path: Path, algorithm: str = "sha256") -> str:
    """Hash of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def known_hash(path: Path, algorithm: str = "sha256") -> str:
    """As `file_hash`, read once per process as long as the file's size and time of change stay."""
    status = path.stat()
    return _known_hash(path, algorithm, status.st_size, status.st_mtime_ns)


@lru_cache
def _known_hash(path: Path, algorithm: str, size: int, modified: int) -> str:
    return file_hash(path, algorithm)


def fault(folder: Path, files: Mapping[str, Mapping[str, Any]], most: int | None = None) -> str:
    """What is wrong with the `files` of a folder, by name with `bytes` and `sha256`; empty if nothing.

    The checksum is that of files of `most` bytes; None: of all.
    """
    for name, expected in files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != expected["bytes"]:
            return f"{name} is missing or of another size"
        if (most is None or expected["bytes"] <= most) and file_hash(path) != expected["sha256"]:
            return f"{name} has another checksum"
    return ""


def refused(path: Path, error: OSError, advice: str = FREE_SPACE) -> BuildFailed:
    """What a refusal of the disk means to the user."""
    reason = error.strerror or str(error)
    return BuildFailed(f"{path}: cannot be written ({reason}); {advice}")


def temporary_beside(path: Path) -> Path:
    """Where `replacing` writes before it replaces `path`."""
    return path.parent / f".{path.name}{UNFINISHED}"


def flush(path: Path) -> None:
    """Have the system put a file or folder on its disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def size_of(path: Path) -> int:
    """Bytes of a file, or of the files in a folder."""
    return sum(p.stat().st_size for p in path.iterdir()) if path.is_dir() else path.stat().st_size


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
