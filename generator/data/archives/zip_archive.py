"""Zip archives: what zipfile tells of their members, nothing mended."""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path

from generator.data.archives.packed import CHUNK, Limits, Member, refused
from generator.support.errors import BadInput, printable

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_ENCRYPTED = 0x1
_DAMAGE = (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, ValueError, RuntimeError, NotImplementedError)
"""What zipfile raises on a member that cannot be unpacked."""


@dataclass(frozen=True)
class Zip:
    """An opened zip file."""

    archive: Path
    source: zipfile.ZipFile

    def members(self) -> Iterator[Member]:
        yield from (_member(info) for info in self.source.infolist())

    def contents(self) -> Iterator[tuple[Member, Iterator[bytes]]]:
        for info in self.source.infolist():
            yield _member(info), self._chunks(info)

    def _chunks(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        """The member's bytes, its CRC checked at the end."""
        try:
            with self.source.open(info) as stream:
                while chunk := stream.read(CHUNK):
                    yield chunk
        except (*_DAMAGE, OSError) as error:  # OSError: a damaged offset before the file's start
            text = printable(error)
            raise refused(self.archive, info.orig_filename, f"damaged ({text}); download it again") from None


def recognises(start: bytes) -> bool:
    return start[:2] == b"PK"


@contextmanager
def opened(archive: Path, limits: Limits) -> Iterator[Zip]:
    try:
        # Names without the UTF-8 flag are UTF-8 all the same (macOS) or refused: never guessed at.
        source = zipfile.ZipFile(archive, metadata_encoding="utf-8")
    except UnicodeDecodeError as error:
        name = printable(error.object.decode("utf-8", "backslashreplace"))
        raise refused(archive, name, "its name is not UTF-8; pack it again with UTF-8 names") from None
    except _DAMAGE:
        raise BadInput(f"{printable(archive)}: a truncated or damaged zip archive; download it again") from None
    with source:
        yield Zip(archive, source)


def _member(info: zipfile.ZipInfo) -> Member:
    return Member(info.orig_filename.removesuffix("/"), info.is_dir(), info.file_size, _fault(info))


def _fault(info: zipfile.ZipInfo) -> str | None:
    """Why a member is not a plain file or folder that can be unpacked."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "a link or device; pack the files themselves"
    if info.flag_bits & _ENCRYPTED:
        return "encrypted; unpack it yourself and give the folder"
    if info.compress_type not in _METHODS:
        return f"compression method {info.compress_type} is not supported; pack it again as a plain zip"
    return None
