"""A data set at an address of fsspec: a folder or an archive there, copied into the store once for each content.

`find` asks what is there and says where its copy is or will be; of a folder that stays there, that of its names
(`listed`). What tells contents apart is what the service says of the files: names, sizes, and its own checksum or time
of change. Where nobody answers, the copy that was used last is taken, if there is one. An archive's download goes on
where it was interrupted; a folder's begins again.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

from generator.data import listed
from generator.data.archives import archive
from generator.data.archives.archive import Limits
from generator.data.archives.packed import CHUNK
from generator.data.listed import Index, Progress, Told
from generator.support.addresses import WEB, Place, Unreachable
from generator.support.errors import BadInput, BuildFailed, printable
from generator.support.files import DISK_FULL, write_atomically
from generator.support.files import refused as disk_refused

BATCH = 128
"""Files that are asked for at once."""

_MARKS = ("ETag", "etag", "md5Hash", "content_md5", "generation", "LastModified", "last_modified", "mtime", "CRC")
"""What services say of a file that changes with its content."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Copy:
    """A data set from elsewhere, in the store or to be made there."""

    source: str
    """Its name without the address."""
    kind: Literal["folder", "archive"]
    folder: Path
    make: Callable[[Path], None]
    """Fills an empty folder, which becomes `folder`."""
    used: Callable[[], None] = lambda: None
    """Called when `folder` is there and sound: it is then the one that is taken where nobody answers."""


@dataclass(frozen=True)
class There:
    """What is at the address."""

    kind: Literal["folder", "archive"]
    files: Mapping[str, int]
    """Name below the address, empty of an archive → bytes; 0 where that is not known."""
    told: Mapping[str, Told]
    """Name → size, and what differs where the content does, as far as the service tells."""

    @property
    def marks(self) -> str:
        """Stands for all that is told."""
        return json.dumps([[name, *told] for name, told in sorted(self.told.items())])


class Remembered(NamedTuple):
    """The copy that was used last."""

    kind: Literal["folder", "archive"]
    folder: Path


def find(address: str, limits: Limits, store: Path, progress: Progress | None = None, copy: bool | None = True) -> Copy:
    """The copy of what is at `address`. Raises `BadInput` where nothing usable is there and no copy is here.

    Unless `copy`, a folder stays there, and what lies here is its names; None: as the last time, at first copied.
    """
    place = Place(address)
    memory = store / f"fetched-{_digest(address)}.json"
    before = _remembered(memory, store)
    try:
        there = _there(place)
    except Unreachable as error:
        if before is None:
            raise BadInput(f"{error}; no copy of it was made here before") from None
        what = "what was read of it before" if _stayed(before) else "the copy that was made of it"
        _log.warning("%s; %s is used", error, what)
        return Copy(place.name, before.kind, before.folder, partial(_refuse, f"{error}; {what} is damaged"))
    stays = there.kind == "folder" and not (copy if copy is not None else not _stayed(before))
    _check(place.shown, there, limits, stays=stays)
    digest = _digest(address, there.marks)
    folder = store / (listed.name_of(digest) if stays else f"fetched-{digest}")
    fill = _unpack if there.kind == "archive" else _copy

    def make(target: Path) -> None:
        if stays:
            _list(address, there, target, folder, before)
        else:
            fill(place, there, target, limits, progress or (lambda done, total: None))

    def used() -> None:
        if before != Remembered(there.kind, folder):
            write_atomically(memory, json.dumps({"kind": there.kind, "folder": folder.name}).encode())

    return Copy(place.name, there.kind, folder, make, used)


def _there(place: Place) -> There:
    """Raises `BadInput` where nothing is there."""
    try:
        with place.reaching():
            place.fs.invalidate_cache()
            info = place.fs.info(place.path)
            if info["type"] == "file":
                return There("archive", {"": int(info.get("size") or 0)}, _told({"": info}))
            found = {_below(place.path, path): row for path, row in place.fs.find(place.path, detail=True).items()}
    except FileNotFoundError:
        raise BadInput(f"{place.shown}: there is nothing; name a folder of images or an archive") from None
    files = {name: row for name, row in found.items() if name and row["type"] == "file"}
    return There("folder", {name: int(row.get("size") or 0) for name, row in files.items()}, _told(files))


def _check(shown: str, there: There, limits: Limits, *, stays: bool) -> None:
    """Refuse what is too much to be here, and names that lead out of the folder or fall together. Raises `BadInput`."""
    count, size = len(there.files), sum(there.files.values())
    if count > limits.entries:
        raise BadInput(
            f"{shown}: {count} files are more than data.max_entries = {limits.entries}; "
            f"if they can be trusted, raise the limit: --set data.max_entries={count}"
        )
    if size > limits.bytes and not stays:
        raise _too_large(shown, size, limits)
    if there.kind == "folder":
        archive.check_names(shown, there.files)


