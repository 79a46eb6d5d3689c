"""The worker's process: what it reports, how it fails and how it dies. The stages in it are fakes."""

import errno
import multiprocessing.context
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from generator.build import executor, worker
from generator.build.storage.key import Key
from generator.build.storage.store import Store
from generator.build.worker import Worker
from generator.stages import job
from generator.support.errors import BadInput, BuildFailed, Diverged
from tests import fakes


@dataclass(frozen=True)
class Job:
    """As much of a job as the worker itself looks at."""

    label: str
    given: Mapping[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("worker") / "store" / "worker.log"


@pytest.fixture(scope="module")
def process(log: Path) -> Iterator[Worker]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "serve", fakes.serve)
        one = Worker(log)
        yield one
        one.close()


def run(process: Worker, label: str, out: Path) -> list[dict[str, float]]:
    reports: list[dict[str, float]] = []
    job: Any = Job(label)
    process.run(job, out, reports.append)
    return reports


def test_a_stage_reports_and_writes(process: Worker, tmp_path: Path) -> None:
    assert run(process, "works", tmp_path) == [{"images": 1.0, "of": 2.0}]
    assert int((tmp_path / "pid").read_text()) != os.getpid()


def test_one_process_runs_all_stages(process: Worker, tmp_path: Path) -> None:
    run(process, "works", tmp_path)
    first = (tmp_path / "pid").read_text()
    run(process, "works", tmp_path)
    assert (tmp_path / "pid").read_text() == first


def test_what_a_stage_prints_is_in_the_log(process: Worker, log: Path, tmp_path: Path, capfd: Any) -> None:
    run(process, "works", tmp_path)
    assert "running works" in log.read_text()
    assert not os.access(log, os.X_OK)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("label", "kind", "message"),
    [
        ("fails", Diverged, "fails: the loss is not a number any more in epoch 2"),
        ("refuses", BadInput, "refuses: weights.h5: holds NaN"),
        ("cannot be reached", BuildFailed, "cannot be reached: s3://bucket: cannot be reached (timed out)"),
        ("memory", BuildFailed, "memory: memory ran out; lower data.batch_size or data.image_size"),
        ("disk", BuildFailed, "disk: outputs.npy: No space left on device; is the disk full?"),
        ("falls short", BuildFailed, "falls short: {out}: 6272 requested and 1024 written; is the disk full?"),
        ("is gone", BuildFailed, "is gone: pooled.npy: No such file or directory"),
        ("is gone elsewhere", BuildFailed, "is gone elsewhere: s3://bucket/camel.png: not found"),
    ],
)
def test_an_error_of_a_stage_arrives_as_its_kind(
    process: Worker, tmp_path: Path, label: str, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        run(process, label, tmp_path)
    assert str(caught.value) == message.format(out=tmp_path)
    assert run(process, "works", tmp_path)


def vanished(job: job.Job, out: Path, report: object) -> None:
    (out / "camel.png").read_bytes()


def test_a_stage_in_the_builds_own_process_tells_as_much_of_a_file(tmp_path: Path) -> None:
    mine = job.Job("pixels", "baseline.pixels", f"{__name__}:vanished", False, {}, {}, {}, Path())
    key = Key("pixels", "baseline.pixels", {})
    with pytest.raises(BuildFailed, match=r"^baseline\.pixels: .*/camel\.png: No such file or directory$"):
        Store(tmp_path).create(key, lambda out: executor.run_here(mine, out, lambda figures: None))


def test_a_mistake_in_the_program_keeps_its_traceback(process: Worker, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)slips:\nTraceback.*ZeroDivisionError: a mistake in the program"):
        run(process, "slips", tmp_path)


@pytest.mark.parametrize(
    ("label", "how"),
    [
        ("is killed", "was killed by SIGKILL; if memory ran out, lower data.batch_size"),
        ("bus", r"was killed by SIGBUS; is the disk full, or was a file of the store cut short\?"),
        ("ends", "ended with status 3; .*worker.log has what it printed"),
    ],
)
def test_fault_44_a_killed_worker_fails_the_stage_and_another_takes_its_place(
    process: Worker, tmp_path: Path, label: str, how: str
) -> None:
    with pytest.raises(BuildFailed, match=rf"^{label}: its process {how}\. What was finished is kept$"):
        run(process, label, tmp_path)
    assert run(process, "works", tmp_path)


def test_fault_44_a_worker_killed_between_two_stages_is_named_too(process: Worker, tmp_path: Path) -> None:
    run(process, "works", tmp_path)
    killed = int((tmp_path / "pid").read_text())
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: not is_running(killed))
    with pytest.raises(BuildFailed, match="works: its process was killed by SIGKILL"):
        run(process, "works", tmp_path)
    assert run(process, "works", tmp_path)


