"""How sure what several runs give on the same images is: over runs and images at once.

Runs and images are both drawn again (`bootstrap.two_way`): an interval over images alone would not cover another seed,
one over runs alone not another test set. So few runs as one trains are drawn too much alike, so Student's t has a say
(`few_runs`).
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from statistics import fmean

from generator.experiment.outcomes import PhaseOutcome, Prediction
from generator.support.statistics import bootstrap, few_runs, noise
from generator.support.statistics.bootstrap import Interval

Rows = tuple[tuple[float, ...], ...]
"""(runs, images): 1 for every image that is right, 0 for every other."""


def interval(runs: Sequence[Sequence[Prediction]]) -> tuple[float, float] | None:
    """The 95% interval of the mean accuracy of several runs.

    It is at least as wide as Wilson's for one run of the mean accuracy: images that are all right, drawn again, would
    show no error in any test set. None where runs were scored with different images, as those that validate are where
    the split varies.
    """
    if len({tuple(p.file for p in predictions) for predictions in runs}) != 1:
        return None
    table = _rights(runs)
    images, share = len(table[0]), fmean(map(fmean, table))
    drawn, single = _drawn(table, None), noise.wilson(round(share * images), images)
    return max(0.0, min(drawn.low, single[0])), min(1.0, max(drawn.high, single[1]))


def difference(old: Sequence[PhaseOutcome], new: Sequence[PhaseOutcome]) -> Interval:
    """By how much the new test accuracy is higher, runs of one number paired: its 95% interval, and a p value.

    The p value is the largest one of the bootstrap's, of Student's t over runs and images, and of the exact sign test
    of the images: on how many images the new one is right in more of its runs, and on how many the old one is. Where
    few images tell the two apart, or runs do and are few, the bootstrap alone would be too sure.

    The interval is at least as wide as Newcombe's for one run that is as the runs are on average: images on which the
    two agree, drawn again, would show no difference in any test set.
    """
    return of_predictions(*([outcome.predictions for outcome in side] for side in (old, new)))


def of_predictions(old: Sequence[Sequence[Prediction]], new: Sequence[Sequence[Prediction]]) -> Interval:
    """As `difference`, of the predictions of each run."""
    before, after = _rights(old), _rights(new)
    net = [sum(b) - sum(a) for a, b in zip(zip(*before, strict=True), zip(*after, strict=True), strict=True)]
    signs = noise.sign(sum(each > 0 for each in net), sum(each < 0 for each in net))
    drawn = _drawn(after, before)
    cells = Counter(zip(chain(*before), chain(*after), strict=True))
    both_right, mended, broken, both_wrong = (cells[cell] / len(old) for cell in ((1, 1), (0, 1), (1, 0), (0, 0)))
    low, high = noise.newcombe((both_right, mended, broken, both_wrong))
    # Student's t of so few runs reaches past what two accuracies can differ by.
    return Interval(max(-1.0, min(drawn.low, low)), min(1.0, max(drawn.high, high)), max(drawn.p, signs))


def by_images_alone(outcomes: Sequence[PhaseOutcome]) -> float:
    """The standard deviation between runs if each had every test image right with their mean accuracy, by chance.

    Of n images and an accuracy a it is √(a (1 - a) / n), the binomial's.
    """
    share = fmean(outcome.test.accuracy for outcome in outcomes)
    return math.sqrt(share * (1 - share) / outcomes[0].test.total)


def _rights(runs: Iterable[Sequence[Prediction]]) -> Rows:
    return tuple(tuple(float(not p.wrong) for p in predictions) for predictions in runs)


@lru_cache(maxsize=256)
def _drawn(new: Rows, old: Rows | None) -> Interval:
    drawn = bootstrap.two_way(new, old)
    if len(new) == 1 or len(new[0]) == 1:
        return drawn
    table = new if old is None else [[a - b for a, b in zip(*rows, strict=True)] for rows in zip(new, old, strict=True)]
    return few_runs.wider(drawn, few_runs.crossed(table))
