"""Says what changed in what a build reports beside its metrics: which labels are marked, and where networks look."""

from collections.abc import Iterator, Sequence

from generator.experiment.activation_maps import ActivationMaps, Region
from generator.experiment.results import BuildResults, VariantResult
from generator.support import escape, formats
from generator.support.statistics import noise

_NAMED = 5
"""Files that a sentence names."""


def told(
    old: BuildResults, new: BuildResults, pairs: Sequence[tuple[str, VariantResult, VariantResult]]
) -> Iterator[str]:
    """All that there is to say, as sentences without a full stop."""
    yield from labels(old, new)
    for pair in pairs:
        yield from maps(*pair)


def labels(old: BuildResults, new: BuildResults) -> Iterator[str]:
    """What there is to say of the labels that the features contradict; nothing where the same ones are marked."""
    if old.labels is None and new.labels is None:
        return
    if old.labels is None or new.labels is None:
        yield "labels: only one of the builds held them against the features"
        return
    before, after = ({image.file for image in each.marked} for each in (old.labels, new.labels))
    if before == after:
        return
    changes = [
        f"{len(files):,} {what} ({_some(sorted(files))})"
        for files, what in ((after - before, "marked only now"), (before - after, "no longer marked"))
        if files
    ]
    total = f"{len(after):,} of {new.labels.total:,} now, {len(before):,} of {old.labels.total:,} before"
    yield f"labels that the features contradict: {'; '.join(changes)}; {total}"


def maps(name: str, one: VariantResult, other: VariantResult) -> Iterator[str]:
    """What there is to say of the shares that regions have of a variant's maps; nothing where they print the same."""
    before, after = one.activation_maps, other.activation_maps
    if before is None and after is None:
        return
    if before is None or after is None:
        yield f"{name}: only one of the builds has activation maps"
        return
    for region in (each for each in after.shares if each in before.shares):
        old, new = (formats.percent(side.shares[region]) for side in (before, after))
        if old != new:
            yield f"{name}: {region} has {new} of the activation maps, {old} before{_chance(region, before, after)}"


def _chance(region: Region, old: ActivationMaps, new: ActivationMaps) -> str:
    """Whether chance may explain a change, by the paired bootstrap; empty where the images are not the same."""
    from generator.support.statistics import bootstrap  # Late: arrays are needed only where something changed.

    if [image.area for image in old.images] != [image.area for image in new.images]:
        return ""
    both = [(a.map, b.map) for a, b in zip(old.images, new.images, strict=True) if a.map and b.map]
    if len(both) < 2:
        return ""
    p = bootstrap.of_mean(tuple(getattr(b, region) - getattr(a, region) for a, b in both)).p
    return f": {noise.verdict(p)} (p = {formats.probability(p)})"


def _some(files: Sequence[str]) -> str:
    more = f", and {len(files) - _NAMED:,} more" if len(files) > _NAMED else ""
    return ", ".join(map(escape.clean, files[:_NAMED])) + more
