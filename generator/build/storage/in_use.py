"""Marks in a store: what running builds may read, so that no other build removes it.

A mark is a file of digests beside a lock that its process holds; one whose lock is free is a dead process', and goes.
"""

import json
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from generator.support import lock
from generator.support.files import write_atomically


@contextmanager
def marked(folder: Path, digests: Collection[str]) -> Iterator[Path]:
    """Mark `digests` in the `folder` of marks as long as the block runs; gives the mark.

    Raises `BuildFailed` where the disk refuses.
    """
    mark = folder / f"{uuid.uuid4().hex}.json"
    held = mark.with_suffix(".lock")
    with lock.wait_for(held, "building"):
        try:
            write_atomically(mark, json.dumps(sorted(digests)).encode())
            yield mark
        finally:
            mark.unlink(missing_ok=True)
            lock.remove(held)


def digests(folder: Path, but: Collection[Path] = ()) -> frozenset[str]:
    """All that is marked in `folder`, except by the marks `but`; removes the marks of dead processes."""
    found: set[str] = set()
    for held in folder.glob("*.lock"):
        mark = held.with_suffix(".json")
        with lock.attempt(held) as dead:
            if dead:
                mark.unlink(missing_ok=True)
                lock.remove(held)
            elif mark not in but:
                with suppress(OSError, ValueError):  # not written yet, or removed at this moment
                    found.update(json.loads(mark.read_text("utf-8")))
    return frozenset(found)
