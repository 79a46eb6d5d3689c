"""ResNet101: ResNet50 with seventeen more blocks in its fourth stage."""

from generator.backbones.backbone import Backbone, ImageNet, Paper
from generator.backbones.preparation import centred

RESNET101 = Backbone(
    name="ResNet101",
    about=(
        "ResNet101 is built as ResNet50 is, from blocks whose input is added to their output, and is about twice as "
        "deep: its fourth stage has twenty-three blocks where that of ResNet50 has six."
    ),
    paper=Paper(
        title="Deep Residual Learning for Image Recognition",
        address="https://arxiv.org/abs/1512.03385",
    ),
    least_size=32,
    usual_size=224,
    features=2048,
    from_layer="conv4_block13_1_conv",
    preparation=centred("resnet"),
    imagenet=ImageNet(
        file="resnet101_weights_tf_dim_ordering_tf_kernels_notop.h5",
        folder="https://storage.googleapis.com/tensorflow/keras-applications/resnet/",
        digest="88cf7a10940856eca736dc7b7e228a21",
    ),
)
