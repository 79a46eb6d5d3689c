"""What a post says of the networks that its variants used: their facts, and how variants differ in them.

    network_of(variant)       its network: words that are printed as they stand, numbers bound as those of results are
    one_of_each(variants)     the first variant with each network, the baseline first
    by_usual_size(variants)   these again, those together whose networks were designed for images of one size
    weights_of(variant, weights)
                              what its base started from; `weights` are the baseline's
    kinds_of_weights(variants, weights)
                              each kind of weights once
    untaught(variants, weights)
                              of the first variant with each network those that started from random weights
    preparation(network)      how images are prepared for it, in words that follow a colon
    prepares_itself(network)  whether layers of its own do that, not a function of Keras'
    any_by_function(variants) whether such a function serves one of the networks
    alike(network, other)     whether the images of two networks are prepared in the same way and by the same means
    learnt_preparation(network)
                              whether these layers use numbers that come with trained weights alone
    has_batch_norm(network)   whether it normalises by the statistics of batches
    begins_as_usual(variant)  whether fine-tuning begins where the facts of its network say
    first_trained(variant)    name of the layer at which it begins
    fronts_differ(variants)   whether variants differ in what stands in front of the base

Each takes results or their views.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup

from generator.backbones.backbone import AUTO, Backbone
from generator.backbones.registry import BACKBONES
from generator.backbones.weights_summary import WeightsSummary
from generator.experiment.results import VariantResult
from generator.post import bound


class Facts(bound.View):
    """Facts of a network. Their words are the program's own and not from outside, so they need no escaping."""

    def __getattr__(self, name: str) -> Any:
        found = super().__getattr__(name)
        if isinstance(found, bound.Text):
            return Markup(str(found))
        return Facts(found._value, found._path) if type(found) is bound.View else found


def network_of(variant: VariantResult) -> Facts:
    """The network of a variant, as in `network_of(variant).usual_size`, whose source is `networks.VGG16.usual_size`."""
    backbone = _backbone(variant)
    return Facts(backbone, f"networks.{backbone.name}")


def one_of_each(variants: Mapping[str, VariantResult]) -> list[VariantResult]:
    """The first variant with each network, in order, so that the baseline stands first."""
    first: dict[str, VariantResult] = {}
    for variant in variants.values():
        first.setdefault(variant.recipe.model.backbone, variant)
    return list(first.values())


def by_usual_size(variants: Mapping[str, VariantResult]) -> list[list[VariantResult]]:
    """The first variant with each network, those together whose networks were designed for images of one size."""
    together: dict[int, list[VariantResult]] = {}
    for variant in one_of_each(variants):
        together.setdefault(_backbone(variant).usual_size, []).append(variant)
    return list(together.values())


def weights_of(variant: VariantResult, weights: WeightsSummary) -> WeightsSummary:
    """What the base of a variant started from; `weights` are the baseline's."""
    return variant.weights or weights


def kinds_of_weights(variants: Mapping[str, VariantResult], weights: WeightsSummary) -> list[str]:
    """Each kind of weights once that a base started from."""
    return list(dict.fromkeys(weights_of(variant, weights).used for variant in variants.values()))


def untaught(variants: Mapping[str, VariantResult], weights: WeightsSummary) -> list[VariantResult]:
    """Of the first variant with each network those whose base started from random weights."""
    return [variant for variant in one_of_each(variants) if weights_of(variant, weights).used == "random"]


def preparation(network: Facts) -> Markup:
    """How images are prepared for a network, in words that follow a colon."""
    words = network.preparation.words
    return Markup(words[0].lower() + words[1:])


def prepares_itself(network: Facts) -> bool:
    """Whether layers of its own prepare images for a network, and not a function of Keras'."""
    return bool(network.preparation.until)


def any_by_function(variants: Mapping[str, VariantResult]) -> bool:
    """Whether a function of Keras' prepares images for one of the networks."""
    return not all(prepares_itself(network_of(variant)) for variant in variants.values())


def alike(network: Facts, other: Facts) -> bool:
    """Whether the images of two networks are prepared in the same way, and both by a function or by layers."""
    same_words: bool = network.preparation.words == other.preparation.words
    return same_words and prepares_itself(network) == prepares_itself(other)


def learnt_preparation(network: Facts) -> bool:
    """Whether the layers that prepare images take means and variances from trained weights, and have none else."""
    backbone: Backbone = BACKBONES[network.name]
    return any(layer.arrays for layer in backbone.layers[: backbone.layers_that_prepare + 1])


def has_batch_norm(network: Facts) -> bool:
    """Whether a network has batch normalisation, with means and variances that are stored."""
    return any(name.endswith("/moving_mean") for name in BACKBONES[network.name].shapes)


def begins_as_usual(variant: VariantResult) -> bool:
    """Whether fine-tuning begins at the layer that the facts of the network name."""
    return variant.recipe.fine_tuning.from_layer == _backbone(variant).first_trained(AUTO)


def first_trained(variant: VariantResult) -> bound.Text:
    """Name of the layer at which fine-tuning begins."""
    return bound.Text(_backbone(variant).layers[int(variant.recipe.fine_tuning.from_layer)].name)


def fronts_differ(variants: Mapping[str, VariantResult]) -> bool:
    """Whether variants differ in what stands in front of the base: augmentation or preprocessing."""
    models = [variant.recipe.model for variant in variants.values()]
    return len({(model.augment, model.preprocess) for model in models}) > 1


def retagged(tags: Sequence[str], variants: Mapping[str, VariantResult]) -> list[str]:
    """The tags of a post, with its networks in place of one that it does not use.

    Tags are settings of their own, and `--set model.backbone=VGG16` leaves them as they are.
    """
    used = [variant.recipe.model.backbone.lower() for variant in one_of_each(variants)]
    unused = {name.lower() for name in BACKBONES} - {*used}
    missing = [name for name in used if name not in map(str.lower, tags)]
    at = next((i for i, tag in enumerate(tags) if tag.lower() in unused), None)
    if at is None:
        return [*tags]
    return [tag for tag in (*tags[:at], *missing, *tags[at:]) if tag.lower() not in unused]


def _backbone(variant: VariantResult) -> Backbone:
    return BACKBONES[variant.recipe.model.backbone]


CLAIMS: Final[tuple[Callable[..., Any], ...]] = (
    network_of, one_of_each, by_usual_size, weights_of, kinds_of_weights, untaught, preparation, prepares_itself,
    any_by_function, alike, learnt_preparation, has_batch_norm, begins_as_usual, first_trained, fronts_differ,
)  # fmt: skip
"""For `claims`, which gives them to the templates."""
