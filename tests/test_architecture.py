"""The house rules: imports go up only, and TensorFlow stays in its modules."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.factories import ROOT

PACKAGE = ROOT / "generator"

ROWS = [
    {"errors", "noise", "formats", "escape", "fonts", "drawing", "original", "newlines", "fitting"}
    | {"convolution", "rmsprop", "lookalikes", "filetypes", "deep", "part_names", "splits"},
    {"config", "source", "cache", "lock", "lint", "transaction", "display", "archive", "discover", "sample"}
    | {"permalink", "blog", "inputs", "folding", "picture_diff", "preview", "strict_json", "images", "canvas", "git"}
    | {"hardware"},
    {"results", "origins", "model", "metric_diff", "export", "destinations", "provenance", "timings"}
    | {"theme", "rewriting"},
    {"result_files", "environment_diff", "rounding", "manifest"},
    {"data", "weights", "bound", "claims", "builds", "example", "sheets", "skeleton", "layout"}
    | {"training", "evaluation"},
    {"stages", "job", "figures", "render", "publish", "diff", "verify", "schemas", "summary"},
    {"probe", "diff_report", "serve", "estimate"},
    {"experiment"},
    {"worker", "commands"},
    {"bench"},
    {"delivery", "outlook"},
    {"pipeline"},
    {"cli"},
]
"""A module may import modules of rows above its own only."""

TENSORFLOW = {"convolution", "evaluation", "experiment", "folding", "inputs", "model", "probe", "rmsprop", "training"}


def modules() -> list[Path]:
    return sorted(PACKAGE.glob("*.py"))


def imported(path: Path) -> set[str]:
    """Names of everything that a module imports, late imports included; the package's own by bare name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "generator":
            found |= {f"generator.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_every_module_has_a_row() -> None:
    assert {path.stem for path in modules()} - {"__init__"} == set().union(*ROWS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.stem)
def test_imports_go_up_only(path: Path) -> None:
    if path.stem == "__init__":
        return
    row = next(i for i, names in enumerate(ROWS) if path.stem in names)
    own = {name.split(".")[1] for name in imported(path) if name.startswith("generator.")}
    allowed = set().union(*ROWS[:row])
    assert own <= allowed, f"{path.stem} (row {row}) imports sideways or down: {sorted(own - allowed)}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.stem)
def test_tensorflow_stays_in_its_modules(path: Path) -> None:
    frameworks = {name for name in imported(path) if name.split(".")[0] in ("tensorflow", "keras")}
    assert not frameworks or path.stem in TENSORFLOW


@pytest.mark.parametrize("command", [["--help"], ["diff", "--help"], ["verify", "--help"], ["cache", "--help"]])
def test_help_needs_no_tensorflow(command: list[str]) -> None:
    code = (
        "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None; "
        f"from generator.cli import main; main({command!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "usage: build.py" in done.stdout


def test_an_unknown_variant_ends_before_tensorflow_is_loaded(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None; "
        "from generator.cli import main; sys.exit(main(['--variants', 'augmentaton']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "baseline, augmentation, augmentation-no-preprocessing" in done.stderr
