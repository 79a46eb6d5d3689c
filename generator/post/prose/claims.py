"""What the prose says about a run, as small functions, so that each sentence is true whatever the run gave.

Every comparison is made at the precision that is printed: nothing "rises" from 0.9000 to 0.9000. Words
returned are plain letters; where a number belongs to a claim, the element that holds it is returned.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, Literal

from generator.backbones.weights_summary import WeightsSummary
from generator.experiment import data_summary
from generator.experiment.config.settings import Recipe, whole_batches
from generator.experiment.confusion import ClassCounts, ConfusionMatrix
from generator.experiment.data_summary import PARTS, Count, DataSummary, Part
from generator.experiment.metrics import direction
from generator.experiment.outcomes import Epoch, Prediction, Spread
from generator.experiment.results import VariantResult
from generator.experiment.stopping import kept
from generator.post.prose import confidence, contrasts, drawn, looking, measuring, networks, over_runs, suspects
from generator.post.prose.plain import plain
from generator.support.formats import FORMATS
from generator.support.statistics import noise

MOST_ROWS = 200
MOST_NAMED = 5


def same(a: float, b: float) -> bool:
    """Whether two numbers look the same on the page."""
    return FORMATS["loss"](float(a)) == FORMATS["loss"](float(b))


def has_exponent(loss: float) -> bool:
    """Whether a loss is so small that it is printed with an exponent; else what stands beside it has four decimals."""
    return "e" in FORMATS["loss"](float(loss))


def trend(before: float, after: float) -> Literal["rose", "fell", "stayed"]:
    if same(before, after):
        return "stayed"
    return "rose" if after > before else "fell"


def position(a: float, b: float) -> Literal["above", "below", "level with"]:
    """Where `a` lies, seen from `b`."""
    if same(a, b):
        return "level with"
    return "above" if a > b else "below"


def first_perfect(epochs: Sequence[Epoch], quantity: str) -> Epoch | None:
    """The first epoch whose accuracy prints as 1.0000, or None."""
    return next((epoch for epoch in epochs if same(getattr(epoch, quantity), 1.0)), None)


def stays_perfect(epochs: Sequence[Epoch], quantity: str) -> bool:
    """Whether no epoch after the first perfect one falls back; False where none is perfect."""
    perfect = [same(getattr(epoch, quantity), 1.0) for epoch in epochs]
    return True in perfect and all(perfect[perfect.index(True) :])


def best_epoch(epochs: Sequence[Epoch], quantity: str) -> Epoch:
    """The first epoch with the highest accuracy or the lowest loss."""
    sign = -1 if direction(quantity) == "lower" else 1
    return max(epochs, key=lambda epoch: sign * float(getattr(epoch, quantity)))


def validation_chooses(variants: Mapping[str, VariantResult]) -> bool:
    """Whether in any variant the validation images decide when a phase ends or which of its epochs counts."""
    phases = [phase for v in variants.values() for phase in (v.recipe.head, v.recipe.fine_tuning)]
    return any(phase.patience or phase.keep == "best" for phase in phases)


def waited_out(epochs: Sequence[Epoch], patience: int) -> bool:
    """Whether the validation loss had not been lower than its lowest for `patience` epochs when a phase ended."""
    ran = plain(epochs)
    return len(ran) - 1 - ran.index(kept(ran, "best")) >= patience


def steady(epochs: Sequence[Epoch], quantity: str) -> bool:
    """Whether the quantity never moves against its overall direction from one epoch to the next."""
    values = [getattr(epoch, quantity) for epoch in epochs]
    overall = trend(values[0], values[-1])
    return all(trend(a, b) in (overall, "stayed") for a, b in pairwise(values))


def how_often(epochs: Sequence[Epoch], quantity: str) -> Literal["every", "most", "half", "some", "no"]:
    """In how many epochs validation lies above training, for `accuracy` or `loss`."""
    above = sum(position(getattr(epoch, f"val_{quantity}"), getattr(epoch, quantity)) == "above" for epoch in epochs)
    if above in (0, len(epochs)):
        return "every" if above else "no"
    return "half" if 2 * above == len(epochs) else "most" if 2 * above > len(epochs) else "some"


def one_way(variant: VariantResult) -> Literal["", "negative", "positive"]:
    """Which of two classes all wrong predictions name, class 0 being `negative`; empty if none or both."""
    cells = variant.confusion
    if len(cells.rows) > 2 or bool(cells.false_positive) == bool(cells.false_negative):
        return ""
    return "positive" if cells.false_positive else "negative"


def best(variants: Mapping[str, VariantResult]) -> list[VariantResult]:
    """The variants with the most test images right, in order; several where they are level."""
    return _with_correct(variants, max)


def worst(variants: Mapping[str, VariantResult]) -> list[VariantResult]:
    """The variants with the fewest, the same way."""
    return _with_correct(variants, min)


def is_best(variant: VariantResult, variants: Mapping[str, VariantResult], metric: str) -> bool:
    """Whether `variant` has the best value of `metric`, and better than each other variant by more than noise.

    `metric` is a path in a variant, as in `test.loss`. The noise is that of the images: the variants are compared
    image by image, ratios by McNemar's exact test, losses by the paired bootstrap, both with Holm's correction for all
    pairs that the post compares. Where there are no predictions to compare nothing is best.
    """
    values = {name: _metric(other, metric) for name, other in variants.items()}
    target = min(values.values()) if direction(metric) == "lower" else max(values.values())
    others = [variants[name] for name, value in values.items() if not same(value, target)]
    alone = len(others) == len(values) - 1 > 0
    return (
        alone and same(_metric(variant, metric), target) and all(differ(variant, o, variants, metric) for o in others)
    )


def verdict(before: float, after: float, p: float) -> Literal["yes", "no", "within noise"]:
    """Whether `after` is higher than `before`: `no` where it is lower, and `within noise` where chance may do it.

    `p` is that of an exact test of the two: `mcnemar(old, new)` of predictions on the same images,
    `fisher(score, other)` of scores on different ones (`post.prose.quantities`). Print the counts beside the answer:

        {{ verdict(old.test.accuracy, new.test.accuracy, mcnemar(old, new)) }}
        ({{ mended(old, new) | integer }} mended, {{ broken(old, new) | integer }} broken)
    """
    if not more_than_chance(p) or same(before, after):
        return "within noise"
    return "yes" if after > before else "no"


def ranges(old: Spread, new: Spread) -> Literal["above", "below", "overlapping"]:
    """Where the last epochs of one phase or variant lie, seen from those of another: clear of them, or among them.

    As in `ranges(baseline.last_epochs.head.val_loss, baseline.last_epochs.fine_tuning.val_loss)`; the figures are
    `….val_loss.mean`, `.low`, `.high` and `.epochs`, the number of epochs.
    """
    if position(new.low, old.high) == "above":
        return "above"
    return "below" if position(new.high, old.low) == "below" else "overlapping"


def plain_folders(data: DataSummary) -> bool:
    """Whether the folders of a data set are called what they are used for."""
    return all(part == folder for part, folder in data.folders.items())


def own_folder(data: DataSummary, part: Part) -> bool:
    """Whether the images of a part, and no others, lie in a folder."""
    return data_summary.own_folder(data.folders, part)


def apart(data: DataSummary, recipe: Recipe) -> bool:
    """Whether no picture is both trained on and validated with, not even in a copy."""
    return recipe.split.mode == "fixed" and not data.crossing


def unmet(data: DataSummary, weights: WeightsSummary) -> bool:
    """Whether nothing like the images can have been seen before: they are drawn, or nothing was pre-trained."""
    return data.kind == "sample" or weights.used == "random"


def batches_filled(data: DataSummary, recipe: Recipe) -> bool:
    """Whether as many training images validate as the settings ask for: copies, which stay together, may not fit."""
    wanted = whole_batches(data.train_total, data.batch_size, recipe.split.validation_fraction)
    return data.validation_images == wanted


def first_few(items: Sequence[Any]) -> Sequence[Any]:
    """As many as a table of images may have: a page of ten thousand rows is of no use to anybody."""
    return items[:MOST_ROWS]


def first_named(items: Sequence[Any]) -> Sequence[Any]:
    """As many as a sentence may name."""
    return items[:MOST_NAMED]


def never_named(confusion: ConfusionMatrix) -> Sequence[ClassCounts]:
    """The classes that have test images and by whose name none was called: they have no precision."""
    return [each for each in confusion.tested if not each.predicted]


def level(counts: Sequence[Count]) -> bool:
    """Whether all classes have the same number of images."""
    return len({int(count.images) for count in counts}) == 1


def rough(low: float, high: float) -> bool:
    """Whether an interval of an accuracy leaves more than five points open."""
    return high - low > 0.05


def more_than_chance(p: float) -> bool:
    """Whether a p value is below the level the project calls significant."""
    return float(p) < noise.SIGNIFICANT


def plural(number: float, one: str, many: str) -> str:
    """The word that fits the number."""
    return one if number == 1 else many


def headings(variants: Mapping[str, VariantResult]) -> dict[str, str]:
    """Variant name → its title in plain ASCII, different for each, lower case at the start unless it is a name there.

    A title without a Latin letter, or that another variant has, gives way to the words of the name. Headings become
    anchors, which the renderers agree on only for letters, digits and single blanks.
    """
    words = {name: _words(variant.title) or _words(name) for name, variant in variants.items()}
    # No two variants have one name: a title that is another's title, or another's name, gives way to the name.
    taken = Counter(word for name, text in words.items() for word in {text.lower(), _words(name).lower()})
    return {name: _begun(text) if taken[text.lower()] == 1 else _words(name) for name, text in words.items()}


def _begun(text: str) -> str:
    """`text` as it goes on in a sentence: without its capital, unless its first word has others, as VGG16 has."""
    first = text.split(" ")[0]
    return text if first[1:] != first[1:].lower() else text[0].lower() + text[1:]


def _words(text: str) -> str:
    """The words of `text` in ASCII, accents dropped, other scripts left out."""
    letters = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[A-Za-z0-9]+", letters))


def _with_correct(variants: Mapping[str, VariantResult], chosen: Callable[[Iterable[int]], int]) -> list[VariantResult]:
    # Not by accuracy, whose digits may be the same: images are counted.
    wanted = chosen(variant.test.correct for variant in variants.values())
    return [variant for variant in variants.values() if variant.test.correct == wanted]


def differ(one: VariantResult, other: VariantResult, variants: Mapping[str, VariantResult], metric: str) -> bool:
    """Whether the images that `metric` is of tell two variants apart by more than chance; other images tell nothing."""
    test = contrasts.by_losses if metric.rpartition(".")[2] in ("loss", "val_loss") else contrasts.by_outcomes

    def p(old: Sequence[Prediction], new: Sequence[Prediction]) -> float:
        try:
            return test(old, new)
        except ValueError:
            return 1.0  # Other images: nothing tells the two apart.

    return more_than_chance(contrasts.corrected(one, other, variants, lambda each: _images(each, metric), p))


def _images(variant: VariantResult, metric: str) -> Sequence[Prediction]:
    """The predictions that `metric` sums up, as far as it is the metric of a phase's end."""
    words = metric.split(".")
    outcome = variant.after_head if words[0] in ("after_head", "head") else variant
    of_epoch: Part = "validation" if words[-1].startswith("val_") else "train"
    part = next((part for part in PARTS if part in words), of_epoch)
    found: Sequence[Prediction] = outcome.predictions_by_part.get(part, ())
    return found


def _metric(variant: VariantResult, path: str) -> float:
    value: Any = variant
    for key in path.split("."):
        value = value[int(key)] if key.lstrip("-").isdigit() else getattr(value, key)
    return float(value)


_OWN: Final[tuple[Callable[..., Any], ...]] = (
    same, has_exponent, trend, position, first_perfect, stays_perfect, best_epoch, validation_chooses, waited_out,
    steady, how_often, one_way, best, worst, is_best, differ, verdict, ranges, plain_folders, own_folder, apart,
    unmet, batches_filled, first_few, first_named, rough, never_named, level, more_than_chance, plural, headings,
)  # fmt: skip

_BESIDE: Final = (confidence, contrasts, drawn, looking, measuring, networks, over_runs, suspects)

CLAIMS: Final[dict[str, Callable[..., Any]]] = {
    claim.__name__: claim
    for some in (
        _OWN,
        *(module.CLAIMS for module in _BESIDE),
    )
    for claim in some
}
"""Name → claim, as templates call them."""