def _list(address: str, there: There, target: Path, folder: Path, before: Remembered | None) -> None:
    """Fill `target`, which becomes `folder`, with the names of a folder that stays; keep what is known of the rest."""
    index = Index(folder, there.told)
    if before and (known := Index.beside(before.folder)):
        index.take_over(known)
    listed.lay_out(address, there.told, target)
    index.keep()


def _copy(place: Place, there: There, folder: Path, limits: Limits, progress: Progress) -> None:
    """Copy a folder's files, some at once."""
    total, done = sum(there.files.values()), 0
    for names in _batches(list(there.files)):
        targets = [folder / name for name in names]
        for target in targets:
            target.parent.mkdir(parents=True, exist_ok=True)
        with _reaching(place, "run again"):
            place.fs.get([f"{place.path}/{name}" for name in names], [str(target) for target in targets])
        for name, target in zip(names, targets, strict=True):
            size = there.files[name]  # 0 where it is not told
            if not target.is_file() or (size and target.stat().st_size != size):
                raise BuildFailed(f"{place.shown}: {printable(name)} came incomplete or has changed; run again")
            done += there.files[name]
        progress(done, total)


def _unpack(place: Place, there: There, folder: Path, limits: Limits, progress: Progress) -> None:
    """Download an archive beside `folder` and unpack it there."""
    beside = folder.with_name(f"{folder.name.removesuffix('.partial').lstrip('.')}.part")
    try:
        beside.mkdir(parents=True, exist_ok=True)
        _download(place, beside / place.name, there.files[""], limits, progress)
        archive.unpack_into(beside / place.name, folder, limits)
    except BadInput:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    except OSError as error:
        raise disk_refused(beside, error, DISK_FULL) from None
    shutil.rmtree(beside, ignore_errors=True)


def _download(place: Place, path: Path, total: int, limits: Limits, progress: Progress) -> None:
    """Copy the file at the address to `path`, from where an earlier try stopped."""
    start = path.stat().st_size if path.exists() else 0
    if total and start == total:
        return
    if total and start > total:  # Of another file, which stood at the address before.
        start = 0
    with _reaching(place, "run again, and it goes on where it stopped"):
        try:
            _append(place, path, start, total, limits, progress)
        except (ValueError, NotImplementedError):  # a server that gives files from their start alone
            if not start:
                raise
            _append(place, path, 0, total, limits, progress)
    if total and path.stat().st_size != total:
        raise BuildFailed(f"{place.shown}: {path.stat().st_size} bytes came, expected {total}; run again")


def _append(place: Place, path: Path, start: int, total: int, limits: Limits, progress: Progress) -> None:
    # Of HTTP servers not all tell the size or give ranges; the whole file they all give.
    streamed = {"block_size": 0} if place.protocol in WEB and not start else {}
    with place.fs.open(place.path, "rb", **streamed) as source:
        if start:
            source.seek(start)
        with path.open("ab" if start else "wb") as target:
            done = start
            while piece := source.read(CHUNK):
                done += len(piece)
                if done > limits.bytes:
                    raise _too_large(place.shown, done, limits)
                target.write(piece)
                progress(done, total)


@contextmanager
def _reaching(place: Place, advice: str) -> Iterator[None]:
    """As `place.reaching`; what was listed and is gone is an error, too."""
    try:
        with place.reaching(advice, here=True):
            yield
    except FileNotFoundError:
        raise BuildFailed(f"{place.shown}: changed while it was read; run again") from None


def _refuse(reason: str, folder: Path) -> None:
    """Instead of making a copy that nobody answers for."""
    raise BadInput(reason)


def _too_large(shown: str, size: int, limits: Limits) -> BadInput:
    return BadInput(
        f"{shown}: {size} bytes or more, beyond data.max_bytes = {limits.bytes}; "
        f"if it can be trusted, raise the limit: --set data.max_bytes={size}"
    )


def _stayed(before: Remembered | None) -> bool:
    return before is not None and listed.is_listed(before.folder)


def _remembered(memory: Path, store: Path) -> Remembered | None:
    """The copy that was used last, if it is there."""
    try:
        table = json.loads(memory.read_text("utf-8"))
        kind, folder = table["kind"], store / Path(table["folder"]).name
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return Remembered("archive" if kind == "archive" else "folder", folder) if folder.is_dir() else None


def _told(files: Mapping[str, Mapping[str, Any]]) -> dict[str, Told]:
    return {
        name: [row.get("size"), *(str(row[mark]) for mark in _MARKS if row.get(mark) is not None)]
        for name, row in files.items()
    }


def _below(folder: str, path: str) -> str:
    """`path`, as a listing of `folder` names it, below that."""
    return path.removeprefix(folder).lstrip("/")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _batches(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), BATCH):
        yield names[start : start + BATCH]
