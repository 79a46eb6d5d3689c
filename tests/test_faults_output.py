"""Faults of what the command prints: terminals and pipes that cannot show every character, readers who leave.

Row 62 of the table in `docs/reliability.md`, each by the real command; builds have the fakes in place of TensorFlow.
"""

import json
import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests import fakes
from tests.fakes import DRIVER, Project, make_project

NOT_UTF_8: dict[str, dict[str, str]] = {
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}

NO_UTF_8_NAME = os.fsdecode(b"caf\xe9")
"""A file name in Latin-1, as Python holds it: no encoding has its lone surrogate."""


def run(arguments: list[str], **environment: str) -> subprocess.CompletedProcess[bytes]:
    """What trains nothing, as a user runs it."""
    return _run(["build.py", *arguments], environment)


def build(arguments: list[str], **environment: str) -> subprocess.CompletedProcess[bytes]:
    return _run(["-c", DRIVER, *arguments], environment)


def _run(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True, cwd=fakes.ROOT, env={**os.environ, **environment}, check=False, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in a folder whose name has characters that most encodings lack, built once."""
    project = make_project(tmp_path_factory.mktemp("cats") / "猫 → naïve")
    assert build(project.arguments()).returncode == 0
    return project


@pytest.fixture(params=NOT_UTF_8, scope="module")
def environment(request: pytest.FixtureRequest) -> dict[str, str]:
    return NOT_UTF_8[request.param]


def test_fault_62_every_command_prints_what_the_encoding_lacks_escaped(
    built: Project, environment: dict[str, str]
) -> None:
    site, store = str(built.places.site), str(built.places.store)
    for arguments in (
        built.arguments(),
        built.arguments("--set", "head.epochs=9", "--explain"),
        ["--help"],
        ["diff", site, site],
        ["diff", site, site, "--md"],
        ["diff", site, site, "--json"],
        ["verify", "--site", site],
        ["history", "--store", store],
    ):
        done = run(arguments, **environment)
        assert done.returncode == 0, (arguments, done.stderr)
        assert b"Traceback" not in done.stderr
        assert done.stdout
    assert run(["diff", site, site], **environment).stdout.startswith(b"/")


def test_fault_62_findings_and_refusals_keep_their_exit_codes(tmp_path: Path, environment: dict[str, str]) -> None:
    project = make_project(tmp_path / "猫")
    assert build(project.arguments(), **environment).returncode == 0
    (post,) = project.places.site.glob("_posts/*.md")
    post.write_text(post.read_text("utf-8").replace("0.", "→猫"), "utf-8")
    found = run(["verify", "--site", str(project.places.site)], **environment)
    assert (found.returncode, b"Traceback" in found.stderr) == (1, False)
    assert b"\\u732b" in found.stdout
    for arguments in (
        project.arguments("--set", "post.title=猫"),
        project.arguments("--variants", "猫"),
        project.arguments("--猫"),
        ["diff", "猫", "猫"],
        ["verify", "--site", str(tmp_path / "→")],
    ):
        refused = run(arguments, **environment)
        assert refused.returncode == 2, (arguments, refused.stderr)
        assert b"Traceback" not in refused.stderr


def test_fault_62_json_stays_json(built: Project, environment: dict[str, str]) -> None:
    site = str(built.places.site)
    done = run(["diff", site, site, "--json"], **environment)
    told = json.loads(done.stdout.decode("cp1252"))
    expected = json.loads(run(["diff", site, site, "--json"], PYTHONIOENCODING="utf-8").stdout)
    if "LC_ALL" in environment:  # Arguments, too, are read in ASCII then: the name is another text.
        named = ("old", "new", "nothing")
        told, expected = ({k: v for k, v in each.items() if k not in named} for each in (told, expected))
    assert told == expected


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
def test_fault_62_a_terminal(tmp_path: Path, encoding: str) -> None:
    project = make_project(tmp_path / "猫")
    code, shown = in_terminal(project.arguments(), PYTHONIOENCODING=encoding, TERM="xterm")
    assert code == 0, shown
    assert b"Traceback" not in shown
    assert ("猫" if encoding == "utf-8" else "\\u732b").encode() in shown.replace(b"\r\n", b"")


def in_terminal(arguments: list[str], **environment: str) -> tuple[int, bytes]:
    """Exit code of the command on a terminal of its own, and all that was shown there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, *arguments],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=fakes.ROOT, env={**os.environ, **environment},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:  # Linux's way to say that the other end is closed
        pass
    os.close(ours)
    return process.wait(), shown


