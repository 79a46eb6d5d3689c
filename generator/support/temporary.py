"""The folder for temporary files of this user alone: others can neither read what lies there nor put anything there."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from generator.support.errors import BuildFailed
from generator.support.files import refused

ADVICE = "set TMPDIR to a folder of your own"


def own_folder() -> Path:
    """That folder, made where it is missing, below the system's for temporary files.

    Raises `BuildFailed` where it cannot be made, and where its name is taken by something that is not this user's: who
    made that could read training images there, or lead what is written there elsewhere by links.
    """
    try:
        folder = _place()
    except FileNotFoundError as error:
        raise BuildFailed(f"no temporary file can be written ({error.strerror}); free space on the disk") from None
    try:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700, parents=True)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            raise BuildFailed(f"{folder}: expected a folder of this user's, and it is none; remove it, or {ADVICE}")
        if stat.S_IMODE(status.st_mode) & 0o077:
            folder.chmod(0o700)  # made by a version that left it open
    except OSError as error:
        raise refused(folder, error, ADVICE) from None
    return folder


def holds(path: Path) -> bool:
    """Whether `path` lies in that folder."""
    with suppress(FileNotFoundError):  # Where none can be used nothing does.
        return path.is_relative_to(_place())
    return False


def _place() -> Path:
    return Path(tempfile.gettempdir()) / f"measured-post-{os.getuid()}"
