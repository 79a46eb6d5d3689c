"""Names of all figures: what draws, stores, publishes and shows one calls it by these.

A figure is known by its scope (`DATA`, `EXAMPLES`, `LABELS`, `COMPARISON` or a variant's name) and its name.
"""

from collections.abc import Iterable

from generator.experiment.config.questions import figure_of

TEST_IMAGES, ALPHA, AUGMENTATION = "test-images", "alpha", "augmentation"
HEAD_CURVE, FINE_TUNING_CURVE = "learning-curve-head", "learning-curve-fine-tuning"
CONFUSION_MATRIX, WRONG_PREDICTIONS = "confusion-matrix", "wrong-predictions"
CALIBRATION = "calibration"
FIRST_SCREEN, PREDICTIONS = "first-screen", "predictions"
COMPARISON, ACCURACIES = "comparison", "accuracies"
"""`COMPARISON` is also the scope of the figures over all variants."""
ACTIVATION_MAPS = "activation-maps"
ERRORS, HARDEST = "errors-by-attribute", "hardest-images"
SUSPICIOUS = {"train": "suspicious-train", "test": "suspicious-test"}
"""Images of each side whose labels are contradicted."""
EXPECTED_BEST = "expected-best"
NEAR = "near-duplicates"
DATA = "data"
"""Scope of the figures about the images."""
EXAMPLES = "examples"
"""Scope of the figures that show test images with what the baseline made of them."""
LABELS = "labels"
"""Scope of the figures that show images whose labels the features contradict."""

MOST_CHARTED = 4
"""Classes in the chart of errors by attribute, which has a row for each; of more, the first."""

OF_DATA = (TEST_IMAGES, ALPHA, AUGMENTATION)
"""In order; `ALPHA` is absent where no training image has transparent pixels."""
OF_NEAR = (NEAR,)
"""Of the images, where there are near-duplicates."""
OF_TRAINING = (HEAD_CURVE, FINE_TUNING_CURVE)
"""Of a variant, in order, over all its runs."""
OF_VARIANT = (CONFUSION_MATRIX, WRONG_PREDICTIONS, CALIBRATION)
"""Of a variant, in order, of its first run."""
OF_MAPS = (ACTIVATION_MAPS,)
"""Of a variant, where it has class activation maps."""
OF_MEASUREMENT = (ERRORS, HARDEST)
"""Of a variant, in order, where there were images to measure with; `ERRORS` only where they have attributes."""
OF_SWEEP = (EXPECTED_BEST,)
"""Of a variant that is the winner of a sweep."""
OF_EXAMPLES = (FIRST_SCREEN, PREDICTIONS)
"""In order."""
OF_LABELS = tuple(SUSPICIOUS.values())
"""In order; each is absent where no image of its side is marked."""
OF_ALL_VARIANTS = (ACCURACIES, COMPARISON)
"""In order."""


def every(
    variants: Iterable[str], questions: Iterable[str] = (), sweeps: Iterable[str] = ()
) -> tuple[tuple[str, str], ...]:
    """(scope, name) of all figures that a build of these variants, `questions` and winners of sweeps may have."""
    variants, sweeps = [*variants, *(name for name in sweeps if name not in variants)], [*sweeps]
    data = [(DATA, name) for name in (*OF_DATA, *OF_NEAR)]
    each = (*OF_TRAINING, *OF_VARIANT, *OF_MAPS, *OF_MEASUREMENT)
    own = [(variant, name) for variant in variants for name in each]
    own += [(sweep, name) for sweep in sweeps for name in OF_SWEEP]
    examples = [(EXAMPLES, name) for name in OF_EXAMPLES]
    labels = [(LABELS, name) for name in OF_LABELS]
    over_all = [(COMPARISON, name) for name in (*OF_ALL_VARIANTS, *map(figure_of, questions))]
    return *data, *own, *examples, *labels, *over_all
