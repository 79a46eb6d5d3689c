"""All files or none: by exchange and by journal, killed at every step, on a full disk."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generator.publishing import durable, exchange, journal, transaction
from generator.support.errors import BadInput, BuildFailed
from generator.support.places import ROOT

OLD = {
    "index.md": b"old index",
    "_posts/old.md": b"old post",
    "assets/a/1.png": b"one",
    "assets/b/2.png": b"two",
}
WRITES = {"index.md": b"new index", "_posts/new.md": b"new post", "assets/c/3.png": b"three" * 1000}
REMOVES = ("_posts/old.md", "assets/b/2.png")
USER = {"about.md": b"mine", "_posts/mine.md": b"my post", "CNAME": b"example.org"}
NEW = {**{path: OLD[path] for path in OLD if path not in REMOVES}, **WRITES}

WAYS = ("exchange", "journal")

CHILD = f"""
import os, resource, signal, sys
from pathlib import Path
from generator.publishing import durable, transaction
folder, step, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
def kill(name):
    if name == step:
        os.kill(os.getpid(), signal.SIGKILL)
durable.checkpoint = kill
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
transaction.apply(folder, {WRITES!r}, {REMOVES!r})
"""


def make_site(tmp_path: Path, way: str) -> Path:
    site = tmp_path / "site"
    for path, content in {**OLD, **USER}.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(content)
    (site / "empty").mkdir()
    (site / "link").symlink_to("about.md")
    if way == "journal":
        # The root of a repository is never exchanged.
        (site / ".git").mkdir()
        (site / ".git" / "HEAD").write_bytes(b"ref")
    return site


def tree(site: Path) -> dict[str, bytes]:
    """Every file but the user's and what is private to the program."""
    files = {p.relative_to(site).as_posix(): p.read_bytes() for p in site.rglob("*") if p.is_file()}
    hidden = (".git/", f"{journal.PRIVATE}/")
    return {k: v for k, v in files.items() if k not in USER and k != "link" and not k.startswith(hidden)}


def assert_users_files_untouched(site: Path) -> None:
    for path, content in USER.items():
        assert (site / path).read_bytes() == content
    assert (site / "link").readlink() == Path("about.md")
    assert (site / "empty").is_dir()


def assert_nothing_left_over(site: Path) -> None:
    assert [p.name for p in site.parent.iterdir()] == ["site"]
    assert not (site / journal.PRIVATE).exists()


def steps_of(site: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(durable, "checkpoint", names.append)
    transaction.apply(site, WRITES, REMOVES)
    monkeypatch.undo()
    return names


def run_child(site: Path, step: str, limit: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CHILD, site, step, str(limit)]
    root = ROOT
    return subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)


@pytest.mark.parametrize("way", WAYS)
def test_the_new_files_are_there_and_all_others_are_as_they_were(tmp_path: Path, way: str) -> None:
    site = make_site(tmp_path, way)
    before = {p: (site / p).stat().st_ino for p in (*USER, "assets/a/1.png")}
    folder = site.stat().st_ino
    transaction.apply(site, WRITES, REMOVES)
    assert tree(site) == NEW
    assert_users_files_untouched(site)
    assert {p: (site / p).stat().st_ino for p in before} == before
    assert not (site / "assets" / "b").exists(), "a folder that a removal empties goes too"
    assert (site.stat().st_ino == folder) is (way == "journal")
    assert_nothing_left_over(site)


