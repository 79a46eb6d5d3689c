"""What templates may say of several runs of each variant: quantities that they print, and claims.

`old` and `new` are lists of what a phase left in each run, in order, as in `variant.outcomes.fine_tuning`; runs of one
number are compared with each other, since they share their seeds.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from generator.experiment.config.seeds import Source, undrawn
from generator.experiment.data_summary import DataSummary
from generator.experiment.outcomes import PhaseOutcome
from generator.experiment.results import VariantResult
from generator.experiment.statistics import two_way
from generator.experiment.statistics.runs import gains, over_runs, signs
from generator.post.prose import contrasts
from generator.post.prose.plain import plain
from generator.support.remembered import remembered
from generator.support.statistics import bootstrap, noise

Runs = Sequence[PhaseOutcome]


def adjusted(old: VariantResult, new: VariantResult, variants: Mapping[str, VariantResult]) -> float:
    """The p value of two variants over runs and images, after Holm's correction for all pairs, and them."""
    pairs = [(one.name, other.name) for one, other in contrasts.pairs(variants)]
    ps = [_p(plain(variants)[one], plain(variants)[other]) for one, other in pairs]
    return noise.holm(ps)[pairs.index((old.name, new.name))]


def told_apart_over_runs(variants: Mapping[str, VariantResult]) -> list[tuple[VariantResult, VariantResult]]:
    """Of the pairs that are compared, those that differ by more than chance over all runs."""
    return [pair for pair in contrasts.pairs(variants) if adjusted(*pair, variants) < noise.SIGNIFICANT]


_MOVED: Final[Mapping[Source, str]] = {
    "split": "which images validate",
    "weights": "the weights of the base",
    "head": "the weights that the head starts from",
    "order": "the order of the training images in each epoch",
    "dropout": "which features dropout silences",
    "augmentation": "how images are flipped and turned",
}


def moved(
    sources: Sequence[Source], variants: Mapping[str, VariantResult], weights: Any, data: DataSummary
) -> list[str]:
    """What differs between the runs of a build, as phrases: of `sources` those that some variant draws from."""
    rows = [(variant.recipe.model, (variant.weights or weights).used) for variant in variants.values()]
    without = [
        undrawn(validation=bool(data.validation), weights=used, dropout=model.dropout, augment=model.augment)
        for model, used in rows
    ]
    some = "" if all(used == "random" for _, used in rows) else " where these are random"
    drawn = [source for source in sources if not all(source in each for each in without)]
    return [_MOVED[source] + some * (source == "weights") for source in drawn]


def one_start(variant: VariantResult) -> bool:
    """Whether fine-tuning begins at the same epoch in every run: where validation ends the head it may not."""
    return len({run.fine_tuning[0].epoch for run in plain(variant).every_run}) == 1


@remembered
def _p(old: VariantResult, new: VariantResult) -> float:
    return two_way.difference(old.outcomes["fine_tuning"], new.outcomes["fine_tuning"]).p


def _span(outcomes: Runs) -> tuple[float, float]:
    found = two_way.interval([outcome.predictions for outcome in outcomes])
    if found is None:
        raise ValueError("the runs were not tested with the same images")
    return found


def _outperforming(old: Runs, new: Runs) -> tuple[float, float, float]:
    return bootstrap.outperforming(*([outcome.test.accuracy for outcome in side] for side in (new, old)))


FUNCTIONS: Final[dict[str, Callable[..., int | float]]] = {
    "runs_better": lambda old, new: signs(old, new).better,
    "runs_level": lambda old, new: signs(old, new).level,
    "runs_worse": lambda old, new: signs(old, new).worse,
    "gain_mean": lambda old, new: over_runs(gains(old, new)).mean,
    "gain_sd": lambda old, new: over_runs(gains(old, new)).sd,
    "gain_over_runs_low": lambda old, new: two_way.difference(old, new).low,
    "gain_over_runs_high": lambda old, new: two_way.difference(old, new).high,
    "chance_over_runs": lambda old, new: two_way.difference(old, new).p,
    "adjusted_over_runs": adjusted,
    "over_runs_low": lambda outcomes: _span(outcomes)[0],
    "over_runs_high": lambda outcomes: _span(outcomes)[1],
    "sd_by_images": two_way.by_images_alone,
    "outperforming": lambda old, new: _outperforming(old, new)[0],
    "outperforming_low": lambda old, new: _outperforming(old, new)[1],
    "outperforming_high": lambda old, new: _outperforming(old, new)[2],
}
"""For `quantities`, which names them all."""

CLAIMS: Final[tuple[Callable[..., Any], ...]] = (told_apart_over_runs, moved, one_start)
"""For `claims`, which gives them to the templates."""
