"""Sets images aside for the test of a data set that has no test images of its own.

An image's place in the order in which they are taken follows from a seed and its own bytes: neither the names of files
nor other images move it, so that a data set to which images are added keeps most of its test set.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence

from generator.data.splits import Copies


def choose(labels: Sequence[int], digests: Sequence[str], fraction: float, seed: int, together: Copies) -> set[int]:
    """Positions of the test images: of each class `fraction`, rounded, at least one and never all.

    `labels` and `digests` are those of all images; those at the positions of a group in `together` go the same way. A
    group that no longer fits is left out, so that there can be fewer.
    """
    wanted = {label: min(max(1, round(count * fraction)), count - 1) for label, count in Counter(labels).items()}
    group_of = {position: group for group in together for position in group}
    chosen: set[int] = set()
    taken: Counter[int] = Counter()
    for position in sorted(range(len(labels)), key=lambda i: _rank(digests[i], seed)):
        group = group_of.get(position, (position,))
        more = Counter(labels[member] for member in group)
        if position not in chosen and all(taken[label] + count <= wanted[label] for label, count in more.items()):
            chosen.update(group)
            taken += more
    return chosen


def _rank(digest: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed} {digest}".encode()).digest()
