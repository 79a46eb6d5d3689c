"""Templates that a test may spoil."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factories import ROOT

TEMPLATES = ROOT / "templates"
COMPILED = shutil.ignore_patterns("__pycache__")


@pytest.fixture(scope="session")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spoiled") / "templates"
    return Path(shutil.copytree(TEMPLATES, folder, ignore=COMPILED))


@pytest.fixture
def templates(copied: Path) -> Iterator[Path]:
    """A copy of the templates, mended after each test: what was compiled of the others serves the next one, too."""
    yield copied
    for path in copied.rglob("*"):
        if path.is_file() and path.parent.name != "__pycache__" and not (TEMPLATES / path.relative_to(copied)).exists():
            path.unlink()
    shutil.copytree(TEMPLATES, copied, ignore=COMPILED, dirs_exist_ok=True)
