"""MobileNetV3Large: MobileNetV2 refined by search."""

from generator.backbones.backbone import Backbone, ImageNet, Paper
from generator.backbones.preparation import scaled_within

MOBILENETV3LARGE = Backbone(
    name="MobileNetV3Large",
    kind="a small network made for phones, found by a search",
    about=(
        "MobileNetV3Large refines the blocks of MobileNetV2: its layers were chosen by a search for what is accurate "
        "and fast on phones, some of its blocks weigh their channels by what the whole image shows (squeeze and "
        "excitation), and its activation, hard swish, is cheap to compute."
    ),
    paper=Paper(
        title="Searching for MobileNetV3",
        authors="Andrew Howard and others",
        year=2019,
        address="https://arxiv.org/abs/1905.02244",
    ),
    least_size=32,
    usual_size=224,
    features=960,
    top="the two convolutions behind its pooling of which the second named the classes it was trained on",
    output="what a convolution of one pixel makes of its last block, normalised and passed through hard swish",
    from_layer="expanded_conv_10_expand",
    begins="where the eleventh of its fifteen blocks begins",
    preparation=scaled_within("rescaling"),
    imagenet=ImageNet(
        file="weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
        folder="https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/",
        digest="07fb09a5933dd0c8eaafa16978110389",
    ),
)
