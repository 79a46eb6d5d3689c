"""One store, several builds: in threads of this process, and in processes that are killed."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from generator.build.storage.key import Key
from generator.build.storage.store import ENTRY, Store
from generator.support import lock
from generator.support.errors import BuildFailed
from generator.support.places import ROOT
from generator.training.checkpoint_files import read_checkpoint, write_checkpoint

PATIENCE = 60
"""Seconds after which a test that waits has failed."""


def key(number: int) -> Key:
    return Key("head", f"v{number}.head", {"number": number})


def writing(content: bytes) -> Callable[[Path], None]:
    return lambda folder: _ignore((folder / "result.json").write_bytes(content))


def _ignore(written: int) -> None:
    """What writing a file gives."""


@pytest.fixture(autouse=True)
def _told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "POLL", 0.01)
    monkeypatch.setattr(lock, "TOLD_AFTER", 1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


class Half:
    """A stage that has written half of its file when it says so, and the rest when it may."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self, folder: Path) -> None:
        with (folder / "result.json").open("wb") as stream:
            stream.write(b"first ")
            self.begun.set()
            assert self.may_end.wait(PATIENCE)
            stream.write(b"half")


@contextmanager
def stage_running(root: Path) -> Iterator[Half]:
    """Another builder in the middle of making `key(1)`; it must succeed after the block."""
    half = Half()
    with ThreadPoolExecutor() as other:
        making = other.submit(Store(root).create, key(1), half)
        assert half.begun.wait(PATIENCE)
        try:
            yield half
        finally:
            half.may_end.set()
        assert making.result().read_bytes("result.json") == b"first half"


# ---- Two builders in threads -----------------------------------------------------------------------------


def test_of_two_builders_of_a_key_the_second_waits_and_takes_what_the_first_made(root: Path) -> None:
    told = threading.Event()
    messages: list[str] = []

    def say(text: str) -> None:
        messages.append(text)
        told.set()

    def refuse(folder: Path) -> None:
        raise AssertionError("made twice")

    with ThreadPoolExecutor() as builders, stage_running(root) as first:
        second = builders.submit(Store(root, say=say).create, key(1), refuse)
        assert told.wait(PATIENCE)
        assert not second.done()
        first.may_end.set()
        assert second.result().read_bytes("result.json") == b"first half"
    assert messages == [f"process {os.getpid()} is making v1.head; waiting for it"]


def test_builders_of_different_keys_do_not_wait_for_each_other(root: Path) -> None:
    with stage_running(root):
        assert Store(root).create(key(2), writing(b"{}")).read_json("result.json") == {}


def test_where_the_first_fails_the_second_makes_the_entry(root: Path) -> None:
    begun, may_fail = threading.Event(), threading.Event()

    def fail(folder: Path) -> None:
        begun.set()
        assert may_fail.wait(PATIENCE)
        raise BuildFailed("the loss is not a number")

    with ThreadPoolExecutor() as builders:
        first = builders.submit(Store(root).create, key(1), fail)
        assert begun.wait(PATIENCE)
        second = builders.submit(Store(root).create, key(1), writing(b"{}"))
        may_fail.set()
        assert second.result().read_json("result.json") == {}
        with pytest.raises(BuildFailed):
            first.result()


def test_who_is_stopped_does_not_wait_on(root: Path) -> None:
    store: Store
    told: list[str] = []

    def stop(text: str) -> None:
        told.append(text)
        store.stop()

    store = Store(root, say=stop)
    with stage_running(root), pytest.raises(BuildFailed, match="stopped while it waited"):
        store.create(key(1), writing(b"{}"))
    assert len(told) == 1


def test_many_builders_of_the_same_keys_make_each_once(root: Path) -> None:
    made: list[int] = []

    def build(order: list[int]) -> list[bytes]:
        store, found = Store(root), []
        for number in order:

            def write(folder: Path, number: int = number) -> None:
                made.append(number)
                (folder / "result.json").write_bytes(b"%d" % number)

            found.append(store.create(key(number), write).read_bytes("result.json"))
            store.remember(key(number))
        store.clean()
        return found

    orders = [[*range(start, 8), *range(start)] for start in range(8)]
    with ThreadPoolExecutor(len(orders)) as builders:
        results = list(builders.map(build, orders))
    assert results == [[b"%d" % number for number in order] for order in orders]
    assert sorted(made) == list(range(8))
    assert [p for area in ("temporary", "locks") for p in (root / area).iterdir()] == []


# ---- What one builder does to what another one needs -----------------------------------------------------


def test_cleaning_leaves_what_another_builder_is_writing(root: Path) -> None:
    with stage_running(root):
        checkpoint = Store(root).checkpoint(key(1))
        write_checkpoint(checkpoint, {"state": np.arange(3)}, "epoch 1")
        unfinished = checkpoint.with_name(f".{checkpoint.name}.writing")
        unfinished.write_bytes(b"epoch 2, hal")
        Store(root).clean()
        assert unfinished.exists()
        assert (read_checkpoint(checkpoint) or ({}, ""))[1] == "epoch 1"
    assert not checkpoint.exists()


