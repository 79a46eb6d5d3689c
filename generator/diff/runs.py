"""Compares builds whose variants have several runs: run by run where both have as many, and else says so."""

from collections.abc import Sequence

from generator.experiment.outcomes import PHASES, Phase, Prediction
from generator.experiment.results import VariantResult
from generator.experiment.statistics.runs import over_runs
from generator.support import formats
from generator.support.statistics import noise


def verdict(before: Sequence[Sequence[Prediction]], after: Sequence[Sequence[Prediction]]) -> str:
    """What all runs of two variants say of each other on the same images; empty where both have one."""
    if len(before) == len(after) == 1:
        return ""
    if len(before) != len(after):
        return f"{_counted(len(before))} and {_counted(len(after))} cannot be paired"
    # Late: most comparisons draw nothing, and NumPy takes its time.
    from generator.experiment.statistics.two_way import of_predictions

    more = [_right(new) - _right(old) for old, new in zip(before, after, strict=True)]
    gain, drawn = over_runs([count / len(before[0]) for count in more]), of_predictions(before, after)
    return (
        f"over {len(more)} runs accuracy {gain.mean:+.4f} ± {gain.sd:.4f}, higher in {sum(n > 0 for n in more)}, lower "
        f"in {sum(n < 0 for n in more)} (95% interval over runs and images {drawn.low:+.4f} to {drawn.high:+.4f}): "
        f"{noise.verdict(drawn.p)} (p = {formats.probability(drawn.p)})"
    )


def _right(predictions: Sequence[Prediction]) -> int:
    return sum(not p.wrong for p in predictions)


def same_predictions(one: VariantResult, other: VariantResult) -> bool:
    """Whether, in either phase, each run calls every image what the run of the same number of the other does."""
    return all(_named(one, phase) == _named(other, phase) for phase in PHASES)


def _named(variant: VariantResult, phase: Phase) -> list[tuple[str, int, int]]:
    """The images of every part and run, those to measure with among them, what they are and what they are called."""
    parts = [part for outcome in variant.outcomes[phase] for part in outcome.predictions_by_part.values()]
    return [(p.file, p.actual, p.predicted) for predictions in (*parts, *variant.scored(phase)) for p in predictions]


def _counted(runs: int) -> str:
    return "one run" if runs == 1 else f"{runs} runs"
