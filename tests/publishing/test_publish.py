"""What publishing writes, leaves alone, removes and refuses."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from generator.post import manifest
from generator.publishing import publish, transaction
from generator.publishing.publish import Published
from generator.support.errors import BadInput, BuildFailed
from generator.support.places import ROOT

PLACE = manifest.path_for("folder")
POST = "_posts/2023-01-31-post.md"


def build(**changes: bytes | None) -> dict[str, bytes]:
    """The files of a small build and their manifest; `changes`: a name below → its content, None for absent."""
    names = {"post": POST, "index": "index.md", "metrics": "assets/data/folder/metrics.json"}
    contents: dict[str, bytes | None] = {"post": b"post", "index": b"index", "metrics": b"{}"}
    contents |= changes
    files = {names[key]: content for key, content in contents.items() if content is not None}
    record = manifest.make(POST, files, (), ())
    return {**files, PLACE: manifest.to_text(record).encode()}


def put(site: Path, files: dict[str, bytes], overwrite: bool = False) -> Published:
    return publish.publish(site, files, manifest_path=PLACE, overwrite=overwrite)


def snapshot(site: Path) -> dict[str, tuple[bytes, int]]:
    """Every file with its content and inode."""
    return {p.relative_to(site).as_posix(): (p.read_bytes(), p.stat().st_ino) for p in site.rglob("*") if p.is_file()}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    put(tmp_path / "site", build())
    (tmp_path / "site" / "about.md").write_bytes(b"mine")
    return tmp_path / "site"


def test_a_first_build_writes_every_file(tmp_path: Path) -> None:
    done = put(tmp_path / "site", build())
    assert done.written == tuple(sorted(build()))
    assert (done.unchanged, done.removed, done.kept) == ((), (), ())
    assert (tmp_path / "site" / POST).read_bytes() == b"post"


def test_the_same_build_again_touches_nothing(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = snapshot(site), site.stat()
    monkeypatch.setattr(transaction, "apply", lambda *_: pytest.fail("nothing was to be done"))
    done = put(site, build())
    assert (snapshot(site), site.stat()) == before
    assert done.unchanged == tuple(sorted(build()))
    assert done.written == ()


def test_only_what_changed_is_written(site: Path) -> None:
    before = snapshot(site)
    done = put(site, build(post=b"new words"))
    after = snapshot(site)
    assert done.written == (POST, PLACE)
    assert {path for path in after if after[path] != before[path]} == {POST, PLACE}


def test_what_the_build_no_longer_makes_is_removed(site: Path) -> None:
    done = put(site, build(metrics=None))
    assert done.removed == ("assets/data/folder/metrics.json",)
    assert sorted(snapshot(site)) == sorted([POST, "index.md", PLACE, "about.md"])


def test_a_missing_file_of_its_own_is_made_again(site: Path) -> None:
    (site / POST).unlink()
    assert put(site, build()).written == (POST,)


def test_fault_42_a_post_edited_by_hand_is_not_overwritten(site: Path) -> None:
    (site / POST).write_bytes(b"my own words")
    before = snapshot(site)
    with pytest.raises(BadInput, match=r"2023-01-31-post\.md was edited since the last build.*--overwrite"):
        put(site, build(post=b"new words"))
    assert snapshot(site) == before


def test_fault_42_overwriting_keeps_a_copy_each_time(site: Path) -> None:
    for number, words in enumerate((b"first words", b"second words", b"first words")):
        (site / POST).write_bytes(words)
        done = put(site, build(post=b"build %d" % number), overwrite=True)
        assert (site / POST).read_bytes() == b"build %d" % number
    copies = {p.name: p.read_bytes() for p in (site / publish.REPLACED / "_posts").iterdir()}
    assert copies == {"2023-01-31-post.md": b"first words", "2023-01-31-post.md.1": b"second words"}
    assert done.kept == ()


def test_a_file_of_another_post_is_told_from_a_strangers(site: Path) -> None:
    files = {"_posts/2023-02-01-other.md": b"other", "index.md": b"another index"}
    place = manifest.path_for("other")
    files[place] = manifest.to_text(manifest.make("_posts/2023-02-01-other.md", files)).encode()
    with pytest.raises(BadInput, match=r"index\.md is of another post of this program; move it away, or use --over"):
        publish.publish(site, files, manifest_path=place)


def test_an_edited_file_that_is_no_longer_made_is_refused_too(site: Path) -> None:
    (site / "index.md").write_bytes(b"my own index")
    with pytest.raises(BadInput, match=r"index\.md was edited"):
        put(site, build(index=None))
    done = put(site, build(index=None), overwrite=True)
    assert done.kept == (f"{publish.REPLACED}/index.md",)
    assert not (site / "index.md").exists()


def test_a_users_file_in_the_way_is_refused(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.md").write_bytes(b"somebody's page")
    with pytest.raises(BadInput, match=r"index\.md was not written by this program"):
        put(site, build())
    assert list(snapshot(site)) == ["index.md"]


def test_a_users_file_of_the_same_content_is_no_conflict(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.md").write_bytes(b"index")
    assert "index.md" in put(site, build()).unchanged


def test_a_change_of_asset_folder_takes_the_old_one_away(site: Path) -> None:
    files = {POST: b"post", "assets/data/other/metrics.json": b"{}"}
    place = manifest.path_for("other")
    files[place] = manifest.to_text(manifest.make(POST, files, (), ())).encode()
    publish.publish(site, files, manifest_path=place)
    assert sorted(snapshot(site)) == sorted([*files, "about.md"])


def test_another_post_of_this_program_is_left_alone(site: Path) -> None:
    post = "_posts/2024-01-01-second.md"
    files = {post: b"second", "assets/data/second/metrics.json": b"{}"}
    place = manifest.path_for("second")
    files[place] = manifest.to_text(manifest.make(post, files, (), ())).encode()
    before = snapshot(site)
    publish.publish(site, files, manifest_path=place)
    assert snapshot(site).items() >= before.items()
    assert put(site, build()).written == ()


def test_a_broken_manifest_is_refused_and_kept(site: Path) -> None:
    (site / PLACE).write_bytes(b'{"schema_version": 99}')
    with pytest.raises(BadInput, match="schema_version 99 is newer"):
        put(site, build(post=b"new words"))
    done = put(site, build(post=b"new words"), overwrite=True)
    assert f"{publish.REPLACED}/{PLACE}" in done.kept


@pytest.mark.parametrize("path", ["site", "site/assets/data", "site/_posts"])
def test_fault_34_a_file_where_a_folder_is_needed(tmp_path: Path, path: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_bytes(b"a file")
    with pytest.raises(BadInput):
        put(tmp_path / "site", build())
    assert (tmp_path / path).read_bytes() == b"a file"


def test_fault_34_a_site_below_a_regular_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"a file")
    with pytest.raises(BadInput, match="--site"):
        put(tmp_path / "file" / "site", build())


def test_a_folder_where_a_file_is_needed(tmp_path: Path) -> None:
    (tmp_path / "site" / "index.md").mkdir(parents=True)
    with pytest.raises(BadInput, match=r"index\.md is a folder"):
        put(tmp_path / "site", build())


def test_a_linked_folder_is_not_written_through(site: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (site / "assets").rename(tmp_path / "elsewhere" / "assets")
    (site / "assets").symlink_to(tmp_path / "elsewhere" / "assets")
    with pytest.raises(BadInput, match="symbolic link"):
        put(site, build(metrics=b"[]"))


def test_a_site_that_is_a_link_stays_one(tmp_path: Path) -> None:
    real = tmp_path / "elsewhere" / "real"
    real.mkdir(parents=True)
    (real / "about.md").write_bytes(b"mine")
    (tmp_path / "site").symlink_to(real)
    put(tmp_path / "site", build())
    put(tmp_path / "site", build(post=b"new words"))
    assert (tmp_path / "site").readlink() == real
    assert sorted(snapshot(real)) == sorted([*build(), "about.md"])
    assert [p.name for p in real.parent.iterdir()] == ["real"]


def test_a_link_that_leads_nowhere_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "_posts").mkdir()
    (tmp_path / POST).symlink_to(tmp_path / "not mounted" / "post.md")
    for overwrite in (False, True):
        with pytest.raises(BadInput, match="leads nowhere"):
            put(tmp_path, build(), overwrite=overwrite)
    assert (tmp_path / POST).is_symlink()


@pytest.mark.parametrize("kind", ["file", "link"])
def test_copies_that_cannot_be_kept_are_refused_before_training(tmp_path: Path, kind: str) -> None:
    (tmp_path / "index.md").write_bytes(b"somebody's page")
    copies = tmp_path / publish.REPLACED
    copies.write_bytes(b"mine") if kind == "file" else copies.symlink_to(tmp_path.parent)
    expected: dict[str, bytes | None] = dict.fromkeys(build())
    with pytest.raises(BadInput, match=publish.REPLACED):
        publish.check(tmp_path, expected, manifest_path=PLACE, overwrite=True)
    assert (tmp_path / "index.md").read_bytes() == b"somebody's page"


CHILD = """
import os, resource, signal, sys
from pathlib import Path
from generator.publishing import durable, publish
from generator.support.errors import MeasuredPostError
sys.path.insert(0, ".")
from tests.publishing import test_publish
step, limit = sys.argv[2], int(sys.argv[3])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
durable.checkpoint = lambda name: name == step and os.kill(os.getpid(), signal.SIGKILL)
try:
    test_publish.put(Path(sys.argv[1]), test_publish.build(post=b"new words" * 1000, metrics=None))
