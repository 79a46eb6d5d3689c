"""The model card: every number bound, for any number of classes and runs, and nothing typed in."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image, ImageOps

from generator.data import decoding
from generator.experiment import exported as exporting
from generator.experiment.config.settings import ShownSettings
from generator.experiment.exported import Exported
from generator.experiment.results import BuildResults
from generator.post import bound, example, lint, render
from generator.post.formats import card
from generator.support.formats import FORMATS
from tests import factories

COMMANDS = ("python build.py", "python build.py model --out DIR")


def known(results: BuildResults, run: int = 1, **changes: object) -> Exported:
    fields = {"variant": results.baseline.name, "run": run, "precision": "float32", "images": 40, "changed": 0}
    return Exported.model_validate({**fields, "difference": 7.5e-7, **changes})


def rendered(results: BuildResults, exported: Exported, licence: str = "unknown") -> card.Card:
    only = results.model_copy(update={"variants": {results.baseline.name: results.baseline}})
    post = factories.make_config("baseline").post
    return card.render_card(post, only, exported, commands=COMMANDS, licence=licence, folder="build")


def made(kind: str) -> tuple[BuildResults, int]:
    if kind == "three classes":
        return example.results(classes=3), 1
    if kind == "second run":
        return example.results(runs=2), 2
    return factories.make_results(), 1


@pytest.mark.parametrize("kind", ["two classes", "three classes", "second run"])
def test_every_number_of_the_card_is_a_result(kind: str) -> None:
    results, run = made(kind)
    exported = known(results, run, lite_difference=2e-6)
    found = rendered(results, exported)
    lines, sources = found.text.split("\n"), exporting.sources(results, exported)
    assert len(found.numbers) > 50
    for number in found.numbers:
        assert lines[number.line - 1][number.column - 1 :].startswith(number.text)
        assert FORMATS[number.format](bound.value_of(sources, number.source)) == number.text
    assert {"export.difference", "export.lite_difference"} <= {number.source for number in found.numbers}


def test_nothing_is_typed_into_the_template() -> None:
    template = render.TEMPLATES / card.TEMPLATE
    text = template.read_text("utf-8")
    assert list(lint.typed_numbers(text)) == []


@pytest.mark.parametrize("kind", ["two classes", "three classes", "second run"])
def test_the_front_matter_is_what_hugging_face_reads(kind: str) -> None:
    results, run = made(kind)
    _, front, body = re.split(r"^---\n", rendered(results, known(results, run), "mit").text, maxsplit=2, flags=re.M)
    table = yaml.safe_load(front)
    assert (table["library_name"], table["license"], table["datasets"]) == ("keras", "mit", [results.data.source])
    (model,) = table["model-index"]
    (result,) = model["results"]
    values = {metric["type"]: metric["value"] for metric in result["metrics"]}
    test = results.baseline.every_run[run - 1].test
    assert values["accuracy"] == round(test.accuracy, 4)
    assert values["f1"] == round(test.f1, 4)
    assert body.startswith("\n# ")


def test_the_card_of_a_run_has_that_runs_numbers() -> None:
    results, _ = made("second run")
    sources = {number.source for number in rendered(results, known(results, 2)).numbers}
    assert "variants.baseline.runs.0.test.accuracy" in sources
    assert "variants.baseline.test.accuracy" not in sources


def test_runs_that_agree_have_no_range_of_accuracies() -> None:
    wrong = tuple(p.index for p in factories.make_results().baseline.wrong)
    for further, alike in ((wrong, True), (wrong[1:], False)):
        results = factories.with_runs(factories.make_results(), further)
        text = rendered(results, known(results)).text
        assert ("; each of them has a test accuracy of 0.8750." in text) is alike
        assert ("(mean and standard deviation), from" in text) is not alike


def test_names_from_outside_are_escaped() -> None:
    names = ("<b>camel</b>", "horse|mule")
    results = factories.make_results()
    data = factories.make_data(class_names=names)
    text = rendered(results.model_copy(update={"data": data}), known(results)).text
    assert "<b>" not in text
    assert "horse|mule" not in text.partition("\n# ")[2]


@pytest.mark.parametrize("crop", ["none", "subject"])
@pytest.mark.parametrize("alpha", ["drop", "white", "grey", "background"])
def test_the_code_of_the_card_prepares_an_image_as_the_build_does(tmp_path: Path, alpha: Any, crop: Any) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (60, 50, 4), np.uint8)
    pixels[..., 3] = 0
    pixels[12:40, 8:31, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "image.png")
    found = _prepared(_shown(alpha, crop), tmp_path / "image.png")
    data = (tmp_path / "image.png").read_bytes()
    expected = decoding.decode_bytes(data, size=224, alpha=alpha, crop=crop, max_pixels=10**6).pixels
    np.testing.assert_array_equal(found, expected)


def _shown(alpha: Any, crop: Any) -> BuildResults:
    """Results of a baseline that is shown its images so."""
    results = factories.make_results()
    recipe = results.baseline.recipe.model_copy(update={"data": ShownSettings(alpha=alpha, crop=crop)})
    variant = results.baseline.model_copy(update={"recipe": recipe})
    return results.model_copy(update={"variants": {**results.variants, variant.name: variant}})


def _prepared(results: BuildResults, path: Path) -> np.ndarray:
    """What the code of the card hands to the network."""
    code = re.search(r"^(image = ImageOps.*?)^probabilities", rendered(results, known(results)).text, re.M | re.S)
    assert code is not None
    names: dict[str, Any] = {"Image": Image, "ImageOps": ImageOps}
    exec(code[1].replace('"image.png"', repr(str(path))), names)
    return np.asarray(names["image"])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ((), " Even the lower end of the interval below lies above that."),
        (tuple(range(18)), " The interval below reaches down to that, so **nothing here shows"),
        (tuple(range(20)), " It does just as well, so **nothing here shows"),
        (tuple(range(36)), " It does worse, so **nothing here shows"),
    ],
)
def test_the_accuracy_is_held_against_guessing(wrong: tuple[int, ...], said: str) -> None:
    results = factories.make_results(variants={"baseline": factories.make_variant(wrong=wrong)})
    assert f"would be right for 0.5000 of them.{said}" in rendered(results, known(results)).text


def test_of_random_weights_nothing_is_said_to_be_transferred() -> None:
    for used in ("embedded", "random"):
        results = factories.make_results(weights=factories.make_weights(used))
        text = rendered(results, known(results)).text
        assert ("[image-classification, transfer-learning," in text) == (used != "random")
        assert ("anew by transfer learning" in text) == (used != "random")
    assert "whose upper layers were trained from random weights, and plain Keras loads it." in text
    assert "tags: [image-classification, measured-post," in text
    assert "made from random weights and from the images of <code>sample</code>, whose terms hold for it too." in text


@pytest.mark.parametrize(("used", "preprocess"), [("random", "true"), ("imagenet", "true"), ("random", "false")])
def test_random_weights_have_no_means_to_subtract(used: str, preprocess: str) -> None:
    variant = factories.of_network(factories.make_variant(), "EfficientNetB0", f"model.preprocess={preprocess}")
    weights = factories.make_weights(used, "EfficientNetB0")
    results = factories.make_results(variants={"baseline": variant}, weights=weights)
    told = "random ones have nought and one in their place" in rendered(results, known(results)).text
    assert told == ((used, preprocess) == ("random", "true"))


def test_nothing_is_split_off_where_the_data_set_has_validation_images() -> None:
    data = factories.with_validation()
    for results in (factories.make_results(), factories.make_results(data=data)):
        text = rendered(results, known(results)).text
        assert ("with another split," in text) == ("| For training and validation |" in text) == (results.data != data)
    assert "| Class | For training | For the test |" in text


def test_no_bound_is_stated_of_a_difference_that_is_rounded() -> None:
    results = factories.make_results()
    text = rendered(results, known(results, difference=0.00012345, lite_difference=0.00054321)).text
    assert "the largest difference of a probability from that of the build is 1.2e-04." in text
    assert "there the largest difference is 0.0005." in text


def test_test_images_that_are_known_in_altered_form_are_told_of() -> None:
    for data, told in (
        (factories.make_data(), False),
        (factories.make_data(near=factories.make_near("train", "test")), True),
    ):
        results = factories.make_results(data=data)
        said = "1 of the test images is known from training or validation, in a copy or in altered form, so the test is"
        assert (said in rendered(results, known(results)).text) == told


def test_rounding_of_bfloat16_is_told_with_what_it_changed() -> None:
    results = factories.make_results()
    text = rendered(results, known(results, precision="bfloat16", difference=0.0123, changed=1)).text
    assert "difference of a probability from that of the build is 0.0123, and 1 of the images gets another" in text
