"""InceptionV3: convolutions of several sizes side by side."""

from generator.backbones.backbone import Backbone, ImageNet, Paper
from generator.backbones.preparation import scaled

INCEPTIONV3 = Backbone(
    name="InceptionV3",
    kind="a network of modules with convolutions of several sizes side by side",
    about=(
        "InceptionV3 consists of modules in which convolutions of several sizes look at the same features side by "
        "side and their results are joined. Most of the larger ones are split into smaller ones, often into two, one "
        "along each side, which saves much of the work."
    ),
    paper=Paper(
        title="Rethinking the Inception Architecture for Computer Vision",
        authors="Christian Szegedy and others",
        year=2015,
        address="https://arxiv.org/abs/1512.00567",
    ),
    least_size=75,
    usual_size=299,
    features=2048,
    output="the joined results of the branches of its last module",
    from_layer=249,  # behind the module mixed8: the last two modules, as in the example of Keras' documentation
    begins="where the last two of its eleven modules begin",
    preparation=scaled("inception_v3"),
    imagenet=ImageNet(
        file="inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
        folder="https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/",
        digest="bcbd6486424b2319ff4ef7d526e38f63",
    ),
)
