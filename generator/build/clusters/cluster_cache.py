"""What a node of a cluster keeps of the builder's files, for all stations on it.

A file is fetched from Ray's object store once a node, kept under its digest, and linked to where a stage looks for it.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.support import lock
from generator.support.errors import BuildFailed
from generator.support.files import file_hash, replacing

MOST = 20 * 2**30
"""Bytes of inputs that a node keeps, as the store does unless told otherwise."""


@dataclass(frozen=True)
class Offered:
    """A file of the builder in Ray's object store."""

    digest: str
    pieces: tuple[Any, ...]
    """References of its content, in order."""


def place(offered: Offered, path: Path, folder: Path) -> None:
    """Have a file of the builder lie at `path`; `folder` has those that the node keeps."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = folder / offered.digest
    alone = kept.with_suffix(".lock")
    with lock.wait_for(alone, "fetching"):
        if not _linked(kept, path, offered.digest):
            fetch(offered, path)
            kept.unlink(missing_ok=True)
            os.link(path, kept)
        os.utime(path)
        lock.remove(alone)  # There may be as many as images.


def _linked(kept: Path, path: Path, digest: str) -> bool:
    """Whether `kept` lies at `path` now, as it should be."""
    # Linked first: then it stays here, also where another station makes room meanwhile.
    try:
        os.link(kept, path)
    except FileNotFoundError:
        return False
    if file_hash(path) == digest:
        return True
    path.unlink()
    return False


def make_room(folder: Path) -> None:
    """Remove what is too much in `folder`: once a stage, as it looks at every file. Those in use have other names."""
    for path in _beyond(MOST, folder) if folder.is_dir() else ():
        path.unlink(missing_ok=True)


def fetch(offered: Offered, path: Path) -> None:
    """Write a file of the builder to `path`. Raises `BuildFailed` where it does not arrive whole."""
    import ray

    with replacing(path, "free space there") as stream:
        for piece in offered.pieces:
            try:
                stream.write(ray.get(piece))
            except ray.exceptions.RayError as error:
                raise BuildFailed(f"an input did not arrive on its node ({type(error).__name__})") from None
    if file_hash(path) != offered.digest:
        raise BuildFailed("a file arrived with another checksum; did it change during the build?")


def _beyond(limit: int, folder: Path) -> Iterator[Path]:
    """The files that are too many by `limit` bytes, the longest unused first."""
    found = sorted(_seen(folder))
    excess = sum(size for _, size, _ in found) - limit
    for _, size, path in found:
        if excess <= 0:
            return
        yield path
        excess -= size


def _seen(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """When a file was last used, its size, and the file, of each in `folder`, less their locks."""
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # Another station makes room at this moment.
            if not path.suffix:
                status = path.stat()
                yield status.st_mtime, status.st_size, path
