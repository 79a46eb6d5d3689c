"""Changes to many files of one folder, all or none of them, also when the process is killed in between.

`apply` takes one of two ways. By `exchange`: a complete new folder and the old one swap names. By `journal`, where that
cannot be (no such system call, a mount point, a repository's root, a very large folder); `recover` completes it after a
kill.
"""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from generator.publishing import durable, exchange, journal


def apply(folder: Path, writes: Mapping[str, bytes], removes: Collection[str]) -> None:
    """Write and remove these files below `folder`, which may not exist yet; all other files are left alone.

    Paths are relative with forward slashes. What a killed run left is completed or cleaned up first. Folders
    that a removal empties go too. Raises `OSError` with the old tree intact, and `BuildFailed` where a
    journal was begun and could not be ended, or where what others wrote meanwhile could not be brought over.
    """
    for path in (*writes, *removes):
        durable.check(folder, path)
    # Of a link to a folder, the folder is changed and the link stays.
    folder = Path(os.path.realpath(folder))
    recover(folder)
    try:
        exchange.apply(folder, writes, removes)
    except exchange.NotExchangeable:
        journal.apply(folder, writes, removes)


def recover(folder: Path) -> bool:
    """Complete or clean up what a killed run left; True if a journal was completed.

    Raises `BuildFailed`, and `BadInput` where a link would lead out of the folder, which somebody else may have made.
    """
    folder = Path(os.path.realpath(folder))
    durable.check(folder, journal.LISTED)
    exchange.clean_up(folder)
    return journal.complete(folder)
