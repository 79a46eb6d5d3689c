"""What a post says of networks: of each what holds for it, of several which is which."""

import re
from typing import Any

import pytest

from generator.backbones.registry import BACKBONES
from generator.experiment.results import BuildResults
from generator.post import bound, render
from generator.post.prose import networks
from generator.post.render import Rendered
from generator.support.formats import FORMATS
from tests.factories import (
    make_data,
    make_figures,
    make_results,
    make_variant,
    make_weights,
    of_network,
    two_networks,
    with_measurement,
)
from tests.post.test_render import post_of, section

RESIDUAL = {"ResNet50", "ResNet50V2", "ResNet101"}
CENTRED = {"ResNet50", "ResNet101", "VGG16"}
SCALED = {"ResNet50V2", "MobileNetV2", "MobileNetV3Large", "InceptionV3", "Xception"}
ITSELF = {"MobileNetV3Large", "EfficientNetB0", "EfficientNetV2B0", "ConvNeXtTiny"}
WITHOUT_BATCH_NORM = {"VGG16", "ConvNeXtTiny"}
ALL = {*BACKBONES}

HOLDS_OF = {
    "residual network": RESIDUAL,
    "forty-nine convolutions": {"ResNet50"},
    "that dense layer": {"ResNet50"},
    "from RGB to BGR": CENTRED,
    "from -1 to 1": SCALED,
    "the standard deviation of the channel": ALL - CENTRED - SCALED,
    "Keras' `preprocess_input` does that": ALL - ITSELF,
    "def preprocess_input_of(": ALL - ITSELF,
    "does that by itself, in its first layers": ITSELF,
    "the input, preprocessing, the base": ALL - ITSELF,
    "which begins with its own preprocessing": ITSELF,
    "that were stored when it was pre-trained": ALL - WITHOUT_BATCH_NORM,
    "it runs with stored statistics throughout": ALL - WITHOUT_BATCH_NORM,
    "has none and computes the same in either mode": WITHOUT_BATCH_NORM,
    "designed for 299 × 299": {"InceptionV3", "Xception"},
    "224 pixels, the size": ALL - {"InceptionV3", "Xception"},
    "its top, the three dense layers": {"VGG16"},
    "its top, the two convolutions": {"MobileNetV3Large"},
    "its top, the layer that named the classes": ALL - {"VGG16", "MobileNetV3Large"},
    '"resnet50", "keras"': {"ResNet50"},
}
"""What may stand in a post → the networks of which it is true, from Keras' source and from the papers."""


def build_of(backbone: str, *overrides: str, used: str = "imagenet", **changes: Any) -> BuildResults:
    """A build of the baseline alone, with that network."""
    variants = {"baseline": of_network(make_variant(), backbone, *overrides)}
    weights = make_weights(used, backbone)
    return make_results(variants=variants, figures=make_figures(variants), weights=weights, **changes)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_post_says_what_holds_of_its_network(backbone: str) -> None:
    text = post_of(build_of(backbone)).text
    for words, those in HOLDS_OF.items():
        assert (words in text) == (backbone in those), words
    akin = {name for name in BACKBONES if name in BACKBONES[backbone].about}  # of whose blocks it is made
    assert {name for name in BACKBONES if re.search(rf"\b{name}\b", text)} - akin == {backbone} - akin
    assert f"Transfer learning with {backbone} on images" in text
    assert f"### {backbone}\n" in text


@pytest.mark.parametrize("backbone", BACKBONES)
def test_numbers_of_a_network_can_be_looked_up(backbone: str) -> None:
    build = build_of(backbone, data=make_data(image_size=96))
    numbers = post_of(build).numbers
    sources = {number.source for number in numbers}
    assert {f"count(networks.{backbone}.layers)", f"networks.{backbone}.usual_size"} <= sources
    for number in numbers:
        assert FORMATS[number.format](bound.value_of(build, number.source)) == number.text


@pytest.mark.parametrize("backbone", ["MobileNetV3Large", "EfficientNetB0", "ConvNeXtTiny"])
def test_layers_that_prepare_images_may_be_left_out(backbone: str) -> None:
    text = post_of(build_of(backbone, "model.preprocess=false")).text
    assert "The baseline of this build leaves them out." in section(text, "Rescale Pixel Values")
    assert "def unprepared(" in text
    assert "the base, less the layers by which it would prepare images, average pooling" in text
    assert "The index counts the layers that prepare images, too" in section(text, "Unfreeze Top Layers")


