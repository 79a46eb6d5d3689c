"""Git: which repository is asked, and what is said where it refuses. Faults as in `docs/reliability.md`."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from generator import cli
from generator.experiment.results import BuildResults
from generator.support import git
from tests import fakes, repositories
from tests.factories import make_results, make_variant
from tests.repositories import commit_all, isolate, make_site
from tests.repositories import git as run_git

GATE = "--gate=test.accuracy=-0.02"

Diff = Callable[..., int]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    isolate(monkeypatch, tmp_path)


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One build is committed and another lies in the working tree."""
    folder = tmp_path_factory.mktemp("committed")
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, folder)
        make_site(folder / "site")
        run_git(folder, "init", "-q", "-b", "main")
        commit_all(folder)
        make_site(folder / "site", better(), "20230201-000000")
    return folder


@pytest.fixture
def repository(tmp_path: Path, committed: Path) -> Path:
    """A copy of `committed`."""
    return Path(shutil.copytree(committed, tmp_path / "repository"))


@pytest.fixture
def diff(tmp_path: Path) -> Diff:
    """`build.py diff` as the command line runs it; gives the exit code."""
    settings = repositories.make_config(tmp_path)

    def run(site: Path, *arguments: str) -> int:
        where = ["--site", str(site), "--store", str(tmp_path / "store"), "--config", str(settings)]
        return cli.main(["diff", *where, *arguments])

    return run


