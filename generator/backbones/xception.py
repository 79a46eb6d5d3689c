"""Xception: channels filtered one by one, then mixed."""

from generator.backbones.backbone import Backbone, ImageNet, Paper
from generator.backbones.preparation import scaled

XCEPTION = Backbone(
    name="Xception",
    about=(
        "Xception takes the idea of Inception to its end: every channel is filtered by itself, and a convolution of "
        "one pixel then mixes the channels. Blocks of such layers are joined by shortcuts as in a ResNet."
    ),
    paper=Paper(
        title="Xception: Deep Learning with Depthwise Separable Convolutions",
        address="https://arxiv.org/abs/1610.02357",
    ),
    least_size=71,
    usual_size=299,
    features=2048,
    from_layer="block13_sepconv1_act",
    preparation=scaled("xception"),
    imagenet=ImageNet(
        file="xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
        folder="https://storage.googleapis.com/tensorflow/keras-applications/xception/",
        digest="b0042744bf5b25fce3cb969f33bebb97",
    ),
)
