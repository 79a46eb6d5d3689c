"""The networks that there are, by name."""

from generator.backbones.backbone import Backbone
from generator.backbones.convnexttiny import CONVNEXTTINY
from generator.backbones.densenet121 import DENSENET121
from generator.backbones.efficientnetb0 import EFFICIENTNETB0
from generator.backbones.efficientnetv2b0 import EFFICIENTNETV2B0
from generator.backbones.inceptionv3 import INCEPTIONV3
from generator.backbones.mobilenetv2 import MOBILENETV2
from generator.backbones.mobilenetv3large import MOBILENETV3LARGE
from generator.backbones.resnet50 import RESNET50
from generator.backbones.resnet50v2 import RESNET50V2
from generator.backbones.resnet101 import RESNET101
from generator.backbones.vgg16 import VGG16
from generator.backbones.xception import XCEPTION
from generator.support.errors import BadInput, choices

_ALL = (
    RESNET50,
    RESNET50V2,
    RESNET101,
    MOBILENETV2,
    MOBILENETV3LARGE,
    EFFICIENTNETB0,
    EFFICIENTNETV2B0,
    DENSENET121,
    VGG16,
    INCEPTIONV3,
    XCEPTION,
    CONVNEXTTINY,
)

BACKBONES = {backbone.name: backbone for backbone in _ALL}


def find(name: str) -> Backbone:
    """The network of that name. Raises `BadInput` with the choices."""
    if name not in BACKBONES:
        raise BadInput(f"unknown backbone {name!r}; {choices(name, BACKBONES)}")
    return BACKBONES[name]
