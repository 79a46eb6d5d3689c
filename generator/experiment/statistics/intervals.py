"""How sure a metric is, and the difference of two: 95% intervals from the predictions behind it.

`of_metric` bounds accuracy, loss, precision, recall, F1 and ROC-AUC of some images, `of_difference` what one model has
less what another has on the same images. Each takes the method that `docs/statistics.md` names: shares have formulas
from counts, areas DeLong's, means and F1 the bootstrap. They cover the choice of images and nothing else.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from generator.experiment.outcomes import Prediction
from generator.experiment.task import task_for
from generator.support.statistics import bootstrap, noise, ranking
from generator.support.statistics.bootstrap import Interval

Predictions = Sequence[Prediction]
Labels = NDArray[np.int_]
Vector = NDArray[np.float64]


def of_metric(metric: str, predictions: Predictions, classes: int) -> tuple[float, float] | None:
    """The interval of `accuracy`, `loss`, `precision`, `recall`, `f1` or `roc_auc`, as `outcomes` defines them.

    None where these images have none: too few of a class for the area, none of what a ratio is of, a single image; and
    where however they are drawn again the metric stays the same: F1 without an error, the area of one logit for all.
    """
    if len(predictions) < 2:
        return None
    if metric == "loss":
        return _ends(bootstrap.of_mean(tuple(float(p.loss) for p in predictions)))
    if metric == "roc_auc":
        found = _area(predictions, classes)
        return ranking.interval(found) if found and (found.error or found.value in (0, 1)) else None
    if metric == "accuracy":
        return _share(predictions)
    if classes == 2 and metric == "recall":
        return of_recall(predictions, 1)
    if classes == 2 and metric == "precision":
        return _share([p for p in predictions if p.predicted == 1])
    kinds = Counter((p.actual, p.predicted) for p in predictions)
    actual, predicted = np.asarray(list(kinds), dtype=int).T
    return _ends(bootstrap.of_counts(list(kinds.values()), lambda n: _ratio(metric, n, actual, predicted, classes)))


def of_recall(predictions: Predictions, label: int) -> tuple[float, float] | None:
    """The interval of the share of a class's images that were called by its name; None where it has none."""
    return _share([p for p in predictions if p.actual == label])


def of_difference(metric: str, old: Predictions, new: Predictions, classes: int) -> Interval | None:
    """The interval of the new value of a metric less the old one, and the p value of there being no difference.

    Accuracies and the recall of one of two classes are compared by McNemar's exact test and Newcombe's interval, which
    are two methods: at the edge one may see a difference that the other does not, and p decides. None where there is
    nothing to tell. Raises `ValueError` unless both hold the same images in the same order.
    """
    pairs = noise.paired(old, new)
    if sum(pairs) < 2:
        return None
    if metric == "loss":
        return bootstrap.of_mean(tuple(float(q.loss) - float(p.loss) for p, q in _both(old, new)))
    if metric == "roc_auc":
        before, after = _area(old, classes), _area(new, classes)
        found = ranking.compared(before, after) if before and after else None
        return found and Interval(*found)
    if metric == "accuracy":
        return Interval(*noise.newcombe(pairs), noise.mcnemar(pairs.mended, pairs.broken))
    if classes == 2 and metric == "recall":
        return of_recall_difference(old, new, 1)
    return _ratio_difference(metric, [(p.actual, p.predicted, q.predicted) for p, q in _both(old, new)], classes)


def of_class_difference(metric: str, old: Predictions, new: Predictions, label: int) -> Interval | None:
    """`of_difference` of a ratio of one class, which is told from all others."""
    if metric == "recall":
        return of_recall_difference(old, new, label)
    rows = [(p.actual == label, p.predicted == label, q.predicted == label) for p, q in _both(old, new)]
    return _ratio_difference(metric, rows, 2) if len(rows) > 1 else None


def of_recall_difference(old: Predictions, new: Predictions, label: int) -> Interval | None:
    """`of_difference` of the recall of one class; None where it has fewer than two images."""
    before, after = ([p for p in each if p.actual == label] for each in (old, new))
    return of_difference("accuracy", before, after, 0)


def _both(old: Predictions, new: Predictions) -> list[tuple[Prediction, Prediction]]:
    return list(zip(old, new, strict=True))


def _ratio_difference(metric: str, rows: Sequence[tuple[int, int, int]], classes: int) -> Interval:
    """Of images given as their class, and what the old and the new model call them.

    p is no less than that of an exact test in which all images that are called otherwise go one way: of a ratio that
    turned from 0 to 1 every draw says the same, however few images did it.
    """
    kinds = Counter(rows)
    actual, called, now = np.asarray(list(kinds), dtype=int).T

    def gain(counts: Vector) -> Vector:
        return _ratio(metric, counts, actual, now, classes) - _ratio(metric, counts, actual, called, classes)

    return bootstrap.of_counts(list(kinds.values()), gain, sum(old != new for _, old, new in rows))


def _ends(found: Interval) -> tuple[float, float] | None:
    return found[:2] if found.low < found.high else None


def _share(predictions: Predictions) -> tuple[float, float] | None:
    right = sum(not p.wrong for p in predictions)
    return noise.wilson(right, len(predictions)) if predictions else None


def _area(predictions: Predictions, classes: int) -> ranking.Area | None:
    labels = [p.actual for p in predictions]
    if classes == 2:
        return ranking.area([p.logit for p in predictions], labels)
    # As they were scored, rounding included: which of them are equal hangs on it where logits are large.
    scores = task_for(classes).probabilities(np.asarray([p.logits for p in predictions], dtype=np.float64))
    return ranking.area(scores, labels)


def _ratio(metric: str, counts: Vector, actual: Labels, predicted: Labels, classes: int) -> Vector:
    """A ratio for each row of `counts` (draws, kinds), kinds being of an `actual` and a `predicted` class (kinds,).

    Of class 1 where there are two classes, else the mean over those that have images, as `ConfusionMatrix.overall`.
    """
    agree = actual == predicted
    images, called = _by_class(counts, actual, classes), _by_class(counts, predicted, classes)
    right = _by_class(counts[:, agree], actual[agree], classes)
    each = _RATIOS[metric](right, images, called)
    if classes == 2:
        return np.asarray(each[:, 1])
    return np.asarray((each * (images > 0)).sum(axis=1) / (images > 0).sum(axis=1))


def _by_class(counts: Vector, labels: Labels, classes: int) -> Vector:
    """(draws, classes): what `counts` (draws, kinds) come to for each label, of those of the kinds (kinds,)."""
    found = np.zeros((len(counts), classes))
    order = np.argsort(labels, kind="stable")
    present, starts = np.unique(labels[order], return_index=True)
    if len(present):
        found[:, present] = np.add.reduceat(counts[:, order], starts, axis=1)
    return found


def _over(part: Vector, whole: Vector) -> Vector:
    """A ratio, 0 where there is nothing to divide by."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


_RATIOS: dict[str, Callable[[Vector, Vector, Vector], Vector]] = {
    "precision": lambda right, images, called: _over(right, called),
    "recall": lambda right, images, called: _over(right, images),
    "f1": lambda right, images, called: _over(2 * right, images + called),
}
"""Of (draws, classes): images of a class that are right, its images, and those called by its name."""
