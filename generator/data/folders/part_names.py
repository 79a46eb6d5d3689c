"""Which part of a data set a folder holds, told by its name: people call the same three parts many things.

`part` reads one name, `candidates` the names of folders that lie side by side, `undoubled` looks through a folder
that was packed twice. `measured` knows the folder that is no part: its images are measured with and never trained on.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from generator.data.folders.listing import folders, holds_images, is_dangling, plain_folders
from generator.experiment.data_summary import PARTS, Part

_NAMES: dict[Part, str] = {
    "train": "train(ing)?",
    "validation": "val(id(ation)?)?|dev",
    "test": "test(ing)?",
}
_END = "([ _-]?(set|data|images))?"


def part(name: str) -> Part | None:
    """The part that a folder of this name holds, None where the name says nothing of the kind.

    Capitals do not count; `set`, `data` or `images` may follow, as in `training_set` and `Test Images`.
    """
    return next((p for p in PARTS if re.fullmatch(f"({_NAMES[p]}){_END}", name, re.IGNORECASE)), None)


def candidates(among: Iterable[Path]) -> dict[Part, list[Path]]:
    """Those of the folders whose names say a part, by part; of a part that has several, all."""
    named = [(part(folder.name), folder) for folder in among]
    found = {p: [folder for what, folder in named if what == p] for p in PARTS}
    return {p: several for p, several in found.items() if several}


def beside(folder: Path) -> dict[Part, list[Path]]:
    """The candidates among the folders in `folder`, links among them, also those that lead nowhere."""
    return candidates(_there(folder))


def measured(folder: Path) -> list[Path]:
    """The folders in `folder` that hold images to measure with, in class folders: `measure/`, `Measure set/`.

    Links count, as in `beside`; who reads them refuses them.
    """
    return [sub for sub in named_measure(folder) if folders(sub) and not holds_images(sub)]


def named_measure(folder: Path) -> list[Path]:
    """The folders in `folder` that are called as one with images to measure with, whatever they hold."""
    return [sub for sub in _there(folder) if re.fullmatch(f"measure{_END}", sub.name, re.IGNORECASE)]


def _there(folder: Path) -> list[Path]:
    return [sub for sub in sorted(folder.iterdir()) if sub.is_dir() or is_dangling(sub)]


def undoubled(folder: Path) -> Path:
    """`training_set/training_set/` for a `training_set/` that holds no other folder: some archives are packed so."""
    inner = [] if folder.is_symlink() else plain_folders(folder)
    if len(inner) == 1 and part(inner[0].name) == part(folder.name) is not None:
        return undoubled(inner[0])
    return folder
