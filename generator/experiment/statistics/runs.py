"""What the runs of a variant give together: the mean of each score, how far runs lie apart, who was better how often.

Runs differ in what `seeds.vary` names and are tested with the same images. Their standard deviation is the noise of
training on this data set, told by this test set: with few test images much of it is that a network which is as good
on other images gets another few of these right (Jordan, Calibrated Chaos, 2024). What other test images would give it
does not cover; that is what an interval over the images is for.
"""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev
from typing import Protocol

from pydantic import Field

from generator.experiment.data_summary import PARTS
from generator.experiment.outcomes import ClassificationScore, PhaseOutcome, Score
from generator.support.strict_json import Record

METRICS = ("accuracy", "loss")
"""Of every part."""
TESTED = ("precision", "recall", "f1", "roc_auc")
"""Of the test images beside these."""


class OverRuns(Record):
    """One number of several runs."""

    mean: float
    sd: float
    """Sample standard deviation, n - 1 in the denominator."""
    low: float
    high: float
    runs: int = Field(ge=2)


Summary = Mapping[str, Mapping[str, OverRuns]]
"""Part → metric → its runs."""


class Signs(Record):
    """In how many of several pairs of runs of one number the new one was better, level and worse."""

    better: int
    level: int
    worse: int

    @property
    def runs(self) -> int:
        return self.better + self.level + self.worse


class Outcomes(Protocol):
    """As much of a phase's outcome as pairs of runs are compared by."""

    @property
    def test(self) -> ClassificationScore: ...


def over_runs(values: Sequence[float]) -> OverRuns:
    """The summary of a number of two runs or more. Level runs have no spread, whatever rounding does to a mean."""
    low, high = min(values), max(values)
    mean, sd = (low, 0.0) if low == high else (fmean(values), stdev(values))
    return OverRuns(mean=mean, sd=sd, low=low, high=high, runs=len(values))


def summary(outcomes: Sequence[PhaseOutcome], measured: Sequence[Score]) -> Summary:
    """Of what a phase left in each run, and what that gave on the images to measure with."""
    found = {part: _scores([getattr(outcome, part) for outcome in outcomes], METRICS) for part in PARTS}
    found["test"] |= _scores([outcome.test for outcome in outcomes], TESTED)
    return found | ({"measured": _scores(measured, METRICS)} if measured else {})


def _scores(scores: Sequence[Score], metrics: Iterable[str]) -> dict[str, OverRuns]:
    """Metric → its runs; without those that some run has not."""
    values = {name: [getattr(score, name) for score in scores] for name in metrics}
    return {name: over_runs(row) for name, row in values.items() if None not in row}


def gains(old: Sequence[Outcomes], new: Sequence[Outcomes]) -> tuple[float, ...]:
    """By how much the test accuracy of each run of the new is above that of the run of the same number of the old."""
    return tuple(b.test.accuracy - a.test.accuracy for a, b in zip(old, new, strict=True))


def signs(old: Sequence[Outcomes], new: Sequence[Outcomes]) -> Signs:
    """In how many runs the test accuracy of the new is above, at and below that of the run of the same number."""
    counts = [b.test.correct - a.test.correct for a, b in zip(old, new, strict=True)]
    better, worse = sum(count > 0 for count in counts), sum(count < 0 for count in counts)
    return Signs(better=better, level=len(counts) - better - worse, worse=worse)
