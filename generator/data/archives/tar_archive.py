"""Tar archives, plain or compressed by gzip or bzip2: what tarfile tells of their members, nothing mended.

A tar has no table of contents: to list it is to unpack it. So every read and jump is held to the limits, and where
tarfile would take a damaged header for the end, the archive is refused.
"""

import bz2
import gzip
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from generator.data import filetypes
from generator.data.archives.packed import CHUNK, EXPECTED, Limits, Member, called, refused
from generator.support.errors import BadInput, printable

_BLOCK = tarfile.BLOCKSIZE
_PER_ENTRY = 8 * _BLOCK  # bytes of headers and padding, beyond those of its content, that a member may take
_DAMAGE = (tarfile.TarError, zlib.error, EOFError, ArithmeticError, LookupError, ValueError, OSError, RecursionError)
"""What tarfile and the decompressors raise on damaged or nested headers."""


class Bounded:
    """The unpacked stream, which goes no further than the limits allow, and no faster than `CHUNK`."""

    def __init__(self, archive: Path, stream: BinaryIO, limits: Limits) -> None:
        self._archive, self._stream, self._limits = archive, stream, limits
        self._packed = archive.stat().st_size
        self.entries = 0
        """Members met so far."""

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= CHUNK:
            raise BadInput(f"{printable(self._archive)}: a header of {size} bytes, more than any needs; pack it again")
        data = self._stream.read(size)
        self._hold(self._stream.tell())
        return data

    def seek(self, position: int) -> int:
        self._hold(position)  # before a decompressor unpacks all the way there
        return self._stream.seek(position)

    def tell(self) -> int:
        return self._stream.tell()

    def _hold(self, position: int) -> None:
        unpacked = position - (self.entries + 2) * _PER_ENTRY - tarfile.RECORDSIZE
        for name, value, most in (
            ("max_bytes", self._limits.bytes, self._limits.bytes),
            ("max_ratio", self._limits.ratio, self._limits.ratio * self._packed),
        ):
            if unpacked > most:
                raise BadInput(
                    f"{printable(self._archive)}: unpacks to more than data.{name} = {value:g} allows; if the archive "
                    f"can be trusted, raise the limit: --set data.{name}={2 * value:.0f}"
                )


@dataclass(frozen=True)
class Tar:
    """An opened tar file."""

    archive: Path
    stream: Bounded

    def members(self) -> Iterator[Member]:
        return (_member(info) for _, info in self._walk())

    def contents(self) -> Iterator[tuple[Member, Iterator[bytes]]]:
        return ((_member(info), self._chunks(tar, info)) for tar, info in self._walk())

    def _walk(self) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
        """Every member but the folder that holds all, `./`."""
        self.stream.seek(0)
        self.stream.entries = 0
        try:
            stream = cast(IO[bytes], self.stream)
            with tarfile.open(fileobj=stream, mode="r:", encoding="utf-8", errors="surrogateescape") as tar:
                while info := tar.next():
                    self.stream.entries += 1
                    if info.name.rstrip("/") not in (".", ""):
                        yield tar, info
                    tar.members.clear()  # type: ignore[attr-defined]  # It would keep them all.
                self._check_end(tar.offset)
        except _DAMAGE as error:
            what = f"a truncated or damaged tar archive ({printable(error)}); download it again"
            if not self.stream.entries and (held := self._held()):
                what = f"holds {held}, not a tar archive; unpack it once, or {EXPECTED}"
            raise BadInput(f"{printable(self.archive)}: {what}") from None

    def _held(self) -> str:
        """What was compressed, where that is no tar archive and known."""
        with suppress(*_DAMAGE):
            self.stream.seek(0)
            start = self.stream.read(filetypes.HEAD)
            return "" if _has_mark(start) else called(start)
        return ""

    def _check_end(self, offset: int) -> None:
        """Raise `ValueError` or what a decompressor raises unless the last member is followed by an empty block."""
        self.stream.seek(offset)
        if self.stream.read(_BLOCK) != bytes(_BLOCK):
            raise ValueError("no end")
        while self.stream.read(CHUNK):
            pass  # The sum of what was compressed stands at its end.

    def _chunks(self, tar: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[bytes]:
        try:
            stream = tar.extractfile(info)
            while stream and (chunk := stream.read(CHUNK)):
                yield chunk
        except _DAMAGE as error:
            raise refused(self.archive, info.name, f"damaged ({printable(error)}); download it again") from None


def recognises(start: bytes) -> bool:
    return start.startswith(tuple(_COMPRESSED)) or _has_mark(start)


def _has_mark(start: bytes) -> bool:
    return start[257:262] == b"ustar"


@contextmanager
def opened(archive: Path, limits: Limits) -> Iterator[Tar]:
    with archive.open("rb") as raw:
        start = raw.read(3)
        raw.seek(0)
        unpack = next((unpack for magic, unpack in _COMPRESSED.items() if start.startswith(magic)), None)
        stream = unpack(raw) if unpack else raw
        yield Tar(archive, Bounded(archive, stream, limits))


def _member(info: tarfile.TarInfo) -> Member:
    return Member(info.name.removeprefix("./").removesuffix("/"), info.isdir(), info.size, _fault(info))


def _fault(info: tarfile.TarInfo) -> str | None:
    """Why a member is not a plain file or folder that can be unpacked."""
    if info.issparse() or not (info.isreg() or info.isdir()):
        return "a link or device, or stored in parts; pack the files themselves"
    if any("\ud800" <= letter <= "\udfff" for letter in info.name):
        return "its name is not UTF-8; pack it again with UTF-8 names"
    return None


def _gzip(raw: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, gzip.GzipFile(fileobj=raw))


def _bzip2(raw: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, bz2.BZ2File(raw))


_COMPRESSED = {b"\x1f\x8b": _gzip, b"BZh": _bzip2}
"""First bytes → what unpacks the file."""
