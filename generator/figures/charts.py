"""Draws every figure of the post from results and pixels.

`draw_data` draws the figures about the images, `draw_near` those that stand there altered, `draw_curves` how a
variant's runs were trained, `draw_variant` what one made of the test images and what its confidences are worth,
`draw_maps` its class activation maps, `draw_examples` the baseline's test images, `draw_labels` images whose labels
are contradicted, `draw_measurement` the images to measure with, `draw_answers` what the post's questions come to,
`draw_comparison` what all variants come to, `draw_sweep` what the points of a sweep come to. Each chart has a
function in `curves`, `confusion`, `calibration`, `errors`, `answers`, `accuracies` or `sweeps`, each sheet of images
one in `sheets`, `near`, `examples`, `suspects` or `maps`. All return matplotlib's `Figure`, so that what is on it can
be examined before it becomes pixels. Alt text and captions are prose and made by `render`.
"""

from collections.abc import Sequence

from generator.experiment.figure_names import (
    ACCURACIES,
    ACTIVATION_MAPS,
    ALPHA,
    AUGMENTATION,
    CALIBRATION,
    COMPARISON,
    CONFUSION_MATRIX,
    ERRORS,
    EXPECTED_BEST,
    FINE_TUNING_CURVE,
    FIRST_SCREEN,
    HARDEST,
    HEAD_CURVE,
    NEAR,
    PREDICTIONS,
    SUSPICIOUS,
    TEST_IMAGES,
    WRONG_PREDICTIONS,
)
from generator.experiment.label_review import LabelReview
from generator.experiment.measurement import Measured, ordered
from generator.experiment.outcomes import PhaseOutcome, Prediction
from generator.experiment.statistics.answers import Answer
from generator.figures import answers, calibration, confusion, errors, examples, maps, near, sheets, suspects, sweeps
from generator.figures.accuracies import Accuracies, comparison, headline
from generator.figures.canvas import Drawing, Pixels, encode, style
from generator.figures.curves import History, learning_curve
from generator.figures.maps import Mapped


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


def draw_curves(runs: Sequence[History]) -> tuple[Drawing, ...]:
    """The learning curves of a variant's runs: of the head, and over both phases."""
    with style():
        return (
            encode(HEAD_CURVE, learning_curve([run.head_alone() for run in runs])),
            encode(FINE_TUNING_CURVE, learning_curve(runs)),
        )


def draw_near(pairs: Sequence[tuple[near.Side, near.Side]], total: int) -> tuple[Drawing, ...]:
    """The first pairs of near-duplicates of `total`, side by side; no figure where there are none."""
    if not pairs:
        return ()
    sides = [side for pair in pairs for side in pair]
    texts = [*dict.fromkeys(text for side in sides for text in (side.class_name, side.file))]
    with style(*texts):
        return (encode(NEAR, near.sheet(pairs, total), photos=True, texts=texts),)


def draw_variant(
    variant: PhaseOutcome, class_names: Sequence[str], test_pixels: Pixels, judged: Sequence[Prediction]
) -> tuple[Drawing, ...]:
    """What a variant made of the test images, uint8 (n, s, s, 3) in the order of the predictions' index.

    `judged` are the predictions by which its confidences are judged, of these images or of others.
    """
    with style(*class_names):
        return (
            encode(CONFUSION_MATRIX, confusion.confusion_matrix(variant.confusion, class_names), texts=class_names),
            encode(
                WRONG_PREDICTIONS,
                sheets.wrong_predictions(variant, class_names, test_pixels),
                photos=bool(variant.wrong),
                texts=class_names if variant.wrong else (),
            ),
            encode(CALIBRATION, calibration.reliability(judged)),
        )


def draw_examples(variant: PhaseOutcome, class_names: Sequence[str], test_pixels: Pixels) -> tuple[Drawing, ...]:
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


def draw_labels(review: LabelReview, class_names: Sequence[str], pixels: Pixels) -> tuple[Drawing, ...]:
    """The images of each side whose labels are contradicted, for each side that has some.

    `pixels` is uint8 (n, s, s, 3), those of all images of the data set.
    """
    drawn = []
    for side, found in review.by_side.items():
        texts = [*class_names, *(image.file for image in found.marked[: suspects.MOST])]
        if found.marked:
            with style(*texts):
                sheet = suspects.suspicious(found.marked, class_names, pixels)
                drawn.append(encode(SUSPICIOUS[side], sheet, photos=True, texts=texts))
    return tuple(drawn)


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


def draw_answers(found: Sequence[Answer]) -> tuple[Drawing, ...]:
    """A figure for each question: its sides, and how they differ."""
    drawings = []
    for each in found:
        titles = [side.title for side in each.sides]
        with style(*titles):
            drawings.append(encode(each.figure, answers.answer(each), texts=titles))
    return tuple(drawings)


def draw_comparison(variants: Sequence[Accuracies]) -> tuple[Drawing, ...]:
    """The figures over all variants: `accuracies` and `comparison`."""
    titles = [variant.title for variant in variants]
    with style(*titles):
        return (
            encode(ACCURACIES, headline(variants), texts=titles),
            encode(COMPARISON, comparison(variants), texts=titles),
        )


def draw_sweep(losses: Sequence[float]) -> tuple[Drawing, ...]:
    """Of the validation losses of a sweep's points: what the lowest of some of them may be expected to be."""
    with style():
        return (encode(EXPECTED_BEST, sweeps.expected_best(losses)),)
