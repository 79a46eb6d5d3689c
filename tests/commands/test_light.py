"""Commands that need none of the large packages import none of them: that is what keeps their start short."""

import subprocess
import sys

import pytest

from tests.factories import ROOT

WATCHED = (
    *("tensorflow", "keras", "sklearn", "scipy", "matplotlib", "seaborn", "PIL", "numpy", "ray"),
    *("jinja2", "markdown", "pygments", "fsspec", "rich", "starlette", "uvicorn", "watchfiles", "pydantic"),
)

SETTINGS = ("pydantic",)


@pytest.mark.parametrize(
    ("command", "needed"),
    [
        (["--help"], SETTINGS),
        (["--varants", "all"], SETTINGS),
        (["--variants", "augmentaton"], SETTINGS),
        (["history", "--store", "{folder}"], ()),
        (["cache", "--store", "{folder}"], SETTINGS),
        (["cache", "--help"], SETTINGS),
        (["backbones"], ()),
        (["new", "--help"], ()),
        (["serve", "--help"], ()),
        (["verify", "--help"], ()),
        (["model", "--help"], SETTINGS),
        (["predict", "--help"], SETTINGS),
        (["diff", "--help"], SETTINGS),
        (["diff", "site", "site"], (*SETTINGS, "rich")),
    ],
    ids=" ".join,
)
def test_a_command_imports_what_it_needs(
    command: list[str], needed: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> None:
    words = [word.format(folder=tmp_path_factory.mktemp("store")) for word in command]
    code = (
        "import sys\n"
        "from generator.cli import main\n"
        f"try: code = main({words!r})\n"
        "except SystemExit as ended: code = ended.code\n"
        f"print(*sorted(set(sys.modules) & set({WATCHED!r})))\n"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == (2 if command[0].startswith("--var") else 0), done.stderr
    assert set(done.stdout.splitlines()[-1].split()) <= {*needed}
