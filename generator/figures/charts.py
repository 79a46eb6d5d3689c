"""Draws every figure of the post from results and pixels.

`draw_data` draws the figures about the images, `draw_variant` those of one variant, `draw_examples` those of the
baseline's test images, `draw_maps` the class activation maps of one variant, `draw_measurement` those of the images to
measure with, `draw_comparison` those over all variants. Each chart has a function here or in `accuracies`,
each sheet of images one in `sheets` or `examples`, that returns matplotlib's `Figure`, so that what is on it can be
examined before it becomes pixels. Alt text and captions are prose and made by `render`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from generator.experiment.figure_names import (
    ACCURACIES,
    ACTIVATION_MAPS,
    ALPHA,
    AUGMENTATION,
    CALIBRATION,
    COMPARISON,
    CONFUSION_MATRIX,
    ERRORS,
    FINE_TUNING_CURVE,
    FIRST_SCREEN,
    HARDEST,
    HEAD_CURVE,
    PREDICTIONS,
    TEST_IMAGES,
    WRONG_PREDICTIONS,
)
from generator.experiment.measurement import Measured, ordered
from generator.experiment.metrics import format_of
from generator.experiment.outcomes import Epoch
from generator.experiment.results import Trained
from generator.figures import calibration, confusion, errors, examples, maps, sheets
from generator.figures.accuracies import Accuracies, comparison, headline
from generator.figures.canvas import (
    BLUE,
    GREEN,
    LARGE,
    ORANGE,
    QUIET,
    SMALL,
    Drawing,
    Pixels,
    encode,
    new_figure,
    style,
)
from generator.figures.maps import Mapped
from generator.support import formats

Chosen = Sequence[Epoch | None]
"""Of each phase, the epoch whose weights were kept because of its validation loss; None where it is the last anyhow."""
NONE_CHOSEN: Chosen = (None, None)

RING: Mapping[str, Any] = {"marker": "o", "markersize": 9, "markerfacecolor": "none", "color": ORANGE, "clip_on": False}
"""Around the validation of a chosen epoch."""


def draw_data(
    class_names: Sequence[str],
    *,
    test_pixels: Pixels,
    test_labels: Sequence[int],
    alpha_example: Pixels | None,
    alpha_name: str | None,
    augmented: Pixels,
    original: Pixels,
) -> tuple[Drawing, ...]:
    """The figures about the images: `test-images`, `alpha` (where there is an example) and `augmentation`.

    `test_pixels` is uint8 (n, s, s, 3), `alpha_example` uint8 (h, w, 4), `augmented` uint8 (9, s, s, 3),
    `original` uint8 (s, s, 3).
    """
    file = alpha_name or ""
    with style(*class_names, file):
        test_images = sheets.labelled_images(test_pixels, test_labels, class_names)
        drawings = [
            encode(TEST_IMAGES, test_images, photos=True, texts=class_names),
            encode(AUGMENTATION, sheets.augmentation(original, augmented), photos=True),
        ]
        if alpha_example is not None:
            drawings.insert(1, encode(ALPHA, sheets.alpha_pair(alpha_example, file), photos=True, texts=[file]))
        return tuple(drawings)


def draw_variant(
    variant: Trained, class_names: Sequence[str], test_pixels: Pixels, chosen: Chosen = NONE_CHOSEN
) -> tuple[Drawing, ...]:
    """One variant's figures; `test_pixels` is uint8 (n, s, s, 3) in the order of the predictions' index.

    `chosen` are the epochs whose weights were kept, of phases in which that was chosen.
    """
    with style(*class_names):
        return (
            encode(HEAD_CURVE, learning_curve(variant.head, chosen=chosen[:1])),
            encode(FINE_TUNING_CURVE, learning_curve(variant.head, variant.fine_tuning, chosen)),
            encode(CONFUSION_MATRIX, confusion.confusion_matrix(variant.confusion, class_names), texts=class_names),
            encode(
                WRONG_PREDICTIONS,
                sheets.wrong_predictions(variant, class_names, test_pixels),
                photos=bool(variant.wrong),
                texts=class_names if variant.wrong else (),
            ),
            encode(CALIBRATION, calibration.reliability(variant.predictions)),
        )


def draw_examples(variant: Trained, class_names: Sequence[str], test_pixels: Pixels) -> tuple[Drawing, ...]:
    """Test images with one variant's predictions; `test_pixels` as for `draw_variant`."""
    sheets_of = ((FIRST_SCREEN, examples.first_screen), (PREDICTIONS, examples.all_predictions))
    with style(*class_names):
        return tuple(
            encode(name, draw(variant.predictions, class_names, test_pixels), photos=True, texts=class_names)
            for name, draw in sheets_of
        )


def draw_maps(images: Sequence[Mapped], class_names: Sequence[str]) -> tuple[Drawing, ...]:
    """Test images beside their class activation maps."""
    with style(*class_names):
        return (encode(ACTIVATION_MAPS, maps.beside_images(images, class_names), photos=True, texts=class_names),)


