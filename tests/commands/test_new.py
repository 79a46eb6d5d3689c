"""`build.py new`: a project of one's own, from whose settings a build can be made."""

import errno
import json
import subprocess
import sys
import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from generator import cli
from generator.experiment.config import loading, post_settings, toml_file
from generator.post import render
from generator.publishing import durable, project
from generator.support import program
from tests.factories import ROOT, make_results
from tests.rendered import make_post

EVERY = set(project.FILES)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_it_names_what_it_wrote(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["new", "mine"]) == 0
    said = capsys.readouterr().out
    assert written(here / "mine") == EVERY
    assert all(name in said.splitlines()[0] for name in EVERY)


def test_its_settings_are_those_of_a_build_of_the_sample(here: Path) -> None:
    cli.main(["new", "My First Bears"])
    found = loading.load(here / "My First Bears" / "experiment.toml", variants="all", profile="smoke")
    assert (found.post.slug, found.post.asset_folder, found.post.title) == ("my-first-bears", "my-first-bears", None)
    assert found.post.templates == here / "My First Bears" / "templates"
    assert abs(datetime.now().astimezone() - found.post.date) < timedelta(days=1)
    assert (found.data.path, found.data.image_size) == ("sample", 64)
    assert [variant.name for variant in found.variants] == ["baseline", "augmentation"]


def test_every_setting_that_it_comments_out_is_one(here: Path) -> None:
    cli.main(["new", "mine"])
    path = here / "mine" / "experiment.toml"
    lines = path.read_text("utf-8").splitlines()
    plain = [line.removeprefix("# ") if line.startswith(("# [", '# "')) or " = " in line else line for line in lines]
    path.write_text("\n".join(plain), "utf-8")
    found = loading.load(path, variants="all")
    assert (found.data.group, found.post.title) == ("folder", "…")
    assert found.variants[2].recipe.model.backbone == "MobileNetV2"
    assert found.gates == {"test.accuracy": "-0.02 confident"}


def test_its_settings_say_what_the_program_would_take_without_them(here: Path) -> None:
    cli.main(["new", "mine"])
    table = tomllib.loads((here / "mine" / "experiment.toml").read_text("utf-8"))
    del table["profiles"], table["variants"], table["site" if "site" in table else "weights"]
    for name, value in table["data"].items():
        assert value == loading.DataSettings.model_fields[name].default, name
    for name, value in table["model"].items():
        assert value == loading.Recipe.model_fields["model"].default.model_dump()[name], name


@pytest.mark.parametrize("name", ['A "quoted" title', "Ünïcode 猫", "{{ title }} {% raw %}", "back\\slash"])
def test_a_title_is_taken_as_it_is(here: Path, name: str) -> None:
    assert cli.main(["new", "mine", "--title", name]) == 0
    found = loading.load(here / "mine" / "experiment.toml")
    assert found.post.title == name
    assert found.post.slug == post_settings.slug_of(name)


@pytest.mark.parametrize("name", ["", "  ", "two\nlines"])
def test_a_title_that_is_no_line_of_text_is_refused(here: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["new", "mine", "--title", name]) == 2
    assert "expected a line of text" in capsys.readouterr().err
    assert not (here / "mine").exists()


def test_data_is_found_from_the_project_wherever_the_command_is_typed(here: Path, monkeypatch: Any) -> None:
    (here / "pictures" / 'b"ears').mkdir(parents=True)
    assert cli.main(["new", "deep/mine", "--data", 'pictures/b"ears']) == 0
    folder = here / "deep" / "mine"
    assert tomllib.loads((folder / "experiment.toml").read_text("utf-8"))["data"]["path"] == '../../pictures/b"ears'
    monkeypatch.chdir("/")
    assert Path(loading.load(folder / "experiment.toml").data.path).is_dir()
    workflow = (folder / ".github/workflows/verify.yml").read_text("utf-8")
    assert '--site build-output/smoke --data sample"' in workflow


