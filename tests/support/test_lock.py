"""One build at a time: refused with the holder's PID, freed by its death."""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from generator.support import lock
from generator.support.errors import BuildFailed, Locked

HOLDER = """
import sys, time
from pathlib import Path
from generator.support import lock
with lock.hold(Path(sys.argv[1]), "building the site somewhere"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "lock"


def start_holder(path: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def end(holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.communicate()


def test_fault_35_the_second_build_is_told_who_holds_the_lock(path: Path) -> None:
    holder = start_holder(path)
    try:
        with pytest.raises(Locked) as caught, lock.hold(path, "building"):
            pass
    finally:
        end(holder)
    assert f"process {holder.pid} is building the site somewhere" in str(caught.value)
    assert caught.value.exit_code == 3


def test_fault_35_the_lock_of_a_killed_build_does_not_block(path: Path) -> None:
    end(start_holder(path))
    with lock.hold(path, "building"):
        assert path.with_name("lock.holder").read_text().startswith(f"{os.getpid()}\n")


def test_the_lock_is_free_again_after_the_block_even_if_it_failed(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), lock.hold(path, "building"):
        raise ZeroDivisionError
    with lock.hold(path, "building again"):
        pass
    assert not path.with_name("lock.holder").exists()


def test_a_holder_whose_note_is_missing_is_still_a_holder(path: Path) -> None:
    with lock.hold(path, "building"):
        path.with_name("lock.holder").unlink()
        with pytest.raises(Locked, match="another process holds"), lock.hold(path, "building"):
            pass


def test_a_lock_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BuildFailed, match="lock: cannot be written"), lock.hold(tmp_path / "file" / "lock", "building"):
        pass


def test_where_the_lock_lies_in_the_folder_for_temporary_files_that_is_the_one_to_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    taken = lock.for_folder(tmp_path / "site")
    taken.mkdir()
    with pytest.raises(BuildFailed, match=r"\.lock: cannot be written .*; set TMPDIR to"), lock.hold(taken, "building"):
        pass


def test_two_spellings_of_a_folder_have_one_lock(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "link").symlink_to("site")
    assert lock.for_folder(tmp_path / "link") == lock.for_folder(tmp_path / "site" / ".." / "site")
    assert lock.for_folder(tmp_path / "site") != lock.for_folder(tmp_path / "other")


def test_a_lock_lies_in_no_folder_of_another_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / f"measured-post-{os.getuid()}").symlink_to(tmp_path)
    with pytest.raises(BuildFailed, match="expected a folder of this user's"):
        lock.for_folder(tmp_path / "site")


# ---- Waiting ---------------------------------------------------------------------------------------------


def test_who_waits_is_told_once_by_whom_and_goes_on_when_it_is_free(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = start_holder(path)
    told: list[str] = []
    pauses = 0

    def pause(seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        if pauses == lock.TOLD_AFTER + 5:
            end(holder)

    with lock.wait_for(path, "building", told.append, pause):
        assert path.with_name("lock.holder").read_text() == f"{os.getpid()}\nbuilding\n"
    assert told == [f"process {holder.pid} is building the site somewhere; waiting for it"]
    assert pauses >= lock.TOLD_AFTER + 5


def test_a_wait_of_a_moment_is_not_told(path: Path) -> None:
    holder = start_holder(path)
    told: list[str] = []
    with lock.wait_for(path, "building", told.append, lambda seconds: end(holder)):
        assert told == []


def test_an_attempt_does_not_wait(path: Path) -> None:
    with lock.attempt(path) as first, lock.attempt(path) as second:
        assert (first, second) == (True, False)
    with lock.attempt(path) as third:
        assert third


def test_a_lock_file_that_its_holder_removed_locks_nothing(path: Path) -> None:
    with lock.attempt(path) as first:
        lock.remove(path)
        assert first
        assert list(path.parent.iterdir()) == []
        with lock.attempt(path) as second:
            assert second, "a new file, which nobody has held"


def test_who_removed_the_lock_file_leaves_the_note_of_the_next_holder(path: Path) -> None:
    with ExitStack() as first:
        first.enter_context(lock.attempt(path, "cleaning up"))
        lock.remove(path)
        with lock.hold(path, "building"):
            first.close()
            with pytest.raises(Locked, match=f"process {os.getpid()} is building"), lock.hold(path, "building again"):
                pass


def test_each_gets_a_path_of_its_own(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("worker.log", "worker-2.log")]
    with lock.first_free(paths, tmp_path) as one, lock.first_free(paths, tmp_path) as two:
        assert [one, two] == paths
    with lock.first_free(paths, tmp_path) as again:
        assert again == paths[0]