def test_a_function_that_prepares_images_may_be_left_out() -> None:
    text = post_of(build_of("MobileNetV2", "model.preprocess=false")).text
    assert "The baseline of this build leaves it out." in section(text, "Rescale Pixel Values")
    assert "in this order: the input, the base, average pooling" in text
    assert "The index counts" not in text


def test_another_layer_than_usual_is_named_without_its_place() -> None:
    text = section(post_of(build_of("VGG16", "fine_tuning.from_layer=block4_conv1")).text, "Unfreeze Top Layers")
    assert "from index 11 on are unfrozen, counted from 0. That layer is <code>block4&#95;conv1</code>. The" in text


def test_of_random_weights_nothing_is_said_to_be_learnt() -> None:
    text = post_of(build_of("EfficientNetB0", used="random")).text
    assert "random ones have nought and one in their place, so that division is all that is left." in text
    assert "the means and variances they begin with, nought and one" in text
    for untrue in ("was pre-trained", "forget what it knows", "that named the classes"):
        assert untrue not in text
    assert "Training EfficientNetB0 from random weights on images of two classes" in text
    assert "It uses a lower learning rate, 1e-5 instead of 1e-4. The usual reason: with few images" in text
    assert "nought and one in their place" not in post_of(build_of("EfficientNetV2B0", used="random")).text
    assert "nought and one in their place" not in post_of(build_of("EfficientNetB0")).text


@pytest.fixture(scope="module")
def two() -> Rendered:
    return post_of(two_networks())


def test_a_post_of_two_networks_names_both(two: Rendered) -> None:
    assert "Transfer learning with ResNet50 and MobileNetV2 on images" in two.text
    assert "These are ResNet50 and MobileNetV2, of which the baseline uses ResNet50;" in section(two.text, "Goal")
    assert two.text.index("### ResNet50\n") < two.text.index("### MobileNetV2\n") < two.text.index("### ImageNet\n")
    assert "pixels (ResNet50 and MobileNetV2 were designed for 224 × 224); its sides" in two.text
    assert "all 175 layers of the baseline's ResNet50 frozen" in two.text
    assert "The base of the baseline is ResNet50" in two.text


def test_what_each_of_two_networks_starts_from_is_said(two: Rendered) -> None:
    said = section(two.text, "ImageNet")
    assert "ResNet50 starts from other weights, <code>resnet50&#45;photos" in said
    assert "MobileNetV2 was not trained on anything before" in said
    assert (
        "Here ResNet50 starts from the weights that come with the program and MobileNetV2 from random weights."
        in section(two.text, "Reproduction Notes")
    )
    known = section(two.text, "Environment")
    assert f"| Weights of ResNet50, embedded | <code>{'e' * 64}</code> |" in known
    assert "| Weights of MobileNetV2, random | <code>random</code> |" in known
    assert " --variants other --set weights.ResNet50=embedded --set weights.MobileNetV2=random --seed" in known


def test_two_networks_of_random_weights_are_told_of_at_once() -> None:
    text = post_of(two_networks(old="random")).text
    said = section(text, "ImageNet")
    assert "ResNet50 and MobileNetV2 were not trained on anything before: their bases start from random" in said
    assert said.count("not trained on anything before") == 1
    assert "Training ResNet50 and MobileNetV2 from random weights on images" in text


def test_weights_of_one_kind_are_asked_for_at_once() -> None:
    for new in ("imagenet", "as the baseline"):
        used = "imagenet" if new == "imagenet" else "random"
        assert f" --variants other --weights {used} --seed" in post_of(two_networks(old=used, new=new)).text


def test_the_comparison_has_a_column_for_networks_where_they_differ(two: Rendered) -> None:
    compared = section(two.text, "Comparison of the Variants")
    assert " Network | Parameters of the base |\n" in compared
    assert "| no | yes | ResNet50 | 23,587,712 |\n" in compared
    assert "| no | yes | MobileNetV2 | 2,257,984 |\n" in compared
    assert "Parameters of the base" not in post_of(make_results()).text


def test_a_variant_says_what_its_network_is(two: Rendered) -> None:
    said = section(two.text, "Model architecture with MobileNetV2 in place of ResNet50")
    assert "Its network is MobileNetV2, a small network made for phones. Without its top it has 154 layers" in said
    assert "7 × 7 places with 1280 features each; the features are what a convolution of one pixel" in said
    assert "The base starts from random weights, and in fine-tuning its layers from index 98 on are unfrozen." in said
    assert (
        "That layer is <code>block&#95;11&#95;expand</code>, where the twelfth of its seventeen blocks begins." in said
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "The variants differ in the network that is their base."),
        ({"augment": True}, "The variants differ in the network that is their base and in what stands in front of it."),
    ],
)
def test_how_variants_differ_is_said(changes: dict[str, Any], said: str) -> None:
    overrides = [f"model.{name}={str(value).lower()}" for name, value in changes.items()]
    assert said in section(post_of(two_networks(*overrides)).text, "Connect the Model")


