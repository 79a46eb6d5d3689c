"""The record of a build's files: made, written, read back, refused."""

import hashlib
import json
from pathlib import Path

import pytest

from generator.post import manifest
from generator.post.manifest import Excerpt, Number
from generator.support import escape
from generator.support.errors import BadInput
from tests.sites import CODE, FOLDER, PLACE, POST, make_files, picture, put

FIGURE = f"assets/images/{FOLDER}/baseline/confusion-matrix.png"


@pytest.fixture
def text() -> str:
    return make_files()[PLACE].decode()


def test_every_file_is_listed_with_its_hash_but_not_the_manifest() -> None:
    files = make_files()
    record = manifest.from_text(files.pop(PLACE).decode(), "m")
    assert record.files == {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}


def test_numbers_excerpts_and_figures_are_listed() -> None:
    record = manifest.from_text(make_files()[PLACE].decode(), "m")
    assert Number(line=6, column=21, text="0.8750", format="accuracy", source="variants.baseline.test.accuracy") in (
        record.numbers
    )
    sha256 = hashlib.sha256(CODE.encode()).hexdigest()
    assert record.excerpts == (Excerpt(line=21, symbol="generator.training.network:area", sha256=sha256),)
    figure = next(f for f in record.figures if f.path == FIGURE)
    assert (figure.scope, figure.name, figure.pixels) == (
        "baseline", "confusion-matrix", manifest.pixels_of(picture())
    )  # fmt: skip


def test_writing_and_reading_gives_the_same(text: str) -> None:
    record = manifest.from_text(text, "m")
    assert manifest.to_text(record) == text


def test_pictures_that_stayed_are_not_decoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    files = make_files()
    before = manifest.from_text(files.pop(PLACE).decode(), "m")
    decoded: list[bytes] = []
    monkeypatch.setattr(manifest, "pixels_of", lambda content: decoded.append(content) or "0" * 64)
    files[FIGURE] = picture(shade=7)
    record = manifest.make(POST, files, before=before)
    assert decoded == [picture(shade=7)]
    assert [f for f in record.figures if f.path != FIGURE] == [f for f in before.figures if f.path != FIGURE]


def test_one_pixel_counts_and_the_encoding_does_not() -> None:
    assert manifest.pixels_of(picture("png")) == manifest.pixels_of(picture("webp"))
    assert manifest.pixels_of(picture(shade=100)) != manifest.pixels_of(picture(shade=101))
    assert manifest.pixels_of(picture(size=(12, 8))) != manifest.pixels_of(picture(size=(8, 12)))
    with pytest.raises(ValueError, match="not a picture"):
        manifest.pixels_of(b"<html>")


HOSTILE_CODE = (
    "x = 1",
    "x = 1\n\ny = '```'",
    "print('{{ x }} {% raw %}')",
    "print('{% endraw %} <b> & &amp; {')",
    "</code></pre>\nx = 1",
)


@pytest.mark.parametrize("code", HOSTILE_CODE)
def test_the_code_in_a_post_is_found_as_it_was_quoted(code: str) -> None:
    block = escape.code_fence(f"# generator/training/network.py\n{code}", "python")
    post = f"```text\nanother block\n```\n\n{block}\n\nMore words\n```text\nx\n```"
    line = post.split("\n").index(escape.plain(code.split("\n")[0])) + 1 if "endraw" not in code else 6
    assert manifest.fingerprint_of_code(post, line) == hashlib.sha256(code.encode()).hexdigest()


@pytest.mark.parametrize("text", ["", "words", "```\nwords", "```text\nnever closed", "```text\nx\n```\nwords"])
def test_no_block_is_no_fingerprint(text: str) -> None:
    line = text.count("\n") + 1
    with pytest.raises(ValueError, match=f"line {line}"):
        manifest.fingerprint_of_code(text, line)


def change(text: str, key: str, value: object) -> str:
    table = json.loads(text)
    del table["sha256"]
    return manifest.signed({**table, key: value})


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("schema_version", 99, "schema_version 99 is newer"),
        ("schema_version", None, "schema_version is missing"),
        ("schema_version", True, "schema_version is missing"),
        ("numbers", [{"line": 0}], "numbers.0.line"),
        ("numbers", 7, "numbers"),
        ("files", {"a": 1}, "files.a"),
        ("figures", [{"path": "a", "scope": "b", "name": "c", "pixels": "short"}], "figures.0.pixels"),
        ("surprise", 1, "surprise"),
    ],
)
def test_fault_40_a_tampered_manifest_is_refused_by_key(text: str, key: str, value: object, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        manifest.from_text(change(text, key, value), "manifest.json")


def test_a_manifest_of_an_older_version_is_read_so_that_its_files_can_be_replaced(text: str) -> None:
    assert manifest.from_text(change(text, "schema_version", 1), "manifest.json").schema_version == 1


def test_fault_40_a_manifest_edited_by_hand_is_refused(text: str) -> None:
    table = json.loads(text)
    table["numbers"].pop()
    with pytest.raises(BadInput, match="was edited since the build wrote it"):
        manifest.from_text(json.dumps(table), "manifest.json")


@pytest.mark.parametrize("broken", ["", "{", "[]", "NaN", '{"a": 1, "a": 2}', "[" * 100_000])
def test_fault_40_a_broken_manifest_is_refused_by_name(broken: str) -> None:
    with pytest.raises(BadInput, match=r"manifest\.json"):
        manifest.from_text(broken, "site/manifest.json")


def test_a_manifest_of_another_program_is_none_of_ours(tmp_path: Path) -> None:
    put(tmp_path, {**make_files(), "assets/data/app/manifest.json": b'{"name": "an app", "files": ["a.js"]}'})
    assert manifest.find(tmp_path) == (PLACE,)
    put(tmp_path, {"assets/data/app/manifest.json": b'{"schema_version": 1'})
    assert manifest.find(tmp_path) == ("assets/data/app/manifest.json", PLACE)


def test_manifests_are_found_and_read(tmp_path: Path) -> None:
    assert manifest.find(tmp_path) == ()
    assert manifest.read(tmp_path, PLACE) is None
    put(tmp_path, make_files())
    assert manifest.find(tmp_path) == (PLACE,)
    record = manifest.read(tmp_path, PLACE)
    assert record is not None
    assert record.post == POST
    (tmp_path / PLACE).write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="cannot be read"):
        manifest.read(tmp_path, PLACE)
