"""EfficientNetB0: the smallest of the EfficientNets."""

from generator.backbones.backbone import Backbone, ImageNet, Paper
from generator.backbones.preparation import normalised_within

EFFICIENTNETB0 = Backbone(
    name="EfficientNetB0",
    kind="a small network found by a search, the smallest of its family",
    about=(
        "EfficientNetB0 is the smallest of a family in which depth, width and image size grow together. Its blocks "
        "are those of MobileNetV2 with squeeze and excitation, arranged by a search for accuracy at little work."
    ),
    paper=Paper(
        title="EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
        authors="Mingxing Tan and Quoc Le",
        year=2019,
        address="https://arxiv.org/abs/1905.11946",
    ),
    least_size=32,
    usual_size=224,
    features=1280,
    output="what a convolution of one pixel makes of its last block, normalised and passed through swish",
    from_layer="block6a_expand_conv",
    begins="where the sixth of its seven stages begins",
    preparation=normalised_within("normalization"),
    imagenet=ImageNet(
        file="efficientnetb0_notop.h5",
        folder="https://storage.googleapis.com/keras-applications/",
        digest="50bc09e76180e00e4465e1a485ddc09d",
        # The file holds deviations where the network has variances; Keras makes up for it by a layer that it adds
        # only where it loads these weights. Here they become variances: the same network without that layer.
        factors={"normalization/variance": (0.229, 0.224, 0.225)},
    ),
)
