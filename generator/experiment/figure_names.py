"""Names of all figures: what draws, stores, publishes and shows one calls it by these.

A figure is known by its scope (`DATA`, `COMPARISON` or a variant's name) and its name.
"""

from collections.abc import Iterable

TEST_IMAGES, ALPHA, AUGMENTATION = "test-images", "alpha", "augmentation"
HEAD_CURVE, FINE_TUNING_CURVE = "learning-curve-head", "learning-curve-fine-tuning"
CONFUSION_MATRIX, WRONG_PREDICTIONS = "confusion-matrix", "wrong-predictions"
COMPARISON = "comparison"
"""Scope and name: the one figure over all variants."""
DATA = "data"
"""Scope of the figures about the images."""

OF_DATA = (TEST_IMAGES, ALPHA, AUGMENTATION)
"""In order; `ALPHA` is absent where no training image has transparent pixels."""
OF_VARIANT = (HEAD_CURVE, FINE_TUNING_CURVE, CONFUSION_MATRIX, WRONG_PREDICTIONS)
"""In order."""


def every(variants: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """(scope, name) of all figures that a build of these variants may have, in order."""
    data = [(DATA, name) for name in OF_DATA]
    return *data, *((variant, name) for variant in variants for name in OF_VARIANT), (COMPARISON, COMPARISON)
