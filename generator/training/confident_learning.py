"""What the frozen features say of labels: probabilities by models that never learnt from the image they judge.

Without TensorFlow: a logistic regression by scikit-learn, which is all that confident learning asks of a model
(`experiment.label_review` tells what follows from the probabilities).
"""

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

STRENGTH = 2.0
"""`C`, the inverse of the L2 penalty, is this over the number of features: the more there are, the longer an image's
row of standardised features. With much less of a penalty the few images of a small data set are learnt by heart, wrong
labels among them. Chosen among powers of ten of `C` by labels flipped in small data sets with 2048 features; how many
are found, `python -m benchmarks.labels` measures on other samples and with other flips."""
FURTHEST = 5.0
"""Standard deviations from the mean beyond which no feature goes: one that is zero but in a few images would else
decide alone in an image where it is not. Chosen with `STRENGTH`."""
ITERATIONS = 1000
"""At most; L-BFGS needs some dozens."""
TOLERANCE = 1e-6
"""Of the gradient, and in double precision: at scikit-learn's own, 1e-4, in single, the last sums of another processor
decide after which iteration a model stops, and its probabilities differ in the fourth digit."""
MOST_LEARNT = 10_000
"""Images that the model of a fold learns from: of more, so many evenly spread ones of each class in proportion."""


def out_of_fold(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    folds: NDArray[np.int64],
    learnt: NDArray[np.bool_],
    progress: Callable[[float], None] | None = None,
) -> NDArray[np.float64]:
    """The probability of every class for each image, (n, classes), by a model of the images of the other folds.

    `features` is (n, c), `labels`, `folds` and `learnt` are (n,); only images that are `learnt` are learnt from.
    Features are standardised by those. Images of a class that some model would not know are left out: neither learnt
    from nor judged, their rows are NaN. `progress` is called with the share of the folds that is done.
    """
    kept = _known(labels, folds, learnt)
    found = np.where(kept[:, None], 0.0, np.full(labels.max() + 1, np.nan))
    numbers = np.unique(folds[kept])
    for done, fold in enumerate(numbers, start=1):
        own, rows = np.flatnonzero(kept & (folds == fold)), np.flatnonzero(kept & learnt & (folds != fold))
        model, scaled = _fitted(features, labels, _few(labels, rows))
        found[np.ix_(own, model.classes_)] = model.predict_proba(scaled(features[own]))
        if progress:
            progress(done / len(numbers))
    return found


def _known(labels: NDArray[np.int64], folds: NDArray[np.int64], learnt: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The images, (n,), of classes that are learnt from in two folds or more; none where that is not two classes."""
    known = [label for label in np.unique(labels) if len(np.unique(folds[learnt & (labels == label)])) > 1]
    return np.isin(labels, known) if len(known) > 1 else np.zeros(len(labels), np.bool_)


def _fitted(
    features: NDArray[np.float32], labels: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[LogisticRegression, Callable[[NDArray[np.float32]], NDArray[np.float64]]]:
    """A model of these rows, and what scales features as it learnt them."""
    known = features[rows]
    mean, deviation = known.mean(axis=0, dtype=np.float64), known.std(axis=0, dtype=np.float64)
    deviation[deviation == 0] = 1  # A feature that is always the same tells nothing, and becomes 0.

    def scaled(values: NDArray[np.float32]) -> NDArray[np.float64]:
        # In place: of as many images as are learnt from, a copy takes 160 MB.
        found: NDArray[np.float64] = values - mean
        found /= deviation
        return np.clip(found, -FURTHEST, FURTHEST, out=found)

    model = LogisticRegression(C=STRENGTH / features.shape[1], max_iter=ITERATIONS, tol=TOLERANCE)
    with warnings.catch_warnings():
        # What the cap cuts off changes no probability by much, and is the same each time.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Labels are classes also where there are few images of each.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        return model.fit(scaled(known), labels[rows]), scaled


def _few(labels: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most about `MOST_LEARNT` of `rows`, evenly spread over those of each label."""
    step = -(-len(rows) // MOST_LEARNT)
    parts = [rows[labels[rows] == label][::step] for label in np.unique(labels[rows])]
    return np.sort(np.concatenate(parts))
