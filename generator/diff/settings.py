"""Which settings, and which facts about data and weights, differ between two builds."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from generator.experiment.config import settings as config
from generator.experiment.results import BuildResults, VariantResult

TRAINED_IN = "trained in"
"""The precision that `auto` became, among a variant's settings."""

Pair = tuple[str, VariantResult | None, VariantResult | None]
"""A name, and the variant of each build that goes by it."""


@dataclass(frozen=True)
class SettingChange:
    """A setting or a fact about data or weights that differs."""

    setting: str
    old: str
    new: str
    variants: tuple[str, ...]
    """Those that it concerns; empty where it concerns the whole build."""


def changes(old: BuildResults, new: BuildResults, pairs: Sequence[Pair]) -> Iterable[SettingChange]:
    """Of each pair's variants, then of the builds; what only one build has is left to others to tell."""
    concerned: dict[tuple[str, str, str], list[str]] = {}
    for name, one, other in pairs:
        if one is not None and other is not None:
            for setting, values in config.differences(_recipe(old, one), _recipe(new, other)).items():
                concerned.setdefault((setting, _text(values[0]), _text(values[1])), []).append(name)
    for (setting, before, after), names in concerned.items():
        yield SettingChange(setting, before, after, tuple(names))
    alike = old.data.class_names == new.data.class_names
    shared = [_shared(build, per_class=alike) for build in (old, new)]
    for setting, (one_value, other_value) in config.differences(*shared).items():
        yield SettingChange(setting, _text(one_value), _text(other_value), ())


def _recipe(build: BuildResults, variant: VariantResult) -> dict[str, Any]:
    weights = (variant.weights or build.weights).model_dump(mode="json")
    return {**variant.recipe.model_dump(mode="json"), TRAINED_IN: variant.precision, "weights": weights}


def _shared(build: BuildResults, *, per_class: bool) -> dict[str, Any]:
    """What the variants of a build share, apart from what it measured.

    Of other classes the counts of each would be a row of its own, and hide what differs beside them.
    """
    data = build.data.model_dump(mode="json")
    data["class_names"] = f"{len(build.data.class_names)} classes: {_text(data['class_names'])}"
    for split in ("train", "validation", "test"):
        counts = {count.class_name: count.images for count in getattr(build.data, split)}
        data[split] = counts if per_class else sum(counts.values())
    if not per_class:
        del data["kept"]
    data["duplicates"] = len(build.data.duplicates)
    if build.data.near is not None:
        data["near"]["pairs"] = len(build.data.near.pairs)
    if build.measure is not None:
        images = build.measure
        data["measure"] = {"images": images.total, "seed": images.seed, "fingerprint": images.fingerprint}
    return {
        "profile": build.profile,
        "data": data,
        "sweeps": {name: sweep.in_words for name, sweep in build.sweeps.items()},
        "seeds": {"count": build.seeds.count, "vary": ", ".join(build.seeds.vary) if build.seeds.count > 1 else "none"},
    }


def _text(value: Any) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
