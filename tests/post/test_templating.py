"""Environments for templates, and errors of templates as one line with file and line."""

import shutil
from pathlib import Path
from types import ModuleType

import pytest

from generator.post import bound, render, templating
from generator.post.formats import preview
from generator.support.errors import BadInput
from tests.factories import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "templates"
    made.mkdir()
    return made


def printed(folder: Path, text: str) -> str:
    """What `text` gives as a template on its own, its errors guarded."""
    (folder / "page.j2").write_text(text, "utf-8")
    with templating.guarded(folder):
        return templating.environment(folder).get_template("page.j2").render(one=1)


def test_lines_of_block_tags_leave_nothing_behind(folder: Path) -> None:
    assert printed(folder, "a\n  {% if one %}\nb\n  {% endif %}\nc\n") == "a\nb\nc\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n{{ two }}", "templates/page.j2:2: 'two' is undefined"),
        ("\n\n{% if %}", "templates/page.j2:3: Expected an expression, got 'end of statement block'"),
        ("{{ one / 0 }}", "templates/page.j2:1: division by zero"),
        ("{{ one() }}", "templates/page.j2:1: 'int' object is not callable"),
        ("{{ [].index(one) }}", "templates/page.j2:1: 1 is not in list"),
        ("{{ one | nothing }}", "templates/page.j2:1: No filter named 'nothing'."),
        ("\n{% include 'page.j2' %}", "templates/page.j2:2: maximum recursion depth exceeded"),
    ],
)
def test_an_error_names_file_and_line(folder: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        printed(folder, text)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("text", ["\n{{ nothing }}", "\n{% if %}"])
def test_an_error_names_the_included_file(folder: Path, text: str) -> None:
    (folder / "inner.j2").write_text(text)
    with pytest.raises(BadInput, match=r"^templates/inner\.j2:2: "):
        printed(folder, "{% include 'inner.j2' %}")


def test_a_template_that_is_missing_is_named(folder: Path) -> None:
    with pytest.raises(BadInput, match=rf"^templates/page\.j2:2: template inner\.j2 is missing in {folder}$"):
        printed(folder, "\n{% include 'inner.j2' %}")


def test_a_template_that_is_not_utf_8_is_named(folder: Path) -> None:
    (folder / "inner.j2").write_bytes(b"caf\xe9")
    with pytest.raises(BadInput, match=rf"^{folder}/inner\.j2: not text in UTF-8 \(.*\); mend the template$"):
        printed(folder, "{% include 'inner.j2' %}")


def test_what_no_template_raised_passes(folder: Path) -> None:
    with pytest.raises(ValueError, match="other"), templating.guarded(folder):
        raise ValueError("other")


def test_a_file_is_named_in_full_where_that_is_asked(folder: Path) -> None:
    (folder / "page.j2").write_text("{{ two }}")
    with (
        pytest.raises(BadInput, match=rf"^{folder}/page\.j2:1: 'two' is undefined; mend it$"),
        templating.guarded(folder, in_full=True, advice="; mend it"),
    ):
        templating.environment(folder).get_template("page.j2").render()


def test_a_preview_page_that_is_not_utf_8_is_named(templates: Path) -> None:
    with (templates / preview.TEMPLATE).open("ab") as stream:
        stream.write(b"\xe9")
    with pytest.raises(BadInput, match=r"preview\.html\.j2: not text in UTF-8"):
        render.check(templates)


@pytest.mark.parametrize("module", [bound, render, templating])
def test_a_change_of_the_code_that_reads_templates_makes_what_was_kept_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType
) -> None:
    folder = tmp_path / "templates"
    shutil.copytree(ROOT / "templates", folder, ignore=shutil.ignore_patterns("__pycache__"))
    # One template stands for all: to compile them takes a second.
    monkeypatch.setattr(render, "render", lambda *_, **__: None)

    def kept() -> int:
        render.markdown_environment.cache_clear()
        templating.code.cache_clear()
        render.check(folder)
        render.markdown_environment(folder).get_template("macros.md.j2")
        return len(list((folder / "__pycache__").iterdir()))

    before = kept()
    assert before == 3, "that it was checked, and what it and the preview's page were compiled to"
    assert kept() == before
    room, changed = tmp_path / "post", Path(str(module.__file__)).name
    shutil.copytree(Path(str(render.__file__)).parent, room, ignore=shutil.ignore_patterns("__pycache__"))
    with (room / changed).open("ab") as stream:
        stream.write(b"\nADDED = 1\n")
    for reads in (render, templating):
        monkeypatch.setattr(reads, "__file__", str(room / Path(str(reads.__file__)).name))
    assert kept() == 2 * before
