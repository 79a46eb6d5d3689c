"""Templates that a test may spoil."""

import functools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes
from jinja2.sandbox import SandboxedEnvironment

from generator.post import lint
from tests.factories import ROOT

TEMPLATES = ROOT / "templates"
COMPILED = shutil.ignore_patterns("__pycache__")


@pytest.fixture(scope="session", autouse=True)
def _parsed_once() -> Iterator[None]:
    """Jinja parses a text once: all templates but one are those of the check before, and this is most of a check."""
    parse = SandboxedEnvironment.parse
    parsed: dict[tuple[str, ...], nodes.Template] = {}

    def once(environment: Environment, *text: str) -> nodes.Template:
        if text not in parsed:
            parsed[text] = parse(environment, *text)
        return parsed[text]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SandboxedEnvironment, "parse", once)
        undeclared = functools.cache(lint.meta.find_undeclared_variables)
        patch.setattr(lint.meta, "find_undeclared_variables", undeclared)
        yield


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
