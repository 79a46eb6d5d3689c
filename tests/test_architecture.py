"""The house rules: imports go downwards only, and TensorFlow stays in its places."""

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.factories import ROOT

PACKAGE = ROOT / "generator"

LEVELS = (
    {"cli"},
    {"commands"},
    {"pipeline", "models", "live"},
    {"build"},
    {"publishing", "diff", "stages"},
    {"post", "data", "figures", "training"},
    {"experiment"},
    {"backbones"},
    {"support"},
)
"""Rooms, from the roof to the ground. A room may import rooms of lower levels only, none beside it."""

TENSORFLOW = {
    "generator.stages.devices",
    "generator.stages.learning",
    "generator.stages.trained",
    "generator.stages.workspace",
}
"""The modules outside `training/` that may import TensorFlow."""

MOST_LINES = 350

MOST_MODULES = 20
"""In a room, without those in the rooms within it: as many as can be surveyed."""

Imports = dict[str, set[str]]


def modules(package: Path = PACKAGE) -> dict[str, Path]:
    """`generator.training.network` → its file."""
    paths = [path for path in sorted(package.rglob("*.py")) if path.stem != "__init__"]
    return {".".join(path.relative_to(package.parent).with_suffix("").parts): path for path in paths}


def imported(path: Path) -> set[str]:
    """Everything that a module imports, late imports included; modules and names in them alike."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def room(module: str) -> str:
    return module.split(".")[1]


def level(name: str) -> int:
    return next(i for i, rooms in enumerate(LEVELS) if name in rooms)


def faults(package: Path = PACKAGE) -> list[str]:
    """Imports that go upwards or sideways, and TensorFlow out of its places."""
    found = []
    for module, path in modules(package).items():
        names = imported(path)
        own = {room(name) for name in names if name.startswith("generator.")} - {room(module)}
        found += [f"{module} imports {other}" for other in sorted(own) if level(other) <= level(room(module))]
        if names & {"tensorflow", "keras"} and room(module) != "training" and module not in TENSORFLOW:
            found.append(f"{module} imports TensorFlow")
    return found


def test_every_module_has_a_room() -> None:
    assert {room(module) for module in modules()} == set().union(*LEVELS)


def test_imports_go_downwards_only_and_tensorflow_stays_in_its_places() -> None:
    assert faults() == []


@pytest.mark.parametrize(
    ("module", "line", "fault"),
    [
        ("experiment/results.py", "from generator.post import render", "imports post"),
        ("support/errors.py", "from generator.experiment.config.settings import NAME", "imports experiment"),
        ("figures/charts.py", "from generator.data import dataset", "imports data"),
        ("diff/compare.py", "from generator.publishing import manifest", "imports publishing"),
        ("build/plan.py", "def late():\n    from generator import pipeline", "imports pipeline"),
        ("data/dataset.py", "import tensorflow as tf", "imports TensorFlow"),
        ("stages/drawing.py", "def late():\n    from keras import Model\n    import keras", "imports TensorFlow"),
    ],
)
def test_the_rule_is_held(tmp_path: Path, module: str, line: str, fault: str) -> None:
    path = tmp_path / "generator" / module
    path.parent.mkdir(parents=True)
    path.write_text(line + "\n", "utf-8")
    name = f"generator.{module.removesuffix('.py').replace('/', '.')}"
    assert faults(tmp_path / "generator") == [f"{name} {fault}"]


def test_pytest_looks_into_every_folder_of_tests(pytestconfig: pytest.Config) -> None:
    """Some names of folders it leaves out unless it is told otherwise, "build" among them."""
    left_out = pytestconfig.getini("norecursedirs")
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert [str(path) for path in folders if any(fnmatch(path.name, pattern) for pattern in left_out)] == []


def test_no_room_is_crowded() -> None:
    held = Counter(path.parent for path in modules().values())
    assert [(folder.name, count) for folder, count in held.items() if count > MOST_MODULES] == []


def test_rooms_do_nothing_when_they_are_entered() -> None:
    assert [path for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE and path.read_text("utf-8")] == []


@pytest.mark.parametrize("path", modules().values(), ids=modules())
def test_modules_and_functions_stay_short(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= MOST_LINES
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [node.name for node in functions if (node.end_lineno or 0) - node.lineno > 50] == []


def test_every_module_is_in_the_picture_of_the_house() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows: dict[Path, str] = {}
    for folder, row in re.findall(
        r"^\| (?:`([a-z/]+)/` )?\| [^|]+ \| (`.+) \|$", text.partition("\n## Where")[0], re.M
    ):
        rows[PACKAGE / folder] = rows.get(PACKAGE / folder, "") + row
    assert [path for path in modules().values() if f"`{path.stem}`" not in _of(path.parent, rows)] == []


def _of(folder: Path, rows: Mapping[Path, str]) -> str:
    """The row of a room; that of one within may be the room's around it."""
    return rows.get(folder) or _of(folder.parent, rows)


def test_an_unknown_variant_ends_before_tensorflow_is_loaded(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None; "
        "from generator.cli import main; sys.exit(main(['--variants', 'augmentaton']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "baseline, augmentation, augmentation-no-preprocessing" in done.stderr
