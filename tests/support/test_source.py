"""Excerpts and fingerprints: what counts as a change of the code that a stage runs."""

from pathlib import Path

import pytest

from generator.support import source
from generator.support.errors import BuildFailed

STAGE = '''"""Stage."""

import numpy as np

from generator import helper
from generator.other import CONSTANT as RENAMED

LOCAL = 3


def run(x):
    """Doc."""
    return helper.double(x) + LOCAL + RENAMED


def unrelated():
    return 1
'''
HELPER = "FACTOR = 2\nUNUSED = 5\n\n\ndef double(x):\n    # why\n    return FACTOR * x\n"
OTHER = "CONSTANT = 7\nprint\n"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "generator"
    folder.mkdir()
    for name, text in {"stage": STAGE, "helper": HELPER, "other": OTHER}.items():
        (folder / f"{name}.py").write_text(text)
    return tmp_path


def fingerprint(root: Path) -> dict[str, str]:
    return source.Reading(root).fingerprint(["generator.stage:run"])


def edit(root: Path, module: str, old: str, new: str) -> None:
    path = root / "generator" / f"{module}.py"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_everything_the_function_leads_to_is_listed(package: Path) -> None:
    assert set(fingerprint(package)) == {
        "generator.stage:run",
        "generator.stage:LOCAL",
        "generator.helper:double",
        "generator.helper:FACTOR",
        "generator.other:CONSTANT",
        "generator.other:<module statements>",
    }


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("helper", "# why", "# another why"),
        ("stage", '"""Doc."""', '"""Another."""'),
        ("stage", '"""Stage."""', '"""Another."""'),
        ("stage", "helper.double(x) + LOCAL", "(helper.double( x )\n        + LOCAL)"),
        ("stage", "return 1", "return 2"),
        ("helper", "UNUSED = 5", "UNUSED = 6"),
    ],
    ids=["comment", "docstring", "module docstring", "formatting", "unrelated function", "unused constant"],
)
def test_what_does_not_count(package: Path, module: str, old: str, new: str) -> None:
    before = fingerprint(package)
    edit(package, module, old, new)
    assert fingerprint(package) == before


@pytest.mark.parametrize(
    ("module", "old", "new", "changed"),
    [
        ("helper", "FACTOR = 2", "FACTOR = 3", "generator.helper:FACTOR"),
        ("helper", "FACTOR * x", "FACTOR * x * 1", "generator.helper:double"),
        ("other", "CONSTANT = 7", "CONSTANT = 8", "generator.other:CONSTANT"),
        ("stage", "LOCAL = 3", "LOCAL = 4", "generator.stage:LOCAL"),
        ("other", "print", "print(1)", "generator.other:<module statements>"),
    ],
)
def test_what_counts_is_named(package: Path, module: str, old: str, new: str, changed: str) -> None:
    before = fingerprint(package)
    edit(package, module, old, new)
    after = fingerprint(package)
    assert {name for name in after if after[name] != before[name]} == {changed}


def test_a_late_import_counts(package: Path) -> None:
    edit(package, "stage", "from generator import helper\n", "")
    edit(package, "stage", '    """Doc."""\n', "    from generator import helper\n")
    assert "generator.helper:FACTOR" in fingerprint(package)


def test_an_excerpt_is_the_code_as_it_stands(package: Path) -> None:
    found = source.excerpt("generator.helper:double", package)
    assert found.code == "def double(x):\n    # why\n    return FACTOR * x\n"
    assert (found.file, found.line) == ("generator/helper.py", 5)


def test_an_excerpt_of_nothing_is_an_error_that_names_it(package: Path) -> None:
    with pytest.raises(BuildFailed, match=r"generator\.helper:triple"):
        source.excerpt("generator.helper:triple", package)


SHADOWS = """
def head():
    return 1


def run():
    head = 2
    return [head for _ in "ab"]


def other():
    return [head for head in "ab"] + [head()]
"""


def test_a_variable_named_like_a_function_is_no_reference(package: Path) -> None:
    (package / "generator" / "stage.py").write_text(SHADOWS)
    assert "generator.stage:head" not in fingerprint(package)
    assert "generator.stage:head" in source.Reading(package).fingerprint(["generator.stage:other"])
