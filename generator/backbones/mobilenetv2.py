"""MobileNetV2: a small network for phones."""

from generator.backbones.backbone import Backbone, ImageNet, Paper
from generator.backbones.preparation import scaled

MOBILENETV2 = Backbone(
    name="MobileNetV2",
    kind="a small network made for phones",
    about=(
        "MobileNetV2 was made for phones. Each of its blocks widens the features, filters every channel by itself, "
        "and narrows them again; the shortcuts join the narrow ends. That takes a small part of the parameters and "
        "of the work of a ResNet."
    ),
    paper=Paper(
        title="MobileNetV2: Inverted Residuals and Linear Bottlenecks",
        authors="Mark Sandler and others",
        year=2018,
        address="https://arxiv.org/abs/1801.04381",
    ),
    least_size=32,
    usual_size=224,
    features=1280,
    output="what a convolution of one pixel makes of its last block, normalised and passed through ReLU6",
    from_layer="block_11_expand",
    begins="where the twelfth of its seventeen blocks begins",
    preparation=scaled("mobilenet_v2"),
    # Keras has a file for each of five image sizes and no hash for any; this is the one it takes for every other size.
    imagenet=ImageNet(
        file="mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
        folder="https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/",
        digest="",
    ),
)