def test_pruning_leaves_what_another_builder_uses(root: Path) -> None:
    one, other = Store(root), Store(root)
    for number in range(3):
        one.create(key(number), writing(b"{}"))
    with one.using([key(0), key(1)]):
        assert other.prune(0) > 0
        assert [other.has(key(number)) for number in range(3)] == [True, True, False]
    other.prune(0)
    assert not other.has(key(0))


def test_a_sound_entry_that_another_builder_uses_is_not_replaced(root: Path) -> None:
    one, other = Store(root), Store(root)
    first = one.create(key(1), writing(b"first"))
    with one.using([key(1)]):
        identity = first.folder.stat().st_ino
        assert other.create(key(1), writing(b"second"), anew=True).read_bytes("result.json") == b"first"
        assert first.folder.stat().st_ino == identity
    assert other.create(key(1), writing(b"second"), anew=True).read_bytes("result.json") == b"second"
    with one.using([key(1)]), one.using([key(2)]):
        assert one.create(key(1), writing(b"third"), anew=True).read_bytes("result.json") == b"third", "its own use"


def test_a_broken_entry_is_replaced_whoever_uses_it(root: Path) -> None:
    one, other = Store(root), Store(root)
    with one.using([key(1)]):
        (one.create(key(1), writing(b"first")).folder / "result.json").write_bytes(b"spoilt")
        assert other.find(key(1)) is None
        other.create(key(1), writing(b"first"))
        found = one.find(key(1), thorough=True)
        assert found
        assert found.read_bytes("result.json") == b"first"


def test_a_broken_entry_goes_in_one_step(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(root)
    folder = store.create(key(1), writing(b"first")).folder
    (folder / "result.json").write_bytes(b"spoilt")
    seen = []
    rename = Path.rename

    def watched(self: Path, target: Path) -> Path:
        seen.append({p.name for p in self.iterdir()})
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", watched)
    store.find(key(1))
    assert seen == [{"result.json", ENTRY}]
    assert not folder.exists()
    assert list((root / "temporary").iterdir()) == []


def test_an_entry_found_broken_is_not_removed_once_another_builder_has_replaced_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(root)
    (store.create(key(1), writing(b"first")).folder / "result.json").write_bytes(b"spoilt")
    attempt = lock.attempt

    @contextmanager
    def late(path: Path, purpose: str = "") -> Iterator[bool]:
        monkeypatch.setattr(lock, "attempt", attempt)
        Store(root).create(key(1), writing(b"second"))
        with attempt(path, purpose) as free:
            yield free

    monkeypatch.setattr(lock, "attempt", late)
    found = store.find(key(1))
    assert found
    assert found.read_bytes("result.json") == b"second"


# ---- Two builders in processes ---------------------------------------------------------------------------

BUILDER = """
import sys, time
from pathlib import Path
from generator.build.storage.key import Key
from generator.build.storage.store import Store
import numpy as np
from generator.training.checkpoint_files import write_checkpoint
store, key = Store(Path(sys.argv[1])), Key("head", "v1.head", {"number": 1})
def write(folder):
    (folder / "result.json").write_bytes(b"half")
    write_checkpoint(store.checkpoint(key), {"state": np.arange(3)}, "epoch 1")
    print("begun", flush=True)
    time.sleep(600)
with store.using([key, Key("head", "v2.head", {"number": 2})]):
    store.create(key, write)
"""


@contextmanager
def builder(root: Path) -> Iterator[subprocess.Popen[str]]:
    """A process in the middle of making `key(1)` that uses `key(2)`; ended by SIGKILL."""
    process = subprocess.Popen([sys.executable, "-c", BUILDER, root], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "begun\n"
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def test_what_a_living_process_writes_and_uses_stays_and_what_a_killed_one_left_goes(root: Path) -> None:
    store = Store(root)
    store.create(key(2), writing(b"{}"))
    with builder(root):
        store.clean()
        store.prune(0)
        assert [p.name for p in (root / "temporary").iterdir()] == [f"head-{key(1).digest}"]
        assert store.checkpoint(key(1)).exists()
        assert store.has(key(2))
    store.clean()
    assert [p for area in ("temporary", "locks", "in-use") for p in (root / area).iterdir()] == []
    assert store.checkpoint(key(1)).exists(), "the next build goes on from it"
    store.prune(0)
    assert not store.has(key(2))
    assert not store.checkpoint(key(1)).exists()


def test_who_waits_for_a_process_that_is_killed_goes_on_from_its_checkpoint(root: Path) -> None:
    told: list[str] = []

    def write(folder: Path) -> None:
        found = read_checkpoint(Store(root).checkpoint(key(1)))
        (folder / "result.json").write_text(found[1] if found else "from the beginning")

    with ThreadPoolExecutor() as here, builder(root) as process:

        def kill(text: str) -> None:
            told.append(text)
            process.kill()

        made = here.submit(Store(root, say=kill).create, key(1), write).result(PATIENCE)
    assert told == [f"process {process.pid} is making v1.head; waiting for it"]
    assert made.read_bytes("result.json") == b"epoch 1"
    assert made.resumed
