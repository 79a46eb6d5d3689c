"""Texts whose lines end in another way are the same texts: in a clone, in the site, in templates and source."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from generator import cli
from generator.build.collect import environment
from generator.post import render
from generator.post.example import post, results
from generator.publishing import publish, skeleton, verify
from generator.support import newlines, source
from generator.support.errors import BadInput
from tests import fakes, sites
from tests.factories import ROOT
from tests.fakes import Project, make_project, timeless, tree

TEXTS = (".md", ".html", ".css", ".json", ".csv", ".yml", ".svg")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    with pytest.MonkeyPatch.context() as patch:
        fakes.install(patch.setattr)
        project = make_project(tmp_path_factory.mktemp("template"))
        project.build()
    return project


@pytest.fixture
def built(template: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    fakes.install(monkeypatch.setattr)
    shutil.copytree(template.folder, tmp_path / "built")
    return Project(tmp_path / "built")


def git(folder: Path, *arguments: str) -> None:
    options = ["-c", "user.name=me", "-c", "user.email=me@example.org", "-c", "core.autocrlf=false"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["git", "-C", str(folder), *options, *arguments], check=True, capture_output=True, env=environment)


@pytest.fixture
def cloned(built: Project) -> Project:
    """The project with its site in a repository, cloned as git does it on Windows."""
    site = built.places.site
    git(site, "init", "-q")
    git(site, "add", "-A")
    git(site, "commit", "-qm", "A build")
    clone = Project(built.folder.with_name("clone"))
    shutil.copytree(built.folder, clone.folder, ignore=shutil.ignore_patterns("site"))
    subprocess.run(["git", "clone", "-q", "-c", "core.autocrlf=true", str(site), str(clone.places.site)], check=True)
    return clone


def test_normalising_takes_nothing_but_the_pair() -> None:
    assert newlines.normalised(b"a\r\nb\rc\n\r\r\nd\r") == b"a\nb\rc\n\r\nd\r"
    assert newlines.normalised(b"\x89PNG\r\n\x1a\n\0") == b"\x89PNG\r\n\x1a\n\0"
    assert newlines.fingerprint(b"a\n") == newlines.fingerprint(b"a\r\n") == hashlib.sha256(b"a\n").hexdigest()
    assert newlines.fingerprint(b"a\n") != newlines.fingerprint(b"a\r")
    for suffix in ("png", "webp"):
        picture = sites.picture(suffix)
        assert newlines.normalised(picture + b"\r\n") == picture + b"\r\n"


def test_fault_51_a_clone_with_other_line_ends_verifies(cloned: Project, capsys: pytest.CaptureFixture[str]) -> None:
    texts = [path for path in cloned.site() if path.endswith(TEXTS) and not path.startswith(".git/")]
    changed = [path for path in texts if b"\r\n" in cloned.site()[path]]
    assert len(changed) > 20
    assert verify.verify(cloned.places.site) == ()
    assert cli.main(["verify", "--site", str(cloned.places.site)]) == 0
    assert "are those of the build" in capsys.readouterr().out


def test_fault_51_a_build_into_such_a_clone_is_not_refused_and_writes_nothing(cloned: Project) -> None:
    before = tree(cloned.places.site)
    assert cloned.build().published.written == ()
    assert tree(cloned.places.site) == before
    changed = cloned.build('post.title="Another"').published
    assert changed.kept == ()
    assert {path.rpartition("/")[2] for path in changed.written} >= {"manifest.json", "provenance.json"}
    assert verify.verify(cloned.places.site) == ()


def test_fault_51_comparing_with_such_a_clone_finds_no_difference(
    built: Project, cloned: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["diff", str(built.places.site), str(cloned.places.site)]) == 0
    assert "are one build" in capsys.readouterr().out


def test_fault_51_a_text_of_mixed_ends_is_the_same_and_a_changed_one_is_not(built: Project) -> None:
    site = built.places.site
    (written,) = site.glob("_posts/*.md")
    content = written.read_bytes()
    first, second = content[: len(content) // 2], content[len(content) // 2 :]
    written.write_bytes(first.replace(b"\n", b"\r\n") + second)
    assert verify.verify(site) == ()
    for edited in (
        content.replace(b"\n", b"\r"),
        content.replace(b"\n", b"\r\r\n"),
        content + b"\r",
        content + b"\r\n",
    ):
        written.write_bytes(edited)
        assert verify.verify(site) != ()
        with pytest.raises(BadInput, match="was edited"):
            built.build('post.title="Another"')


def test_fault_51_a_picture_is_held_byte_for_byte(built: Project) -> None:
    site = built.places.site
    for suffix in ("png", "webp"):
        path = next(site.rglob(f"*.{suffix}"))
        content = path.read_bytes()
        for changed in (content + b"\r\n", content.replace(b"\n", b"\r\n", 1), content.replace(b"\r\n", b"\n", 1)):
            path.write_bytes(changed)
            assert (verify.verify(site) != ()) == (changed != content)
        path.write_bytes(content)


def crlf(folder: Path) -> None:
    """Give the lines of every text below `folder` other ends."""
    for path in folder.rglob("*"):
        if path.is_file() and b"\0" not in path.read_bytes():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The project's templates, code and lock file as they stand in a clone with `core.autocrlf`."""
    for name in ("templates", "generator"):
        shutil.copytree(ROOT / name, tmp_path / "root" / name, ignore=shutil.ignore_patterns("__pycache__", "emb*"))
    shutil.copy(ROOT / "requirements.txt", tmp_path / "root")
    crlf(tmp_path / "root")
    return tmp_path / "root"


