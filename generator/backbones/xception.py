"""Xception: channels filtered one by one, then mixed."""

from generator.backbones.backbone import Backbone, ImageNet, Paper
from generator.backbones.preparation import scaled

XCEPTION = Backbone(
    name="Xception",
    kind="a network that filters every channel by itself and then mixes them",
    about=(
        "Xception takes the idea of Inception to its end: every channel is filtered by itself, and a convolution of "
        "one pixel then mixes the channels. Blocks of such layers are joined by shortcuts as in a ResNet."
    ),
    paper=Paper(
        title="Xception: Deep Learning with Depthwise Separable Convolutions",
        authors="François Chollet",
        year=2016,
        address="https://arxiv.org/abs/1610.02357",
    ),
    least_size=71,
    usual_size=299,
    features=2048,
    output="what its last separable convolution gives, normalised and passed through ReLU",
    from_layer="block13_sepconv1_act",
    begins="where the last two of its fourteen blocks begin",
    preparation=scaled("xception"),
    imagenet=ImageNet(
        file="xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
        folder="https://storage.googleapis.com/tensorflow/keras-applications/xception/",
        digest="b0042744bf5b25fce3cb969f33bebb97",
    ),
)
