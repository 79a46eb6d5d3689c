"""Work of several threads whose results are wanted in order."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

CORES = os.cpu_count() or 1

Item = TypeVar("Item")
Result = TypeVar("Result")


def mapped_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], *, ahead: int, threads: int
) -> Iterator[Result]:
    """`function` of each of `items`, in order; so many are computed ahead of who asks for them, not all of them.

    What `function` raises is raised in its turn. Who asks for no more closes the iterator, or lets go of it: what has
    not begun by then is not computed.
    """
    pool = ThreadPoolExecutor(threads)
    coming: deque[Future[Result]] = deque()
    try:
        for item in items:
            coming.append(pool.submit(function, item))
            if len(coming) > ahead:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)  # waits for what has begun
