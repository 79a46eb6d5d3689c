"""The stage store: what a stage made, kept under a key of everything it depends on.

An entry is a folder of files with their checksums, written under a temporary name, flushed and renamed, so that it is
there whole or not at all. A broken entry is a miss with a warning, never a crash, and nothing is unpickled. The parts
of the newest key of each stage are remembered, so that a later build can say which of them changed.

Several builds may use one store at once. Each key has a lock (`support.lock`): who holds it makes the entry, in the
key's own temporary folder and with the key's checkpoint, and everybody else waits and takes that entry. What a build
may read it marks as in use, and no other removes that. Locks and marks end with their process, however it ends.
"""

import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.build.storage import in_use, machines
from generator.build.storage.key import Key, Parts
from generator.experiment.machine import Made
from generator.support import files as disk
from generator.support import lock
from generator.support.errors import BuildFailed
from generator.support.files import file_hash, flush, refused, temporary_beside, write_atomically

ENTRY = "entry.json"

SMALL = 8 * 2**20
"""Files up to this size, bytes, are checked at every look-up; larger ones when a stage is about to read them."""


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


class _Broken(Exception):
    """An entry is not what was kept; the message says how."""


class Store:
    """The folder that holds everything a build can make again."""

    def __init__(
        self,
        root: Path,
        warn: Callable[[str], None] = lambda message: None,
        *,
        say: Callable[[str], None] = lambda message: None,
    ) -> None:
        """`say` is told which other build is waited for."""
        self.root = root
        self._warn, self._say = warn, say
        self._stopped = threading.Event()
        self._marks: set[Path] = set()

    def stop(self) -> None:
        """Let no thread wait for another build any more; those that do raise `BuildFailed`."""
        self._stopped.set()

    def _pause(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise BuildFailed("the build was stopped while it waited for another one")

    @property
    def marks(self) -> Path:
        """Folder of what ends with its process: marks of entries in use."""
        return self.root / "in-use"

    def has(self, key: Key) -> bool:
        """Whether there is an entry of `key`, sound or not; changes nothing."""
        return (self._folder(key) / ENTRY).is_file()

    def is_made(self, stage: str, digest: str) -> bool:
        """Whether there is an entry of this name that may be taken, so that nothing is kept any more to make it."""
        return (self.root / "stages" / stage / digest / ENTRY).is_file()

    def find(self, key: Key, *, thorough: bool = False) -> Entry | None:
        """The entry of `key`, or None; a broken one is removed with a warning. `thorough` checks large files too."""
        try:
            found = self._look(key, thorough)
        except _Broken as fault:
            self._warn(f"{key.label}: its entry in the store is broken ({fault}); computing it again")
            found = self._discarded(key, thorough)
        if found:
            with suppress(OSError):
                os.utime(found.folder)  # the time of its last use
        return found

    def there(self, key: Key) -> Entry | None:
        """The entry of `key` if it is sound and may be taken; changes nothing."""
        with suppress(_Broken):
            return self._look(key, thorough=False)
        return None

    def create(self, key: Key, write: Callable[[Path], None], *, anew: bool = False) -> Entry:
        """The entry of `key`: that of the store, or what `write` fills a temporary folder with.

        Waits while another build makes it. With `anew` it is made in any case, without its checkpoint, too. Raises
        what `write` raises; then nothing is kept. Raises `BuildFailed` if the disk refuses.
        """
        own = self._lock(key)
        with lock.wait_for(own, f"making {key.label}", self._say, self._pause):
            try:
                return (None if anew else self.there(key)) or self._make(key, write, anew)
            finally:
                lock.remove(own)

    @contextmanager
    def using(self, keys: Iterable[Key]) -> Iterator[None]:
        """Let no other build remove entries and checkpoints of `keys` while the block runs."""
        with ExitStack() as stack:
            # Not while somebody prunes, who has looked for marks before.
            with self.alone():
                self._marks.add(stack.enter_context(in_use.marked(self.marks, {key.digest for key in keys})))
            yield

    def alone(self) -> AbstractContextManager[None]:
        """Have the store alone, for a moment: to write what every build writes, to remove."""
        return lock.wait_for(self.root / "lock", "tidying the store", self._say, self._pause)

    def remember(self, key: Key) -> None:
        """Make `key` the newest of its label, with the time its entry took; without an entry nothing changes."""
        try:
            seconds = json.loads((self._folder(key) / ENTRY).read_text("utf-8"))["seconds"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return
        if self.remembered(key.label) != (key.parts, seconds):
            record = json.dumps({"parts": key.parts, "seconds": seconds}).encode()
            with self.alone():
                write_atomically(self._area("latest") / f"{key.label}.json", record)

    def remembered(self, label: str) -> tuple[Parts, float] | None:
        """Parts and seconds of the newest key of `label`, if it was ever built."""
        try:
            record = json.loads((self.root / "latest" / f"{label}.json").read_text("utf-8"))
            return dict(record["parts"]), float(record["seconds"])
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None

    def checkpoint(self, key: Key) -> Path:
        """Where a running stage keeps its last finished epoch; makes the folder."""
        self._area("checkpoints")
        return self.checkpoint_path(key)

    def checkpoint_path(self, key: Key) -> Path:
        """As `checkpoint`; changes nothing."""
        return self.root / "checkpoints" / f"{_name(key)}.npz"

    def clean(self) -> None:
        """Remove what a killed build left half-written or has no use for."""
        in_use.digests(self.marks)
        found = [path for area in ("temporary", "checkpoints", "locks") for path in (self.root / area).glob("*")]
        # `<key>`, `<key>.npz`, `.<key>.npz.writing`, …: whose key nobody holds is nobody's.
        for name in sorted({path.name.lstrip(".").partition(".")[0] for path in found}):
            path = self.root / "locks" / f"{name}.lock"
            with lock.attempt(path, "cleaning up") as free:
                if free:
                    self._tidy(name)
                    lock.remove(path)

    def _tidy(self, name: str) -> None:
        """Remove what a dead process left of the key that is called `name`."""
        for path in (self.root / "temporary").glob(f"{name}*"):
            disk.remove(path)
        checkpoint = self.root / "checkpoints" / f"{name}.npz"
        disk.remove(temporary_beside(checkpoint))
        stage, _, digest = name.rpartition("-")
        # A stage's entry is kept before its checkpoint goes; a build may be killed between the two.
        if self.is_made(stage, digest):
            disk.remove(checkpoint)

    def entries(self) -> Iterator[tuple[Path, int, float]]:
        """(path, bytes, time of last use) of every entry and checkpoint, the longest unused first."""
        folders = [f for f in (self.root / "stages").glob("*/*") if f.is_dir()]
        checkpoints = (self.root / "checkpoints").glob("*.npz")
        rows = []
        for path in (*folders, *checkpoints):
            with suppress(OSError):  # gone meanwhile: a build may be running
                rows.append((path, disk.size_of(path), path.stat().st_mtime))
        yield from sorted(rows, key=lambda row: row[2])

    def prune(self, limit: int) -> int:
        """Remove the longest unused entries until at most `limit` bytes are left; gives the bytes freed.

        What running builds use stays, this one's too.
        """
        if not self.root.is_dir():
            return 0
        with self.alone():
            rows, spared = list(self.entries()), in_use.digests(self.marks)
            freed = 0
            excess = sum(size for _, size, _ in rows) - limit
            for path, size, _ in rows:
                if freed >= excess:
                    break
                if path.stem.rpartition("-")[2] not in spared:
                    self._move_away(path)
                    freed += size
        return freed

    def discard(self, key: Key) -> None:
        """Remove the entry of `key`, unless another build makes or uses it."""
        own = self._lock(key)
        with lock.attempt(own, f"removing {key.label}") as free:
            if free:
                with self.alone():
                    if key.digest not in in_use.digests(self.marks, but=self._marks):
                        self._move_away(self._folder(key))
                lock.remove(own)

    def _look(self, key: Key, thorough: bool) -> Entry | None:
        """The entry of `key`, if there is one. Raises `_Broken`."""
        folder = self._folder(key)
        if not folder.is_dir():
            return None
        try:
            entry = json.loads((folder / ENTRY).read_text("utf-8"))
            same_key = key.digest == entry["digest"]
            most = None if thorough else SMALL
            fault = disk.fault(folder, entry["files"], most) if same_key else "it belongs to another key"
            found = _entry(folder, entry)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise _Broken(f"{ENTRY} cannot be read ({error})") from None
        if fault:
            raise _Broken(fault)
        return found

    def _discarded(self, key: Key, thorough: bool) -> Entry | None:
        """Remove the broken entry of `key`; gives the sound one that another build has made in its place meanwhile."""
        own = self._lock(key)
        with lock.attempt(own, f"removing {key.label}") as free:
            # Whoever holds the lock replaces it.
            if free:
                with suppress(_Broken):
                    return self._look(key, thorough)
                self._move_away(self._folder(key))
                lock.remove(own)
        return None

    def _make(self, key: Key, write: Callable[[Path], None], anew: bool) -> Entry:
        """As `create`, by who holds the key's lock."""
        self._area(f"stages/{key.stage}")
        checkpoint = self.checkpoint(key)
        if anew:
            checkpoint.unlink(missing_ok=True)
        resumed = checkpoint.exists()
        temporary = self._area("temporary") / _name(key)
        started = time.monotonic()
        try:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir()
            write(temporary)
            entry = self._keep(key, temporary, time.monotonic() - started, resumed)
            checkpoint.unlink(missing_ok=True)
            return entry
        except OSError as error:
            raise refused(self.root, error) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _made(self, key: Key, folder: Path) -> None:
        """The whole entry of `key` is in `folder`, and will be kept: who is killed here makes it again."""

    def _keep(self, key: Key, temporary: Path, seconds: float, resumed: bool) -> Entry:
        told = machines.taken(temporary)
        files = {p.name: {"sha256": file_hash(p), "bytes": p.stat().st_size} for p in sorted(temporary.iterdir())}
        entry: dict[str, Any] = {"digest": key.digest, "label": key.label, "parts": key.parts, "files": files}
        entry |= {"seconds": seconds, "resumed": resumed, **told}
        (temporary / ENTRY).write_text(json.dumps(entry), "utf-8")
        for path in temporary.iterdir():
            flush(path)
        flush(temporary)
        self._made(key, temporary)
        folder = self._folder(key)
        with self.alone():
            kept = self._in_the_way(key)
            if kept is None:
                temporary.rename(folder)
        flush(folder.parent)
        return kept or _entry(folder, entry)

    def _in_the_way(self, key: Key) -> Entry | None:
        """The entry of `key` if another build may be reading it; any other is moved away."""
        found = Store.there(self, key)
        if found and key.digest in in_use.digests(self.marks, but=self._marks):
            return found
        if self._folder(key).exists():
            self._move_away(self._folder(key))
        return None

    def _move_away(self, path: Path) -> None:
        """Remove an entry in one step, as far as others can see; a checkpoint anyway."""
        if path.is_dir():
            # Within a folder of its own: the name may be taken by what a killed build moved away.
            away = Path(tempfile.mkdtemp(prefix=f"{path.parent.name}-{path.name}.", dir=self._area("temporary")))
            with suppress(OSError):
                path.rename(away / path.name)
            disk.remove(away)
        else:
            disk.remove(path)

    def _lock(self, key: Key) -> Path:
        return self.root / "locks" / f"{_name(key)}.lock"

    def _folder(self, key: Key) -> Path:
        return self.root / "stages" / key.stage / key.digest

    def _area(self, name: str) -> Path:
        path = self.root / name
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refused(self.root, error) from error
        return path


def _entry(folder: Path, table: Mapping[str, Any]) -> Entry:
    """The entry in `folder`, of which `table` is the description."""
    return Entry(folder, float(table["seconds"]), bool(table.get("resumed")), machines.parsed(table.get("made")))


def _name(key: Key) -> str:
    """What its temporary folder, its checkpoint and its lock are called."""
    return f"{key.stage}-{key.digest}"
