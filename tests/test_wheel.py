"""The wheel holds what a build reads, and the program finds it there, in an installation that it does not write to."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import generator
from tests.factories import ROOT

SOURCES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "generator", "templates")


def files(folder: Path) -> set[str]:
    """Paths below `folder`; without what Python and Jinja compile."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in paths if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with the wheel's files."""
    made = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        source, copy = ROOT / name, made / "source" / name
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            copy.parent.mkdir(exist_ok=True)
            shutil.copy(source, copy)
    # Offline: with the setuptools that TensorFlow brings, instead of an environment of its own.
    command = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir"]
    done = subprocess.run(
        [sys.executable, *command, str(made), str(made / "source")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = made.glob("*.whl")
    assert wheel.name == f"measured_post-{generator.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(made / "packages")
    return made / "packages"


def run(installed: Path, where: Path, code: str) -> str:
    """What a program prints that finds the installed package, and no checkout."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "XDG_CACHE_HOME": str(where / "caches")}
    done = subprocess.run(
        [sys.executable, "-B", "-P", "-c", code],
        cwd=where,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_everything_of_the_checkout_that_is_read_is_in_it(installed: Path) -> None:
    templates = {f"templates/{name}" for name in files(ROOT / "templates")}
    assert files(installed / "generator") == files(ROOT / "generator") | templates


def test_nothing_looks_for_the_templates_but_where_they_are() -> None:
    looking = {p.name for p in (ROOT / "generator").rglob("*.py") if '/ "templates"' in p.read_text("utf-8")}
    assert looking == {"places.py"}


def test_the_command_begins_a_project(installed: Path, tmp_path: Path) -> None:
    (points,) = installed.glob("*.dist-info/entry_points.txt")
    assert points.read_text() == "[console_scripts]\nmeasured-post = generator.cli:main\n"
    said = run(installed, tmp_path, "from generator.cli import main; import sys; sys.exit(main(['new', 'mine']))")
    assert said.startswith("written to mine: experiment.toml, ")
    assert "measured-post==" in (tmp_path / "mine" / "requirements.txt").read_text()
    pinned = (tmp_path / "mine" / "constraints.txt").read_text()
    assert "\npydantic-core==" in pinned
    assert "pytest==" not in pinned


def test_it_renders_and_quotes_its_code_and_writes_nothing_into_itself(installed: Path, tmp_path: Path) -> None:
    before = files(installed)
    code = (
        "from generator.post import example, render; render.check();"
        "print(render.render(example.post(), example.results()).text)"
    )
    text = run(installed, tmp_path, code)
    assert "# generator/training/network.py\n" in text
    assert "\nmeasured-post --" in text
    assert "build.py" not in text
    assert files(installed) == before
    assert not list(installed.rglob("*.j2c"))
    assert list((tmp_path / "caches").rglob("*.j2c"))


def test_it_calls_itself_by_its_name(installed: Path, tmp_path: Path) -> None:
    text = run(installed, tmp_path, "from generator.cli import main; main(['--help'])")
    assert text.startswith("usage: measured-post ")
    assert "build.py" not in text
    said = run(installed, tmp_path, "import sys; from generator.cli import main; sys.stderr = sys.stdout; main([])")
    assert said.startswith("measured-post: experiment.toml: cannot be read (No such file or directory); name another")
    assert "`measured-post new DIR`" in said


def test_the_changelog_begins_with_this_version() -> None:
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text("utf-8").splitlines() if line.startswith("## ")]
    assert headings[0].startswith(f"## {generator.__version__} — ")