def test_fault_62_names_of_files_that_are_not_utf_8_are_printed(tmp_path: Path) -> None:
    project = make_project(tmp_path / NO_UTF_8_NAME)
    latin = project.folder / f"images-{NO_UTF_8_NAME}"
    project.data.rename(latin)
    arguments = [str(latin) if part == str(project.data) else part for part in project.arguments()]
    done = build([*arguments, "--export", str(project.folder / "export.html")], PYTHONIOENCODING="utf-8:strict")
    assert done.returncode == 0, done.stderr
    assert rb"caf\udce9" in done.stdout
    (metrics,) = project.places.site.rglob("metrics.json")
    assert json.loads(metrics.read_bytes())["data"]["source"] == r"images-caf\udce9"
    weights = run([*arguments, "--weights", str(tmp_path / f"{NO_UTF_8_NAME}.h5")])
    title = run([*arguments, "--set", f"post.title={NO_UTF_8_NAME}"])
    for refused in (weights, title):
        assert refused.returncode == 2
        assert refused.stderr.count(b"\n") == 1


def test_fault_62_a_reader_who_leaves_is_no_fault(built: Project, tmp_path: Path) -> None:
    site, store = str(built.places.site), str(built.places.store)
    kept = tmp_path / "metrics.json"
    (metrics,) = built.places.site.rglob("metrics.json")
    table = json.loads(metrics.read_text("utf-8"))
    table["variants"]["baseline"]["test"]["loss"] += 1
    kept.write_text(json.dumps(table), "utf-8")
    missed = ["diff", site, str(kept), "--gate", "test.loss=0.1"]
    cases = (["--help"], 0), (["history", "--store", store], 0), (built.arguments("--explain"), 0), (missed, 1)
    for arguments, code in cases:
        reading, writing = os.pipe()
        os.close(reading)
        done = [sys.executable, "build.py", *arguments]
        process = subprocess.run(done, stdout=writing, stderr=subprocess.PIPE, cwd=fakes.ROOT, check=False)
        os.close(writing)
        said = [line for line in process.stderr.splitlines() if not line.startswith((b"data: ", b"weights of "))]
        assert (process.returncode, said) == (code, [])


def test_a_terminal_that_is_closed_does_not_end_a_build(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    following, terminal = os.openpty()
    os.close(following)
    command = fakes.command(project)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=terminal, cwd=fakes.ROOT, check=False)
    os.close(terminal)
    assert (done.returncode, b"preview  " in done.stdout) == (0, True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_what_cannot_be_written_to_a_full_disk_is_a_line_and_not_a_traceback(built: Project) -> None:
    site = str(built.places.site)
    for arguments in (["backbones"], ["verify", "--site", site], ["history", "--store", str(built.places.store)]):
        with Path("/dev/full").open("w") as full:
            done = [sys.executable, "build.py", *arguments]
            process = subprocess.run(done, stdout=full, stderr=subprocess.PIPE, cwd=fakes.ROOT, check=False)
        said = b"build.py: what it prints cannot be written (No space left on device); send it elsewhere\n"
        assert (process.returncode, process.stderr) == (1, said)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("where", ["2> /dev/full", "2>&-", ">&- 2>&-"])
def test_a_build_goes_on_where_nothing_can_be_said(tmp_path: Path, where: str) -> None:
    project = make_project(tmp_path)
    line = f"{shlex.join(map(str, fakes.command(project)))} {where}"
    assert subprocess.run(line, shell=True, cwd=fakes.ROOT, stdout=subprocess.DEVNULL, check=False).returncode == 0
    assert run(["verify", "--site", str(project.places.site)]).returncode == 0