def draw_measurement(measured: Measured, class_names: Sequence[str], pixels: Pixels) -> tuple[Drawing, ...]:
    """Where the errors on the images to measure with are; `pixels` is uint8 (n, s, s, 3), these images in order.

    `errors-by-attribute` is drawn only where they have attributes.
    """
    values = [value for each in measured.attributes.values() for value in ordered(each)]
    texts = [*class_names, *measured.attributes, *values]
    with style(*texts):
        wrong = bool(measured.hardest)
        sheet = errors.hardest(measured, class_names, pixels)
        drawn = [encode(HARDEST, sheet, photos=wrong, texts=texts if wrong else ())]
        if measured.attributes:
            drawn.insert(0, encode(ERRORS, errors.by_attribute(measured, class_names), texts=texts))
        return tuple(drawn)


def draw_comparison(variants: Sequence[Accuracies]) -> tuple[Drawing, ...]:
    """The figures over all variants: `accuracies` and `comparison`."""
    titles = [variant.title for variant in variants]
    with style(*titles):
        return (
            encode(ACCURACIES, headline(variants), texts=titles),
            encode(COMPARISON, comparison(variants), texts=titles),
        )


def learning_curve(head: Sequence[Epoch], fine_tuning: Sequence[Epoch] = (), chosen: Chosen = NONE_CHOSEN) -> Figure:
    """Accuracy and loss by epoch, of the head alone or over both phases.

    Epochs stand at the numbers they have in the log. Fine-tuning begins with the number of the head's last
    epoch, so the two phases meet at one place without a line between them. A ring marks the epoch that was `chosen`.
    """
    figure = new_figure(6.4, layout=ConstrainedLayoutEngine(h_pad=0.08, w_pad=0.1))
    upper, lower = figure.subplots(2, 1, sharex=True)
    phases = [phase for phase in (head, fine_tuning) if phase]
    for axes, title, quantity in ((upper, "Accuracy", "accuracy"), (lower, "Cross-entropy loss", "loss")):
        _curves(axes, title, phases, quantity)
        for epoch in filter(None, chosen):
            axes.plot(epoch.epoch, getattr(epoch, f"val_{quantity}"), **RING)
    accuracies = [value for e in (*head, *fine_tuning) for value in (e.accuracy, e.val_accuracy)]
    losses = [value for e in (*head, *fine_tuning) for value in (e.loss, e.val_loss)]
    upper.set_ylim(_accuracy_limits(accuracies))
    lower.set_ylim(_loss_limits(losses))
    lower.yaxis.set_major_locator(MaxNLocator(6))
    lower.yaxis.set_major_formatter("{x:g}")
    lower.set_xlabel("Epoch")
    lower.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    last = (fine_tuning or head)[-1].epoch
    pad = max(0.5, 0.02 * last)
    lower.set_xlim(head[0].epoch - pad, last + pad)
    if fine_tuning:
        _mark_start(upper, lower, fine_tuning[0].epoch, accuracies)
    return figure


def _curves(axes: Axes, title: str, phases: Sequence[Sequence[Epoch]], quantity: str) -> None:
    number = formats.FORMATS[format_of(quantity)]
    series = (("Training", quantity, BLUE, "-"), ("Validation", f"val_{quantity}", ORANGE, (0, (3, 1.2))))
    for label, field, colour, dashes in series:
        for phase in phases:
            values = [getattr(e, field) for e in phase]
            # A line through one point would not be seen.
            marker = "o" if len(phase) == 1 else ""
            axes.plot([e.epoch for e in phase], values, color=colour, linestyle=dashes, marker=marker)
        axes.plot([], [], color=colour, linestyle=dashes, label=f"{label} {number(values[-1])}")
        axes.plot(phases[-1][-1].epoch, values[-1], "o", color=colour, clip_on=False)
    axes.set_title(title, loc="left", fontsize=LARGE, fontweight="bold", pad=30)
    axes.set_title("numbers: last epoch", loc="right", fontsize=SMALL, color=QUIET, pad=30)
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.02, 0.985), ncols=2, borderaxespad=0.1, handlelength=2.4,
        columnspacing=1.4,
    )  # fmt: skip


def _mark_start(upper: Axes, lower: Axes, epoch: int, accuracies: Sequence[float]) -> None:
    """The line between the phases; its label stands where the `accuracies` leave room."""
    for axes in (upper, lower):
        axes.axvline(epoch, color=GREEN, linewidth=1.8, zorder=1)
    (left, right), (bottom, top) = upper.get_xlim(), upper.get_ylim()
    side = -1 if (epoch - left) / (right - left) > 0.4 else 1
    at_top = sum(accuracies) / len(accuracies) < (bottom + top) / 2
    upper.annotate(
        "Start Fine Tuning", (epoch, float(at_top)), xycoords=upper.get_xaxis_transform(), color=GREEN,
        xytext=(6 * side, -6 if at_top else 6), textcoords="offset points",
        ha="right" if side < 0 else "left", va="top" if at_top else "bottom",
    )  # fmt: skip


def _accuracy_limits(values: Sequence[float]) -> tuple[float, float]:
    """From a tenth at or below the least value (0.5 at most) to 1, and a little more for the markers."""
    bottom = min(0.5, np.floor(min(values) * 10) / 10)
    pad = 0.04 * (1 - bottom)
    return bottom - pad, 1 + pad


def _loss_limits(values: Sequence[float]) -> tuple[float, float]:
    """From 0 to the greatest value, and a little more for the markers."""
    bottom, top = min(0.0, *values), max(0.1, *values)
    pad = 0.04 * (top - bottom)
    return bottom - pad, top + pad
