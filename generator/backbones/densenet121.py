"""DenseNet121: every layer sees the features of all before it in its block."""

from generator.backbones.backbone import Backbone, ImageNet, Paper
from generator.backbones.preparation import normalised

DENSENET121 = Backbone(
    name="DenseNet121",
    kind="a network in whose blocks every layer sees the features of all before it",
    about=(
        "DenseNet121 consists of blocks in which every layer is given the features of all layers before it and adds "
        "a few of its own. Nothing has to be learned twice, so it gets by with few parameters for its depth."
    ),
    paper=Paper(
        title="Densely Connected Convolutional Networks",
        authors="Gao Huang and others",
        year=2016,
        address="https://arxiv.org/abs/1608.06993",
    ),
    least_size=32,
    usual_size=224,
    features=1024,
    output="all that its last block has gathered, normalised and passed through ReLU",
    from_layer="conv5_block1_0_bn",
    begins="where the last of its four blocks begins",
    preparation=normalised("densenet"),
    imagenet=ImageNet(
        file="densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
        folder="https://storage.googleapis.com/tensorflow/keras-applications/densenet/",
        digest="30ee3e1110167f948a6b9946edeeb738",
    ),
)
