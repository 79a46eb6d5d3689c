"""Which of the training images validate: decided by a seed, whole batches, copies of a picture together.

`choose` decides; `alike` finds copies by whatever makes two images the same.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np

from generator.experiment.settings import whole_batches

Copies = tuple[tuple[int, ...], ...]
"""Groups of two or more positions at which the same picture stands."""


@dataclass(frozen=True)
class Split:
    """Positions in `Dataset.samples`; each training image stands in exactly one of the two."""

    train: tuple[int, ...]
    validation: tuple[int, ...]


def alike(keys: Iterable[Hashable]) -> Copies:
    """The positions of each key that occurs more than once, in order of first occurrence."""
    positions: dict[Hashable, list[int]] = {}
    for position, key in enumerate(keys):
        positions.setdefault(key, []).append(position)
    return tuple(tuple(found) for found in positions.values() if len(found) > 1)


def choose(total: int, batch_size: int, fraction: float, copies: Copies, seed: int) -> Split:
    """Whole batches of `total` images for validation, the first of a random order; the rest for training.

    Copies of a picture go the same way. Those that no longer fit are trained on, so the last batch can be short.
    """
    wanted = whole_batches(total, batch_size, fraction)
    order = np.random.default_rng(seed).permutation(total).tolist()
    together = {position: group for group in copies for position in group}
    validation: set[int] = set()
    for position in order:
        group = together.get(position, (position,))
        if position not in validation and len(validation) + len(group) <= wanted:
            validation.update(group)
    return Split(
        train=tuple(position for position in order if position not in validation),
        validation=tuple(position for position in order if position in validation),
    )
