"""Faults of the process, each by the real command: signals, full disks, places that cannot be, other builds.

Named after the lines of the table in `docs/reliability.md`. TensorFlow's stages and the figures are fakes.
"""

import fnmatch
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from generator import cli
from generator.publishing import verify
from generator.support import hardware
from tests import fakes
from tests.driven import Driven, run_command
from tests.fakes import DRIVER, Project, command, make_project, timeless, tree

WITHOUT_TENSORFLOW = """
import json, sys
for name in ("tensorflow", "keras", "matplotlib", "seaborn", "sklearn"):
    sys.modules[name] = None
from tests import fakes
for arguments in json.loads(sys.argv[1]):
    try:
        code = fakes.drive(["real", *arguments])
    except SystemExit as ended:
        code = ended.code
    if code:
        sys.exit(f"{arguments} ended with {code}")
"""
"""Runs several commands: one after the other, because an interpreter takes longer to start than any of them."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("template"))
    done = run_command(project)
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def built(template: Project, tmp_path: Path) -> Project:
    shutil.copytree(template.folder, tmp_path / "built")
    return Project(tmp_path / "built")


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    return make_project(tmp_path / "fresh")


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """The message, after checking that it is one line and nothing else but warnings and progress."""
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("build.py: ")]
    assert len(lines) == 1, done.stderr
    assert done.stderr.splitlines()[-1] == lines[0]
    return lines[0]


# ---- What needs no TensorFlow ----------------------------------------------------------------------------


def test_what_trains_nothing_does_without_tensorflow_and_drawing(built: Project) -> None:
    before, site = timeless(built.site()), str(built.places.site)
    where = ["--site", site, "--store", str(built.places.store)]
    commands = [
        *(built.arguments(*option.split()) for option in ("--help", "--explain", "--set=head.epochs=9 --explain", "")),
        *(["verify", *where], ["diff", site, site, *where], ["history", *where[2:]], ["cache", *where[2:]]),
    ]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, json.dumps(commands)],
        capture_output=True, text=True, cwd=fakes.ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert timeless(built.site()) == before


# ---- Signals and other builds ----------------------------------------------------------------------------


def start(project: Project, *arguments: str, until: str, go: Path = Path("never")) -> Driven:
    """A build of the project that has come to an event like `until` and waits there for the file `go`."""
    process = Driven(project, "say", f"wait={until}:{go}", *arguments)
    for line in process.stdout:
        if fnmatch.fnmatchcase(line.strip(), until):
            return process
    raise AssertionError(f"ended before {until}: {process.communicate()}")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("until", ["baseline.fine_tuning epoch 4", "synced"])
def test_fault_32_an_interrupted_build_says_how_to_go_on_and_does(
    fresh: Project, template: Project, number: signal.Signals, code: int, until: str
) -> None:
    process = start(fresh, until=until)
    process.send_signal(number)
    _, stderr = process.communicate()
    assert process.returncode == code
    assert stderr.splitlines()[-1] == "build.py: stopped; the same command goes on at the last finished epoch"
    assert "Traceback" not in stderr
    assert not fresh.places.site.exists()
    again = run_command(fresh, "say")
    assert again.returncode == 0
    epochs = [line for line in again.stdout.splitlines() if "epoch" in line]
    assert "baseline.head epoch 1" not in epochs
    assert ("augmentation.head epoch 1" in epochs) == (until != "synced")
    assert timeless(fresh.site()) == timeless(template.site())


def test_fault_32_of_several_stages_at_a_time_each_is_stopped_and_goes_on(fresh: Project, template: Project) -> None:
    go, reached = fresh.folder.parent / "go", "*.fine_tuning epoch 4"
    process = start(fresh, "--jobs", "2", until=reached, go=go)
    assert any(fnmatch.fnmatchcase(line.strip(), reached) for line in process.stdout), "only one came there"
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    go.touch()
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert stderr.splitlines()[-1] == "build.py: stopped; the same command goes on at the last finished epoch"
    assert "Traceback" not in stderr
    again = run_command(fresh, "say", "--jobs", "2")
    assert again.returncode == 0, again.stderr
    assert "augmentation.fine_tuning epoch 3" not in again.stdout.splitlines()
    assert timeless(fresh.site()) == timeless(template.site())


def test_fault_35_the_second_build_names_the_first_and_ends(fresh: Project, template: Project) -> None:
    go = fresh.folder.parent / "go"
    first = start(fresh, until="baseline.head epoch 1", go=go)
    second = run_command(fresh)
    assert second.returncode == 3
    assert one_line(second) == (
        f"build.py: process {first.pid} is building {fresh.places.site}; wait for it to end, or end it, and run again"
    )
    other_store = run_command(fresh, "--store", str(fresh.folder / "another"))
    assert other_store.returncode == 3
    assert f"process {first.pid} is building" in one_line(other_store)
    go.touch()
    first.communicate()
    assert first.returncode == 0
    assert timeless(fresh.site()) == timeless(template.site())


def beside(project: Project, store: Path, *arguments: str) -> Driven:
    """A build of the project in another one's store, that has come to wait for it."""
    process = Driven(project, "say", "--store", str(store), *arguments)
    for line in process.stderr:
        if line.endswith("is making baseline.head; waiting for it\n"):
            return process
    raise AssertionError("never waited")


