"""The classes of a data set, told by the names under which its images stand.

`composed` makes one name of the ways in which systems write it; `agreed` gives the classes that all parts share,
`similar` those that may be one.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from generator.data.folders import lookalikes
from generator.data.folders.listing import is_unusable, joined, listed
from generator.support.errors import BadInput


def composed(name: str) -> str:
    """`name` in Unicode's composed form.

    macOS writes é as two characters, other systems as one: canonically equivalent names are one name, as Unicode
    has it. Any other difference is one.
    """
    return unicodedata.normalize("NFC", name)


def agreed(classes: Mapping[str, Iterable[str]], source: str) -> tuple[str, ...]:
    """The classes sorted by name; `classes` is a part as messages call it → names, that for training first.

    Raises `BadInput` where parts differ, and where names cannot be told apart or printed. Of three and more classes
    validation and test images may lack some: where a class is rare, a random split leaves none of it.
    """
    names = _shared({where: set(found) for where, found in classes.items()}, source)
    known: dict[str, str] = {}
    for name in names:
        other = known.setdefault(lookalikes.drawn(name), name)
        if other != name:
            raise BadInput(f"{source}: {alike(other, name)}; rename one, or put them together if they are one class")
    if bad := [name for name in names if is_unusable(name)]:
        raise BadInput(f"{source}: class names must be UTF-8 without control characters; rename {listed(bad)}")
    if len(names) < 2:
        where = joined(classes)
        raise BadInput(f"{source}: needs two classes or more in {where}, found {len(names)}: {listed(names)}")
    return tuple(names)


def alike(one: str, other: str) -> str:
    """How two names differ that look the same."""
    names = f"{lookalikes.escaped(one)} and {lookalikes.escaped(other)}"
    return f"{names} differ only {lookalikes.difference(one, other)}"


def _shared(classes: Mapping[str, set[str]], source: str) -> list[str]:
    trained, *others = classes.values()
    if len(trained) > 2 and all(found and found <= trained for found in others):
        return sorted(trained)
    places: dict[tuple[str, ...], list[str]] = {}
    for name in dict.fromkeys(name for found in classes.values() for name in found):
        places.setdefault(tuple(where for where in classes if name in classes[where]), []).append(name)
    everywhere = places.pop(tuple(classes), [])
    if places:
        only = [f"only in {joined(where)}: {listed(names)}" for where, names in places.items()]
        partial = sorted(name for names in places.values() for name in names)
        only += [alike(one, other) for one, other in similar(partial)]
        raise BadInput(f"{source}: {joined(classes)} must hold the same classes; {'; '.join(only)}")
    return sorted(everywhere)


def similar(names: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of `names`, which are sorted, that look alike, a few at most."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(lookalikes.simplest(name), []).append(name)
    return sorted(pair for group in groups.values() for pair in combinations(group, 2))[:3]
