"""`build --live`, as it is typed: the page is there during the build, and the preview or a word of its end after it."""

import signal
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from generator.live.server import LiveServer
from generator.live.session import session
from generator.post.server import PAGE
from generator.support.errors import BuildFailed
from tests.driven import run_command
from tests.fakes import Recorder, make_project
from tests.live.typed import PATIENCE, events, get, running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_page_is_there_from_the_beginning_and_is_the_preview_in_the_end(
    tmp_path: Path, number: signal.Signals
) -> None:
    project, go = make_project(tmp_path), tmp_path / "go"
    with running(project, f"wait=baseline.head epoch 2:{go}", terminal=True) as (address, process):
        first = get(f"{address}/")
        assert "This build is running." in first
        assert not project.places.site.exists()
        stream = events(address)
        # All of it at once, then what changes: the build waits in its second epoch.
        while "head, epoch 1: accuracy" not in str(next(stream)[1]["parts"].get("curves", "")):
            pass
        assert "baseline.head" in get(f"{address}/")
        go.touch()
        (_, end) = [*stream][-1]
        assert end == {"words": "", "page": PAGE}
        assert "Reproduction Notes" in get(f"{address}/")
        assert "Reproduction Notes" in get(address + PAGE)
        # A page that was busy when the build ended still asks, of a server that is another now.
        digest = project.plan().runs["baseline"]["figures"].key.digest
        assert urllib.request.urlopen(f"{address}/figures/{digest}/confusion-matrix.webp", timeout=PATIENCE).read()
        assert [*events(address)] == [("ended", end)]
        process.send_signal(number)
        output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "variant " in output
    assert errors.endswith(f"live: the page is the preview of the post now, until Ctrl-C\n{address}{PAGE}\n")


def test_only_figures_of_the_build_are_served_and_only_to_this_machine(tmp_path: Path) -> None:
    project, go = make_project(tmp_path), tmp_path / "go"
    with running(project, f"wait=augmentation.evaluation:{go}") as (address, process):
        stream = events(address)
        while "augmentation.evaluation" not in str(next(stream)[1]["parts"].get("status", "")):
            pass
        digest = project.plan().runs["baseline"]["evaluation"].key.digest
        for path in ("/figures/x/y.png", f"/figures/{digest}/result.json", f"/figures/{digest}/%2e%2e/x.png", "/store"):
            with pytest.raises(urllib.error.HTTPError, match="404") as refused:
                get(address + path)
            refused.value.close()
        with pytest.raises(urllib.error.HTTPError, match="400") as refused:
            get(f"{address}/", host="example.org")
        refused.value.close()
        go.touch()
        kind, end = [*stream][-1]
        assert (kind, end["page"]) == ("ended", "")
        assert str(end["words"]).startswith("The build is done; ")
        # Nobody sits at a terminal: it ends with the build.
        output, _ = process.communicate(timeout=PATIENCE)
        assert (process.returncode, "variant " in output) == (0, True)


def test_a_build_that_fails_says_so_on_the_page_and_ends_with_its_code(tmp_path: Path) -> None:
    project, go = make_project(tmp_path), tmp_path / "go"
    with running(project, f"wait=baseline.head epoch 1:{go}", terminal=True) as (address, process):
        stream = events(address)
        next(stream)
        (project.places.site / "index.md").parent.mkdir()
        (project.places.site / "index.md").write_text("somebody's own")
        go.touch()
        _, end = [*stream][-1]
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert str(end["words"]).startswith("The build failed: ")
    assert str(end["words"]).removeprefix("The build failed: ") in errors


def test_a_build_that_is_stopped_says_so_and_stops(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    with running(project, f"wait=baseline.head epoch 1:{tmp_path / 'never'}", terminal=True) as (address, process):
        stream = events(address)
        while "baseline.head" not in str(next(stream)[1]["parts"].get("status", "")):
            pass
        process.send_signal(signal.SIGINT)
        _, end = [*stream][-1]
        process.communicate(timeout=PATIENCE)
    assert str(end["words"]).startswith("The build was stopped")
    assert process.returncode == 130


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        (BuildFailed("training diverged"), "The build failed: training diverged"),
        (TypeError("a mistake"), "The build broke off, unexpectedly: TypeError: a mistake; its terminal says where."),
        (KeyboardInterrupt(), "The build was stopped; the same command goes on where it was."),
    ],
)
def test_the_page_says_what_a_build_ended_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: BaseException, told: str
) -> None:
    project, words = make_project(tmp_path), []
    stop = LiveServer.stop
    monkeypatch.setattr(LiveServer, "stop", lambda self, said: (words.append(said), stop(self, said)))
    with pytest.raises(type(ended)), session(project.config(), project.places, Recorder(), 0):
        raise ended
    assert words == [told]


def test_a_port_that_is_taken_is_refused_before_anything_runs(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_command(project, "--live", str(port))
    assert done.returncode == 2
    assert f"port {port} cannot be used" in done.stderr
    assert not project.places.store.exists()