except MeasuredPostError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def run_child(site: Path, step: str = "", limit: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CHILD, site, step, str(limit)]
    root = ROOT
    return subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)


@pytest.mark.parametrize("step", ["staged " + POST, "exchanged"])
def test_fault_31_a_kill_leaves_a_build_that_the_next_one_ends(site: Path, step: str) -> None:
    before = {path: content for path, (content, _) in snapshot(site).items()}
    assert run_child(site, step).returncode == -signal.SIGKILL
    after = {path: content for path, (content, _) in snapshot(site).items()}
    new = {**build(post=b"new words" * 1000, metrics=None), "about.md": b"mine"}
    assert after == (new if step == "exchanged" else before)
    assert run_child(site).returncode == 0
    assert {path: content for path, (content, _) in snapshot(site).items()} == new
    assert [p.name for p in site.parent.iterdir()] == ["site"]


def test_fault_31_a_journal_begun_in_a_blog_is_completed_first(site: Path) -> None:
    (site / ".git").mkdir()
    assert run_child(site, "moved " + POST).returncode == -signal.SIGKILL
    # The manifest on disk is still the old one; what was moved must not count as edited by hand.
    done = put(site, build(post=b"newest words", metrics=None))
    assert done.written == (POST, PLACE)
    record = manifest.read(site, PLACE)
    assert record is not None
    assert record.files[POST] == hashlib.sha256(b"newest words").hexdigest()


def test_fault_33_a_full_disk_is_one_line_and_the_old_site(site: Path) -> None:
    before = snapshot(site)
    child = run_child(site, limit=2000)
    assert child.stderr.startswith("BuildFailed: ")
    assert "not published (File too large), the old site is intact" in child.stderr
    assert child.stderr.count("\n") == 1
    assert snapshot(site) == before


@pytest.mark.parametrize(
    ("number", "advice"), [(errno.ENOSPC, "make room and run"), (errno.EDQUOT, "make room"), (errno.EIO, "run again")]
)
def test_an_unknown_system_error_is_a_failed_build(
    site: Path, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(transaction, "apply", fail)
    with pytest.raises(BuildFailed, match=rf"{os.strerror(number)}\), the old site is intact; {advice}"):
        put(site, build(post=b"new words"))