def better() -> BuildResults:
    return make_results(variants={**make_results().variants, "baseline": make_variant(wrong=())})


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on standard error."""
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err.startswith("build.py: ")
    assert found.err.count("\n") == 1, found.err
    return found.err.removeprefix("build.py: ").rstrip("\n")


# ---- 55: git's own reason --------------------------------------------------------------------------------


def test_fault_55_a_checkout_of_another_user(
    repository: Path, diff: Diff, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # Git's own way to test this.
    assert diff(repository / "site") == 2
    assert refusal(capsys) == (
        f"'HEAD' cannot be looked up: git does not answer for {repository}/site: detected dubious ownership in"
        f" repository at '{repository}'; if you trust it: git config --global --add safe.directory {repository}"
    )
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "safe.directory")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(repository))
    assert diff(repository / "site") == 0, "the remedy works, given by variables too"
    assert "improved" in capsys.readouterr().out


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_fault_55_a_checkout_that_was_given_away(
    repository: Path, diff: Diff, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (repository, *repository.rglob("*")):
        os.chown(path, 12345, 12345)
    assert diff(repository / "site") == 2
    assert "git config --global --add safe.directory" in refusal(capsys)


@pytest.mark.parametrize("name", ["HEAD~1", "a-branch", "0123456789"])
def test_fault_55_a_shallow_clone_is_named_with_its_remedy(
    repository: Path, tmp_path: Path, diff: Diff, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    commit_all(repository)
    shallow = tmp_path / "shallow"
    run_git(tmp_path, "clone", "-q", "--depth", "1", repository.as_uri(), "shallow")
    assert diff(shallow / "site", name) == 2
    said = refusal(capsys)
    assert said.startswith(f"'{name}' is not in {shallow}, which is a shallow clone: ")
    assert "`git fetch --unshallow`" in said
    run_git(shallow, "fetch", "-q", "--unshallow")
    assert diff(shallow / "site", "HEAD~1") == 0


def test_fault_55_no_commits_no_repository_a_bare_one_and_no_git(
    tmp_path: Path, diff: Diff, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = make_site(tmp_path / "alone" / "site")
    assert diff(site) == 2
    assert refusal(capsys).endswith(f"or a git revision; {site} is in no git repository")
    run_git(site.parent, "init", "-q")
    assert diff(site) == 2
    assert refusal(capsys) == (f"'HEAD': {site.parent} has no commits yet; commit a build, or name another side")
    run_git(tmp_path, "init", "-q", "--bare", "bare.git")
    inside = make_site(tmp_path / "bare.git" / "site")
    assert diff(inside) == 2
    assert "is in a bare repository or a .git folder, where no files are checked out" in refusal(capsys)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert diff(site) == 2
    assert "git cannot be run (No such file or directory)" in refusal(capsys)


def test_fault_55_any_other_reason_of_git_is_passed_on(
    repository: Path, diff: Diff, capsys: pytest.CaptureFixture[str]
) -> None:
    run_git(repository, "config", "core.repositoryformatversion", "1")
    run_git(repository, "config", "extensions.unheardOf", "true")
    assert diff(repository / "site") == 2
    assert "unknown repository extension found: unheardof" in refusal(capsys).lower()


def test_fault_55_a_moved_worktree_and_a_lost_object(
    repository: Path, tmp_path: Path, diff: Diff, capsys: pytest.CaptureFixture[str]
) -> None:
    run_git(repository, "worktree", "add", "-q", str(tmp_path / "worktree"))
    assert diff(tmp_path / "worktree" / "site") == 0
    capsys.readouterr()
    blob = run_git(repository, "rev-parse", f"HEAD:site/{repositories.DATA}/metrics.json")
    (repository / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    assert diff(repository / "site") == 2
    assert f"site/{repositories.DATA}/metrics.json of" in refusal(capsys)
    repository.rename(tmp_path / "moved")
    assert diff(tmp_path / "worktree" / "site") == 2
    assert "not a git repository: " in refusal(capsys)


def test_an_unknown_revision_names_the_repository(
    repository: Path, diff: Diff, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("nobody", "--end-of-options", "HEAD^{tree}", "a\nb"):
        assert diff(repository / "site", *(["--"] if name.startswith("-") else []), name) == 2
        assert refusal(capsys).endswith(f"is no build: expected a site folder, a metrics.json, a build of the history,"
                                        f" or a git revision of {repository}")  # fmt: skip


def test_git_is_not_waited_for_without_end(
    repository: Path, diff: Diff, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(git, "SECONDS", 0.2)
    assert diff(repository / "site") == 2
    assert "git did not answer within 0.2 s" in refusal(capsys)


# ---- 56: the repository in which the site lies -----------------------------------------------------------


@pytest.mark.parametrize("place", ["site", "blog/docs", ".", "with [brackets]"])
def test_fault_56_the_site_is_looked_up_in_its_own_repository(
    tmp_path: Path, diff: Diff, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    other = tmp_path / "other"
    make_site(other / place)
    run_git(other, "init", "-q")
    commit_all(other)
    make_site(other / place, better(), "20230201-000000")
    assert diff(other / place) == 0
    assert "HEAD (" in capsys.readouterr().out


def test_fault_56_a_link_a_submodule_and_a_site_that_is_gone(
    repository: Path, tmp_path: Path, diff: Diff, capsys: pytest.CaptureFixture[str]
) -> None:
    around = tmp_path / "around"
    around.mkdir()
    run_git(around, "init", "-q")
    run_git(around, "submodule", "add", "-q", repository.as_uri(), "blog")
    commit_all(around)
    (tmp_path / "link").symlink_to(around / "blog" / "site")
    make_site(around / "blog" / "site", better(), "20230201-000000")
    assert diff(tmp_path / "link") == 0
    head = run_git(around / "blog", "rev-parse", "--short=7", "HEAD")
    assert f"HEAD ({head})" in capsys.readouterr().out
    commit_all(repository)
    shutil.rmtree(repository / "site")
    assert diff(repository / "site", "HEAD~1", "HEAD") == 0
    assert "improved" in capsys.readouterr().out


# ---- 57: nobody else's variables -------------------------------------------------------------------------


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The variables of a hook of another repository; gives that one's commit."""
    other = tmp_path / "of the hook"
    other.mkdir()
    run_git(other, "init", "-q")
    (other / "file").write_text("text")
    commit = commit_all(other, "another")
    variables = {"GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/index", "GIT_OBJECT_DIRECTORY": ".git/objects"}
    variables |= {"GIT_WORK_TREE": ".", "GIT_COMMON_DIR": ".git"}
    for name, path in variables.items():
        monkeypatch.setenv(name, str((other / path).resolve()))
    monkeypatch.setenv("GIT_PREFIX", "sub/")
    return commit


