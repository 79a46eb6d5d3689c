"""Image files that a network is asked about: found where they were named, decoded exactly as those of the data set."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from generator.data import decoding, deep
from generator.data.folders import listing
from generator.experiment.config.settings import DataSettings
from generator.experiment.predicted import NotRead
from generator.support.errors import encodable


@dataclass(frozen=True)
class Image:
    """One that could be read."""

    file: str
    """As it was named, or was found in a folder that was."""
    digest: str
    """SHA-256 of the file's bytes."""
    pixels: decoding.Pixels
    """(s, s, 3), RGB, as the network sees it."""
    notes: tuple[str, ...]


def read(
    named: Iterable[Path], data: DataSettings, scales: Mapping[str, deep.Scale]
) -> tuple[list[Image], list[NotRead]]:
    """The images at `named`, and in the folders among these at any depth; and what cannot be read, with the reason.

    `scales` are those of the data set, for samples of more than 8 bits.
    """
    images: list[Image] = []
    not_read: list[NotRead] = []
    with decoding.reading(data.max_pixels):
        for path in _once(_files(named, not_read)):
            try:
                content = path.read_bytes()
                decoded = decoding.decode_bytes(
                    content,
                    size=data.image_size,
                    alpha=data.alpha,
                    crop=data.crop,
                    max_pixels=data.max_pixels,
                    scales=scales,
                )
            except OSError as error:
                not_read.append(NotRead(file=_shown(path), reason=f"cannot be read ({error.strerror})"))
            except decoding.BadImage as fault:
                not_read.append(NotRead(file=_shown(path), reason=str(fault)))
            else:
                digest = hashlib.sha256(content).hexdigest()
                images.append(Image(_shown(path), digest, decoded.pixels, decoded.notes))
    return images, not_read


def _files(named: Iterable[Path], not_read: list[NotRead]) -> Iterator[Path]:
    """The files, those of folders in natural order."""
    for path in named:
        try:
            if path.is_dir():
                found = listing.images(path, Counter(), nested=True)
            elif path.exists() and not path.is_file():  # Reading a pipe may wait for ever.
                not_read.append(NotRead(file=_shown(path), reason="a device, pipe or socket, not an image file"))
                continue
            else:
                found = (path,)
        except OSError as error:
            not_read.append(NotRead(file=_shown(path), reason=f"cannot be read ({error.strerror})"))
            continue
        if not found:
            not_read.append(NotRead(file=_shown(path), reason="a folder without images"))
        yield from found


def _once(paths: Iterable[Path]) -> Iterator[Path]:
    """Each file as it came first: one may be named, and lie in a folder that is."""
    seen: set[Path] = set()
    for path in paths:
        if path.absolute() not in seen:
            seen.add(path.absolute())
            yield path


def _shown(path: Path) -> str:
    return encodable(str(path))
