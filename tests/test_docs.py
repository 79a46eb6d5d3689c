"""What documents say of results is what the repository's records hold, and the command that writes it."""

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from generator.experiment.config import loading
from generator.publishing import documents
from generator.support.errors import BadInput
from generator.support.places import ROOT
from tools import write_docs
from tools.write_docs import filled

RECORD = {"site": {"seconds": 492.4, "memory": 2_000_000_000}, "rounds": [{"ratio": 8.312}], "a/b": {"~": "AMD"}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "record.json").write_text(json.dumps(RECORD), "utf-8")
    (tmp_path / "settings.toml").write_text("[data]\nimage_size = 224\n", "utf-8")
    (tmp_path / "weights.npz").write_bytes(b"bytes")
    (tmp_path / "experiment.toml").write_bytes((ROOT / "experiment.toml").read_bytes())
    (tmp_path / "broken.json").write_text("{", "utf-8")
    return tmp_path


def mark(source: str, chosen: str, text: str = "?") -> str:
    return f"<!-- from {source} as {chosen} -->{text}<!-- / -->"


def table(record: dict[str, float], *words: str) -> str:
    return "| seconds |\n|---:|\n" + f"| {record['seconds']:.0f} {' '.join(words)} |"


def test_no_document_of_the_project_is_stale() -> None:
    found = write_docs.stale()
    lines = [line for path, text in found.items() for line in write_docs.differences(path, text)]
    assert lines == [], f"renew them with `{write_docs.COMMAND}`"


def test_the_protocol_tells_of_the_build_that_is_published() -> None:
    """A page that was trained anew is told of there, with what became other; the newest is `again`."""
    told = json.loads((ROOT / "tools/records/rebuilt.json").read_text("utf-8"))["again"]
    published = json.loads((ROOT / "site/assets/data/CV_HW_2/metrics.json").read_text("utf-8"))["variants"]
    for name, variant in published.items():
        found = {
            "measured": variant["measurement"]["fine_tuning"]["correct"],
            "head_measured": variant["measurement"]["head"]["correct"],
            "validation": variant["validation"]["correct"],
            "test_loss": variant["test"]["loss"],
        }
        assert {key: told[name][key] for key in found} == found, name


def test_the_pages_of_the_documents_are_those_of_the_documents() -> None:
    pages = documents.pages(loading.load(ROOT / "experiment.toml").site)
    assert pages
    stale = [path for path, content in pages.items() if (ROOT / "site" / path).read_bytes() != content]
    assert stale == [], "renew them with `python build.py render`"


RESULT = re.compile(
    r"\b\d[\d.,]*\s?(s|ms|min|minutes?|seconds?|h|hours?|[KMG]i?B|times|GFLOP/s|points?)\b"
    r"|\b(?!95%)\d[\d.,]*\s?(%|×(?!\s?\d))|\b0\.\d{3,}\b|±\s?\d",
    re.IGNORECASE,
)
"""What a measured number looks like: a time, a size, a share, an accuracy, a loss. 95% is the level of intervals."""

GENERATED = re.compile(r"<!-- (\w+): python .*?<!-- /\1 -->", re.DOTALL)
"""A part that another program writes, which the comment before it names."""

HISTORY = {"CHANGELOG.md"}
"""Says what was found at the time, and is never renewed."""


def typed(text: str) -> list[str]:
    """Results in a document that no program wrote; what stands in code is no result."""
    return [found[0] for found in RESULT.finditer(write_docs.TOKENS.sub("", GENERATED.sub("", text)))]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", [path for path in write_docs.documents() if path.name not in HISTORY], ids=name_of)
def test_no_result_is_typed_into_a_document(path: Path) -> None:
    assert typed(path.read_text("utf-8")) == [], "record it, and `make docs` writes it: tools/write_docs.py says how"


def test_a_typed_result_is_found_and_a_written_one_is_none() -> None:
    text = "It took 8 minutes, 1.9 GiB and 3.54×; accuracy 0.9750, 90.4%, ±0.01. On 64 × 64 pixels `--seconds 60 s`."
    assert typed(text) == ["8 minutes", "1.9 GiB", "3.54×", "0.9750", "90.4%", "±0"]
    assert typed(f"It took {mark('record.json#/site/seconds', 'duration', '8 min')}.") == []


@pytest.mark.parametrize(
    ("source", "chosen", "text"),
    [
        ("record.json#/site/seconds", ".1f", "492.4"),
        ("record.json#/site/seconds", "minutes", "8"),
        ("record.json#/site/seconds", "duration", "8 min 12 s"),
        ("record.json#/site/memory", "gibibytes", "1.9 GiB"),
        ("record.json#/site/memory", "count", "2,000,000,000"),
        ("record.json#/rounds/0/ratio", "rounded", "8.31"),
        ("record.json#/a~1b/~0", "text", "AMD"),
        ("settings.toml#/data/image_size", "setting", "224"),
        ("experiment.toml#/data/max_stored_bytes", "gibibytes", "4 GiB"),
        ("experiment.toml#/profiles/smoke/head/epochs", "integer", "3"),
        ("weights.npz", "bytes", "5 bytes"),
        ("weights.npz", "sha256", sha256(b"bytes").hexdigest()),
    ],
)
def test_a_value_is_filled_in_its_format(root: Path, source: str, chosen: str, text: str) -> None:
    assert filled(f"In {mark(source, chosen)} it.", "x.md", root) == f"In {mark(source, chosen, text)} it."


