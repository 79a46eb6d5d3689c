"""What a sweep gave: the validation of each of its points, which one is the best, and how sure that is.

There is no test image in it: only the winner is tested, as the variant that has the sweep's name.
"""

from functools import cached_property
from statistics import fmean

from pydantic import Field, model_validator

from generator.experiment.config.settings import Value
from generator.experiment.outcomes import Score
from generator.experiment.statistics.runs import OverRuns, over_runs
from generator.support.statistics.expected_best import expected_lowest
from generator.support.strict_json import ByName, Record


class Point(Record):
    """One combination of settings."""

    number: int = Field(ge=1)
    """Among the points of its sweep."""
    settings: ByName[Value]
    """Those that the sweep tries."""
    scores: tuple[Score, ...]
    """Of the images that validate, after fine-tuning, in each run; empty where a run diverged."""

    @property
    def diverged(self) -> bool:
        return not self.scores

    @property
    def loss(self) -> float:
        """Validation loss, mean over the runs. Raises `ValueError` where one diverged."""
        return fmean(score.loss for score in self.scores)

    @property
    def accuracy(self) -> float:
        """Likewise the accuracy."""
        return fmean(score.accuracy for score in self.scores)

    @property
    def loss_over_runs(self) -> OverRuns | None:
        """Of several runs."""
        return over_runs([score.loss for score in self.scores]) if len(self.scores) > 1 else None


class Lead(Record):
    """By how much the validation loss of the second best point is above the best one's, image by image."""

    low: float
    """Of the 95% interval."""
    high: float
    p: float = Field(ge=0, le=1)
    """How probable so large a difference is between two that are equally good."""
    others: int = Field(ge=1)
    """Points that the best one could have been compared with."""

    @property
    def corrected(self) -> float:
        """p after Bonferroni's correction for these."""
        return min(1.0, self.p * self.others)


class SweepResult(Record):
    """All points of one sweep."""

    title: str
    of: str
    """The variant that every point is a difference from."""
    settings: tuple[str, ...] = Field(min_length=1)
    """Paths of the settings that it tries, in order."""
    combinations: int = Field(ge=2)
    draw_seed: int | None
    """Of the points, where they were drawn of all combinations."""
    points: tuple[Point, ...] = Field(min_length=2)
    lead: Lead | None
    """None where a single point is left, or there are too few images."""

    @cached_property
    def finished(self) -> tuple[Point, ...]:
        """The points that did not diverge, the lowest validation loss first, of equals in order."""
        return tuple(sorted((point for point in self.points if not point.diverged), key=lambda point: point.loss))

    @property
    def diverged(self) -> tuple[Point, ...]:
        return tuple(point for point in self.points if point.diverged)

    @property
    def winner(self) -> Point:
        return self.finished[0]

    @cached_property
    def expected(self) -> tuple[float, ...]:
        """Expected lowest validation loss of 1, 2, … points drawn of those that did not diverge."""
        losses = [point.loss for point in self.finished]
        return tuple(expected_lowest(losses, drawn) for drawn in range(1, len(losses) + 1))

    @property
    def in_words(self) -> str:
        """What it tries."""
        drawn = "" if self.draw_seed is None else f" drawn of {self.combinations:,} by seed {self.draw_seed}"
        values = {path: dict.fromkeys(str(point.settings[path]) for point in self.points) for path in self.settings}
        tried = "; ".join(f"{path} {', '.join(found)}" for path, found in values.items())
        return f"{len(self.points):,} points{drawn}: {tried}"

    @model_validator(mode="after")
    def _points_fit(self) -> "SweepResult":
        if [point.number for point in self.points] != list(range(1, len(self.points) + 1)):
            raise ValueError("the points of the sweep are not counted from 1")
        if any(set(point.settings) != set(self.settings) for point in self.points):
            raise ValueError("not every point has the settings of the sweep")
        if not self.finished:
            raise ValueError("every point of the sweep diverged")
        return self
