"""How networks want their images: the few ways that `keras.applications` has, each by the network's own means."""

from generator.backbones.backbone import Preparation

CENTRED = (
    "It reorders the channels from RGB to BGR and subtracts from each the mean it has over ImageNet, so that values "
    "lie around zero. It does not scale them."
)
SCALED = "It turns values from 0 to 255 into values from -1 to 1; all channels are treated alike."
NORMALISED = (
    "It divides values by 255, subtracts from each channel the mean it has over ImageNet, and divides what is left by "
    "the standard deviation of the channel there."
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
