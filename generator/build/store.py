"""The stage store: what a stage made, kept under a key of everything it depends on.

A `Key` lists every input of a stage by name. An entry is a folder of files with their checksums, written under
a temporary name, flushed and renamed, so that it is there whole or not at all. A broken entry is a miss with a
warning, never a crash, and nothing is unpickled. The parts of the newest key of each stage are remembered, so
that a later build can say which of them changed.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from generator.build import machines
from generator.experiment.machine import Made
from generator.support.errors import BuildFailed
from generator.support.files import file_hash, flush, refused, write_atomically

VERSION = 1
"""Part of every key: raised when the layout of entries changes."""

ENTRY = "entry.json"

SMALL = 8 * 2**20
"""Files up to this size, bytes, are checked at every look-up; larger ones when a stage is about to read them."""

Parts = Mapping[str, Any]
"""Name of an input → its value: JSON scalars."""


@dataclass(frozen=True)
class Key:
    """What a stage's outcome depends on."""

    stage: str
    label: str
    """Whose stage it is, for messages and for remembering the newest key: `baseline.head`, `data.pixels`."""
    parts: Parts

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the stage's name and parts."""
        text = json.dumps([VERSION, self.stage, self.parts], sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Entry:
    """A finished stage in the store."""

    folder: Path
    seconds: float
    """How long the stage took."""
    resumed: bool = False
    """Whether these are only the seconds after a kill: the stage went on from a checkpoint."""
    made: Made | None = None
    """By which machine; None where an earlier version of the program made it."""

    def read_bytes(self, name: str) -> bytes:
        """One of its files. Raises `BuildFailed` if it is gone since the entry was found."""
        try:
            return (self.folder / name).read_bytes()
        except OSError as error:
            raise BuildFailed(f"{self.folder / name}: lost during the build ({error.strerror}); build again") from None

    def read_json(self, name: str) -> Any:
        return json.loads(self.read_bytes(name))


class Store:
    """The folder that holds everything a build can make again."""

    def __init__(self, root: Path, warn: Callable[[str], None] = lambda message: None) -> None:
        self.root = root
        self._warn = warn

    def has(self, key: Key) -> bool:
        """Whether there is an entry of `key`, sound or not; changes nothing."""
        return (self._folder(key) / ENTRY).is_file()

    def find(self, key: Key, *, thorough: bool = False) -> Entry | None:
        """The entry of `key`, or None; a broken one is removed with a warning. `thorough` checks large files too."""
        folder = self._folder(key)
        if not folder.is_dir():
            return None
        try:
            entry = json.loads((folder / ENTRY).read_text("utf-8"))
            fault = _fault(folder, entry["files"], key.digest == entry["digest"], thorough)
            found = _entry(folder, entry)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            fault = f"{ENTRY} cannot be read ({error})"
        if fault:
            self._warn(f"{key.label}: its entry in the store is broken ({fault}); computing it again")
            self.discard(key)
            return None
        with suppress(OSError):
            os.utime(folder)
        return found

    def create(self, key: Key, write: Callable[[Path], None], *, resumed: bool = False) -> Entry:
        """Let `write` fill a temporary folder, then keep it as the entry of `key`; `resumed` is kept with it.

        Raises what `write` raises; then nothing is kept. Raises `BuildFailed` if the disk refuses.
        """
        self._area(f"stages/{key.stage}")
        temporary = Path(tempfile.mkdtemp(prefix="writing-", dir=self._area("temporary")))
        started = time.monotonic()
        try:
            write(temporary)
            return self._keep(key, temporary, time.monotonic() - started, resumed)
        except OSError as error:
            raise refused(self.root, error) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def discard(self, key: Key) -> None:
        shutil.rmtree(self._folder(key), ignore_errors=True)

    def remember(self, key: Key) -> None:
        """Make `key` the newest of its label, with the time its entry took; without an entry nothing changes."""
        try:
            seconds = json.loads((self._folder(key) / ENTRY).read_text("utf-8"))["seconds"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return
        if self.remembered(key.label) != (key.parts, seconds):
            record = {"parts": key.parts, "seconds": seconds}
            write_atomically(self._area("latest") / f"{key.label}.json", json.dumps(record, indent=1).encode())

    def remembered(self, label: str) -> tuple[Parts, float] | None:
        """Parts and seconds of the newest key of `label`, if it was ever built."""
        try:
            record = json.loads((self.root / "latest" / f"{label}.json").read_text("utf-8"))
            return dict(record["parts"]), float(record["seconds"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def checkpoint(self, key: Key) -> Path:
        """Where a running stage keeps its last finished epoch; makes the folder."""
        self._area("checkpoints")
        return self.checkpoint_path(key)

    def checkpoint_path(self, key: Key) -> Path:
        """As `checkpoint`; changes nothing."""
        return self.root / "checkpoints" / f"{key.stage}-{key.digest}.npz"

    def clean(self) -> None:
        """Remove what a killed build left half-written or has no use for. The caller holds the store's lock."""
        shutil.rmtree(self.root / "temporary", ignore_errors=True)
        for path in (self.root / "checkpoints").glob("*.writing"):
            _remove(path)
        for path in (self.root / "checkpoints").glob("*.npz"):
            stage, _, digest = path.stem.rpartition("-")
            # A stage's entry is kept before its checkpoint goes; a build may be killed between the two.
            if (self.root / "stages" / stage / digest / ENTRY).is_file():
                _remove(path)

    def entries(self) -> Iterator[tuple[Path, int, float]]:
        """(path, bytes, time of last use) of every entry and checkpoint, the longest unused first."""
        folders = [f for f in (self.root / "stages").glob("*/*") if f.is_dir()]
        checkpoints = (self.root / "checkpoints").glob("*.npz")
        rows = []
        for path in (*folders, *checkpoints):
            with suppress(OSError):  # gone meanwhile: a build may be running
                rows.append((path, _size(path), path.stat().st_mtime))
        yield from sorted(rows, key=lambda row: row[2])

    def prune(self, limit: int, keep: frozenset[str] = frozenset()) -> int:
        """Remove the longest unused entries until at most `limit` bytes are left; gives the bytes freed.

        Entries whose digest is in `keep` stay.
        """
        rows = list(self.entries())
        freed = 0
        excess = sum(size for _, size, _ in rows) - limit
        for folder, size, _ in rows:
            if freed >= excess:
                break
            if folder.name not in keep:
                _remove(folder)
                freed += size
        return freed

    def _keep(self, key: Key, temporary: Path, seconds: float, resumed: bool) -> Entry:
        told = machines.taken(temporary)
        files = {p.name: {"sha256": file_hash(p), "bytes": p.stat().st_size} for p in sorted(temporary.iterdir())}
        entry = {
            "digest": key.digest,
            "label": key.label,
            "parts": key.parts,
            "files": files,
            "seconds": seconds,
            "resumed": resumed,
            **told,
        }
        (temporary / ENTRY).write_text(json.dumps(entry, indent=1), "utf-8")
        for path in temporary.iterdir():
            flush(path)
        flush(temporary)
        folder = self._folder(key)
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
        flush(folder.parent)
        return _entry(folder, entry)

    def _folder(self, key: Key) -> Path:
        return self.root / "stages" / key.stage / key.digest

    def _area(self, name: str) -> Path:
        path = self.root / name
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refused(self.root, error) from error
        return path


def changed(old: Parts, new: Parts) -> dict[str, tuple[Any, Any]]:
    """Name → (old, new) of the parts that differ; None where one side has no such part."""
    names = [*old, *(name for name in new if name not in old)]
    return {n: (old.get(n), new.get(n)) for n in names if old.get(n) != new.get(n)}


def _entry(folder: Path, table: Mapping[str, Any]) -> Entry:
    """The entry in `folder`, of which `table` is the description."""
    return Entry(folder, float(table["seconds"]), bool(table.get("resumed")), machines.parsed(table.get("made")))


def _fault(folder: Path, files: Mapping[str, Any], same_key: bool, thorough: bool) -> str:
    """What is wrong with an entry, empty if nothing."""
    if not same_key:
        return "it belongs to another key"
    for name, expected in files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != expected["bytes"]:
            return f"{name} is missing or of another size"
        if (thorough or expected["bytes"] <= SMALL) and file_hash(path) != expected["sha256"]:
            return f"{name} has another checksum"
    return ""


def _size(path: Path) -> int:
    return sum(p.stat().st_size for p in path.iterdir()) if path.is_dir() else path.stat().st_size


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
