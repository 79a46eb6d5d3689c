"""ResNet50V2: ResNet50 with normalisation and activation in front of each convolution."""

from generator.backbones.backbone import Backbone, ImageNet, Paper
from generator.backbones.preparation import scaled

RESNET50V2 = Backbone(
    name="ResNet50V2",
    kind="a residual network that normalises before it convolves",
    about=(
        "ResNet stands for residual network. It is built from blocks whose input is added to their output, so that a "
        "block need only learn what to change. In this second version batch normalisation and activation stand in "
        "front of each convolution, not behind it: what one block adds to the next passes from the first to the last "
        "with nothing in its way, which made very deep networks easier to train."
    ),
    paper=Paper(
        title="Identity Mappings in Deep Residual Networks",
        authors="Kaiming He and others",
        year=2016,
        address="https://arxiv.org/abs/1603.05027",
    ),
    least_size=32,
    usual_size=224,
    features=2048,
    output="what its last block gives, normalised and passed through ReLU",
    from_layer="conv4_block2_preact_bn",
    begins="where the second block of its fourth stage begins",
    preparation=scaled("resnet_v2"),
    imagenet=ImageNet(
        file="resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        folder="https://storage.googleapis.com/tensorflow/keras-applications/resnet/",
        digest="fac2f116257151a9d068a22e544a4917",
    ),
)
