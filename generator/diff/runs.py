"""Compares builds whose variants have several runs: run by run where both have as many, and else says so."""

from generator.experiment.outcomes import PHASES, Phase
from generator.experiment.results import VariantResult
from generator.experiment.statistics.runs import gains, over_runs, signs
from generator.support import formats
from generator.support.statistics import noise


def verdict(one: VariantResult, other: VariantResult) -> str:
    """What all runs of two variants say of each other, whose test images are the same; empty where both have one."""
    before, after = one.outcomes["fine_tuning"], other.outcomes["fine_tuning"]
    if len(before) == len(after) == 1:
        return ""
    if len(before) != len(after):
        return f"{_counted(len(before))} and {_counted(len(after))} cannot be paired"
    # Late: most comparisons draw nothing, and NumPy takes its time.
    from generator.experiment.statistics.two_way import difference

    found, gain, drawn = signs(before, after), over_runs(gains(before, after)), difference(before, after)
    return (
        f"over {found.runs} runs accuracy {gain.mean:+.4f} ± {gain.sd:.4f}, higher in {found.better}, lower in "
        f"{found.worse} (95% interval over runs and images {drawn.low:+.4f} to {drawn.high:+.4f}): "
        f"{noise.verdict(drawn.p)} (p = {formats.probability(drawn.p)})"
    )


def same_predictions(one: VariantResult, other: VariantResult) -> bool:
    """Whether, in either phase, each run calls every image what the run of the same number of the other does."""
    return all(_named(one, phase) == _named(other, phase) for phase in PHASES)


def _named(variant: VariantResult, phase: Phase) -> list[tuple[str, int, int]]:
    """The images of every part and run, those to measure with among them, what they are and what they are called."""
    parts = [part for outcome in variant.outcomes[phase] for part in outcome.predictions_by_part.values()]
    return [(p.file, p.actual, p.predicted) for predictions in (*parts, *variant.scored(phase)) for p in predictions]


def _counted(runs: int) -> str:
    return "one run" if runs == 1 else f"{runs} runs"
