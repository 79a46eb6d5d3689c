"""What templates may compute from results and print: intervals, paired counts, p values, each by name.

A number that one of these gave has the call as its source, as in `mcnemar(variants.baseline,variants.augmentation)`,
from which `verify` computes it again.

    count(items)                               how many
    comparisons(answers)                       differences that the questions of the post ask for
    last_batch(data)                           images in the last test batch
    one_image(score)                           by how much one image moves an accuracy
    wilson_low(score), wilson_high             95% interval of an accuracy, by Wilson
    both_right(old, new), mended, broken, both_wrong
                                               2 x 2 table of two models on the same images
    mcnemar(old, new)                          its exact p value
    pair_count(variants)                       comparisons of two variants that the post makes
    pairs_left_out(variants)                   pairs that differ in one setting and are not compared, being too many
    adjusted(old, new, variants)               the p value after Holm's correction for these
    adjusted_measured(old, new, variants)      the same on the images to measure with
    loss_gain_low(old, new), loss_gain_high    95% interval of the new test loss less the old, by the paired bootstrap
    adjusted_loss(old, new, variants)          its p value after Holm's correction
    loss_low(outcome), loss_high               95% interval of a test loss, by the BCa bootstrap
    f1_low(outcome), f1_high                   of F1, the same
    precision_low(outcome), precision_high     of precision: by Wilson of class 1 of two, of more by the bootstrap
    overall_recall_low(outcome), overall_recall_high
                                               of recall, the same
    auc_low(outcome), auc_high                 of the area under the ROC curve, by DeLong
    recall_low(class), recall_high             of a class's recall, by Wilson
    mean_confidence(judged)                    of these images
    level_low(judged), level_high              how many of them are right in 95% of such sets, were every one
    level_p(judged)                            how probable the number found, or one as far off, is then
    adjusted_level(variant, variants)          the same after Holm's correction for all variants
    level_seen(judged)                         least distance of mean confidence and share of right answers that shows
    brier(judged)                              their Brier score: brier_miscalibration less brier_discrimination plus
                                               brier_uncertainty, by CORP
    miscalibration_p(judged)                   how probable so much miscalibration is where all confidences are right
    adjusted_miscalibration(variant, variants) the same after Holm's correction for all variants
    temperature(outcome)                       what suits the validation images best as a divisor of the logits
    cooled_loss(variant)                       the loss of the images judged with the logits divided by it
    cooling_low(variant), cooling_high         95% interval of what that adds to the loss, by the paired bootstrap
    adjusted_cooling(variant, variants)        its p value, by Holm for all variants that have a temperature
    smallest_seen(outcome, variants)           least difference of accuracies that these comparisons may call one
    detectable(outcome, variants)              least true difference that they find in four of five test sets
    adjusted_phases(variant, variants)         p value of head and fine-tuned network on the images to measure with, by
                                               Holm for all variants
    adjusted_tuning(variant, variants)         of the two on the test images, the same
    gain_low(old, new), gain_high              95% interval of the new accuracy less the old, by Newcombe
    close_mistakes(variant)                    wrong test images of low confidence
    second_choices(variant)                    wrong test images whose actual class is the second most probable
    never_right(variants)                      test images that every variant has wrong
    ahead_low(variant), ahead_high             95% interval of what the subject has of the maps, less what the region
                                               that has most beside it has, by the bootstrap over images
    adjusted_ahead(variant, variants)          its p value after Holm's correction for all variants
    wrong_drawn(variant)                       wrongly classified test images in their figure
    marked_drawn(marked)                       images in the figure of those whose labels are contradicted
    mapped_wrong(variant), mapped_right        wrong, right test images whose class activation map is drawn
    known_right(variant, data), known_total    test images known from training in a copy or a near-duplicate
    unknown_right(variant, data), unknown_total, unknown_accuracy
                                               the other test images
    pairs_drawn(pairs)                         pairs of near-duplicates in their figure
    known_fisher(variant, data)                exact p value of the two being told equally well
    fisher(score, other)                       exact p value of two accuracies on different images
    error_low(group), error_high               95% interval of the share of a group that is wrong
    fewest_one_way(score)                      images that must go one way, none the other, to be more than chance
    one_sided(confusion)                       exact p value of one class being wrong more often than the other

of several runs, each a list of what a phase left in each, as `variant.outcomes.head`:

    over_runs_low(runs), over_runs_high        95% interval of their mean test accuracy, over runs and images
    sd_by_images(runs)                         how far apart equally good runs would lie, by the images alone
    runs_better(old, new), runs_level, runs_worse
                                               in how many runs of one number the new test accuracy is the higher one
    gain_mean(old, new), gain_sd               of the differences between these
    gain_over_runs_low(old, new), gain_over_runs_high, chance_over_runs
                                               95% interval of their mean over runs and images, and its p value
    adjusted_over_runs(old, new, variants)     that of two variants after Holm's correction
    outperforming(old, new), outperforming_low, outperforming_high
                                               how probable it is that a run of the new is better, 95% interval

`judged` is what `confidence.judged` gives of a variant, or the variant itself, whose test images are meant.

A score is anything with `correct` and `total`, of the results or of the original. `old` and `new` are what a phase
left, `variant.after_head` or the variant itself, whose test images are meant, or lists of predictions, as in
`mcnemar(variant.after_head.predictions_by_part.validation, variant.predictions_by_part.validation)`.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from generator.experiment.showcase import doubtful
from generator.experiment.statistics import intervals
from generator.post.prose import confidence, contrasts, drawn, looking, over_runs, suspects
from generator.support.statistics import bootstrap, noise


def _counts(score: Any) -> tuple[int, int]:
    """(correct, total)."""
    if isinstance(score, Mapping):
        return score["correct"], score["total"]
    return score.correct, score.total


def _paired(old: Any, new: Any) -> noise.Pairs:
    return contrasts.paired(*map(_images, (old, new)))


def _mcnemar(old: Any, new: Any) -> float:
    return contrasts.by_outcomes(*map(_images, (old, new)))


def _images(model: Any) -> Any:
    return getattr(model, "predictions", model)


def _end(metric: str, side: Literal[0, 1]) -> Callable[[Any], float]:
    """One end of the interval of a metric of an outcome's test images."""

    def end(outcome: Any) -> float:
        found = contrasts.interval(metric, outcome.predictions, len(outcome.confusion.rows))
        if found is None:
            raise ValueError(f"{metric} of these images has no interval")
        return found[side]

    return end


