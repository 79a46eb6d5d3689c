"""VGG16: thirteen convolutions one after the other."""

from generator.backbones.backbone import Backbone, ImageNet, Paper
from generator.backbones.preparation import centred

VGG16 = Backbone(
    name="VGG16",
    kind="a plain stack of small convolutions",
    about=(
        "VGG16 is a plain stack of small convolutions, thirteen without its top, with pooling after every two or "
        "three. It has neither shortcuts nor batch normalisation, and takes far more work for an image than "
        "most networks that came after it."
    ),
    paper=Paper(
        title="Very Deep Convolutional Networks for Large-Scale Image Recognition",
        authors="Karen Simonyan and Andrew Zisserman",
        year=2014,
        address="https://arxiv.org/abs/1409.1556",
    ),
    least_size=32,
    usual_size=224,
    features=512,
    top="the three dense layers of which the last named the classes it was trained on",
    output="what its last convolution gives, behind ReLU and max pooling",
    from_layer="block5_conv1",
    begins="where the last of its five blocks begins",
    preparation=centred("vgg16"),
    imagenet=ImageNet(
        file="vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        folder="https://storage.googleapis.com/tensorflow/keras-applications/vgg16/",
        digest="6d6bbae143d832006294945121d1f1fc",
    ),
)
