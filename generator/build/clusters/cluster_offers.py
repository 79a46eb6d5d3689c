"""Files that a build has in Ray's object store for its stages: each is put there once, however many ask at a time."""

import threading
from collections import OrderedDict
from concurrent.futures import Future
from pathlib import Path

from generator.build.clusters.cluster_cache import Offered
from generator.build.clusters.cluster_node import PIECE
from generator.support.files import file_hash

MOST = 4 * 2**30
"""Bytes that are kept for stages to come; what stages that run were given stays as long as they do."""

_File = tuple[Path, int, int]
"""With its size and time of change."""


class Offers:
    """What was put there, the newest; may be asked by several threads."""

    def __init__(self) -> None:
        self._looking = threading.Lock()
        self._known: OrderedDict[_File, Future[Offered]] = OrderedDict()
        self._size = 0

    def of(self, path: Path) -> Offered:
        """The file as it is now. Raises `OSError` where it cannot be read."""
        status = path.stat()
        file = (path, status.st_size, status.st_mtime_ns)
        with self._looking:
            mine = file not in self._known
            offer = self._known.setdefault(file, Future())
            self._known.move_to_end(file)
            self._size += status.st_size if mine else 0
            self._forget()
        if mine:
            try:
                offer.set_result(_put(path))
            except BaseException as error:
                with self._looking:
                    self._size -= status.st_size if self._known.pop(file, None) else 0
                offer.set_exception(error)
        return offer.result()

    def _forget(self) -> None:
        """The oldest, as long as those after it are too much."""
        while self._size > MOST and len(self._known) > 1:
            (_, size, _), _ = self._known.popitem(last=False)
            self._size -= size


def _put(path: Path) -> Offered:
    import ray

    with path.open("rb") as stream:
        pieces = tuple(ray.put(piece) for piece in iter(lambda: stream.read(PIECE), b""))
    return Offered(file_hash(path), pieces)
