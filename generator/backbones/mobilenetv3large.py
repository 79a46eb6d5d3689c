"""MobileNetV3Large: MobileNetV2 refined by search."""

from generator.backbones.backbone import Backbone, ImageNet, Paper
from generator.backbones.preparation import scaled_within

MOBILENETV3LARGE = Backbone(
    name="MobileNetV3Large",
    about=(
        "MobileNetV3Large refines the blocks of MobileNetV2: its layers were chosen by a search for what is accurate "
        "and fast on phones, some of its blocks weigh their channels by what the whole image shows (squeeze and "
        "excitation), and its activation, hard swish, is cheap to compute."
    ),
    paper=Paper(
        title="Searching for MobileNetV3",
        address="https://arxiv.org/abs/1905.02244",
    ),
    least_size=32,
    usual_size=224,
    features=960,
    from_layer="expanded_conv_10_expand",
    preparation=scaled_within("rescaling"),
    imagenet=ImageNet(
        file="weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
        folder="https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/",
        digest="07fb09a5933dd0c8eaafa16978110389",
    ),
)
