"""The errors a user can meet, each with the exit code it ends the command with.

    MeasuredPostError
    ├── BadInput       2  a file, a value or an option is not what it must be
    ├── BuildFailed    1  a stage, a check or a gate failed
    │   ├── Diverged      training left the numbers
    │   └── Parted        of several that train together one is gone
    └── Locked         3  another build holds the site

The command line catches `MeasuredPostError` in one place and prints its message as it is, so a message
names the file or value, says what was expected, and how to mend it. For a path that cannot be reached, which
may be met anywhere first, it has a message itself. Anything else keeps its traceback.
"""

import difflib
from collections.abc import Iterable

MOST_CHOICES = 60
"""Names that a message lists."""


class MeasuredPostError(Exception):
    """Base of all errors whose message is meant for the user."""

    exit_code = 1


class BadInput(MeasuredPostError):
    """A file, value or option given by the user cannot be used."""

    exit_code = 2


class BuildFailed(MeasuredPostError):
    """The build ran and could not finish, or a gate was missed."""

    exit_code = 1


class Diverged(BuildFailed):
    """The loss of a training is no number any more: the settings are at fault, and the same ones will do it again."""


class Parted(BuildFailed):
    """Of several processes that train one network together one is gone; the others could go on from a checkpoint."""


class Locked(MeasuredPostError):
    """Another process is building the same site."""

    exit_code = 3


class Terminated(BaseException):
    """SIGTERM arrived: no error, and nothing that catches errors shall catch it, as `KeyboardInterrupt`."""


def encodable(name: str) -> str:
    """`name`, of a file, as a text in UTF-8 can hold it: bytes of it that are not UTF-8 are escaped."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def printable(name: object) -> str:
    """`name`, from outside, as it may stand in a one-line message: what cannot be printed is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(name))


def choices(given: str, known: Iterable[str]) -> str:
    """What may be chosen instead of `given`, as a phrase for a message, the closest name first; of many, the first."""
    known = list(known)
    more = f" and {len(known) - MOST_CHOICES} more" if len(known) > MOST_CHOICES else ""
    return f"{closest(given, known)}choose from {', '.join(known[:MOST_CHOICES]) or '(none)'}{more}"


def closest(given: str, known: Iterable[str]) -> str:
    """`did you mean …? ` with the known name that is most like `given`; empty where none is."""
    close = difflib.get_close_matches(given, list(known), n=1)
    return f"did you mean {close[0]!r}? " if close else ""
