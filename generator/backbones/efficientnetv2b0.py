"""EfficientNetV2B0: the smallest of the second EfficientNets."""

from generator.backbones.backbone import Backbone, ImageNet, Paper
from generator.backbones.preparation import normalised_within

EFFICIENTNETV2B0 = Backbone(
    name="EfficientNetV2B0",
    kind="a small network found by a search for fast training",
    about=(
        "EfficientNetV2B0 is the smallest of a family that was searched for fast training as well as accuracy. In "
        "its lower blocks one ordinary convolution does what takes EfficientNet two, of which one filters every "
        "channel by itself; its upper blocks are those of EfficientNet."
    ),
    paper=Paper(
        title="EfficientNetV2: Smaller Models and Faster Training",
        authors="Mingxing Tan and Quoc Le",
        year=2021,
        address="https://arxiv.org/abs/2104.00298",
    ),
    least_size=32,
    usual_size=224,
    features=1280,
    output="what a convolution of one pixel makes of its last block, normalised and passed through swish",
    from_layer="block6a_expand_conv",
    begins="where the last of its six stages begins",
    preparation=normalised_within("normalization"),
    imagenet=ImageNet(
        file="efficientnetv2-b0_notop.h5",
        folder="https://storage.googleapis.com/tensorflow/keras-applications/efficientnet_v2/",
        digest="893217f2bb855e2983157299931e43ff",
    ),
)