def test_fault_51_the_programs_own_files_may_have_other_line_ends(built: Project, root: Path) -> None:
    before = timeless(built.site())
    built.root = root
    outcome = built.build()
    assert (outcome.ran, outcome.published.written) == ((), ())
    assert timeless(built.site()) == before
    shutil.rmtree(built.places.site)
    built.build()
    assert timeless(built.site()) == before


def checked(templates: Path) -> set[str]:
    """The marks, named by their fingerprint, of the templates that were checked in this folder."""
    render.check(templates)
    return {path.name for path in templates.rglob("*.checked")}


def test_fault_51_fingerprints_do_not_see_line_ends(root: Path) -> None:
    symbols = ["generator.stages.learning:head", "generator.stages.drawing:figures", "generator.stages.pixels:pixels"]
    assert source.Reading(root).fingerprint(symbols) == source.Reading().fingerprint(symbols)
    assert source.excerpt("generator.training.network:build_head", root) == source.excerpt(
        "generator.training.network:build_head"
    )
    assert set() < checked(root / "templates") <= checked(ROOT / "templates")
    assert environment(root, ()) == environment(ROOT, ())
    assert skeleton.skeleton(post(), results(), root / "templates") == skeleton.skeleton(
        post(), results(), ROOT / "templates"
    )


def test_fault_51_the_repository_says_how_its_lines_end() -> None:
    names = [
        "site/index.md",
        "site/assets/css/site.css",
        "templates/post.md.j2",
        "generator/cli.py",
        "requirements.txt",
    ]
    asked = ["git", "-C", str(ROOT), "check-attr", "eol", "text", "--", *names, "docs/post.png"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    if not told:
        pytest.skip("not in a repository")
    assert told.count("eol: lf") >= len(names)
    assert "docs/post.png: text: unset" in told


def test_a_file_of_the_user_that_differs_in_line_ends_alone_is_no_conflict(tmp_path: Path) -> None:
    site = sites.put(tmp_path / "site", {sites.POST: sites.make_files()[sites.POST].replace(b"\n", b"\r\n")})
    done = publish.publish(site, sites.make_files(), manifest_path=sites.PLACE)
    assert sites.POST in done.unchanged
