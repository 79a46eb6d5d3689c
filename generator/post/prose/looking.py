"""What the post says about class activation maps: claims, as `claims` has about the rest, and quantities.

Over all variants it asks one thing twice: which region has most of the maps, and which has more than its size would
give it. The first depends on how large the regions are, the second does not.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

from generator.experiment.activation_maps import Region, RegionShare
from generator.experiment.results import VariantResult
from generator.experiment.showcase import doubtful
from generator.post.prose.plain import plain
from generator.support.remembered import remembered
from generator.support.statistics import bootstrap, noise
from generator.support.statistics.bootstrap import Interval

Variants = Mapping[str, VariantResult]
Lead = Literal["the subject", "another region", "within noise"]
SUBJECT: Final[Region] = "subject"


def mapped_images(variant: VariantResult) -> Sequence[Any]:
    """The test images whose maps are drawn, in order, as views where `variant` is one."""
    return [variant.predictions[p.index] for p in doubtful(plain(variant).predictions)]


def leaning(region: RegionShare) -> Literal["more", "less", "no more"]:
    """Whether a region has more or less of the maps than of the images, `no more` where that is within chance."""
    if region.low is None or region.high is None or region.low <= 0 <= region.high:
        return "no more"
    return "more" if region.low > 0 else "less"


def leanings(region: RegionShare, variants: Variants) -> dict[str, int]:
    """In how many variants that have the region it has more, less, or as much as chance may give; `of` so many."""
    found = [
        leaning(each) for variant in variants.values() for each in _regions(variant) if each.region == region.region
    ]
    counts = {word.replace(" ", "_"): found.count(word) for word in ("more", "less", "no more")}
    return {**counts, "of": len(found)}


def on_subject(variant: VariantResult) -> RegionShare | None:
    """What the subject has of a variant's maps; None where no alpha channel tells."""
    return next((each for each in _regions(variant) if each.region == SUBJECT), None)


def rival(variant: VariantResult) -> RegionShare | None:
    """The region beside the subject that has the most of a variant's maps."""
    return max((e for e in _regions(variant) if e.region != SUBJECT), key=lambda e: float(e.share), default=None)


def told_by_region(variants: Variants) -> list[VariantResult]:
    """The variants of whose maps it is known what lies in which region."""
    return [variant for variant in variants.values() if _regions(variant)]


def divided(variants: Variants) -> list[VariantResult]:
    """The variants whose maps lie on the subject and on something else."""
    return [variant for variant in variants.values() if on_subject(variant) and rival(variant)]


def lead(variant: VariantResult, p: float) -> Lead:
    """Whether the subject or its `rival` has more of the maps; `p` is `adjusted_ahead` of the variant."""
    subject, other = on_subject(variant), rival(variant)
    if subject is None or other is None or p >= noise.SIGNIFICANT:
        return "within noise"
    return "the subject" if subject.share > other.share else "another region"


def leads(variants: Variants) -> dict[str, list[VariantResult]]:
    """The variants of which `lead` says the same, under one word."""
    ps = _corrected(variants)
    found: dict[str, list[VariantResult]] = {"subject": [], "other": [], "noise": []}
    words: Mapping[Lead, str] = {"the subject": "subject", "another region": "other", "within noise": "noise"}
    for variant in divided(variants):
        found[words[lead(variant, ps[variant.name])]].append(variant)
    return found


def foremost(some: Sequence[VariantResult]) -> str:
    """The region that has the most of the maps in each of some variants; empty where it is not one."""
    found = {str(max(_regions(variant), key=lambda each: float(each.share)).region) for variant in some}
    return found.pop() if len(found) == 1 else ""


def has_lead(variant: VariantResult) -> bool:
    """Whether there are images enough for an interval of what the subject has less what its `rival` has."""
    return len(_known(variant)) > 1


def adjusted_ahead(variant: VariantResult, variants: Variants) -> float:
    """p of the subject having as much as its `rival`, by the bootstrap over images, by Holm for all variants."""
    return _corrected(variants)[variant.name]


def _corrected(variants: Variants) -> dict[str, float]:
    asked = divided(variants)
    ps = [_ahead(variant).p if has_lead(variant) else 1.0 for variant in asked]
    return dict(zip([variant.name for variant in asked], noise.holm(ps), strict=True))


def _ahead(variant: VariantResult) -> Interval:
    return _ahead_of(plain(variant))


@remembered
def _ahead_of(variant: VariantResult) -> Interval:
    """Of the subject's share less its rival's, over the images of which both are known."""
    other = rival(variant)
    if other is None or not has_lead(variant):
        raise ValueError("there is nothing to hold the subject against")
    return bootstrap.of_mean(
        tuple(float(each.subject) - float(getattr(each, other.region)) for each in _known(variant))
    )


def _regions(variant: VariantResult) -> Sequence[RegionShare]:
    return variant.activation_maps.regions if variant.activation_maps else ()


def _known(variant: VariantResult) -> list[Any]:
    """The shares of each map that are known."""
    maps = plain(variant).activation_maps
    return [image.map for image in maps.images if image.map and image.area] if maps else []


FUNCTIONS: Final[dict[str, Callable[..., int | float]]] = {
    "ahead_low": lambda variant: _ahead(variant).low,
    "ahead_high": lambda variant: _ahead(variant).high,
    "adjusted_ahead": adjusted_ahead,
}
"""For `quantities`, which names them all."""

CLAIMS: Final[tuple[Callable[..., Any], ...]] = (
    mapped_images, leaning, leanings, on_subject, rival, told_by_region, divided, lead, leads, foremost, has_lead,
)  # fmt: skip
"""For `claims`, which gives them to the templates."""