@pytest.mark.parametrize("way", WAYS)
def test_fault_31_killed_at_every_step(tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = steps_of(make_site(tmp_path / "whole", way), monkeypatch)
    assert len(steps) > 7
    for number, step in enumerate(steps):
        site = make_site(tmp_path / str(number), way)
        assert run_child(site, step).returncode == -signal.SIGKILL, step
        if way == "exchange":
            assert tree(site) in (OLD, NEW), f"a mixture after a kill at {step!r}"
        assert_users_files_untouched(site)
        decided = "decided" if way == "journal" else "exchanged"
        transaction.recover(site)
        assert tree(site) == (NEW if number >= steps.index(decided) else OLD), step
        transaction.apply(site, WRITES, REMOVES)
        assert tree(site) == NEW
        assert_users_files_untouched(site)
        assert_nothing_left_over(site)


def test_fault_31_killed_while_completing_what_a_kill_left(tmp_path: Path) -> None:
    site = make_site(tmp_path, "journal")
    for step in ("decided", "removed _posts/old.md", "moved index.md", "moved assets/c/3.png", "done"):
        assert run_child(site, step).returncode == -signal.SIGKILL, step
        assert_users_files_untouched(site)
    transaction.apply(site, WRITES, REMOVES)
    assert tree(site) == NEW
    assert_nothing_left_over(site)


@pytest.mark.parametrize("way", WAYS)
def test_fault_33_a_full_disk_leaves_the_old_tree(tmp_path: Path, way: str) -> None:
    site = make_site(tmp_path, way)
    child = run_child(site, "", limit=1000)
    assert "File too large" in child.stderr
    assert tree(site) == OLD
    assert not (site / "assets" / "c").exists()
    assert_users_files_untouched(site)
    assert_nothing_left_over(site)


def test_the_folder_another_process_stands_in_stays_the_same_folder(tmp_path: Path) -> None:
    site = make_site(tmp_path, "exchange")
    folder = site.stat().st_ino
    with subprocess.Popen(["cat"], cwd=site / "_posts", stdin=subprocess.PIPE):
        transaction.apply(site, WRITES, REMOVES)
    assert site.stat().st_ino == folder
    assert tree(site) == NEW
    assert_nothing_left_over(site)


@pytest.mark.skipif(os.geteuid() != 0, reason="nobody but root gives a folder away")
@pytest.mark.parametrize("error", [0, errno.EPERM, errno.EINVAL])
def test_folders_keep_their_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    site = make_site(tmp_path, "exchange")
    theirs = (site, site / "_posts", site / "about.md")
    for path in theirs:
        os.chown(path, 1234, 33)
    (site / "_posts").chmod(0o2775)
    folder = site.stat().st_ino

    def refuse(*_: object) -> None:
        raise OSError(error, os.strerror(error))

    if error:
        monkeypatch.setattr(exchange.os, "chown", refuse)
    transaction.apply(site, WRITES, REMOVES)
    assert (site.stat().st_ino == folder) is bool(error)
    assert {(path.stat().st_uid, path.stat().st_gid) for path in theirs} == {(1234, 33)}
    assert (site / "_posts").stat().st_mode & 0o7777 == 0o2775
    assert tree(site) == NEW
    assert_nothing_left_over(site)


def test_a_site_that_does_not_exist_yet_appears_whole(tmp_path: Path) -> None:
    transaction.apply(tmp_path / "new" / "site", WRITES, ())
    assert tree(tmp_path / "new" / "site") == WRITES
    umask = os.umask(0)
    os.umask(umask)
    assert (tmp_path / "new" / "site").stat().st_mode & 0o777 == 0o777 & ~umask


def test_what_somebody_saves_while_the_new_tree_is_staged_is_carried_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(tmp_path, "exchange")

    def edit(name: str) -> None:
        if name == "synced":
            (site / "draft.md").write_bytes(b"new page")
            (site / "saved").write_bytes(b"edited")
            (site / "saved").replace(site / "about.md")

    monkeypatch.setattr(durable, "checkpoint", edit)
    transaction.apply(site, WRITES, REMOVES)
    assert (site / "draft.md").read_bytes() == b"new page"
    assert (site / "about.md").read_bytes() == b"edited"
    assert (site / "index.md").read_bytes() == b"new index"


@pytest.mark.parametrize("step", ["folder made", "synced", "exchanged"])
def test_what_one_stages_is_not_cleaned_up_by_who_does_not_see_the_sites_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """As a build with another TMPDIR, of another user or in another container, does that begins meanwhile."""
    site = make_site(tmp_path, "exchange")

    def begun(name: str) -> None:
        if name == step:
            transaction.recover(site)
        if name == "synced":
            (site / "draft.md").write_bytes(b"new page")

    monkeypatch.setattr(durable, "checkpoint", begun)
    transaction.apply(site, WRITES, REMOVES)
    assert {path: content for path, content in tree(site).items() if path in NEW} == NEW
    assert {path: (site / path).read_bytes() for path in USER} == USER
    assert (site / "draft.md").read_bytes() == b"new page"
    assert_nothing_left_over(site)


def test_two_that_do_not_see_each_others_lock_exchange_one_after_the_other(tmp_path: Path) -> None:
    site, ready = make_site(tmp_path, "exchange"), tmp_path / "ready"
    child = """
import sys, time
from pathlib import Path
from generator.publishing import durable, transaction
def wait(name):
    if name == "synced":
        Path(sys.argv[2]).touch()
        time.sleep(0.5)
durable.checkpoint = wait
transaction.apply(Path(sys.argv[1]), {"one.md": b"one"}, ())
"""
    with subprocess.Popen([sys.executable, "-c", child, str(site), str(ready)], cwd=ROOT) as other:
        while not ready.exists() and other.poll() is None:
            pass
        transaction.apply(site, WRITES, REMOVES)
    assert other.returncode == 0
    ready.unlink()
    assert (site / "one.md").read_bytes() == b"one"
    assert (site / "index.md").read_bytes() == WRITES["index.md"]
    assert_nothing_left_over(site)


@pytest.mark.parametrize("fault", [OSError(5, "Input/output error"), KeyboardInterrupt()])
def test_what_cannot_be_carried_over_is_kept_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    site = make_site(tmp_path, "exchange")

    def edit(name: str) -> None:
        if name == "synced":
            (site / "draft.md").write_bytes(b"new page")

    def fails(*_: object) -> None:
        raise fault

    monkeypatch.setattr(durable, "checkpoint", edit)
    monkeypatch.setattr(exchange, "_carry_over", fails)
    with pytest.raises((BuildFailed, KeyboardInterrupt)) as caught:
        transaction.apply(site, WRITES, REMOVES)
    monkeypatch.undo()
    assert tree(site) == NEW
    (kept,) = tmp_path.glob(".site.old-*")
    assert (kept / "draft.md").read_bytes() == b"new page"
    assert isinstance(caught.value, KeyboardInterrupt) or str(kept) in str(caught.value)
    transaction.apply(site, WRITES, REMOVES)
    assert (kept / "draft.md").exists()


def test_a_parent_that_cannot_be_synced_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = make_site(tmp_path, "exchange")
    sync = durable.sync

    def fails(folder: Path) -> None:
        if folder == tmp_path:
            raise OSError(5, "Input/output error")
        sync(folder)

    monkeypatch.setattr(durable, "sync", fails)
    transaction.apply(site, WRITES, REMOVES)
    assert tree(site) == NEW
    assert_nothing_left_over(site)


def test_the_folder_one_stands_in_stays_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = make_site(tmp_path, "exchange")
    monkeypatch.chdir(site)
    transaction.apply(site, WRITES, REMOVES)
    assert Path("index.md").read_bytes() == b"new index"


def test_what_is_removed_while_it_is_copied_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site, walk = make_site(tmp_path, "exchange"), os.walk
    vanishing = ("assets/.draft.swp", "draft.swp")

    def vanish(top: Path) -> Iterator[Any]:
        for parent, folders, names in walk(top):
            for name in set(names) & {Path(each).name for each in vanishing}:
                (Path(parent) / name).unlink()
            yield parent, folders, names

    def save(step: str = "synced") -> None:
        for path in vanishing if step == "synced" else ():
            (site / path).write_bytes(b"for a moment")

    save()
    monkeypatch.setattr(exchange.os, "walk", vanish)
    monkeypatch.setattr(durable, "checkpoint", save)
    monkeypatch.setattr(journal, "apply", lambda *_: pytest.fail("it could be exchanged"))
    transaction.apply(site, WRITES, REMOVES)
    assert tree(site) == NEW
    assert_users_files_untouched(site)
    assert_nothing_left_over(site)


@pytest.mark.parametrize("mode", [os.R_OK, os.W_OK, os.X_OK])
def test_a_folder_that_may_not_be_read_or_written_stays_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    site = make_site(tmp_path, "exchange")
    private = site / "private"
    private.mkdir()
    (private / "file").write_bytes(b"mine")
    inode = private.stat().st_ino
    monkeypatch.setattr(exchange.os, "access", lambda path, asked: path != private or not asked & mode)
    transaction.apply(site, WRITES, REMOVES)
    assert private.stat().st_ino == inode, "the folder itself, not a copy of what could be read of it"
    assert (site / "index.md").read_bytes() == WRITES["index.md"]
    assert [p.name for p in tmp_path.iterdir()] == ["site"]


@pytest.mark.skipif(os.getuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_written_is_no_hindrance(tmp_path: Path) -> None:
    site = make_site(tmp_path, "exchange")
    (site / "closed" / "within").mkdir(parents=True)
    (site / "closed").chmod(0o555)
    transaction.apply(site, WRITES, REMOVES)
    assert tree(site) == NEW


@pytest.mark.parametrize("reason", ["a pipe", "too many files", "no system call"])
def test_where_an_exchange_cannot_be_the_journal_does_it(
    tmp_path: Path, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(tmp_path, "exchange")
    if reason == "a pipe":
        os.mkfifo(site / "pipe")
    elif reason == "too many files":
        monkeypatch.setattr(exchange, "MANY", 3)
    else:
        monkeypatch.setattr(exchange.ctypes, "CDLL", lambda *_, **__: object())
    steps: list[str] = []
    monkeypatch.setattr(durable, "checkpoint", steps.append)
    transaction.apply(site, WRITES, REMOVES)
    assert "decided" in steps
    assert tree(site) == NEW
    assert_nothing_left_over(site)


@pytest.mark.parametrize("way", WAYS)
def test_a_file_can_become_a_folder_and_a_folder_a_file(tmp_path: Path, way: str) -> None:
    site = make_site(tmp_path, way)
    transaction.apply(site, {"_posts/old.md/x": b"x", "assets/b": b"b"}, ("_posts/old.md", "assets/b/2.png"))
    assert (site / "_posts/old.md/x").read_bytes() == b"x"
    assert (site / "assets/b").read_bytes() == b"b"


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "a//b", "", "a\\b", "link/x"])
def test_no_path_leads_outside(tmp_path: Path, path: str) -> None:
    site = make_site(tmp_path, "exchange")
    (site / "link").unlink()
    (site / "link").symlink_to(tmp_path)
    with pytest.raises(BadInput):
        transaction.apply(site, {path: b""}, ())


@pytest.mark.parametrize("text", ["{", "[]", "[1, 2]", "null", '[["a"], [7]]'])
def test_a_broken_journal_is_reported_and_kept(tmp_path: Path, text: str) -> None:
    site = make_site(tmp_path, "exchange")
    place = site / journal.PRIVATE / "journal"
    place.mkdir(parents=True)
    (place / "list.json").write_text(text)
    with pytest.raises(BuildFailed, match=r"list\.json"):
        transaction.apply(site, WRITES, REMOVES)
    assert tree(site) == OLD


def test_a_journal_made_by_somebody_else_does_not_reach_outside(tmp_path: Path) -> None:
    site = make_site(tmp_path, "exchange")
    (tmp_path / "victim").write_bytes(b"precious")
    place = site / journal.PRIVATE / "journal"
    place.mkdir(parents=True)
    (place / "list.json").write_text('[[], ["../victim"]]')
    with pytest.raises(BadInput):
        transaction.recover(site)
    assert (tmp_path / "victim").read_bytes() == b"precious"


@pytest.mark.parametrize("link", [journal.PRIVATE, f"{journal.PRIVATE}/journal"])
def test_nothing_is_cleaned_up_behind_a_link(tmp_path: Path, link: str) -> None:
    site, precious = make_site(tmp_path, "exchange"), tmp_path / "elsewhere" / "journal" / "precious"
    precious.parent.mkdir(parents=True)
    precious.write_bytes(b"precious")
    (site / link).parent.mkdir(exist_ok=True)
    (site / link).symlink_to(precious.parent if link.endswith("journal") else precious.parent.parent)
    with pytest.raises(BadInput, match="is a symbolic link"):
        transaction.recover(site)
    assert precious.read_bytes() == b"precious"
