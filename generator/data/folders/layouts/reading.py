"""What reading a folder in one of the ways gives, and what each way must offer.

A `Reading` names every image with its class and part; `agree` tells whether two say the same.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from generator.data.folders import listing, lookalikes
from generator.experiment.data_summary import Layout, Part
from generator.support.errors import BadInput, printable

CALLED: dict[Part, str] = {"train": "training images", "validation": "validation images", "test": "test images"}

Classes = Mapping[str, tuple[Path, ...]]
"""Class → its files, in natural order."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A folder, read in one way."""

    layout: Layout
    root: Path
    """The folder below which all images lie."""
    folders: Mapping[Part, Path]
    """Part → the folder of its images; `root` where a part has none of its own."""
    images: Mapping[Part, Classes]
    """`train`, and those of the other parts that there are."""
    ignored: Counter[str]
    """Reason → number of files passed over."""
    problems: tuple[str, ...] = ()
    """What must be mended before it can be used."""
    tables: tuple[str, ...] = ()
    """Names of the tables, below `root`, that tell the classes."""

    @property
    def files(self) -> Iterator[tuple[Path, Part, str]]:
        """Every image with its part and class."""
        for part, classes in self.images.items():
            for name, paths in classes.items():
                yield from ((path, part, name) for path in paths)

    def sentence(self) -> str:
        """What was taken for what, for a message that shows several readings."""
        told = ", ".join(f"{sum(map(len, found.values()))} {CALLED[part]}" for part, found in self.images.items())
        return f"{told} of {listing.listed({name for _, _, name in self.files})}{_by(self)}"


class Kind(Protocol):
    """One way to lay out a data set."""

    def recognises(self, folder: Path, *, nested: bool) -> bool:
        """Whether `folder` itself looks like that; opens few files. `nested`: folders of classes may hold folders."""

    def read(self, folder: Path, source: str, *, nested: bool) -> Reading:
        """The data set in `folder`, which messages call `source`. Raises `BadInput` where it is ambiguous."""


def agree(kept: Reading, other: Reading) -> bool:
    """Whether two readings put the same images into the same parts and classes, so that `kept` can stand for both."""
    return {path for path, *_ in kept.files} == {path for path, *_ in other.files} and bears_out(other, kept)


def bears_out(other: Reading, kept: Reading) -> bool:
    """Whether all images of `other` are in the same parts and classes of `kept`, whose names for these tell as much."""
    told = {path: (part, name) for path, part, name in kept.files}
    pairs = {(name, told[path][1]) for path, _, name in other.files if path in told}
    return (
        all(path in told and told[path][0] == part for path, part, _ in other.files)
        and len(pairs) == len({name for name, _ in pairs}) == len({name for _, name in pairs})
        # A number says no more than any name does; but `a` and `b` may be what somebody calls malignant and benign.
        and all(name.isdecimal() or _written(name) == _written(called) for name, called in pairs)
    )


def _written(name: str) -> str:
    """The same for `Golden retriever` and `golden_retriever`."""
    return lookalikes.simplest(re.sub("[_-]", " ", name))


def one_each(found: Mapping[Part, list[Path]], source: str) -> dict[Part, Path]:
    """The folder of each part. Raises `BadInput` where two folders may be the same part."""
    for part, several in found.items():
        if len(several) > 1:
            names = " and ".join(f"{printable(f.name)}/" for f in several)
            raise BadInput(f"{source}: {names} may both hold {CALLED[part]}; rename the one that does not")
    return {part: several[0] for part, several in found.items()}


def shown(folder: Path, root: Path) -> str:
    """`train/`, as messages name a folder below `root`; empty for `root` itself."""
    return "" if folder == root else f"{printable(folder.relative_to(root).as_posix())}/"


def _by(reading: Reading) -> str:
    how = {
        "parts": "by the folders they lie in",
        "classes": "by the folders they lie in",
        "names": "by the names of the files",
        "table": f"by {listing.joined(reading.tables or ('a table',))}",
    }
    return f", told {how[reading.layout]}"
