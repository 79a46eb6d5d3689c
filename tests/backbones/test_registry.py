"""The facts of every network: held to the source of the installed Keras, to each other and to the document."""

import importlib.util
import re
from dataclasses import replace
from pathlib import Path

import pytest

from generator.backbones import registry
from generator.backbones.backbone import Backbone, Paper
from generator.backbones.registry import BACKBONES
from generator.support.errors import BadInput
from tests.factories import ROOT
from tools import describe_backbones

EACH = pytest.mark.parametrize("backbone", BACKBONES.values(), ids=BACKBONES)

PLAIN = {"backbone", "layers", "preparation", "registry", "weights", "weight_files", "weights_summary", "downloads"}
"""Modules of the room that are no file of facts."""


def keras_source() -> str:
    """The text of `keras.applications`, found without importing it, strings that are written in parts joined."""
    found = importlib.util.find_spec("keras")
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent / "src" / "applications"
    text = "\n".join(path.read_text("utf-8") for path in sorted(folder.glob("*.py")))
    return re.sub(r'"\s*\n\s*f?"', "", text)


@pytest.fixture(scope="module")
def source() -> str:
    return keras_source()


def test_every_file_of_facts_is_in_the_list() -> None:
    files = {path.stem for path in (ROOT / "generator" / "backbones").glob("*.py")} - {"__init__"} - PLAIN
    assert files == {name.lower() for name in BACKBONES}


def test_an_unknown_network_is_answered_with_the_choices() -> None:
    with pytest.raises(BadInput, match=r"unknown backbone 'ResNet51'; did you mean 'ResNet50'.* choose from .*VGG16"):
        registry.find("ResNet51")


@EACH
def test_hash_and_folder_of_the_weights_are_those_that_keras_has(backbone: Backbone, source: str) -> None:
    assert backbone.imagenet.digest in source
    assert backbone.imagenet.folder in source
    assert backbone.imagenet.algorithm in ("md5", "sha256") or backbone.name == "MobileNetV2"


@EACH
def test_a_function_that_prepares_images_is_there(backbone: Backbone, source: str) -> None:
    prepared = backbone.preparation
    assert bool(prepared.module) != bool(prepared.until)
    assert f"keras.applications.{prepared.module or backbone.name}" in source


@EACH
def test_the_layer_from_which_it_is_fine_tuned_is_one_of_its_own(backbone: Backbone) -> None:
    names = [layer.name for layer in backbone.layers]
    assert len(set(names)) == len(names)
    first = backbone.from_layer if isinstance(backbone.from_layer, int) else names.index(backbone.from_layer)
    assert 0 < first < len(names)
    if backbone.preparation.until:
        assert names.index(backbone.preparation.until) < first
    assert set(backbone.imagenet.factors) <= set(backbone.shapes)


@EACH
def test_what_is_said_of_it_is_plain_sentences(backbone: Backbone) -> None:
    for text in (backbone.about, backbone.preparation.words):
        assert re.fullmatch(r"[A-Z][A-Za-z0-9 ,.;:()'-]*\.", text), text
    assert backbone.preparation.words.startswith("It ")  # goes on behind a colon


@EACH
def test_what_is_said_of_it_within_a_sentence_is_a_phrase(backbone: Backbone) -> None:
    for text in (backbone.kind, backbone.top, backbone.output, backbone.begins):
        assert re.fullmatch(r"[a-z][A-Za-z0-9 ,'-]*[A-Za-z0-9]", text), text


@EACH
def test_a_paper_is_of_the_year_that_its_address_says(backbone: Backbone) -> None:
    first = re.fullmatch(r"https://arxiv\.org/abs/(\d\d)\d\d\.\d+", backbone.paper.address)
    assert first is not None
    assert backbone.paper.year == 2000 + int(first[1])
    assert re.fullmatch(r"\w+ \w+( and others| and \w+ \w+)?", backbone.paper.authors)


@EACH
def test_what_is_said_of_it_decides_about_nothing_that_is_computed(backbone: Backbone) -> None:
    paper = Paper(title="t", authors="a", year=1900, address="")
    words = replace(backbone.preparation, words="It does.")
    other = replace(backbone, kind="k", about="a", top="t", output="o", begins="b", paper=paper, preparation=words)
    assert other.key == backbone.key


def test_the_document_has_the_tables() -> None:
    text = describe_backbones.DOCUMENT.read_text("utf-8")
    assert describe_backbones.with_tables(text) == text
    assert all(f"| {name} |" in text for name in BACKBONES)