def epochs_in(output: str) -> list[str]:
    return [line for line in output.splitlines() if " epoch " in line]


def test_fault_35_two_builds_share_a_store_and_make_each_stage_once(
    fresh: Project, built: Project, template: Project
) -> None:
    """Of two sites; the first build is in the middle of a stage that the second one needs."""
    shutil.rmtree(built.places.site)
    go = fresh.folder.parent / "go"
    first = start(fresh, until="baseline.head epoch 2", go=go)
    second = beside(built, fresh.places.store)
    go.touch()
    outputs = [process.communicate()[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert timeless(fresh.site()) == timeless(built.site()) == timeless(template.site())
    epochs = [epoch for output in outputs for epoch in epochs_in(output)]
    assert len(set(epochs)) == len(epochs), "an epoch was computed twice"
    assert not any("baseline.head epoch" in epoch for epoch in epochs_in(outputs[1]))
    assert len(list((fresh.places.store / "history").glob("*/provenance.json"))) == 2


def test_fault_35_a_build_killed_beside_another_one_takes_nothing_with_it(
    fresh: Project, built: Project, template: Project
) -> None:
    shutil.rmtree(built.places.site)
    first = start(fresh, until="baseline.head epoch 2")
    second = beside(built, fresh.places.store)
    first.kill()
    first.communicate()
    output, _ = second.communicate()
    assert second.returncode == 0
    assert epochs_in(output)[0] == "baseline.head epoch 2", "it goes on at the killed one's last epoch"
    assert timeless(built.site()) == timeless(template.site())


def test_fault_35_what_a_running_build_needs_is_not_pruned(fresh: Project, built: Project, template: Project) -> None:
    go = fresh.folder.parent / "go"
    first = start(fresh, until="baseline.fine_tuning epoch 4", go=go)
    other = ("--store", str(fresh.places.store), "--set", "seed=3", "--store-limit", "0.0000001")
    assert run_command(built, *other).returncode == 0
    prune = [sys.executable, "build.py", "cache", "--prune", "0", "--store", str(fresh.places.store)]
    assert subprocess.run(prune, capture_output=True, cwd=fakes.ROOT, check=False).returncode == 0
    go.touch()
    output, stderr = first.communicate()
    assert first.returncode == 0, stderr
    assert "baseline.head epoch 1" not in epochs_in(output), "it was pruned and made again"
    assert timeless(fresh.site()) == timeless(template.site())


def test_fault_35_a_killed_build_blocks_nobody(fresh: Project) -> None:
    first = start(fresh, until="baseline.head epoch 1")
    first.kill()
    first.communicate()
    assert run_command(fresh).returncode == 0


# ---- Disks and places ------------------------------------------------------------------------------------

LIMITED = """
import resource, sys
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
""" + DRIVER  # fmt: skip


@pytest.mark.parametrize("limit", [0, 100, 3_000, 20_000, 60_000])
def test_fault_33_a_full_disk_leaves_the_old_site_and_the_next_build_completes(
    built: Project, template: Project, limit: int
) -> None:
    before = tree(built.places.site)
    arguments = command(built, "--set", "seed=3", "--set", 'post.title="A title for another build"')
    full = [*arguments[:2], LIMITED, str(limit), *arguments[3:]]
    done = subprocess.run(full, capture_output=True, text=True, cwd=fakes.ROOT, check=False)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "be written" in done.stderr or "not published" in done.stderr
    assert tree(built.places.site) == before
    assert verify.verify(built.places.site) == ()
    assert [p.name for p in built.folder.iterdir() if p.name.startswith(".site.new")] == []
    assert run_command(built).returncode == 0
    assert timeless(built.site()) == timeless(template.site())


@pytest.mark.parametrize("option", ["--store", "--site", "--preview", "--export"])
@pytest.mark.parametrize("below", ["", "folder"])
def test_fault_34_a_place_below_a_regular_file_is_bad_input(built: Project, option: str, below: str) -> None:
    file = built.folder / "file"
    file.write_text("not a folder")
    done = run_command(built, option, str(file / "folder" / below))
    assert done.returncode == 2
    assert str(file) in one_line(done)
    assert file.read_text() == "not a folder"


@pytest.mark.parametrize("option", ["--preview", "--export"])
def test_a_folder_where_a_file_is_to_be_written_is_bad_input(fresh: Project, option: str) -> None:
    folder = fresh.folder / "folder"
    folder.mkdir()
    done = run_command(fresh, option, str(folder))
    assert done.returncode == 2
    assert option in one_line(done)
    assert not fresh.places.site.exists(), "the build ran before"


# ---- Memory of older and newer builds --------------------------------------------------------------------


def test_fault_36_a_store_of_garbage_is_computed_again(built: Project, template: Project) -> None:
    count = 0
    for path in (built.places.store / "stages").rglob("*"):
        if path.is_file():
            path.write_bytes(os.urandom(50))
            count += 1
    assert count > 20
    done = run_command(built)
    assert done.returncode == 0
    assert "its entry in the store is broken" in done.stderr
    assert timeless(built.site()) == timeless(template.site())


def metrics_of(project: Project) -> Path:
    (path,) = project.places.site.rglob("metrics.json")
    return path


@pytest.mark.parametrize("change", ["newer", "not a number", "twice", "renamed", "missing"])
def test_fault_40_metrics_that_cannot_be_trusted_are_refused_by_key_and_kept(
    built: Project, capsys: pytest.CaptureFixture[str], change: str
) -> None:
    path = metrics_of(built)
    text = path.read_text("utf-8")
    table = json.loads(text)
    if change == "newer":
        text, named = json.dumps({**table, "schema_version": 99}), "schema_version 99 is newer"
    elif change == "not a number":
        text, named = text.replace('"loss": 0', '"loss": NaN, "was": 0', 1), "NaN is not a number"
    elif change == "twice":
        text, named = text.replace('"profile"', '"profile": null, "profile"', 1), "'profile' stands twice"
    elif change == "renamed":
        table["variants"]["baseline"]["name"] = "baeline"
        text, named = json.dumps(table), "the variant 'baseline' is called 'baeline'"
    else:
        del table["variants"]["baseline"]["test"]
        text, named = json.dumps(table), "test"
    path.write_text(text, "utf-8")
    site, store = str(built.places.site), str(built.places.store)
    assert cli.main(["diff", site, site, "--site", site, "--store", store]) == 2
    error = capsys.readouterr().err
    assert named in error
    assert str(path) in error or str(path.parent) in error
    assert path.read_text("utf-8") == text


def test_fault_41_metrics_of_another_build_do_not_pass(
    built: Project, fresh: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    run_command(fresh, "--set", "seed=3")
    shutil.copy(metrics_of(fresh), metrics_of(built))
    assert cli.main(["verify", "--site", str(built.places.site), "--store", str(built.places.store)]) == 1
    assert "metrics.json" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("option", "named"),
    [
        (["--variants", "augmentaton"], "unknown variant 'augmentaton'; did you mean 'augmentation'?"),
        (["--profile", "smok"], "unknown profile 'smok'; did you mean 'smoke'?"),
        (["--set", "head.epoch=3"], "unknown setting 'head.epoch'; did you mean 'epochs'?"),
        (["--set", "head.epochs=0"], "head.epochs = 0"),
        (["--weights", "imagnet"], "unknown weights 'imagnet'; did you mean 'imagenet'?"),
        (["--data", "nowhere.zip"], "nowhere.zip: no such file or folder"),
        (["--config", "nowhere.toml"], "nowhere.toml: cannot be read"),
    ],
)
def test_fault_43_unknown_names_end_with_the_choices_before_anything_is_done(
    fresh: Project, capsys: pytest.CaptureFixture[str], option: list[str], named: str
) -> None:
    assert cli.main(fresh.arguments(*option)) == 2
    error = capsys.readouterr().err
    assert named in error
    assert error.startswith("build.py: ")
    assert error.count("\n") == 1
    assert not fresh.places.site.exists()


@pytest.mark.parametrize("arguments", [[], ["--explain"]])
def test_fault_45_a_precision_that_cannot_be_computed_is_refused_before_anything_is_done(
    fresh: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setattr(hardware, "flags", lambda: hardware.AVX512_CORE)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert cli.main(fresh.arguments("--set", "model.precision=bfloat16", *arguments)) == 2
    assert capsys.readouterr().err == (
        "build.py: model.precision: bfloat16 cannot be computed under ONEDNN_MAX_CPU_ISA=AVX2; "
        "unset that variable, or choose float32 or auto\n"
    )
    assert not fresh.places.site.exists()
    assert cli.main(fresh.arguments("--explain")) == 0, "auto never chooses it there"


@pytest.mark.parametrize("number", [1, 12])
def test_fault_38_and_39_weights_that_cannot_be_used_name_the_file_and_the_choices(
    fresh: Project, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    path = fresh.folder / "weights.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" * number)
    assert cli.main(fresh.arguments("--weights", str(path))) == 2
    assert str(path) in capsys.readouterr().err
    assert cli.main(fresh.arguments("--weights", str(fresh.folder / "missing.h5"))) == 2
    error = capsys.readouterr().err
    assert "missing.h5: the weights file cannot be read" in error
    assert "auto, imagenet, embedded, random" in error


# ---- The table -------------------------------------------------------------------------------------------


def test_the_table_has_every_line_and_names_tests_that_exist() -> None:
    rows = [line.split("|") for line in (fakes.ROOT / "docs" / "reliability.md").read_text("utf-8").splitlines()]
    tests = {
        int(row[1]): re.findall(r"`(\w+): (test_[\w*]+)`", row[-2]) for row in rows if row[1:2] and is_number(row[1])
    }
    assert list(tests) == list(range(1, 70))
    for number, named in tests.items():
        assert named, number
        for module, pattern in named:
            (path,) = (fakes.ROOT / "tests").rglob(f"{module}.py")
            text = path.read_text("utf-8")
            assert fnmatch.filter(re.findall(r"^def (test_\w+)", text, re.MULTILINE), pattern), (module, pattern)


def is_number(cell: str) -> bool:
    return cell.strip().isdigit()
