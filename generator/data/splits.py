"""Which of the training images validate: decided by a seed, whole batches, images that belong together on one side.

`choose` decides; `alike` finds what belongs together by whatever makes two images the same, `merged` puts together
what several such findings say.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from generator.experiment.config.settings import whole_batches

Copies = tuple[tuple[int, ...], ...]
"""Groups of two or more positions at which the same picture stands, or pictures that belong together."""


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


def merged(*findings: Copies) -> Copies:
    """The groups of all findings, those that share a position as one, in order of first position."""
    leaders: dict[int, int] = {}

    def leader(position: int) -> int:
        while leaders.setdefault(position, position) != position:
            leaders[position] = position = leaders[leaders[position]]  # Halves the way for whoever asks next.
        return position

    for group in (group for finding in findings for group in finding):
        for member in group:
            leaders[leader(member)] = leader(group[0])
    groups: dict[int, list[int]] = {}
    for position in sorted(leaders):
        groups.setdefault(leader(position), []).append(position)
    return tuple(map(tuple, groups.values()))


def choose(
    total: int, batch_size: int, fraction: float, together: Copies, seed: int, labels: Sequence[int] | None = None
) -> Split:
    """Whole batches of `total` images for validation, the first of a random order; the rest for training.

    Images in a group of `together` go the same way. Those that no longer fit are trained on, so the last batch can be
    short. With `labels` the classes validate in the same proportions as they are there, and none as a whole.
    """
    kinds = labels or [0] * total
    room = shares(kinds, whole_batches(total, batch_size, fraction))
    if labels:
        room = Counter({kind: min(room[kind], count - 1) for kind, count in Counter(kinds).items()})
    order = np.random.default_rng(seed).permutation(total).tolist()
    group_of = {position: group for group in together for position in group}
    validation: set[int] = set()
    for position in order:
        group = group_of.get(position, (position,))
        needed = Counter(kinds[member] for member in group)
        if position not in validation and all(count <= room[kind] for kind, count in needed.items()):
            validation.update(group)
            room.subtract(needed)
    return Split(
        train=tuple(position for position in order if position not in validation),
        validation=tuple(position for position in order if position in validation),
    )


def shares(labels: Sequence[int], wanted: int) -> Counter[int]:
    """Label → its part of `wanted` images, in proportion to how many have it; the largest rests get what is left."""
    counts: Mapping[int, int] = Counter(labels)
    exact = {label: wanted * count / len(labels) for label, count in counts.items()}
    found = Counter({label: int(share) for label, share in exact.items()})
    rest = sorted(exact, key=lambda label: (int(exact[label]) - exact[label], label))
    found.update(rest[: wanted - found.total()])
    return found


def folds(kinds: Sequence[Hashable], together: Copies, count: int, seed: int) -> list[int]:
    """The fold of each position, 0 to `count` - 1: those of each kind evenly spread, as far as groups leave it open.

    Images in a group of `together` are in one fold. Large groups are placed first, and the rest in a random order.
    """
    order = np.random.default_rng(seed).permutation(len(kinds)).tolist()
    group_of = {position: group for group in together for position in group}
    groups = dict.fromkeys(group_of.get(position, (position,)) for position in order)
    taken: Counter[tuple[Hashable, int]] = Counter()
    sizes, found = [0] * count, [0] * len(kinds)
    for group in sorted(groups, key=len, reverse=True):
        inside = {kinds[position] for position in group}
        fold = min(range(count), key=lambda fold: (sum(taken[kind, fold] for kind in inside), sizes[fold]))
        taken.update((kinds[position], fold) for position in group)
        sizes[fold] += len(group)
        for position in group:
            found[position] = fold
    return found
