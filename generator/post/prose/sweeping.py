"""What the prose says about sweeps, as `claims` does about the rest."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from generator.experiment.results import VariantResult
from generator.experiment.sweep_results import Point, SweepResult
from generator.support.formats import FORMATS
from generator.support.statistics import noise


def level_points(sweep: SweepResult) -> list[Point]:
    """The points, beside the winner, whose validation loss looks the same as the winner's."""
    best = _printed(sweep.winner)
    return [point for point in sweep.finished[1:] if _printed(point) == best]


def clear_lead(sweep: SweepResult) -> bool:
    """Whether the winner is ahead of the second best point by more than chance, which more points give more of."""
    lead = sweep.lead
    return lead is not None and float(lead.corrected) < noise.SIGNIFICANT


def tried(path: str, sweeps: Mapping[str, SweepResult]) -> bool:
    """Whether some sweep tries values of a setting."""
    return any(path in sweep.settings for sweep in sweeps.values())


def unchanged(variant: VariantResult, baseline: VariantResult) -> bool:
    """Whether all that a variant changes is as the baseline has it."""
    return not differing(variant, baseline)


def differing(variant: VariantResult, baseline: VariantResult) -> dict[str, Any]:
    """What a variant changes, without what is as the baseline has it: validation may have chosen that."""
    changes = variant.changes.items()
    return {path: value for path, value in changes if setting(baseline.recipe, path) != value}


def setting(recipe: Any, path: str) -> Any:
    """What a recipe has at a path, as in `head.epochs`."""
    for name in path.split("."):
        recipe = getattr(recipe, name)
    return recipe


def _printed(point: Point) -> str:
    return FORMATS["loss"](float(point.loss))


CLAIMS: Final[tuple[Callable[..., Any], ...]] = (level_points, clear_lead, tried, unchanged, differing)
"""For the templates."""