@pytest.mark.parametrize("path", ["sample", "kaggle:someone/animals"])
def test_data_that_is_no_file_is_named_as_it_is(here: Path, path: str) -> None:
    assert cli.main(["new", "mine", "--data", path]) == 0
    assert loading.load(here / "mine" / "experiment.toml").data.path == path


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--data", "nowhere.zip"], "--data nowhere.zip: no such file or folder; expected a folder or an archive"),
        (["--data", "kaggle:bears"], "kaggle:bears: expected kaggle:OWNER/NAME"),
        (["--blog", "nowhere"], "--blog nowhere: no such file or folder; expected the folder of a Jekyll site"),
        (["--blog", "plain"], "--blog plain: expected a Jekyll site, with a _config.yml"),
        (["--data", "photos: march"], "--data photos: march: with a colon it would be taken for an address; rename it"),
    ],
)
def test_what_is_not_there_is_refused(
    here: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("plain", "photos: march"):
        (here / name).mkdir()
    assert cli.main(["new", "mine", *options]) == 2
    assert said in capsys.readouterr().err
    assert not (here / "mine").exists()


def test_where_a_file_cannot_be_written_the_folder_stays_empty(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written: list[Path] = []
    write = durable.write

    def full(path: Path, content: bytes) -> None:
        if len(written) == 6:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, content)
        written.append(path)

    monkeypatch.setattr(durable, "write", full)
    assert cli.main(["new", "mine"]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert not (here / "mine").exists()


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "mine").mkdir()
    assert cli.main(["new", "mine"]) == 0
    before = {name: (here / "mine" / name).read_bytes() for name in EVERY}
    assert cli.main(["new", "mine"]) == 2
    assert "mine: is not empty (.gitattributes is there); name a new or an empty folder" in capsys.readouterr().err
    assert before == {name: (here / "mine" / name).read_bytes() for name in EVERY}
    (here / "file").write_text("")
    assert cli.main(["new", "file"]) == 2
    assert "file: cannot be used (Not a directory)" in capsys.readouterr().err


def test_a_project_for_a_blog_builds_into_it_and_leaves_publishing_to_it(here: Path) -> None:
    (here / "blog" / "_posts").mkdir(parents=True)
    (here / "blog" / "_config.yml").write_text("title: Mine\n")
    assert cli.main(["new", "posts/mine", "--blog", "blog"]) == 0
    folder = here / "posts" / "mine"
    assert written(folder) == EVERY - set(project.OF_OWN_SITE)
    site = toml_file.site(folder / "experiment.toml")
    assert site is not None
    assert site.resolve() == (here / "blog").resolve()
    loading.load(folder / "experiment.toml")
    assert "make verify\n" not in (folder / ".github/workflows/verify.yml").read_text("utf-8")


@pytest.mark.parametrize("options", [[], ["--blog", "blog"], ["--data", "blog"]])
def test_its_workflows_are_ones(here: Path, options: list[str]) -> None:
    (here / "blog").mkdir()
    (here / "blog" / "_config.yml").write_text("title: Mine\n")
    cli.main(["new", "mine", *options])
    for path in (here / "mine" / ".github" / "workflows").iterdir():
        workflow = yaml.safe_load(path.read_text("utf-8"))
        steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
        assert steps
        assert all(("run" in step) != ("uses" in step) for step in steps), path
        # YAML reads the key `on` as true.
        assert workflow[True]


def test_pages_are_published_as_here(here: Path) -> None:
    cli.main(["new", "mine"])
    ours, theirs = (
        yaml.safe_load((folder / ".github" / "workflows" / "pages.yml").read_text("utf-8"))
        for folder in (ROOT, here / "mine")
    )
    assert ours == theirs


def test_git_reads_the_attributes_and_passes_over_what_can_be_made_again(here: Path) -> None:
    cli.main(["new", "mine"])
    subprocess.run(["git", "init", "-q", "mine"], check=True)
    passed = [".venv/made", ".store/lock", "build-output/preview.html", "site/_site/index.html"]
    kept = ["site/index.md", "templates/post.md.j2", "experiment.toml", "five-animals.zip"]
    asked = subprocess.run(
        ["git", "-C", "mine", "check-ignore", *passed, *kept], capture_output=True, text=True, check=False
    )
    assert asked.stdout.split() == passed


def test_an_empty_folder_of_sections_is_no_part_of_the_post(here: Path) -> None:
    cli.main(["new", "mine"])
    own = here / "mine" / "templates"
    assert "own templates" not in render.render(make_post(templates=own), make_results()).text
    (own / "sections").mkdir()
    (own / "sections" / "introduction.md.j2").write_text("## Introduction\n")
    assert "page's own templates in" in render.render(make_post(templates=own), make_results()).text


def test_the_example_of_its_folder_of_sections_can_be_rendered(here: Path) -> None:
    cli.main(["new", "mine"])
    own = here / "mine" / "templates"
    blocks = (own / "README.md").read_text("utf-8").split("```")
    section, post = (block.removeprefix("jinja\n") for block in blocks[1::2])
    (own / "sections").mkdir()
    (own / "sections" / "outlook.md.j2").write_text(section)
    (own / "post.md.j2").write_text(post)
    render.check(post=make_post(templates=own))
    assert "## Outlook\n\nThe network was right about " in render.render(make_post(templates=own), make_results()).text


@pytest.mark.parametrize(
    ("noted", "line"),
    [
        (None, "measured-post==0.2.0"),
        ({"url": "https://x.org/m.whl", "archive_info": {}}, "measured-post @ https://x.org/m.whl"),
        (
            {"url": "https://x.org/m.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "measured-post @ git+https://x.org/m.git@abc",
        ),
        ({"url": "file:///my%20wheels/m.whl", "archive_info": {}}, "measured-post==0.2.0"),
    ],
)
def test_it_is_required_from_where_it_came(noted: Any, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project.generator, "__version__", "0.2.0")
    monkeypatch.setattr(program, "COMMAND", program.DISTRIBUTION)
    text = None if noted is None else json.dumps(noted)
    installed = SimpleNamespace(read_text=lambda name: text)
    monkeypatch.setattr(project.metadata, "distribution", lambda name: installed)
    found = project.requirement()
    assert found.line == line
    assert ("/my wheels/m.whl" in found.note) == bool(noted and noted["url"].startswith("file:"))


@pytest.mark.train
def test_it_builds_and_verifies(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["new", "mine"])
    small = ["data.image_size=32", "data.sample_train=16", "data.sample_test=4", "data.measure=4", "head.epochs=1"]
    settings = [part for setting in (*small, "fine_tuning.epochs=1") for part in ("--set", setting)]
    config = ["--config", str(here / "mine" / "experiment.toml")]
    done = subprocess.run(
        [sys.executable, str(ROOT / "build.py"), *config, "--weights", "embedded", "--profile", "smoke", *settings],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    made = {path.name for path in (here / "mine").iterdir()}
    assert {"site", ".store", "build-output"} <= made
    capsys.readouterr()
    assert cli.main(["verify", *config]) == 0
    assert "-mine.md: " in capsys.readouterr().out
