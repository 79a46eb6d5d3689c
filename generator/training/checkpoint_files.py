"""Checkpoints on the disk: arrays and a text in one file; one that is broken counts as absent."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from generator.support.files import replacing


def write_checkpoint(path: Path, arrays: Mapping[str, np.ndarray], text: str) -> None:
    """Replace `path`, whole or not at all; members carry their own checksums (CRC-32). Raises `BuildFailed`."""
    packed = {**arrays, "text": np.frombuffer(text.encode(), np.uint8)}
    with replacing(path) as stream:
        # NumPy's stubs do not know that any keyword is an array's name.
        np.savez(stream, **packed)  # type: ignore[arg-type]


def read_text(path: Path) -> str | None:
    """The text of what `write_checkpoint` wrote, without its arrays; None if it is absent or broken."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return bytes(archive["text"]).decode()
    except Exception:
        return None  # as in `read_checkpoint`


def read_checkpoint(path: Path) -> tuple[dict[str, np.ndarray], str] | None:
    """What `write_checkpoint` wrote; None if it is absent or broken."""
    if not path.is_file():
        return None
    try:
        # Opened here: given a path, NumPy leaves the file open where the archive is damaged.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        return arrays, bytes(arrays.pop("text")).decode()
    except Exception:
        # NumPy, zipfile and zlib raise a dozen kinds of error on damaged files; each means the same.
        return None
