"""Where the fine-tuned network looks, as plain data: what the class activation maps of the test images come to.

A class activation map (Zhou et al., Learning Deep Features for Discriminative Localization, CVPR 2016) says what each
place of the last features adds to a logit. Where an image's alpha channel tells its subject from what is around it, the
share of the map on each is held against the share of the image that it takes: that is what a map that does not care
would have there.
"""

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Final, Literal, get_args

from pydantic import Field, model_validator

from generator.experiment.outcomes import Prediction
from generator.support.strict_json import Record

Region = Literal["subject", "background", "padding"]
"""What is opaque; colours that transparency hides; the even margin around both."""
REGIONS: Final[tuple[Region, ...]] = get_args(Region)

Share = float

TOLERANCE = 0.02
"""By how much a logit may differ from what its map gives, beside a thousandth of it: bfloat16 leaves that much open."""
_DIGITS = 9
"""Of a difference of shares; float32, in which maps are computed, has fewer."""


class Shares(Record):
    """What each region has of a whole."""

    subject: Share = Field(ge=0, le=1)
    background: Share = Field(ge=0, le=1)
    padding: Share = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _make_a_whole(self) -> "Shares":
        total = self.subject + self.background + self.padding
        if not math.isclose(total, 1, abs_tol=1e-4):
            raise ValueError(f"the shares of the regions make {total}, not 1")
        return self


class MappedImage(Record):
    """What the map of one test image comes to."""

    mean: float
    """Over the map: with the bias it is the logit of the prediction."""
    map: Shares | None = None
    """Of what speaks for the predicted class; None where nothing does, or the image has no transparent pixel."""
    area: Shares | None = None
    """Of the image; None where it has no transparent pixel."""


class RegionShare(Record):
    """What one region has of the maps, on average over the images where that is known."""

    region: Region
    images: int = Field(ge=1)
    share: Share
    """Of the map."""
    area: Share
    """Of the image."""
    excess: float
    """The first less the second, on average."""
    low: float | None
    """End of the excess' 95% interval, by drawing images again; None of a single image."""
    high: float | None
    more: int
    """Images of which the region has more of the map than of the area."""


class Grid(Record):
    """What is the same for the maps of all images."""

    rows: int = Field(ge=1)
    """Places of the last features, and so of a map."""
    columns: int = Field(ge=1)
    bias: tuple[float, ...]
    """Of each logit."""


class ActivationMaps(Grid):
    """What the maps of a variant's test images come to."""

    images: tuple[MappedImage, ...] = ()
    """Every test image, in order; empty where a `metrics.json` was kept alone."""

    @cached_property
    def regions(self) -> tuple[RegionShare, ...]:
        """Each region that some image has; none where no alpha channel tells."""
        known = self._known
        return tuple(_compared(region, known) for region in self.shares)

    @cached_property
    def shares(self) -> dict[Region, float]:
        """Of the maps, on average, by the same regions."""
        known = self._known
        there = (region for region in REGIONS if any(getattr(area, region) for _, area in known))
        return {region: _mean([getattr(of_map, region) for of_map, _ in known]) for region in there}

    @property
    def _known(self) -> list[tuple[Shares, Shares]]:
        """Map and area of the images of which there are both."""
        return [(image.map, image.area) for image in self.images if image.map and image.area]

    def disagreements(self, predictions: Sequence[Prediction]) -> list[str]:
        """Names of the images whose map does not give the logit of their prediction, as far as there are maps."""
        pairs = zip(predictions, self.images, strict=False)
        return [prediction.file for prediction, image in pairs if not self._gives(image, prediction)]

    def _gives(self, image: MappedImage, prediction: Prediction) -> bool:
        bias = self.bias[prediction.predicted if prediction.logits else 0]
        return math.isclose(image.mean + bias, prediction.logit, rel_tol=1e-3, abs_tol=TOLERANCE)


def _compared(region: Region, known: Sequence[tuple[Shares, Shares]]) -> RegionShare:
    from generator.support.statistics import bootstrap  # Late: comparing builds reads results and needs no NumPy.

    shares = [getattr(of_map, region) for of_map, _ in known]
    areas = [getattr(area, region) for _, area in known]
    # Where a map has a single place, each region has the same of both: what is left then is rounding.
    excess = [round(share - area, _DIGITS) for share, area in zip(shares, areas, strict=True)]
    low, high, _ = bootstrap.of_mean(tuple(excess)) if len(excess) > 1 else (None, None, None)
    return RegionShare(
        region=region,
        images=len(known),
        share=_mean(shares),
        area=_mean(areas),
        excess=_mean(excess),
        low=low,
        high=high,
        more=sum(each > 0 for each in excess),
    )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
