"""The new files and a list of what to do, stored inside the folder, and only then carried out.

`complete` does so after a kill, too.
"""

import errno
import json
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from generator.publishing import durable
from generator.support.errors import BuildFailed

PRIVATE = ".measured-post"
"""Folder for what must lie inside a site but is no part of it; Jekyll passes over names with a dot."""

_JOURNAL = f"{PRIVATE}/journal"
_LIST = "list.json"

LISTED = f"{_JOURNAL}/{_LIST}"
"""The list, from the folder; where it stands, the change is decided."""

_GONE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


def apply(folder: Path, writes: Mapping[str, bytes], removes: Collection[str]) -> None:
    """As `transaction.apply`."""
    journal = folder / _JOURNAL
    try:
        journal.mkdir(parents=True)
        durable.checkpoint("journal made")
        for number, (path, content) in enumerate(writes.items()):
            durable.write(journal / str(number), content)
            # Made now, because a full disk must be met before the list stands.
            with suppress(FileExistsError, NotADirectoryError):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
            durable.checkpoint(f"staged {path}")
        durable.write(journal / "unfinished", json.dumps([list(writes), list(removes)]).encode())
        durable.sync(journal)
        durable.checkpoint("listed")
        (journal / "unfinished").replace(journal / _LIST)
        durable.sync(journal)
    except BaseException:
        _discard(journal)
        durable.prune(folder, writes)
        raise
    durable.checkpoint("decided")
    _carry_out(folder)


def complete(folder: Path) -> bool:
    """Carry out what a killed run listed, or remove what it had not listed yet; True if there was a list."""
    if (folder / LISTED).is_file():
        _carry_out(folder)
        return True
    _discard(folder / _JOURNAL)
    return False


def _carry_out(folder: Path) -> None:
    """Do what the journal lists. Every step may have been done before."""
    journal = folder / _JOURNAL
    try:
        writes, removes = _read_list(folder)
        for path in removes:
            with suppress(*_GONE):
                (folder / path).unlink()
            durable.checkpoint(f"removed {path}")
        durable.prune(folder, removes)
        for number, path in enumerate(writes):
            _move(journal / str(number), folder / path)
            durable.checkpoint(f"moved {path}")
        (journal / _LIST).unlink()
        durable.checkpoint("done")
    except OSError as error:
        reason = error.strerror or str(error)
        raise BuildFailed(f"{folder}: only part of it is new ({reason}); run again to complete it") from None
    _discard(journal)


def _read_list(folder: Path) -> tuple[list[str], list[str]]:
    path = folder / LISTED
    try:
        writes, removes = json.loads(path.read_text(encoding="utf-8"))
        # The list may have come with a folder that somebody else made: it must not reach outside.
        for name in (*writes, *removes):
            durable.check(folder, name)
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
    durable.sync(target.parent)


def _discard(journal: Path) -> None:
    shutil.rmtree(journal, ignore_errors=True)
    with suppress(OSError):
        journal.parent.rmdir()
