"""What the runs of its variants say to each question of a post.

An `Answer` gives the accuracy of each side on the same images, and by how much each further side differs from the
first, over runs and images at once; of one run by the methods that the post takes for it elsewhere: Wilson's,
Newcombe's and McNemar's. The p values are corrected for all the contrasts of all questions (Holm).
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Literal, NamedTuple

from generator.experiment.config.questions import HEAD, Question, figure_of
from generator.experiment.outcomes import Phase, Prediction
from generator.support.statistics import noise
from generator.support.strict_json import Record


class Scored(NamedTuple):
    """What the runs of a side made of the same images."""

    title: str
    phase: Phase
    runs: tuple[Sequence[Prediction], ...]


class Side(Record):
    """One side of an answer."""

    title: str
    """The variant's."""
    phase: Phase
    accuracies: tuple[float, ...]
    """Of each run, in order."""
    low: float
    high: float
    """The 95% interval of their mean, over runs and images; of one run Wilson's."""

    @property
    def mean(self) -> float:
        return fmean(self.accuracies)

    @property
    def least(self) -> float:
        return min(self.accuracies)

    @property
    def most(self) -> float:
        return max(self.accuracies)


class Contrast(Record):
    """By how much a side's mean accuracy is above that of the first side."""

    gain: float
    low: float
    high: float
    """The 95% interval, over runs and images; of one run Newcombe's."""
    p: float
    """Of one run that of McNemar's exact test."""
    adjusted: float
    """p after Holm's correction for all contrasts of all questions."""
    same: bool
    """Whether every run is right on the same images as that of its number of the first side."""

    @property
    def verdict(self) -> Literal["higher", "lower", "within noise"]:
        if not self.adjusted < noise.SIGNIFICANT:
            return "within noise"
        return "higher" if self.gain > 0 else "lower"


class Answer(Record):
    """What the runs say to a question."""

    name: str
    ask: str
    images: int
    """On which all sides are compared: those to measure with where there are some, else the test images."""
    measured: bool
    sides: tuple[Side, ...]
    contrasts: tuple[Contrast, ...]
    """Of the second side and further ones with the first."""

    @property
    def runs(self) -> int:
        """Of each side."""
        return len(self.sides[0].accuracies)

    @property
    def both_phases(self) -> bool:
        """Whether a side's title needs its phase beside it."""
        return len({side.phase for side in self.sides}) > 1

    @property
    def heading(self) -> str:
        """Plain words, of which an anchor can be made."""
        return f"On {self.name.replace('-', ' ')}"

    @property
    def figure(self) -> str:
        """The name of its figure."""
        return figure_of(self.name)


def answers(
    questions: Mapping[str, Question], scored: Callable[[str, Phase], Scored], *, measured: bool
) -> dict[str, Answer]:
    """Name → answer of each question. `scored` gives a variant after a phase, all sides on the same images."""
    asked = {name: [scored(*side) for side in _compared(question)] for name, question in questions.items()}
    if not all(run for sides in asked.values() for side in sides for run in side.runs):
        raise ValueError("no predictions are kept, and questions are answered from these")
    differences = {name: [_difference(sides[0], side) for side in sides[1:]] for name, sides in asked.items()}
    corrected = iter(noise.holm([p for row in differences.values() for _, _, p in row]))
    found = {}
    for name, sides in asked.items():
        told = tuple(map(_side, sides))
        contrasts = tuple(
            Contrast(
                gain=side.mean - told[0].mean,
                low=low,
                high=high,
                p=p,
                adjusted=next(corrected),
                same=_right(scores) == _right(sides[0]),
            )
            for side, scores, (low, high, p) in zip(told[1:], sides[1:], differences[name], strict=True)
        )
        found[name] = Answer(
            name=name,
            ask=questions[name].ask,
            images=len(sides[0].runs[0]),
            measured=measured,
            sides=told,
            contrasts=contrasts,
        )
    return found


def _compared(question: Question) -> list[tuple[str, Phase]]:
    """(variant, the phase after which it is asked) of each side."""
    phases: list[Phase] = ["head" if side.endswith(HEAD) else "fine_tuning" for side in question.compare]
    return list(zip(question.variants, phases, strict=True))


def _side(scored: Scored) -> Side:
    accuracies = tuple(map(fmean, _right(scored)))
    low, high = _interval(scored)
    return Side(title=scored.title, phase=scored.phase, accuracies=accuracies, low=low, high=high)


def _right(scored: Scored) -> list[list[bool]]:
    """Of each run, of which images it is."""
    return [[not p.wrong for p in predictions] for predictions in scored.runs]


def _interval(scored: Scored) -> tuple[float, float]:
    from generator.experiment.statistics import two_way  # Late: results are read and compared without NumPy.

    if len(scored.runs) == 1:
        (right,) = _right(scored)
        return noise.wilson(sum(right), len(right))
    span = two_way.interval(scored.runs)
    if span is None:
        raise ValueError(f"runs of {scored.title} were scored with different images")
    return span


def _difference(old: Scored, new: Scored) -> tuple[float, float, float]:
    """The ends of the interval of the new mean accuracy less the old one, and p."""
    from generator.experiment.statistics import two_way

    if len(old.runs) == 1:
        pairs = noise.paired(old.runs[0], new.runs[0])
        return *noise.newcombe(pairs), noise.mcnemar(pairs.mended, pairs.broken)
    return two_way.of_predictions(old.runs, new.runs)