@pytest.mark.usefixtures("process")  # whose side is the fake
def test_temporary_files_go_with_the_process_or_with_the_next_one(tmp_path: Path) -> None:
    one = Worker(tmp_path / "worker.log")
    folder = worker.temporary_files(tmp_path / "worker.log")
    folder.mkdir()
    (folder / "of a killed build").touch()
    run(one, "leaves a file", tmp_path)
    assert list(folder.iterdir()) == [Path((tmp_path / "left").read_text())]
    with pytest.raises(BuildFailed, match="SIGKILL"):
        run(one, "is killed", tmp_path)
    assert not folder.exists()
    run(one, "leaves a file", tmp_path)
    one.close()
    assert not folder.exists()


def test_what_was_told_of_a_job_that_was_left_is_no_answer_to_the_next_one(process: Worker, tmp_path: Path) -> None:
    run(process, "works", tmp_path)
    first = int((tmp_path / "pid").read_text())

    def unable(figures: Mapping[str, float]) -> None:
        raise OSError("the terminal is gone")

    job: Any = Job("works")
    with pytest.raises(OSError, match="the terminal is gone"):
        process.run(job, tmp_path, unable)
    assert not is_running(first)
    assert run(process, "works", tmp_path) == [{"images": 1.0, "of": 2.0}]


def test_an_interrupt_is_left_to_the_build(process: Worker, tmp_path: Path) -> None:
    run(process, "works", tmp_path)
    first = (tmp_path / "pid").read_text()
    os.kill(int(first), signal.SIGINT)
    run(process, "works", tmp_path)
    assert (tmp_path / "pid").read_text() == first


def interrupted(connection: Any, log: Path) -> None:
    """As a worker, interrupted before it follows its parent, as while it imports the program."""
    os.kill(os.getpid(), signal.SIGINT)
    worker.follow_parent(log)
    connection.send(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))


def test_an_interrupt_of_its_first_moment_is_left_to_the_build_too(tmp_path: Path) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    process, connection = worker.start(interrupted, tmp_path / "worker.log")
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
    assert connection.recv() is False
    process.join()
    assert process.exitcode == 0


@pytest.mark.usefixtures("process")  # whose side is the fake
def test_an_interrupt_while_one_worker_ends_leaves_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local = executor.Local(*(tmp_path / f"worker-{number}.log" for number in range(3)))
    for one in local._workers:
        one.begin()

    def interrupted(worker: Worker) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Worker, "close", interrupted)
        with pytest.raises(KeyboardInterrupt):
            local.close()
    for one in local._workers:
        one._process.join(60)
        assert one._process.exitcode == -signal.SIGKILL
    local.close()


@pytest.mark.parametrize("number", [errno.ENOMEM, errno.EAGAIN, errno.EPIPE])
def test_where_no_process_can_be_started_that_is_said_and_not_blamed_on_a_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def unable(process: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(multiprocessing.context.SpawnProcess, "start", unable)
    local, key = executor.Local(tmp_path / "worker.log"), Key("head", "baseline.head", {})
    mine = job.Job("head", "baseline.head", "nothing", True, {}, {}, {}, Path())
    expected = rf"^no process can be started \({os.strerror(number)}\); end other programs"
    with pytest.raises(BuildFailed, match=expected):
        local.begin()
    with pytest.raises(BuildFailed, match=expected):
        Store(tmp_path).create(key, lambda out: local.run(mine, out, lambda figures: None))
    local.close()


PARENT = """
import sys
from pathlib import Path
from generator.build import worker
from tests import fakes
from tests.build.test_worker import Job
if __name__ == "__main__":
    worker.serve = fakes.serve
    folder = Path(sys.argv[1])
    worker.Worker(folder / "worker.log").run(Job("sleeps"), folder, print)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the parent's death is told by Linux")
def test_fault_31_a_worker_dies_with_its_build(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, tmp_path], cwd=fakes.ROOT)
    note = tmp_path / "pid"
    wait_until(lambda: note.is_file() and note.read_text() != "")
    parent.kill()
    parent.wait()
    wait_until(lambda: not is_running(int(note.read_text())))


def wait_until(condition: Any) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("waited a minute in vain")


def is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
