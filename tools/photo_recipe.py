"""How the embedded weights are trained: the recipe and its schedule, plain numbers without PyTorch."""

import math
from dataclasses import dataclass

REFERENCE_BATCH = 512
"""Photographs in the batch that `peak_rate` is for; the rate is proportional to the batch."""
RISE = 0.06
"""Share of the training in which the learning rate rises."""
GROWTH = 0.8
"""Share of the training after which the images have their last size."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings of a training; shares are of 1."""

    sides: tuple[int, ...] = (96, 128, 160)
    """Of the images, pixels: small ones first, for speed."""
    batch: int = REFERENCE_BATCH
    peak_rate: float = 1.6
    momentum: float = 0.9
    """Nesterov's."""
    weight_decay: float = 5e-5
    """Of kernels; batch normalisation and biases have none."""
    label_smoothing: float = 0.1
    crop_area: tuple[float, float] = (0.3, 1.0)
    """Least and greatest share of the photograph that a crop shows."""
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    """Of its width to its height."""
    flipped: float = 0.5
    """Share of the images that are mirrored."""
    colour: float = 0.4
    """Greatest change of saturation, contrast and brightness, either way."""
    grey: float = 0.1
    """Share of the images that lose their colours."""
    seed: int = 0

    def side(self, done: float) -> int:
        """Side of the images after the share `done` of the training."""
        return self.sides[round((len(self.sides) - 1) * min(1, done / GROWTH))]

    def rate(self, done: float, batch: int) -> float:
        """Learning rate after the share `done` of the training: a short rise, then half a cosine."""
        rising, falling = done / RISE * (1 - done), (1 + math.cos(math.pi * (done - RISE) / (1 - RISE))) / 2
        peak = self.peak_rate * batch / REFERENCE_BATCH
        return max(peak * (rising if done < RISE else falling), 1e-4)