def test_cells_of_tables_are_filled_and_filling_again_changes_nothing(root: Path) -> None:
    row = f"| site | {mark('record.json#/site/seconds', '.0f')} s | {mark('record.json#/rounds/0/ratio', '.1f')}× |"
    once = filled(row, "x.md", root)
    assert once == row.replace("?", "492", 1).replace("?", "8.3", 1)
    assert filled(once, "x.md", root) == once


def test_a_block_is_written_by_a_function_on_lines_of_its_own(root: Path) -> None:
    begun = "<!-- from record.json#/site as tests.test_docs:table or so -->"
    once = filled(f"Text.\n\n{begun}\n<!-- / -->\n", "x.md", root)
    assert once == f"Text.\n\n{begun}\n\n| seconds |\n|---:|\n| 492 or so |\n\n<!-- / -->\n"
    assert filled(once, "x.md", root) == once


def test_a_document_may_say_once_which_file_its_figures_are_from(root: Path) -> None:
    text = f"<!-- figures from record.json -->\n\nIn {mark('#/site/seconds', '.0f', '492')} s."
    assert filled(text, "x.md", root) == text
    with pytest.raises(BadInput, match="there is no file"):
        filled(f"In {mark('#/site/seconds', '.0f')} s.", "x.md", root)


def test_comments_may_be_wrapped_and_code_is_left_alone(root: Path) -> None:
    wrapped = "It took <!-- from\nrecord.json#/site/seconds\nas .0f -->?<!-- / --> s."
    code = f"`{mark('nothing.json', 'x')}`\n\n```\n{mark('nothing.json', 'x')}\n```\n"
    assert filled(code + wrapped, "x.md", root) == code + wrapped.replace("?", "492")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"a {mark('gone.json', '.1f')}", "there is no file gone.json"),
        (f"a {mark('record.json#/sites', '.1f')}", "there is no 'sites'; there is site, rounds, a/b"),
        (f"a {mark('record.json#/rounds/1/ratio', '.1f')}", "there is no '1'; there is 0"),
        (f"a {mark('record.json#/site/seconds/0', '.1f')}", "there is no '0'; there is nothing"),
        (f"a {mark('record.json#site', '.1f')}", "a pointer begins with a slash"),
        (f"a {mark('broken.json', '.1f')}", "broken.json cannot be read"),
        (f"a {mark('record.json#/site', '.1f')}", ".1f cannot be made of it (TypeError"),
        (f"a {mark('record.json#/site/seconds', 'minuets')}", "unknown format minuets: choose from accuracy, "),
        (f"a {mark('record.json#/site', 'tests.test_docs:gone')}", "unknown format tests.test_docs:gone"),
        (f"a {mark('record.json', 'tests.test_docs:table')}", "(KeyError: 'seconds')"),
        (f"a {mark('record.json#/site', 'tests.test_docs:table')}", "several lines; end the line after"),
        (f"{mark('record.json#/site/seconds', '.1f')} s", "begins its line"),
        (f"- {mark('record.json#/site/seconds', '.1f')} s", "begins its line"),
        ("a <!-- from record.json#/site/seconds as .1f -->492", "without its other"),
        (f"a <!-- from record.json as .1f --> {mark('record.json#/site/seconds', '.1f')}", "without its other"),
        ("a 492<!-- / -->", "without its other"),
    ],
)
def test_what_cannot_be_filled_is_named_with_its_line(root: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        filled(f"One line.\n\n{text}\n", "docs/x.md", root)
    assert str(caught.value).startswith("docs/x.md:3: ")
    assert message in str(caught.value)


def test_all_faults_of_all_documents_are_named_together(root: Path) -> None:
    (root / "docs").mkdir()
    for name in ("README.md", "docs/data.md"):
        (root / name).write_text(f"In {mark('gone.json', '.1f')}\n", "utf-8")
    with pytest.raises(BadInput, match="there is no file gone") as caught:
        write_docs.stale(root)
    assert [line.partition(": ")[0] for line in str(caught.value).splitlines()] == ["README.md:1", "docs/data.md:1"]


def test_what_is_stale_is_named_with_its_line(root: Path) -> None:
    readme = root / "README.md"
    readme.write_text(f"In {mark('record.json#/site/seconds', 'minutes', '7')} minutes.\n", "utf-8")
    (found,) = write_docs.stale(root).items()
    assert write_docs.differences(*found, root) == ["README.md:1: record.json#/site/seconds is now 8, not 7"]


def test_of_a_long_text_the_place_is_shown_that_differs(root: Path) -> None:
    (root / "record.json").write_text(json.dumps({"text": f"{'so far ' * 20}new{' and so on' * 20}"}), "utf-8")
    old = mark("record.json#/text", "text", f"{'so far ' * 20}old")
    (root / "README.md").write_text(f"In {old} it.", "utf-8")
    (found,) = write_docs.stale(root).items()
    (line,) = write_docs.differences(*found, root)
    assert line.startswith("README.md:1: record.json#/text is now …o far so far so far new and so on")
    assert line.endswith(", not …o far so far so far old")
