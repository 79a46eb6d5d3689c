"""Unpacks an archive from outside: checked before a byte is written, and whole or not at all.

`unpack_into` is the job; `check_names` is a part of it, for files from elsewhere; `whole` makes any folder appear
complete or not at all; `Limits` are what an archive may cost. Where Python's zipfile and tarfile would quietly mend a
hostile archive (flatten `../`, let the second of two equal names win), the archive is refused.
"""

import math
import re
import shutil
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from generator.data import filetypes
from generator.data.archives import tar_archive, zip_archive
from generator.data.archives.packed import EXPECTED, Kind, Limits, Member, Packed, called, refused
from generator.support.errors import BadInput, printable
from generator.support.files import DISK_FULL
from generator.support.files import refused as disk_refused

__all__ = ["Limits", "check_names", "unpack_into", "whole"]

_KINDS: tuple[Kind, ...] = (zip_archive, tar_archive)
_START = 512
_LONGEST_NAME = 255  # bytes of one name, the limit of common file systems
_LONGEST_PATH = 1024  # bytes; what is left of Linux' 4,096 is for the folder it is unpacked into


def unpack_into(archive: Path, folder: Path, limits: Limits) -> None:
    """Unpack the file `archive` into the empty `folder`, of which the caller (`whole`) disposes on an error.

    Raises `BadInput` where the archive is damaged, hostile or beyond `limits`.
    """
    try:
        with _kind(archive).opened(archive, limits) as packed:
            members = _checked(archive, packed, limits)
            _extract(archive, packed, members, folder, limits)
    except FileNotFoundError as error:
        if error.filename != str(archive):
            raise
        raise _unreadable(archive, error) from None


def check_names(source: str, names: Iterable[str]) -> None:
    """Refuse names of files that could not all be written below one folder. Raises `BadInput`."""
    seen: dict[str, tuple[str, bool]] = {}
    for name in names:
        member = Member(name, False, 0)
        fault = _name_fault(member)
        if fault:
            raise refused(source, name, fault)
        _check_collisions(source, member, seen)


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
        raise disk_refused(folder, error, DISK_FULL) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _kind(archive: Path) -> Kind:
    try:
        with archive.open("rb") as stream:
            start = stream.read(_START)
    except OSError as error:
        raise _unreadable(archive, error) from None
    kind = next((kind for kind in _KINDS if kind.recognises(start)), None)
    if kind is None and zipfile.is_zipfile(archive):
        return zip_archive  # one with something in front of it
    if kind is None:
        raise BadInput(f"{printable(archive)}: {_what_it_is(start)}")
    return kind


def _unreadable(archive: Path, error: OSError) -> BadInput:
    return BadInput(f"{printable(archive)}: cannot be read ({error.strerror}); name an existing archive")


def _what_it_is(start: bytes) -> str:
    """What a file is that is no archive, and what to do."""
    if not start:
        return "the file is empty; download it again"
    if filetypes.kind(start) is filetypes.WEB_PAGE:
        return "a web page, not a zip or tar archive; download the archive itself (a login may be needed)"
    what = called(start)
    return f"{what}{', ' if what else ''}not a zip or tar archive; give a folder, or {EXPECTED}"


def _checked(archive: Path, packed: Packed, limits: Limits) -> list[Member]:
    """The members, none of which may not be unpacked by what the archive says of it."""
    members: list[Member] = []
    seen: dict[str, tuple[str, bool]] = {}
    count = size = 0
    for member in packed.members():
        count += 1
        size += member.size
        if count > limits.entries:
            continue  # The message tells how many there are.
        fault = _name_fault(member) or member.fault
        if fault:
            raise refused(archive, member.name, fault)
        _check_collisions(archive, member, seen)
        members.append(member)
    if count > limits.entries:
        raise BadInput(
            f"{printable(archive)}: {count} entries are more than data.max_entries = {limits.entries}; "
            f"if the archive can be trusted, raise the limit: --set data.max_entries={count}"
        )
    _check_size(archive, size, limits)
    return members


def _name_fault(member: Member) -> str | None:
    """What is wrong with a member's name as it stands in the archive."""
    name = member.name
    parts = name.split("/")
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


def _check_collisions(archive: Path | str, member: Member, seen: dict[str, tuple[str, bool]]) -> None:
    """Refuse names that are one file on some systems: equal, or equal but for case or accents' encoding."""
    path = member.name
    folders = [path[: match.start()] for match in re.finditer("/", path)]
    for name, is_file in [*((folder, False) for folder in folders), (path, not member.is_folder)]:
        key = _folded(name)
        if key not in seen:
            seen[key] = name, is_file
            continue
        other, other_is_file = seen[key]
        if other != name or is_file or other_is_file:
            raise refused(archive, path, f"collides with {printable(other)}; rename one of them")


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


def _extract(archive: Path, packed: Packed, members: list[Member], folder: Path, limits: Limits) -> None:
    size = 0
    waiting = iter(members)
    for member, chunks in packed.contents():
        if next(waiting, None) != member:
            raise BadInput(f"{printable(archive)}: changed while it was read; try again")
        target = folder / member.name
        if member.is_folder:
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as stream:
            for chunk in chunks:
                # Counted, because the table of contents may have lied.
                size += len(chunk)
                _check_size(archive, size, limits)
                stream.write(chunk)