def test_variants_that_differ_in_training_alone_have_one_model() -> None:
    mine = make_variant().model_copy(update={"name": "mine", "changes": {"head.epochs": 7}})
    variants = {"baseline": make_variant(), "mine": mine}
    assert "The variants differ" not in post_of(make_results(variants=variants, figures=make_figures(variants))).text


def test_networks_are_compared_with_all_that_belongs_to_them(two: Rendered) -> None:
    compared = section(two.text, "Image by Image")
    assert "The two differ in their network and what belongs to it" in compared
    assert "Their weights are not of one kind, so this pair does not show what the network by itself does." in compared
    same = section(post_of(two_networks(old="imagenet", new="imagenet")).text, "Image by Image")
    assert "The two differ in their network" in same
    assert "not of one kind" not in same


def test_where_the_write_up_is_told_another_network_is_no_repetition() -> None:
    text = section(post_of(build_of("MobileNetV2"), writeup=True).text, "Reproduction Notes")
    assert "did not use what the original used: its network is MobileNetV2, not ResNet50, and its images are" in text


@pytest.mark.parametrize(
    ("tags", "used", "told"),
    [
        (("a", "resnet50", "b"), "ResNet50", ["a", "resnet50", "b"]),
        (("a", "resnet50", "b"), "VGG16", ["a", "vgg16", "b"]),
        (("VGG16", "ResNet50"), "VGG16", ["VGG16"]),
        (("a", "b"), "VGG16", ["a", "b"]),
        ((), "VGG16", []),
    ],
)
def test_tags_name_no_network_that_is_not_used(tags: tuple[str, ...], used: str, told: list[str]) -> None:
    assert networks.retagged(tags, build_of(used).variants) == told


def test_the_made_up_posts_have_networks_that_differ() -> None:
    made = render.example.results(classes=3).variants
    seen = [networks.network_of(variant) for variant in made.values()]
    assert {networks.prepares_itself(each) for each in seen} == {True, False}
    assert {networks.has_batch_norm(each) for each in seen} == {True, False}
    assert {networks.learnt_preparation(each) for each in seen} == {True, False}


def test_a_measured_post_of_two_networks_renders() -> None:
    assert "MobileNetV2" in section(post_of(with_measurement(two_networks())).text, "Measured on More Images")


def test_networks_of_one_size_are_named_together() -> None:
    made = two_networks().variants
    deep = of_network(make_variant(), "Xception", name="deep")
    variants = {"baseline": made["baseline"], "deep": deep, "other": made["other"]}
    text = post_of(make_results(variants=variants, figures=make_figures(variants))).text
    assert "(ResNet50 and MobileNetV2 were designed for 224 × 224, Xception was designed for 299 × 299)" in text


@pytest.mark.parametrize(
    ("backbone", "said", "quoted"),
    [
        ("ResNet101", "For ResNet101 the same is done in the same way.", "def preprocess_input_of("),
        ("VGG16", "VGG16, the network of a variant, has none.", "def preprocess_input_of("),
        ("Xception", "For Xception, Keras' `preprocess_input` does that: it turns values", "def preprocess_input_of("),
        ("ConvNeXtTiny", "ConvNeXtTiny does that by itself, in its first layers", "def preprocess_input_of("),
    ],
)
def test_of_another_variants_network_what_differs_is_said(backbone: str, said: str, quoted: str) -> None:
    text = post_of(two_networks(backbone=backbone)).text
    assert said in text
    assert quoted in text


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ((), "The images reach the base without augmentation; it prepares them by layers of its own."),
        (("model.augment=true",), "augmentation in front of the base, which prepares images by layers of its own."),
        (("model.preprocess=false",), "the model contains neither augmentation nor preprocessing."),
    ],
)
def test_what_stands_in_front_of_a_base_that_prepares_images_is_said(overrides: tuple[str, ...], said: str) -> None:
    text = post_of(two_networks(*overrides, backbone="EfficientNetV2B0")).text
    assert said in section(text, "Model architecture with EfficientNetV2B0 in place of ResNet50")
