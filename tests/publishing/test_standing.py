"""A build that would change nothing renders nothing, and what has changed is never taken for what stands there."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from generator.post import manifest
from generator.publishing import deliver
from generator.support.errors import BadInput
from generator.support.places import HISTORY, PUBLISHED, ROOT
from tests import fakes
from tests.fakes import Project, Recorder, make_project

DATA = "assets/data/CV_HW_2"


class Rendered(Exception):
    """The post was rendered."""


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch.setattr)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Path]:
    """A project with templates of its own that was built once, and a copy of all its files."""
    folder = tmp_path_factory.mktemp("standing")
    with fakes.installed():
        project = make_project(folder / "project")
        project.variants = "baseline"
        root = project.folder / "root"
        for name in ("generator", "templates"):
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "*.npz"))
        shutil.copy2(ROOT / "requirements.txt", root)
        project.root = root
        project.build()
    return project, Path(shutil.copytree(project.folder, folder / "copy"))


@pytest.fixture
def built(standing: tuple[Project, Path]) -> Iterator[Project]:
    """The project, put back after each test where it was: a note is of one place, and so are compiled templates."""
    project, copy = standing
    yield project
    shutil.rmtree(project.folder)
    shutil.copytree(copy, project.folder)


@pytest.fixture
def refused(built: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A built project in which rendering raises `Rendered`."""

    def refuse(*arguments: object, **named: object) -> None:
        raise Rendered

    monkeypatch.setattr(deliver, "deliver", refuse)
    return built


def test_an_unchanged_build_renders_nothing_and_gives_the_same(built: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(built.places.store / PUBLISHED)
    rendered = built.build()
    monkeypatch.setattr(deliver, "deliver", None)
    assert built.build() == rendered
    assert rendered.published.unchanged
    assert rendered.published.written == ()


@pytest.mark.parametrize("more", [[], ["--explain"]], ids=["build", "explain"])
def test_it_imports_neither_templates_nor_what_computes(built: Project, more: list[str]) -> None:
    """The command itself, in a process in which to import one of them fails."""
    project = replace(built, root=ROOT)
    project.build()
    trap = ("tensorflow", "keras", "sklearn", "scipy", "matplotlib", "seaborn", "jinja2", "markdown", "fsspec", "ray")
    code = f"import sys; sys.modules |= dict.fromkeys({trap!r}); from generator.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, *project.arguments(*more)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert ("all that is needed is up to date" if more else "(unchanged)") in done.stdout


def edited(path: str) -> Callable[[Project], None]:
    def edit(project: Project) -> None:
        with (project.folder / path).open("ab") as stream:
            stream.write(b" ")

    return edit


def lost(path: str) -> Callable[[Project], None]:
    return lambda project: next(project.folder.glob(path)).unlink()


def another_post(project: Project) -> None:
    site = project.places.site
    shutil.copytree(site / DATA, site / "assets/data/other")


def forgotten(project: Project) -> None:
    shutil.rmtree(project.places.store / HISTORY)


def broken_note(project: Project) -> None:
    for note in (project.places.store / PUBLISHED).iterdir():
        note.write_text('{"key": ', "utf-8")


def half_a_note(project: Project) -> None:
    for note in (project.places.store / PUBLISHED).iterdir():
        note.write_text(json.dumps({"key": json.loads(note.read_text("utf-8"))["key"], "files": {}}), "utf-8")


@pytest.mark.parametrize(
    "change",
    [
        edited(f"site/{DATA}/metrics.json"),
        edited(f"site/{DATA}/manifest.json"),
        edited("site/index.md"),
        edited("preview.html"),
        lost("site/assets/images/CV_HW_2/data/*.webp"),
        lost(f"site/{DATA}/provenance.json"),
        lost("preview.html"),
        edited("root/templates/post.md.j2"),
        edited("root/templates/site/assets/css/post.css"),
        edited("root/generator/support/formats.py"),
        edited("root/generator/backbones/layers/ResNet50.txt"),
        another_post,
        forgotten,
        broken_note,
        half_a_note,
    ],
)
def test_what_changed_is_noticed(refused: Project, change: Callable[[Project], None]) -> None:
    refused.build()
    change(refused)
    with pytest.raises(Rendered):
        refused.build()


@pytest.mark.parametrize(
    "override", ['post.title="Another"', "head.epochs=2", 'site.repository="https://example.org/r"']
)
def test_other_settings_are_noticed(refused: Project, override: str) -> None:
    with pytest.raises(Rendered):
        refused.build(override)


def test_documents_that_changed_are_noticed(built: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    docs = built.folder / "docs"
    docs.mkdir()
    (docs / "index.md").write_text("# Documents\n\n- [One](one.md)\n", "utf-8")
    (docs / "one.md").write_text("# One\n", "utf-8")
    asked = f'site.docs="{docs}"'
    built.build(asked)
    (docs / "one.md").write_text("# One\n\nMore.\n", "utf-8")
    built.build(asked)
    assert b"More." in (built.places.site / "docs/one.html").read_bytes()
    monkeypatch.setattr(deliver, "deliver", None)
    built.build(asked)


def test_an_edited_post_is_refused_as_ever(built: Project) -> None:
    post = built.build().post
    post.write_text(post.read_text("utf-8") + "\nMy own words.\n", "utf-8")
    with pytest.raises(BadInput, match="was edited since the last build"):
        built.build()


def test_line_ends_are_no_change(refused: Project) -> None:
    post = refused.build().post
    post.write_bytes(post.read_bytes().replace(b"\n", b"\r\n"))
    assert refused.build().published.written == ()


def test_a_link_out_of_the_site_is_refused(refused: Project) -> None:
    posts = refused.places.site / "_posts"
    posts.rename(refused.folder / "elsewhere")
    posts.symlink_to(refused.folder / "elsewhere")
    with pytest.raises(BadInput, match="is a symbolic link"):
        refused.build()


def test_what_is_said_of_a_post_is_said_at_every_build(built: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    own = built.folder / "own"
    own.mkdir()
    text = '{% include "front-matter.md.j2" %}\n\n## Mine\n\n[there](#nowhere)\n'
    (own / "post.md.j2").write_text(text, "utf-8")
    first, again = Recorder(), Recorder()
    outcome = built.build(f"post.templates={own}", display=first)
    monkeypatch.setattr(deliver, "deliver", None)
    assert built.build(f"post.templates={own}", display=again) == replace(
        outcome, published=replace(outcome.published, written=(), removed=(), unchanged=_all(built))
    )
    assert [line for line in again.warnings if "#nowhere" in line] == [
        line for line in first.warnings if "#nowhere" in line
    ]
    assert any("#nowhere" in line for line in again.warnings)


def _all(project: Project) -> tuple[str, ...]:
    """Every file of the build in the site."""
    (place,) = manifest.find(project.places.site)
    record = manifest.read(project.places.site, place)
    assert record is not None
    return tuple(sorted([place, *record.files]))
