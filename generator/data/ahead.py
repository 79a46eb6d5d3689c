"""Images at an address, some of which are read before they are asked for, as a file system does with a file.

Who decodes them asks for one after the other, and an answer takes long to begin to come: so the next ones are on their
way meanwhile, more of them the longer it goes on in order. In memory, and no more of it than `BYTES`.
"""

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from generator.data.listed import ImageThere
from generator.support import addresses
from generator.support.threads import CORES

BYTES = 64 * 2**20
"""Of the images that were not asked for yet, if all are as large as the largest so far."""
LATE = max(8, CORES)
"""How many are kept that were passed: of the threads that share the images each may come late, however late, to one."""


@contextmanager
def reading(images: Iterable[ImageThere]) -> Iterator["Ahead"]:
    """What reads `images`, which will be asked for in about this order, while the block runs."""
    ahead = Ahead(tuple(images))
    try:
        yield ahead
    finally:
        ahead.close()


class Ahead:
    """Reads images of one address; may be asked by several threads."""

    def __init__(self, images: tuple[ImageThere, ...]) -> None:
        self._images = images
        self._places = {image: place for place, image in enumerate(images)}
        self._most = addresses.side_by_side(images[0].address) if images else 1
        self._pool = ThreadPoolExecutor(self._most)
        self._asking = threading.Lock()
        self._coming: dict[int, Future[bytes]] = {}
        self._next, self._furthest, self._window, self._largest = 0, 0, 1, 1
        self._alone = 0  # asked for in a row that were passed and are not on their way

    def read(self, image: ImageThere) -> bytes:
        """As its own `read_bytes`."""
        with self._asking:
            found = self._asked(self._places[image])
        data = found.result() if found else image.fetched()
        self._largest = max(self._largest, len(data))
        return data

    def close(self) -> None:
        """Ask for no more."""
        self._pool.shutdown(cancel_futures=True)

    def _asked(self, place: int) -> Future[bytes] | None:
        """The bytes of the image at `place`; None where they are not on their way."""
        found = self._coming.pop(place, None)
        if found:
            self._window = min(2 * self._window, self._most, max(1, BYTES // self._largest))
        elif place == self._next:
            self._window = max(1, self._window)
        self._alone = 0 if found or place >= self._next else self._alone + 1
        if place > self._next or self._alone > LATE:
            # Somebody begins elsewhere, or asks for a few alone: what comes next is seen at the next one.
            self._next = self._furthest = place
            self._window = self._alone = 0
        self._furthest = max(self._furthest, place)
        if self._forget():
            self._window = 0
        self._next = max(self._next, place + 1)
        while self._next < min(self._furthest + 1 + self._window, len(self._images)):
            self._coming[self._next] = self._pool.submit(self._images[self._next].fetched)
            self._next += 1
        return found

    def _forget(self) -> bool:
        """Drop images that nobody asked for when it was their turn; gives whether there were any."""
        passed = sorted(place for place in self._coming if place < self._furthest)
        left = [place for place in self._coming if place > self._furthest + self._most]
        places = passed[:-LATE] + left
        for place in places:
            self._coming.pop(place).cancel()
        return bool(places)
