"""ResNet50V2: ResNet50 with normalisation and activation in front of each convolution."""

from generator.backbones.backbone import Backbone, ImageNet, Paper
from generator.backbones.preparation import scaled

RESNET50V2 = Backbone(
    name="ResNet50V2",
    about=(
        "ResNet50V2 is ResNet50 with batch normalisation and activation moved in front of each convolution. What one "
        "block adds to the next passes from the first to the last with nothing in its way, which made very deep "
        "networks easier to train."
    ),
    paper=Paper(
        title="Identity Mappings in Deep Residual Networks",
        address="https://arxiv.org/abs/1603.05027",
    ),
    least_size=32,
    usual_size=224,
    features=2048,
    from_layer="conv4_block2_preact_bn",
    preparation=scaled("resnet_v2"),
    imagenet=ImageNet(
        file="resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        folder="https://storage.googleapis.com/tensorflow/keras-applications/resnet/",
        digest="fac2f116257151a9d068a22e544a4917",
    ),
)
