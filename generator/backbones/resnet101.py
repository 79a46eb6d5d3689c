"""ResNet101: ResNet50 with seventeen more blocks in its fourth stage."""

from generator.backbones.backbone import Backbone, ImageNet, Paper
from generator.backbones.preparation import centred

RESNET101 = Backbone(
    name="ResNet101",
    kind="a residual network of one hundred and one layers",
    about=(
        "ResNet stands for residual network. It is built from blocks whose input is added to their output, so that a "
        "block need only learn what to change. That addition lets gradients pass through very deep networks without "
        "fading. Its name counts one hundred and one layers with weights: one hundred convolutions one behind the "
        "other, and the dense layer that named ImageNet's classes. Of its thirty-three blocks, twenty-three make up "
        "the fourth stage."
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
    from_layer="conv4_block13_1_conv",
    begins="where the thirteenth of the twenty-three blocks of its fourth stage begins",
    preparation=centred("resnet"),
    imagenet=ImageNet(
        file="resnet101_weights_tf_dim_ordering_tf_kernels_notop.h5",
        folder="https://storage.googleapis.com/tensorflow/keras-applications/resnet/",
        digest="88cf7a10940856eca736dc7b7e228a21",
    ),
)
