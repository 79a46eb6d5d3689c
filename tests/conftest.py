"""What concerns the whole test run."""

import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from generator.support import hardware
from generator.support.errors import BadInput

TRAINS = re.compile(r"^pytestmark = .*\bmark\.train\b", re.MULTILINE)
"""In a file all of whose tests train; it may import TensorFlow, which takes seconds and 400 MB."""

LONG = ("train", "cluster", "browser", "jekyll")
"""Markers of tests that take long, those of the longest files first."""

IN_MEMORY, ROOM = Path("/dev/shm"), 1 << 30
"""Where Linux keeps files in memory, and bytes that must be free there: several times what a run of the tests holds."""

# Tests write many small files that outlive no run; in memory the system takes a third of the time for them.
with suppress(OSError):
    room = os.statvfs(IN_MEMORY)
    if room.f_bavail * room.f_frsize >= ROOM and not room.f_flag & os.ST_NOEXEC:
        os.environ.setdefault("TMPDIR", str(IN_MEMORY))

# As the worker does, unless it is to be tried without: TensorFlow's default differs between processors.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# Every command that a test starts would compile the whole program anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell's background jobs, and all that they start, are told to ignore it; some tests interrupt what runs.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where training tests are left out, do not import TensorFlow only to find them."""
    test = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    return True if _without_training(config) and test and TRAINS.search(collection_path.read_text("utf-8")) else None


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to import TensorFlow all the same."""
    if _without_training(session.config) and "tensorflow" in sys.modules:
        raise pytest.UsageError("a file of tests imports TensorFlow, but not all of its tests are marked `train`")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests come first: several processes share the files, and the long ones must not be the last.

    Of the others those that stand in no room try the whole program.
    """
    long = {kind: {item.path for item in items if item.get_closest_marker(kind)} for kind in LONG}

    def turn(item: pytest.Item) -> tuple[int, bool]:
        place = next((place for place, kind in enumerate(LONG) if item.path in long[kind]), len(LONG))
        return place, item.path.parent != Path(__file__).parent

    items.sort(key=turn)


def _without_training(config: pytest.Config) -> bool:
    return "not train" in config.getoption("markexpr")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what computes in bfloat16 where that is impossible, with the reason that a user would be given."""
    if item.get_closest_marker("bfloat16"):
        try:
            hardware.precision("bfloat16")
        except BadInput as error:
            pytest.skip(str(error))
