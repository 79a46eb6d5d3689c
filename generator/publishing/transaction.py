"""Changes to many files of one folder, all or none of them, also when the process is killed in between.

`apply` takes one of two ways. By exchange: a complete new folder is staged beside the old one and the two
swap names in a single step of the file system, so that a reader never sees a mixture. By journal, where that
cannot be (no such system call, a mount point, a repository's root, a very large folder): the new files and a
list of what to do are stored inside the folder, and only then carried out; `recover` completes them after a
kill. `checkpoint` is called before and after every step, for tests that kill the process there.
"""

import ctypes
import errno
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from generator.support.errors import BadInput, BuildFailed

PRIVATE = ".measured-post"
"""Folder for what must lie inside a site but is no part of it; Jekyll passes over names with a dot."""

MANY = 20_000
"""Entries above which a folder is not staged anew for the sake of one post."""

_JOURNAL = f"{PRIVATE}/journal"
_LIST = "list.json"

_EXCHANGE_FLAG = 2
_AT_FDCWD = -100

# What linking a file may be answered with where copying still works: protected hard links, another device, …
_NO_LINK = (errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP, errno.EACCES)

_GONE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)

State = tuple[int, int, int]


class _NotExchangeable(Exception):
    """The folder cannot be exchanged here; the journal can do it."""


def checkpoint(name: str) -> None:
    """Does nothing; a test puts a function in its place that kills the process at the step `name`."""


def apply(folder: Path, writes: Mapping[str, bytes], removes: Collection[str]) -> None:
    """Write and remove these files below `folder`, which may not exist yet; all other files are left alone.

    Paths are relative with forward slashes. What a killed run left is completed or cleaned up first. Folders
    that a removal empties go too. Raises `OSError` with the old tree intact, and `BuildFailed` where a
    journal was begun and could not be ended, or where what others wrote meanwhile could not be brought over.
    """
    for path in (*writes, *removes):
        check(folder, path)
    # Of a link to a folder, the folder is changed and the link stays.
    folder = Path(os.path.realpath(folder))
    recover(folder)
    try:
        _by_exchange(folder, writes, removes)
    except _NotExchangeable:
        _by_journal(folder, writes, removes)


def recover(folder: Path) -> bool:
    """Complete or clean up what a killed run left; True if a journal was completed.

    Raises `BuildFailed`, and `BadInput` where a link would lead out of the folder, which somebody else may have made.
    """
    folder = Path(os.path.realpath(folder))
    check(folder, f"{_JOURNAL}/{_LIST}")
    journal = folder / _JOURNAL
    for leftover in _staged(folder):
        shutil.rmtree(leftover, ignore_errors=True)
    if (journal / _LIST).is_file():
        _carry_out(folder)
        return True
    _discard(journal)
    return False


def check(folder: Path, path: str) -> None:
    """Raise `BadInput` unless `path` names a file below `folder`, with no link on the way to it."""
    parts = path.split("/")
    if path.startswith("/") or "\\" in path or "\0" in path or not all(p not in ("", ".", "..") for p in parts):
        raise BadInput(f"{path!r}: expected a path inside {folder}, without '..'")
    for parent in list(PurePosixPath(path).parents)[:-1]:
        if (folder / parent).is_symlink():
            raise BadInput(f"{folder / parent} is a symbolic link; put a folder in its place")


