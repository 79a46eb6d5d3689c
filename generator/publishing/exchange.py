"""A complete new folder beside the old one, and the two swap names in a single step of the file system (Linux).

A reader never sees a mixture, and what is not changed is linked, not copied.
"""

import ctypes
import errno
import fcntl
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from generator.publishing import durable
from generator.support.errors import BuildFailed

MANY = 20_000
"""Entries above which a folder is not staged anew for the sake of one post."""

_EXCHANGE_FLAG = 2
_AT_FDCWD = -100

# What linking a file may be answered with where copying still works: protected hard links, another device, …
_NO_LINK = (errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP, errno.EACCES)

State = tuple[int, int, int]


class NotExchangeable(Exception):
    """The folder cannot be exchanged here; the journal can do it."""


def apply(folder: Path, writes: Mapping[str, bytes], removes: Collection[str]) -> None:
    """As `transaction.apply`. Raises `NotExchangeable` before anything has changed."""
    exists = folder.is_dir()
    if exists:
        _check_exchangeable(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        if exists:  # After the exchange it is the old tree, and still held.
            held.enter_context(_held(folder))
        staging = _new_folder_beside(folder)
        held.enter_context(_held(staging))
        try:
            linked = _staged(staging, folder, writes, removes, exists=exists)
            _exchange(staging, folder) if exists else staging.rename(folder)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        _settle(staging, folder, linked, {*writes, *removes})


def _staged(
    staging: Path, folder: Path, writes: Mapping[str, bytes], removes: Collection[str], *, exists: bool
) -> dict[str, State]:
    """Make the new tree; the state of what it has from the old one, by path."""
    _liken(staging, folder) if exists else _open_as_any(staging)
    durable.checkpoint("folder made")
    linked = _mirror(folder, staging, {*writes, *removes}) if exists else {}
    durable.checkpoint("mirrored")
    for path, content in writes.items():
        durable.write(staging / path, content)
        durable.checkpoint(f"staged {path}")
    durable.prune(staging, removes)
    durable.sync_folders(staging)
    durable.checkpoint("synced")
    return linked


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a folder itself, under whatever name it comes to stand, by the kernel's lock, which ends with its process.

    The lock of a site (`lock.for_folder`) is known only to who has the same folder for temporary files: another user,
    or a job of a cluster, has another one. Waits for who holds the folder.
    """
    descriptor = _lock(folder)
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(folder: Path) -> int:
    """A descriptor of the folder that holds it. Raises `NotExchangeable` where it cannot be opened, or is gone."""
    while True:
        descriptor = None
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            with suppress(OSError):  # Some network's file system, which locks no folder.
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(descriptor), folder.stat()):
                return descriptor
        except OSError:
            if descriptor is not None:
                os.close(descriptor)
            raise NotExchangeable from None
        os.close(descriptor)  # While it was waited for another took its name.


def _settle(old: Path, new: Path, linked: Mapping[str, State], leave_out: Collection[str]) -> None:
    """After the exchange: what others wrote meanwhile comes over, and the old tree goes unless that fails."""
    try:
        durable.checkpoint("exchanged")
        with suppress(OSError):  # The new tree stands; whether its name outlives a power cut is all that is open.
            durable.sync(new.parent)
        _carry_over(old, new, linked, leave_out)
        durable.checkpoint("carried over")
    except BaseException as error:
        kept = old.with_name(old.name.replace(".new-", ".old-", 1))
        with suppress(FileNotFoundError):  # There was none.
            old.rename(kept)
        if not isinstance(error, OSError):
            raise
        raise BuildFailed(
            f"{new}: it is new, but what others wrote into it meanwhile is still in {kept} ({error.strerror}); "
            "bring it over"
        ) from None
    shutil.rmtree(old, ignore_errors=True)


def clean_up(folder: Path) -> None:
    """Remove what killed runs staged for `folder`, and nothing that a run has in use."""
    pattern = re.compile(re.escape(f".{folder.name}.new-") + r"[a-z0-9_]{8}")
    with suppress(OSError):
        for entry in folder.parent.iterdir():
            if pattern.fullmatch(entry.name) and entry.is_dir() and not entry.is_symlink():
                _remove_unless_held(entry)


def _remove_unless_held(folder: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # Refused where somebody has it, and where nobody can: what may be in use stays.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)


def _check_exchangeable(folder: Path) -> None:
    """Raise `NotExchangeable` where others hold on to the folder itself and not to its name."""
    # A repository's root, a mount point and somebody's working folder must stay the folder they are.
    if sys.platform != "linux" or (folder / ".git").exists() or folder.is_mount() or _is_stood_in(folder.resolve()):
        raise NotExchangeable


def _is_stood_in(folder: Path) -> bool:
    """Whether a process, as far as we may see, has its working folder there: `jekyll serve`, or another terminal."""
    for place in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):  # Another user's, or gone.
            if place.readlink().is_relative_to(folder):
                return True
    return False


def _new_folder_beside(folder: Path) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=f".{folder.name}.new-", dir=folder.parent))
    except OSError:
        raise NotExchangeable from None


def _open_as_any(folder: Path) -> None:
    """Give a temporary folder the permissions of any new one."""
    umask = os.umask(0)
    os.umask(umask)
    folder.chmod(0o777 & ~umask)


def _mirror(source: Path, target: Path, leave_out: Collection[str]) -> dict[str, State]:
    """Link every file of `source` into `target`, but for `leave_out`; path → its state, to see later changes.

    Raises `NotExchangeable` where a copy would not be the same: devices, sockets, mount points, what is closed to us.
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
            raise NotExchangeable
    return linked


def _copy_entry(source: Path, target: Path) -> bool:
    """Link a file, copy a link, make a folder; False for a folder."""
    if source.is_symlink():
        target.symlink_to(source.readlink())
    elif source.is_dir():
        # A walk passes over what it may not read, and no copy can be filled of a folder that may not be written.
        if source.is_mount() or not os.access(source, os.R_OK | os.W_OK | os.X_OK):
            raise NotExchangeable
        target.mkdir()
        _liken(target, source)
        return False
    elif source.is_file():
        _link(source, target)
    else:
        raise NotExchangeable
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
            raise NotExchangeable from None
        _liken(target, source)


def _liken(target: Path, source: Path) -> None:
    """Give `target` the owner, permissions and times of `source`. Raises `NotExchangeable` where we may not."""
    wanted = source.stat()
    try:
        if (wanted.st_uid, wanted.st_gid) != (target.stat().st_uid, target.stat().st_gid):
            os.chown(target, wanted.st_uid, wanted.st_gid)
    except FileNotFoundError:
        raise
    except OSError:  # in a container also of an owner that it does not know
        raise NotExchangeable from None
    shutil.copystat(source, target)


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
    """Let two folders swap names in one step (Linux). Raises `NotExchangeable`."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        raise NotExchangeable from None
    names = os.fsencode(one), os.fsencode(other)
    if renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _EXCHANGE_FLAG) != 0:
        raise NotExchangeable


def _carry_over(old: Path, new: Path, linked: Mapping[str, State], leave_out: Collection[str]) -> None:
    """Bring over what somebody else wrote into the old tree while the new one was being staged."""
    for parent, _, names in os.walk(old):
        for name in names:
            path = (Path(parent) / name).relative_to(old).as_posix()
            with _unless_gone(old / path):
                if path not in leave_out and linked.get(path) != _state(old / path):
                    (new / path).parent.mkdir(parents=True, exist_ok=True)
                    (old / path).replace(new / path)
