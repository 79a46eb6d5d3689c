"""Files below a folder, written so that they outlast a power cut; and where a test may end the process.

`checkpoint` is called before and after every step, for tests that kill the process there.
"""

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path, PurePosixPath

from generator.support.errors import BadInput


def checkpoint(name: str) -> None:
    """Does nothing; a test puts a function in its place that kills the process at the step `name`."""


def check(folder: Path, path: str) -> None:
    """Raise `BadInput` unless `path` names a file below `folder`, with no link on the way to it."""
    parts = path.split("/")
    if path.startswith("/") or "\\" in path or "\0" in path or not all(p not in ("", ".", "..") for p in parts):
        raise BadInput(f"{path!r}: expected a path inside {folder}, without '..'")
    for parent in list(PurePosixPath(path).parents)[:-1]:
        if (folder / parent).is_symlink():
            raise BadInput(f"{folder / parent} is a symbolic link; put a folder in its place")


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def prune(folder: Path, paths: Collection[str]) -> None:
    """Remove the folders of `paths` that are empty."""
    for path in paths:
        for parent in list(PurePosixPath(path).parents)[:-1]:
            with suppress(OSError):
                (folder / parent).rmdir()


def sync_folders(folder: Path) -> None:
    for parent, _, _ in os.walk(folder):
        sync(Path(parent))


def sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
