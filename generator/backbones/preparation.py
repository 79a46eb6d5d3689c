"""How networks want their images: the few ways that `keras.applications` has, each by the network's own means."""

from generator.backbones.backbone import Preparation

CENTRED = (
    "The channels are reordered from RGB to BGR, and from each the mean is subtracted that it has over ImageNet, "
    "so that values lie around zero. They are not scaled."
)
SCALED = "Values from 0 to 255 become values from -1 to 1; all channels are treated alike."
NORMALISED = (
    "Values are divided by 255; then from each channel the mean is subtracted that it has over ImageNet, and what is "
    "left is divided by its standard deviation there."
)


def centred(module: str) -> Preparation:
    """By `preprocess_input` of that module of `keras.applications`; so are the next two."""
    return Preparation(words=CENTRED, module=module)


def scaled(module: str) -> Preparation:
    return Preparation(words=SCALED, module=module)


def normalised(module: str) -> Preparation:
    return Preparation(words=NORMALISED, module=module)


def scaled_within(until: str) -> Preparation:
    """By the network's own layers up to that one; so is the next."""
    return Preparation(words=SCALED, until=until)


def normalised_within(until: str) -> Preparation:
    return Preparation(words=NORMALISED, until=until)
