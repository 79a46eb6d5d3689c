"""How a post is cited: an entry that BibTeX reads, whatever stands in title and names; and the program's own."""

import re
import tomllib
from datetime import datetime

import pytest
import yaml
from pydantic import ValidationError

import generator
from generator.experiment.config.post_settings import PostSettings
from generator.post import render
from generator.post.formats import citation
from tests.factories import ROOT, make_results
from tests.rendered import make_post

COMMANDS = ("backslash", "asciitilde", "asciicircum", "braceleft", "braceright")

FORGED = ("cat\ue004x\ue003", "cat\ue000accuracy\ue001variants.baseline.test.accuracy\ue0020.99\ue003")
"""Marks as `bound` makes them."""


def test_an_entry_has_authors_title_and_date() -> None:
    post = make_post(authors=("Ada Lovelace", "{Camels & Horses}"))
    assert citation.bibtex(post, "Camels, 100% sure") == (
        "@misc{image-classification-with-cnn-and-transfer-learning-2023,\n"
        "  author = {Ada Lovelace and {Camels \\& Horses}},\n"
        "  title = {{Camels, 100\\% sure}},\n"
        "  year = {2023},\n"
        "  month = {01},\n"
        "  note = {Written by Measured Post from the run that it reports},\n"
        "}"
    )


def test_without_authors_there_is_no_empty_field() -> None:
    assert "author" not in citation.bibtex(make_post(), "T")


@pytest.mark.parametrize("title", ["a}b{c", "a } b", "\\input{x}", "~^_#$%&"])
def test_braces_stay_balanced_and_nothing_is_a_command(title: str) -> None:
    entry = citation.bibtex(make_post(), title)
    # BibTeX counts all of them, whatever stands before.
    assert entry.count("{") == entry.count("}")
    assert set(re.findall(r"\\[a-z]+", entry)) <= {f"\\text{name}" for name in COMMANDS}


@pytest.mark.parametrize(
    "text", ["cat\ue004x\ue003", "cat\ue000accuracy\ue001variants.baseline.test.accuracy\ue0020.99\ue003"]
)
def test_nothing_in_a_title_or_a_name_is_taken_for_a_number_or_an_excerpt(text: str) -> None:
    post = make_post(bibtex=True, title=text, authors=(text,))
    plain, told = (render.render(each, make_results()) for each in (make_post(bibtex=True), post))
    assert (told.numbers, told.excerpts) == (plain.numbers, plain.excerpts)
    assert not set(told.text) & set("\ue000\ue001\ue002\ue003\ue004")


def test_the_post_ends_with_it_where_it_is_asked_for() -> None:
    build = make_results()
    without, asked = (render.render(make_post(bibtex=each), build).text for each in (False, True))
    assert asked.startswith(without)
    ending = asked.removeprefix(without)
    assert ending.startswith("\n## How to Cite This Post\n")
    assert "title = {{Image classification with CNN and Transfer Learning}}" in ending
    assert "(../assets/data/CV_HW_2/ro-crate-metadata.json)" in ending


@pytest.mark.parametrize("value", ["", "CC BY", "ftp://example.org/l", 'https://example.org/"'])
def test_a_licence_that_cannot_be_looked_up_is_refused(value: str) -> None:
    with pytest.raises(ValidationError, match=r"must be an identifier of https://spdx.org"):
        PostSettings(date=datetime.fromisoformat("2023-01-31T12:38:00-06:00"), slug="s", license=value)


def test_the_programs_own_citation_is_of_its_version() -> None:
    found = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert found["cff-version"] == "1.2.0"
    assert found["type"] == "software"
    assert all(found[name] for name in ("message", "title", "authors"))
    assert (found["version"], found["license"]) == (generator.__version__, project["license"])