def _loss_gain(old: Any, new: Any) -> bootstrap.Interval:
    found = intervals.of_difference("loss", old.predictions, new.predictions, 0)
    if found is None:
        raise ValueError("the losses of a single image have no interval")
    return found


FUNCTIONS: Final[dict[str, Callable[..., int | float]]] = {
    "count": len,
    "comparisons": lambda answers: sum(len(each.contrasts) for each in answers.values()),
    "last_batch": lambda data: data.test_total - (data.test_batches - 1) * data.batch_size,
    "training_batches": lambda variant, data: math.ceil(variant.train.total / data.batch_size),
    "one_image": lambda score: 1 / _counts(score)[1],
    "wilson_low": lambda score: noise.wilson(*_counts(score))[0],
    "wilson_high": lambda score: noise.wilson(*_counts(score))[1],
    "both_right": lambda old, new: _paired(old, new).both_right,
    "mended": lambda old, new: _paired(old, new).mended,
    "broken": lambda old, new: _paired(old, new).broken,
    "both_wrong": lambda old, new: _paired(old, new).both_wrong,
    "mcnemar": _mcnemar,
    "pair_count": lambda variants: len(contrasts.pairs(variants)),
    "pairs_left_out": contrasts.left_out,
    "adjusted": contrasts.adjusted,
    "loss_gain_low": lambda old, new: _loss_gain(old, new).low,
    "loss_gain_high": lambda old, new: _loss_gain(old, new).high,
    "adjusted_loss": contrasts.adjusted_loss,
    "loss_low": _end("loss", 0),
    "loss_high": _end("loss", 1),
    "f1_low": _end("f1", 0),
    "f1_high": _end("f1", 1),
    "precision_low": _end("precision", 0),
    "precision_high": _end("precision", 1),
    "overall_recall_low": _end("recall", 0),
    "overall_recall_high": _end("recall", 1),
    "auc_low": _end("roc_auc", 0),
    "auc_high": _end("roc_auc", 1),
    "recall_low": lambda each: noise.wilson(each.correct, each.actual)[0],
    "recall_high": lambda each: noise.wilson(each.correct, each.actual)[1],
    "smallest_seen": lambda outcome, variants: (
        noise.fewest_one_sided(contrasts.comparisons(variants)) / outcome.test.total
    ),
    "detectable": lambda outcome, variants: noise.detectable(outcome.test.total, contrasts.comparisons(variants)),
    "adjusted_measured": contrasts.adjusted_measured,
    "adjusted_phases": contrasts.adjusted_phases,
    "adjusted_tuning": contrasts.adjusted_tuning,
    "gain_low": lambda old, new: noise.newcombe(_paired(old, new))[0],
    "gain_high": lambda old, new: noise.newcombe(_paired(old, new))[1],
    "close_mistakes": lambda variant: len(contrasts.close_calls(variant.wrong)),
    "second_choices": lambda variant: len(contrasts.second_chosen(variant.wrong)),
    "never_right": lambda variants: len(contrasts.all_wrong(variants)),
    "mapped_wrong": lambda variant: sum(p.wrong for p in doubtful(variant.predictions)),
    "mapped_right": lambda variant: sum(not p.wrong for p in doubtful(variant.predictions)),
    "known_right": lambda variant, data: suspects.right(variant, data, known=True),
    "known_total": lambda variant, data: suspects.total(variant, data, known=True),
    "unknown_right": lambda variant, data: suspects.right(variant, data, known=False),
    "unknown_total": lambda variant, data: suspects.total(variant, data, known=False),
    "unknown_accuracy": suspects.accuracy,
    "known_fisher": suspects.fisher,
    "pairs_drawn": suspects.pairs_drawn,
    "fisher": lambda score, other: noise.fisher(*_counts(score), *_counts(other)),
    "error_low": lambda group: noise.wilson(group.errors, group.images)[0],
    "error_high": lambda group: noise.wilson(group.errors, group.images)[1],
    "fewest_one_way": lambda score: noise.fewest_one_sided(),
    "one_sided": lambda cells: noise.fisher(
        cells.false_positive, cells.negatives, cells.false_negative, cells.positives
    ),
    **confidence.FUNCTIONS,
    **drawn.FUNCTIONS,
    **looking.FUNCTIONS,
    **over_runs.FUNCTIONS,
}
"""Name → function; templates call them with views and get bound numbers."""
