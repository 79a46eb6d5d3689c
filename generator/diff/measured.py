"""Compares what two builds measured on further images: only where these are the same, and else says so."""

from collections.abc import Iterator
from dataclasses import dataclass

from generator.diff import runs
from generator.experiment.results import BuildResults, VariantResult
from generator.support import formats
from generator.support.statistics import noise


@dataclass(frozen=True)
class MeasuredChange:
    """The fine-tuned model of a variant on the images to measure with, in both builds."""

    variant: str
    differs: bool
    """Whether there is something to report."""
    verdict: str
    """In words, or why the two cannot be paired."""


def is_measured(metric: str) -> bool:
    """Whether a metric, by its path, says something of the images to measure with."""
    return metric.startswith(("measurement.", "over_runs.measured.", "over_runs.after_head.measured."))


def is_paired(old: BuildResults, new: BuildResults) -> bool:
    """Whether both measured with the same images, or neither measured."""
    one, other = (build.measure and build.measure.fingerprint for build in (old, new))
    return one == other


def compare(
    name: str, old: BuildResults, new: BuildResults, one: VariantResult, other: VariantResult
) -> Iterator[MeasuredChange]:
    """What there is to say of a variant; nothing where nothing was measured."""
    if old.measure is None and new.measure is None:
        return
    if one.measurement is None or other.measurement is None:
        yield MeasuredChange(name, True, "only one of the builds has images to measure with")
        return
    before, after = one.scored("fine_tuning"), other.scored("fine_tuning")
    if not is_paired(old, new):
        yield MeasuredChange(name, True, "measured with other images, so the measurements are not compared")
    elif not before[0] or not after[0]:
        yield MeasuredChange(name, True, "the images to measure with cannot be paired: one side has no measure.csv")
    else:
        pairs = [noise.paired(*run) for run in zip(before, after, strict=False)]
        of_runs, of_first = runs.verdict(before, after), _verdict(pairs[0])
        verdict = f"images to measure with: {of_runs}; their first runs alone: {of_first}" if of_runs else of_first
        yield MeasuredChange(name, any(run.mended or run.broken for run in pairs), verdict)


def _verdict(pairs: noise.Pairs) -> str:
    images = f"of {sum(pairs):,} images to measure with"
    if not pairs.mended + pairs.broken:
        return f"{images} the same are right and wrong"
    p = noise.mcnemar(pairs.mended, pairs.broken)
    test = f"McNemar, exact: p = {formats.probability(p)}"
    return f"{images} {pairs.mended} mended, {pairs.broken} broken: {noise.verdict(p)} ({test})"
