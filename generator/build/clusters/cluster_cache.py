"""What a node of a cluster keeps of the builder's files, for all stations on it.

A file is fetched from Ray's object store once a node, kept under its digest, and linked to where a stage looks for it.
"""

import os
from collections.abc import Iterator
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
    kept = folder / offered.digest
    with lock.wait_for(kept.with_suffix(".lock"), "fetching"):
        if not (kept.is_file() and file_hash(kept) == offered.digest):
            fetch(offered, kept)
            # Those in use have other names beside these.
            for old in _beyond(MOST, folder):
                old.unlink(missing_ok=True)
        os.utime(kept)
        os.link(kept, path)


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
    files = (path for path in folder.iterdir() if not path.suffix)  # less their locks
    found = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in files)
    excess = sum(size for _, size, _ in found) - limit
    for _, size, path in found:
        if excess <= 0:
            return
        yield path
        excess -= size
