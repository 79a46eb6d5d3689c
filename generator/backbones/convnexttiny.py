"""ConvNeXtTiny: a convolutional network after the pattern of vision transformers."""

from generator.backbones.backbone import Backbone, ImageNet, Paper
from generator.backbones.preparation import normalised_within

CONVNEXTTINY = Backbone(
    name="ConvNeXtTiny",
    kind="a convolutional network after the pattern of vision transformers",
    about=(
        "ConvNeXtTiny is a ResNet rebuilt step by step after the pattern of vision transformers: large filters for "
        "each channel by itself, layer normalisation in place of batch normalisation, fewer activations, and wide "
        "layers that see one place at a time."
    ),
    paper=Paper(
        title="A ConvNet for the 2020s",
        authors="Zhuang Liu and others",
        year=2022,
        address="https://arxiv.org/abs/2201.03545",
    ),
    least_size=32,
    usual_size=224,
    features=768,
    output="what its last block gives, behind layer normalisation",
    from_layer="convnext_tiny_downsampling_block_2",
    begins="where the last of its four stages begins, with the convolution that halves its grid",
    preparation=normalised_within("convnext_tiny_prestem_normalization"),
    imagenet=ImageNet(
        file="convnext_tiny_notop.h5",
        folder="https://storage.googleapis.com/tensorflow/keras-applications/convnext/",
        digest="d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
    ),
)
