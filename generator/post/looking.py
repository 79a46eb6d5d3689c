"""What the prose says about class activation maps, as `claims` does about the rest."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

from generator.experiment.activation_maps import RegionShare
from generator.experiment.results import VariantResult
from generator.experiment.showcase import doubtful


def mapped_images(variant: VariantResult) -> Sequence[Any]:
    """The test images whose maps are drawn, in order, as views where `variant` is one."""
    return [variant.predictions[p.index] for p in doubtful(variant.predictions)]


def leaning(region: RegionShare) -> Literal["more", "less", "no more"]:
    """Whether a region has more or less of the maps than of the images, `no more` where that is within chance."""
    if region.low is None or region.high is None or region.low <= 0 <= region.high:
        return "no more"
    return "more" if region.low > 0 else "less"


CLAIMS: Final[tuple[Callable[..., Any], ...]] = (mapped_images, leaning)
"""For `claims`, which gives them to the templates."""
