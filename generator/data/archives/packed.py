"""What any kind of archive shows of itself: its members, and their bytes.

`Packed` is what each kind implements (`zip_archive`, `tar_archive`); what may be unpacked is
decided in `archive`.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from generator.data import filetypes
from generator.support.errors import BadInput, printable

CHUNK = 2**20
"""Most bytes that are held of a member."""
EXPECTED = "pack the images as .zip or .tar.gz"
_STARTS = {
    b"PK": "a zip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x1f\x8b": "a file compressed by gzip",
    b"BZh": "a file compressed by bzip2",
    b"\xfd7zXZ\0": "a file compressed by xz",
    b"\x28\xb5\x2f\xfd": "a file compressed by Zstandard",
}


@dataclass(frozen=True)
class Limits:
    """What an archive may cost at most."""

    entries: int
    bytes: int
    """Unpacked, all members together."""
    ratio: float
    """Unpacked bytes per byte of the archive."""


@dataclass(frozen=True)
class Member:
    """One file or folder in an archive."""

    name: str
    """As it stands there, without a slash at the end."""
    is_folder: bool
    size: int
    """Unpacked bytes, as the archive announces them."""
    fault: str | None = None
    """Why it cannot be unpacked, whatever its name: a link, encrypted, …"""


class Packed(Protocol):
    """An opened archive. Its methods raise `BadInput` where it is damaged."""

    def members(self) -> Iterator[Member]:
        """All of them, in order, unpacking as little as possible."""

    def contents(self) -> Iterator[tuple[Member, Iterator[bytes]]]:
        """The same, each with its bytes; those of one are read before the next is asked for."""


class Kind(Protocol):
    """A kind of archive."""

    def recognises(self, start: bytes) -> bool:
        """Whether a file that begins with these 512 bytes is one."""

    def opened(self, archive: Path, limits: Limits) -> AbstractContextManager[Packed]:
        """The archive; raises `BadInput` where it is none or damaged."""


def called(start: bytes) -> str:
    """What a file is that begins with `start`, with its article; empty where that is not known."""
    found = filetypes.kind(start)
    packed = next((name for magic, name in _STARTS.items() if start.startswith(magic)), "")
    return packed or (found.name if found else "")


def refused(archive: Path | str, name: str, reason: str) -> BadInput:
    """The error that names a member."""
    return BadInput(f"{printable(archive)}: member {printable(name)}: {reason}")
