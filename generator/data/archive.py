"""Unpacks a zip archive from outside: checked before a byte is written, and whole or not at all.

`unpack_into` is the job; `whole` makes any folder appear complete or not at all; `Limits` are what an archive may
cost. Where Python's zipfile would quietly mend a
hostile archive (flatten `../`, let the second of two equal names win), the archive is refused.
"""

import math
import re
import shutil
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path

from generator.support.errors import BadInput, printable
from generator.support.files import DISK_FULL, refused

_CHUNK = 2**20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_ENCRYPTED = 0x1
_LONGEST_NAME = 255  # bytes of one name, the limit of common file systems
_LONGEST_PATH = 1024  # bytes; what is left of Linux' 4,096 is for the folder it is unpacked into
_DAMAGE = (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, ValueError, RuntimeError, NotImplementedError)
"""What zipfile raises on a member that cannot be unpacked."""


@dataclass(frozen=True)
class Limits:
    """What an archive may cost at most."""

    entries: int
    bytes: int
    """Unpacked, all members together."""
    ratio: float
    """Unpacked bytes per byte of the archive."""


def unpack_into(archive: Path, folder: Path, limits: Limits) -> None:
    """Unpack the zip file `archive` into the empty `folder`, of which the caller (`whole`) disposes on an error.

    Raises `BadInput` where the archive is damaged, hostile or beyond `limits`.
    """
    with _opened(archive) as source:
        members = source.infolist()
        _check(archive, members, limits)
        _extract(archive, source, members, folder, limits)


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """A new folder to fill, renamed to `folder` at the end; removed if anything goes wrong.

    What an interrupted process left of an earlier try is removed first. Raises `BuildFailed` where the disk
    refuses.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        partial.rename(folder)
    except OSError as error:
        raise refused(folder, error, DISK_FULL) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _opened(archive: Path) -> zipfile.ZipFile:
    try:
        # Names without the UTF-8 flag are UTF-8 all the same (macOS) or refused: never guessed at.
        return zipfile.ZipFile(archive, metadata_encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{printable(archive)}: cannot be read ({error.strerror}); name an existing zip file") from None
    except UnicodeDecodeError as error:
        name = printable(error.object.decode("utf-8", "backslashreplace"))
        raise _refused(archive, name, "its name is not UTF-8; pack it again with UTF-8 names") from None
    except _DAMAGE:
        raise BadInput(f"{printable(archive)}: {_what_it_is(archive)}") from None


def _what_it_is(archive: Path) -> str:
    """Why a file that is no readable zip is none, and what to do."""
    with archive.open("rb") as stream:
        start = stream.read(512)
    if not start:
        return "the file is empty; download it again"
    if start.lstrip()[:1] == b"<":
        return "a web page, not a zip archive; download the archive itself (a login may be needed)"
    if start[:2] == b"PK":
        return "a truncated or damaged zip archive; download it again"
    return "not a zip archive; give a folder, or pack the images as .zip"


def _refused(archive: Path, name: str, reason: str) -> BadInput:
    return BadInput(f"{printable(archive)}: member {printable(name)}: {reason}")


def _check(archive: Path, members: Sequence[zipfile.ZipInfo], limits: Limits) -> None:
    """Refuse, by the table of contents alone, what must not be unpacked."""
    if len(members) > limits.entries:
        raise BadInput(
            f"{printable(archive)}: {len(members)} entries are more than data.max_entries = {limits.entries}; "
            f"if the archive can be trusted, raise the limit: --set data.max_entries={len(members)}"
        )
    for member in members:
        fault = _name_fault(member.orig_filename) or _kind_fault(member)
        if fault:
            raise _refused(archive, member.orig_filename, fault)
    _check_collisions(archive, members)
    _check_size(archive, sum(member.file_size for member in members), limits)


def _name_fault(name: str) -> str | None:
    """What is wrong with a member's name as it stands in the archive."""
    parts = name.removesuffix("/").split("/")
    encoded = [part.encode("utf-8", "replace") for part in parts]
    if name.startswith("/") or "\\" in name or re.match("[A-Za-z]:", name):
        return "an absolute or Windows path; pack it again with relative paths and forward slashes"
    if any(part in ("", ".", "..") for part in parts):
        return "its path leaves the archive or is not plain; pack it again without '..', '.' and '//'"
    if any(unicodedata.category(character) == "Cc" for character in name):
        return "its name holds control characters; rename it"
    if max(map(len, encoded)) > _LONGEST_NAME or len(name.encode("utf-8", "replace")) > _LONGEST_PATH:
        return f"its name is too long (at most {_LONGEST_NAME} bytes each, {_LONGEST_PATH} in all)"
    return None


def _kind_fault(member: zipfile.ZipInfo) -> str | None:
    """Why a member is not a plain file or folder that can be unpacked."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "a link or device; pack the files themselves"
    if member.flag_bits & _ENCRYPTED:
        return "encrypted; unpack it yourself and give the folder"
    if member.compress_type not in _METHODS:
        return f"compression method {member.compress_type} is not supported; pack it again as a plain zip"
    return None


def _check_collisions(archive: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse names that are one file on some systems: equal, or equal but for case or accents' encoding."""
    seen: dict[str, tuple[str, bool]] = {}
    for member in members:
        path = member.orig_filename.removesuffix("/")
        folders = [path[: match.start()] for match in re.finditer("/", path)]
        for name, is_file in [*((folder, False) for folder in folders), (path, not member.is_dir())]:
            key = _folded(name)
            if key not in seen:
                seen[key] = name, is_file
                continue
            other, other_is_file = seen[key]
            if other != name or is_file or other_is_file:
                raise _refused(archive, path, f"collides with {printable(other)}; rename one of them")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _check_size(archive: Path, size: int, limits: Limits) -> None:
    if size > limits.bytes:
        raise BadInput(
            f"{printable(archive)}: unpacks to {size} bytes or more, beyond data.max_bytes = {limits.bytes}; "
            f"if the archive can be trusted, raise the limit: --set data.max_bytes={size}"
        )
    # Against the file's real size: members that share their compressed bytes count in full.
    packed = archive.stat().st_size
    if size > limits.ratio * packed:
        raise BadInput(
            f"{printable(archive)}: unpacks to more than data.max_ratio = {limits.ratio:g} times its size; "
            f"if the archive can be trusted, raise the limit: --set data.max_ratio={math.ceil(size / packed)}"
        )


def _extract(
    archive: Path, source: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], folder: Path, limits: Limits
) -> None:
    size = 0
    for member in members:
        target = folder / member.orig_filename
        if member.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as stream:
            for chunk in _chunks(archive, source, member):
                # Counted, because the table of contents may have lied.
                size += len(chunk)
                _check_size(archive, size, limits)
                stream.write(chunk)


def _chunks(archive: Path, source: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The member's bytes, its CRC checked at the end."""
    try:
        with source.open(member) as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
    except (*_DAMAGE, OSError) as error:  # OSError: a damaged offset before the file's start
        text = printable(error)
        raise _refused(archive, member.orig_filename, f"damaged ({text}); download it again") from None
