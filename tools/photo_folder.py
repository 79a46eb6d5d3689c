"""A folder of photographs, one folder per class, as one array: read, cut to squares, a share held back to validate."""

import difflib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from generator.support.errors import BadInput, printable

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})


@dataclass(frozen=True)
class Photographs:
    """Every photograph of the folder, ready to be trained on."""

    pixels: NDArray[np.uint8]
    """RGB, (n, side, side, 3)."""
    labels: NDArray[np.int64]
    """Positions in `classes`, (n,)."""
    held_back: NDArray[np.bool_]
    """What validates instead of training, (n,)."""
    classes: tuple[str, ...]
    left_out: tuple[str, ...]


def read(folder: Path, *, side: int, without: Sequence[str] = (), share: float = 0.1, seed: int = 0) -> Photographs:
    """The photographs of the class folders of `folder`, in any depth below each, those `without` left out.

    Of each class the `share` is held back, at least one photograph and at least one not; which ones follows from
    the seed. Raises `BadInput` where there is nothing to learn from, for a class to leave out that is not there,
    and for a file that is no image.
    """
    if not 0 < share < 1:
        raise BadInput(f"validation share {share:g}: must lie between 0 and 1, as 0.1")
    files = _files(folder, without)
    every = [path for paths in files.values() for path in paths]
    with ThreadPoolExecutor() as pool:
        pixels = np.stack(list(pool.map(partial(_square, side=side), every)))
    return Photographs(
        pixels=pixels,
        labels=np.repeat(np.arange(len(files)), [len(paths) for paths in files.values()]),
        held_back=np.concatenate([_held_back(len(paths), share, [seed, i]) for i, paths in enumerate(files.values())]),
        classes=tuple(files),
        left_out=tuple(sorted(set(without))),
    )


def _files(folder: Path, without: Sequence[str]) -> dict[str, list[Path]]:
    """Class → its files, both in order."""
    if not folder.is_dir():
        raise BadInput(f"{printable(folder)}: not a folder; name one that holds a folder of photographs per class")
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    for name in without:
        if name not in names:
            close = "".join(f"; did you mean {other}?" for other in difflib.get_close_matches(name, names, 1))
            raise BadInput(f"--without {printable(name)}: {printable(folder)} has no such class{close}")
    files = {name: _images(folder / name) for name in names if name not in without}
    for name, paths in files.items():
        if len(paths) < 2:
            raise BadInput(
                f"{printable(folder / name)}: {len(paths)} photographs; a class needs one to learn from and one to "
                f"validate with ({', '.join(sorted(SUFFIXES))}), or leave it out: --without {printable(name)}"
            )
    if len(files) < 2:
        raise BadInput(
            f"{printable(folder)}: {len(files)} class{'' if len(files) == 1 else 'es'} to tell apart; expected two"
        )
    return files


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def _square(path: Path, side: int) -> NDArray[np.uint8]:
    """The middle of a photograph, upright, (side, side, 3)."""
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
            return np.asarray(ImageOps.fit(upright, (side, side), Image.Resampling.BICUBIC))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise BadInput(f"{printable(path)}: cannot be read as an image ({error}); remove it or replace it") from None


def _held_back(count: int, share: float, seed: Sequence[int]) -> NDArray[np.bool_]:
    """Which of a class's photographs validate."""
    chosen = np.zeros(count, bool)
    held = min(max(1, round(count * share)), count - 1)
    chosen[np.random.default_rng(seed).permutation(count)[:held]] = True
    return chosen