def _by_exchange(folder: Path, writes: Mapping[str, bytes], removes: Collection[str]) -> None:
    exists = folder.is_dir()
    if exists:
        _check_exchangeable(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = _new_folder_beside(folder)
    try:
        checkpoint("folder made")
        linked = _mirror(folder, staging, {*writes, *removes}) if exists else {}
        checkpoint("mirrored")
        for path, content in writes.items():
            _write(staging / path, content)
            checkpoint(f"staged {path}")
        _prune(staging, removes)
        _sync_folders(staging)
        checkpoint("synced")
        _exchange(staging, folder) if exists else staging.rename(folder)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    _settle(staging, folder, linked, {*writes, *removes})


def _settle(old: Path, new: Path, linked: Mapping[str, State], leave_out: Collection[str]) -> None:
    """After the exchange: what others wrote meanwhile comes over, and the old tree goes unless that fails."""
    try:
        checkpoint("exchanged")
        with suppress(OSError):  # The new tree stands; whether its name outlives a power cut is all that is open.
            _sync(new.parent)
        _carry_over(old, new, linked, leave_out)
        checkpoint("carried over")
    except BaseException as error:
        if not old.is_dir():  # There was no old tree.
            raise
        kept = old.with_name(old.name.replace(".new-", ".old-", 1))
        old.rename(kept)
        if not isinstance(error, OSError):
            raise
        raise BuildFailed(
            f"{new}: it is new, but what others wrote into it meanwhile is still in {kept} ({error.strerror}); "
            "bring it over"
        ) from None
    shutil.rmtree(old, ignore_errors=True)


def _check_exchangeable(folder: Path) -> None:
    """Raise `_NotExchangeable` where others hold on to the folder itself and not to its name."""
    # A repository's root, a mount point and somebody's working folder must stay the folder they are.
    if (folder / ".git").exists() or folder.is_mount() or Path.cwd().is_relative_to(folder.resolve()):
        raise _NotExchangeable
    if sys.platform != "linux":
        raise _NotExchangeable


def _new_folder_beside(folder: Path) -> Path:
    try:
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.new-", dir=folder.parent))
    except OSError:
        raise _NotExchangeable from None
    if folder.is_dir():
        shutil.copystat(folder, staging)
    else:
        umask = os.umask(0)
        os.umask(umask)
        staging.chmod(0o777 & ~umask)
    return staging


def _staged(folder: Path) -> Iterator[Path]:
    """Folders that earlier runs staged for `folder`."""
    pattern = re.compile(re.escape(f".{folder.name}.new-") + r"[a-z0-9_]{8}")
    with suppress(OSError):
        for entry in folder.parent.iterdir():
            if pattern.fullmatch(entry.name) and entry.is_dir() and not entry.is_symlink():
                yield entry


def _mirror(source: Path, target: Path, leave_out: Collection[str]) -> dict[str, State]:
    """Link every file of `source` into `target`, but for `leave_out`; path → its state, to see later changes.

    Raises `_NotExchangeable` where a copy would not be the same: devices, sockets, mount points, what is closed to us.
    """
    linked: dict[str, State] = {}
    seen = 0
    for parent, folders, names in os.walk(source):
        here = Path(parent).relative_to(source)
        for name in [*folders, *names]:
            seen += 1
            path = (here / name).as_posix()
            if path in leave_out:
                continue
            with _unless_gone(source / path):
                state = _state(source / path)
                if _copy_entry(source / path, target / path):
                    linked[path] = state
        if seen > MANY:
            raise _NotExchangeable
    return linked


def _copy_entry(source: Path, target: Path) -> bool:
    """Link a file, copy a link, make a folder; False for a folder."""
    if source.is_symlink():
        target.symlink_to(source.readlink())
    elif source.is_dir():
        # A walk passes over what it may not read, and no copy can be filled of a folder that may not be written.
        if source.is_mount() or not os.access(source, os.R_OK | os.W_OK | os.X_OK):
            raise _NotExchangeable
        target.mkdir()
        shutil.copystat(source, target)
        return False
    elif source.is_file():
        _link(source, target)
    else:
        raise _NotExchangeable
    return True


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        try:
            shutil.copy2(source, target)
        except PermissionError:
            raise _NotExchangeable from None


@contextmanager
def _unless_gone(path: Path) -> Iterator[None]:
    """Pass over what somebody removes between its being listed and its being copied."""
    try:
        yield
    except FileNotFoundError:
        if os.path.lexists(path):
            raise


def _state(path: Path) -> State:
    status = path.lstat()
    return status.st_ino, status.st_mtime_ns, status.st_size


def _exchange(one: Path, other: Path) -> None:
    """Let two folders swap names in one step (Linux). Raises `_NotExchangeable`."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        raise _NotExchangeable from None
    names = os.fsencode(one), os.fsencode(other)
    if renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _EXCHANGE_FLAG) != 0:
        raise _NotExchangeable


def _carry_over(old: Path, new: Path, linked: Mapping[str, State], leave_out: Collection[str]) -> None:
    """Bring over what somebody else wrote into the old tree while the new one was being staged."""
    for parent, _, names in os.walk(old):
        for name in names:
            path = (Path(parent) / name).relative_to(old).as_posix()
            with _unless_gone(old / path):
                if path not in leave_out and linked.get(path) != _state(old / path):
                    (new / path).parent.mkdir(parents=True, exist_ok=True)
                    (old / path).replace(new / path)


def _by_journal(folder: Path, writes: Mapping[str, bytes], removes: Collection[str]) -> None:
    journal = folder / _JOURNAL
    try:
        journal.mkdir(parents=True)
        checkpoint("journal made")
        for number, (path, content) in enumerate(writes.items()):
            _write(journal / str(number), content)
            # Made now, because a full disk must be met before the list stands.
            with suppress(FileExistsError, NotADirectoryError):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
            checkpoint(f"staged {path}")
        _write(journal / "unfinished", json.dumps([list(writes), list(removes)]).encode())
        _sync(journal)
        checkpoint("listed")
        (journal / "unfinished").replace(journal / _LIST)
        _sync(journal)
    except BaseException:
        _discard(journal)
        _prune(folder, writes)
        raise
    checkpoint("decided")
    _carry_out(folder)


def _carry_out(folder: Path) -> None:
    """Do what the journal lists. Every step may have been done before."""
    journal = folder / _JOURNAL
    try:
        writes, removes = _read_list(folder)
        for path in removes:
            with suppress(*_GONE):
                (folder / path).unlink()
            checkpoint(f"removed {path}")
        _prune(folder, removes)
        for number, path in enumerate(writes):
            _move(journal / str(number), folder / path)
            checkpoint(f"moved {path}")
        (journal / _LIST).unlink()
        checkpoint("done")
    except OSError as error:
        reason = error.strerror or str(error)
        raise BuildFailed(f"{folder}: only part of it is new ({reason}); run again to complete it") from None
    _discard(journal)


def _read_list(folder: Path) -> tuple[list[str], list[str]]:
    path = folder / _JOURNAL / _LIST
    try:
        writes, removes = json.loads(path.read_text(encoding="utf-8"))
        # The list may have come with a folder that somebody else made: it must not reach outside.
        for name in (*writes, *removes):
            check(folder, name)
    except (ValueError, TypeError, AttributeError):
        raise BuildFailed(f"{path}: not a list of this program; delete {path.parent} and run again") from None
    return writes, removes


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.replace(target)
    except FileNotFoundError:
        return  # Moved before the kill.
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = target.with_name(f".{target.name}.new")
        shutil.copy2(source, beside)
        beside.replace(target)
        source.unlink()
    _sync(target.parent)


def _discard(journal: Path) -> None:
    shutil.rmtree(journal, ignore_errors=True)
    with suppress(OSError):
        journal.parent.rmdir()


def _prune(folder: Path, paths: Collection[str]) -> None:
    """Remove the folders of `paths` that are empty."""
    for path in paths:
        for parent in list(PurePosixPath(path).parents)[:-1]:
            with suppress(OSError):
                (folder / parent).rmdir()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folders(folder: Path) -> None:
    for parent, _, _ in os.walk(folder):
        _sync(Path(parent))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