def test_fault_57_diff_in_a_hook_of_another_repository(
    repository: Path, diff: Diff, hook: str, capsys: pytest.CaptureFixture[str]
) -> None:
    head = run_git(repository, "rev-parse", "--short=7", "HEAD")
    assert diff(repository / "site") == 0
    assert f"HEAD ({head})" in capsys.readouterr().out
    assert diff(repository / "site", hook) == 2


def test_fault_57_provenance_names_the_projects_own_commit(tmp_path: Path, hook: str) -> None:
    project = tmp_path / "around" / "project"
    project.mkdir(parents=True)
    run_git(project.parent, "init", "-q")
    (project / "build.py").write_text("pass")
    own = commit_all(project.parent)
    assert hook != own
    assert git.described(project) == own
    (project / "build.py").write_text("changed")
    assert git.described(project) == f"{own}-dirty"


def test_what_a_build_writes_makes_no_commit_another(repository: Path) -> None:
    post = repository / "site [of] mine" / "post.md"
    post.parent.mkdir()
    post.write_text("a post")
    commit_all(repository)
    own = run_git(repository, "rev-parse", "HEAD").strip()
    post.write_text("a new post")
    assert git.described(repository) == f"{own}-dirty"
    assert git.described(repository, post.parent) == own
    assert git.described(repository, repository / "elsewhere") == f"{own}-dirty"
    assert git.described(repository, repository) == f"{own}-dirty"
    (repository / "code.py").write_text("pass")
    run_git(repository, "add", "code.py")
    assert git.described(repository, post.parent) == f"{own}-dirty"


def test_fault_57_a_project_that_its_surroundings_do_not_keep_has_no_commit(repository: Path, tmp_path: Path) -> None:
    unpacked = repository / "unpacked"
    unpacked.mkdir()
    (unpacked / "build.py").write_text("pass")
    assert git.described(unpacked) is None
    assert git.described(tmp_path) is None


def test_a_repository_that_git_cannot_read_is_not_one_without_a_commit(repository: Path) -> None:
    (repository / ".git" / "index").write_bytes(b"cut short")
    with pytest.raises(git.Refused, match=f"^git does not answer for {repository}: .*index file smaller than expected"):
        git.described(repository)


def test_of_files_that_were_never_committed_there_is_no_commit(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "-q")
    (tmp_path / "build.py").write_text("pass")
    run_git(tmp_path, "add", "build.py")
    assert git.described(tmp_path) is None


def test_a_commit_whose_files_are_lost_does_not_hold_none(repository: Path) -> None:
    folder, lost = git.find(repository), run_git(repository, "rev-parse", "HEAD^{tree}").strip()
    (repository / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    for ask in (lambda: folder.files("HEAD", "site"), lambda: folder.commits_of("site", "HEAD", most=2)):
        with pytest.raises(git.Refused, match=f"{lost}|bad tree object|not a tree object"):
            ask()


def test_fault_57_the_variables_dropped_are_those_that_git_lists() -> None:
    listed = set(run_git(Path.cwd(), "rev-parse", "--local-env-vars").split())
    assert {name for name in listed if not name.startswith("GIT_CONFIG_")} <= git.FOREIGN


def test_fault_55_a_build_says_why_it_records_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = fakes.make_project(tmp_path / "project")
    fakes.install(monkeypatch.setattr)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    display = fakes.Recorder()
    project.build(display=display)
    (warning,) = [line for line in display.warnings if "commit" in line]
    assert warning.startswith("the commit is not recorded: git does not answer for ")
    assert "safe.directory" in warning
