"""What the program is called here, and which packages it needs: in a checkout and where it is installed."""

import re
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path

from generator.support.places import INSTALLED, ROOT

DISTRIBUTION = "measured-post"
"""The package as pip knows it."""

COMMAND = DISTRIBUTION if INSTALLED else "build.py"
"""What its messages begin with."""

LOCK = "requirements.txt"

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_VERSION = re.compile(r"^Version: *(\S+) *$", re.MULTILINE)


def as_typed(text: str) -> str:
    """`text`, which calls the command as one does in a checkout, with what one types here."""
    return text.replace("python build.py", COMMAND).replace("build.py", COMMAND) if INSTALLED else text


def packages(root: Path = ROOT) -> dict[str, str]:
    """Name → version of every package that the program in `root` depends on, as far as this machine has it.

    In a checkout they are those that the lock file names; an installation has none, so its packages are asked.
    """
    found = {}
    for name in sorted(_required() if INSTALLED else _locked(root / LOCK)):
        with suppress(metadata.PackageNotFoundError):
            found[name] = _version(name)
    return found


@cache
def _version(name: str) -> str:
    """Kept: a process goes on with what it has imported. Raises `PackageNotFoundError`."""
    # Not all of its description, which `metadata.version` reads as a mail: of every package that takes 30 ms.
    found = _VERSION.search(metadata.distribution(name).read_text("METADATA") or "")
    return found[1] if found else metadata.version(name)


def _locked(lock: Path) -> set[str]:
    lines = lock.read_text("utf-8").splitlines()
    return {line.partition("==")[0] for line in lines if "==" in line and not line.startswith(("#", " "))}


def _required() -> set[str]:
    """What the installed program asks for, and what that asks for; without what nobody asked for, the extras."""
    names, waiting = set[str](), [DISTRIBUTION]
    while waiting:
        with suppress(metadata.PackageNotFoundError):
            asked = [line for line in metadata.requires(waiting.pop()) or () if "extra ==" not in line]
            new = {_normalised(found[0]) for line in asked if (found := _NAME.match(line))} - names
            names |= new
            waiting += new
    return names


def _normalised(name: str) -> str:
    """As lock files write it, https://packaging.python.org/en/latest/specifications/name-normalization/."""
    return re.sub(r"[-_.]+", "-", name).lower()
