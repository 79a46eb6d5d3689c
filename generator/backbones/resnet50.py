"""ResNet50: 49 convolutions and one dense layer, of which the base has the convolutions and their shortcuts."""

from pathlib import Path

from generator.backbones.backbone import Backbone, Embedded, ImageNet, Paper
from generator.backbones.preparation import centred

EMBEDDED = Embedded(
    path=Path(__file__).parent / "embedded" / "resnet50-photos-int8.npz",
    sha256="bd1aab6681d6b4ceafc37ea669311ad87d5a040d1512d14ac37951eaabf852fc",
)
"""Weights that come with the project."""

RESNET50 = Backbone(
    name="ResNet50",
    kind="a residual network of fifty layers",
    about=(
        "ResNet stands for residual network. It is built from blocks whose input is added to their output, so that a "
        "block need only learn what to change. That addition lets gradients pass through very deep networks without "
        "fading. Its name counts fifty layers with weights: forty-nine convolutions one behind the other, and the "
        "dense layer that named ImageNet's classes. Four more convolutions stand in shortcuts around blocks."
    ),
    paper=Paper(
        title="Deep Residual Learning for Image Recognition",
        authors="Kaiming He and others",
        year=2015,
        address="https://arxiv.org/abs/1512.03385",
    ),
    least_size=32,
    usual_size=224,
    features=2048,
    output="what its last block gives, behind the addition and ReLU",
    from_layer=100,  # as in the write-up: within the second block of the fourth stage
    begins="within the second block of its fourth stage",
    preparation=centred("resnet50"),
    imagenet=ImageNet(
        file="resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        folder="https://storage.googleapis.com/tensorflow/keras-applications/resnet/",
        digest="4d473c1dd8becc155b73f8504c6f6626",
    ),
    embedded=EMBEDDED,
)
