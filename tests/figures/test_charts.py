"""Figures: what is on them, that nothing is cut, and that the same results give the same bytes."""

import hashlib
import io
import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text
from PIL import Image

from generator.experiment import figure_names
from generator.experiment.confusion import ConfusionMatrix
from generator.experiment.results import VariantResult
from generator.figures import accuracies, canvas, charts, confusion, examples, sheets
from generator.figures.canvas import Drawing
from generator.figures.curves import History, learning_curve, mean
from tests import factories
from tests.figures.looking import HOSTILE_NAMES, as_compared, noise, overflowing, texts, tiles


def decode(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def draw_all(variant: VariantResult, names: tuple[str, str] = ("camel", "horse")) -> tuple[Drawing, ...]:
    """Every figure of a build with one variant, from small images."""
    rgba = np.dstack([noise(1)[0], np.full((16, 16), 90, np.uint8)])
    data = charts.draw_data(
        names,
        test_pixels=noise(4),
        test_labels=[0, 0, 1, 1],
        alpha_example=rgba,
        alpha_name=f"train/{names[0]}/10.png",
        augmented=noise(9),
        original=noise(1)[0],
    )
    history = History(variant.head, variant.fine_tuning)
    own = (*charts.draw_curves([history]), *charts.draw_variant(variant, names, noise(40), variant.predictions))
    return (
        *data,
        *own,
        *charts.draw_examples(variant, names, noise(40, 4)),
        *charts.draw_comparison([as_compared(variant)]),
    )


@pytest.fixture(scope="module")
def drawings() -> tuple[Drawing, ...]:
    return draw_all(factories.make_variant())


# What is drawn


def test_the_names_and_the_order_are_those_of_the_post(drawings: tuple[Drawing, ...]) -> None:
    absent = (
        *figure_names.OF_NEAR,
        *figure_names.OF_MEASUREMENT,
        *figure_names.OF_MAPS,
        *figure_names.OF_LABELS,
    )
    names = [name for _, name in figure_names.every(["baseline"]) if name not in absent]
    assert [d.name for d in drawings] == names


def test_confidences_are_drawn_of_the_images_that_they_are_judged_on() -> None:
    variant, judged = factories.make_variant(), factories.make_predictions((0, 3), total=factories.MEASURED)
    names = ("camel", "horse")
    drawn = {d.name: d.png for d in charts.draw_variant(variant, names, noise(40), judged)}
    own = {d.name: d.png for d in charts.draw_variant(variant, names, noise(40), variant.predictions)}
    assert {name for name in own if own[name] != drawn[name]} == {figure_names.CALIBRATION}


def test_without_an_image_with_alpha_there_is_no_alpha_figure() -> None:
    drawings = charts.draw_data(
        factories.make_data().class_names, test_pixels=noise(4), test_labels=[0, 0, 1, 1], alpha_example=None,
        alpha_name=None, augmented=noise(9), original=noise(1)[0],
    )  # fmt: skip
    assert [d.name for d in drawings] == ["test-images", "augmentation"]


def test_files_are_opaque_and_of_the_size_they_state_and_small(drawings: tuple[Drawing, ...]) -> None:
    for drawing in drawings:
        png, web = decode(drawing.png), decode(drawing.web)
        assert (png.format, web.format) == ("PNG", "WEBP")
        assert png.mode == web.mode == "RGB"
        assert web.size == (drawing.width, drawing.height)
        assert web.width == 960 < png.width
        assert abs(png.height / png.width - web.height / web.width) < 0.002
        assert not png.info, "metadata would tie the bytes to a version"
        photos = drawing.name in {
            "test-images", "alpha", "augmentation", "wrong-predictions", "first-screen", "predictions",
        }  # fmt: skip
        assert len(drawing.web) < (150_000 if photos else 60_000), drawing.name


def test_a_photo_sheet_keeps_its_budget_by_lowering_quality(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    grainy = np.clip(rng.normal(128, 22, (8, 224, 224, 3)), 0, 255).astype(np.uint8)
    with canvas.style():
        figure = sheets.labelled_images(grainy, [0] * 8, ("camel", "horse"))
    assert len(canvas.encode("x", figure, photos=True).web) > 50_000
    monkeypatch.setattr(canvas, "PHOTO_BUDGET", 40_000)
    assert len(canvas.encode("x", figure, photos=True).web) <= 40_000


# The same results, the same bytes


def test_drawing_twice_gives_the_same_bytes(drawings: tuple[Drawing, ...]) -> None:
    assert draw_all(factories.make_variant()) == drawings


def test_a_setting_made_before_changes_nothing_and_is_kept() -> None:
    variant = factories.make_variant()
    compared = [as_compared(variant)]
    expected = charts.draw_comparison(compared)
    with matplotlib.rc_context({"font.size": 31, "axes.facecolor": "red", "text.usetex": True}):
        assert charts.draw_comparison(compared) == expected
        assert matplotlib.rcParams["font.size"] == 31


DIGEST_OF_ALL = """
import hashlib, sys
sys.path.insert(0, ".")
from tests import factories
from tests.figures.looking import HOSTILE_NAMES, as_compared, noise, overflowing, texts, tiles
from tests.figures import test_charts
drawings = test_charts.draw_all(factories.make_variant())
print(hashlib.sha256(b"".join(d.png + d.web for d in drawings)).hexdigest())
"""


def test_a_stray_matplotlibrc_changes_no_byte(tmp_path: Path, drawings: tuple[Drawing, ...]) -> None:
    stray = tmp_path / "matplotlibrc"
    stray.write_text("font.size: 30\nfont.family: serif\nlines.linewidth: 9\nsavefig.dpi: 20\nimage.cmap: jet\n")
    ran = subprocess.run(
        [sys.executable, "-c", DIGEST_OF_ALL],
        env=os.environ | {"MATPLOTLIBRC": str(stray)},
        cwd=factories.ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    here = hashlib.sha256(b"".join(d.png + d.web for d in drawings)).hexdigest()
    assert ran.stdout.strip() == here
    assert ran.stderr == ""


# Confusion matrix


def test_confusion_matrix_rows_are_actual_and_columns_predicted() -> None:
    matrix = ConfusionMatrix(rows=((15, 5), (1, 19)))
    with canvas.style():
        axes = confusion.confusion_matrix(matrix, ("camel", "horse")).axes[0]
    # Text positions count cells from the left and, the axis being inverted, from the top.
    cells = {t.get_position()[::-1]: t.get_text().split("\n") for t in axes.texts}
    assert cells == {
        (0.5, 0.5): ["True Neg", "15", "37.50%"],
        (0.5, 1.5): ["False Pos", "5", "12.50%"],
        (1.5, 0.5): ["False Neg", "1", "2.50%"],
        (1.5, 1.5): ["True Pos", "19", "47.50%"],
    }
    assert axes.yaxis_inverted()
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("Actual", "Predicted")
    assert [t.get_text() for t in axes.get_yticklabels()] == ["camel", "horse"]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["camel", "horse"]


def many(classes: int, images: int) -> ConfusionMatrix:
    """`images` of each class, one of them called by the next class's name."""
    rows = np.eye(classes, dtype=int) * (images - 1) + np.roll(np.eye(classes, dtype=int), 1, axis=1)
    return ConfusionMatrix(rows=rows.tolist())


@pytest.mark.parametrize(
    ("classes", "images", "cell", "tick"),
    [
        (3, 20, "19\n95%", "class 2"),
        (5, 20, "19\n95%", "class 4"),
        (8, 1000, "999\n100%", "class 7"),
        (20, 20, "19", "class 19"),
        (20, 100_000, None, "class 19"),
        (25, 20, "19", "class 24"),
        (26, 20, None, "25"),
        (100, 20, None, "80"),
        (1000, 2, None, "800"),
    ],
)
def test_a_heat_map_changes_its_form_with_the_number_of_classes(
    classes: int, images: int, cell: str | None, tick: str
) -> None:
    names = [f"class {i}" for i in range(classes)]
    with canvas.style():
        figure = confusion.confusion_matrix(many(classes, images), names)
        assert not overflowing(figure)
    axes = figure.axes[0]
    assert (axes.texts[0].get_text() if axes.texts else None) == cell
    assert [t.get_text() for t in axes.get_xticklabels()][-1] == tick
    assert [t.get_text() for t in axes.get_yticklabels()][-1] == tick
    assert axes.yaxis_inverted()


@pytest.mark.parametrize(("classes", "images"), [(3, 10**6), (8, 10**5), (9, 20), (25, 99)])
def test_what_stands_in_a_cell_stays_within_it(classes: int, images: int) -> None:
    with canvas.style():
        figure = confusion.confusion_matrix(many(classes, images), ["x" * 40] * classes)
        figure.canvas.draw()
    axes = figure.axes[0]
    cell = axes.bbox.width / classes
    assert axes.texts
    assert max(t.get_window_extent().width for t in axes.texts) < cell
    assert max(t.get_window_extent().height for t in axes.texts) < cell


@pytest.mark.parametrize("classes", [2, 3, 5, 8, 9, 20, 25])
def test_long_names_of_classes_overlap_neither_each_other_nor_the_cells(classes: int) -> None:
    names = [f"Great black-backed gull {i}" for i in range(classes)]
    with canvas.style():
        figure = confusion.confusion_matrix(many(classes, 20), names)
        figure.canvas.draw()
        assert not overflowing(figure)
    axes = figure.axes[0]
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        boxes = [label.get_window_extent() for label in labels]
        assert not any(one.overlaps(other) for one, other in combinations([*boxes, axes.bbox], 2))
        if classes <= confusion.MOST_SHARES:
            assert ["".join(label.get_text().split()) for label in labels] == ["".join(name.split()) for name in names]


@pytest.mark.parametrize("classes", [2, 5, 20, 25])
def test_names_that_are_the_same_once_shortened_have_their_labels_in_front(classes: int) -> None:
    names = [f"{'x' * 20}{chr(97 + i)}{'x' * 60}" for i in range(classes)]
    with canvas.style():
        axes = confusion.confusion_matrix(many(classes, 20), names).axes[0]
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert len(set(shown)) == classes
    assert [text.split()[0] for text in shown] == [str(i) for i in range(classes)]


# Sheets of images


@pytest.mark.parametrize(("count", "shown"), [(2, 2), (3, 3), (7, 7), (40, 40), (60, 60), (313, 60)])
def test_every_test_image_is_shown_under_its_class_up_to_a_cap(count: int, shown: int) -> None:
    labels = [int(i >= count // 2) for i in range(count)]
    with canvas.style():
        figure = sheets.labelled_images(noise(count, 8), labels, ("camel", "horse"))
    written = [text.rpartition(" · ")[2] for text in texts(figure)]
    assert tiles(figure) == shown
    assert written.count("camel") + written.count("horse") == shown
    assert abs(written.count("camel") - shown / 2) <= 1
    assert [t for t in written if "of" in t] == (["… 60 of 313 test images"] if count == 313 else [])
    assert not overflowing(figure)


def test_a_number_and_a_label_stand_over_the_image_they_belong_to() -> None:
    images = np.stack([np.full((8, 8, 3), 10 * i, np.uint8) for i in range(7)])
    labels = [0, 1, 0, 1, 1, 0, 0]
    with canvas.style():
        axes = sheets.labelled_images(images, labels, ("camel", "horse")).axes[0]
    for i, (label, image, text) in enumerate(zip(labels, axes.images, axes.texts, strict=True)):
        left, right, bottom, top = image.get_extent()
        x, y = text.get_position()
        assert text.get_text() == f"\u200e{i} · {('camel', 'horse')[label]}"
        assert x == pytest.approx((left + right) / 2)
        assert top - 0.4 < y < top < bottom
    assert [int(np.asarray(image.get_array()).max()) for image in axes.images] == [0, 10, 20, 30, 40, 50, 60]


LONG = ("Great black-backed gull", "Lesser black-backed gull")


def test_long_names_stand_on_two_lines_above_the_images() -> None:
    with canvas.style():
        figure = sheets.labelled_images(noise(10, 8), [0] * 5 + [1] * 5, ("common bunting", "lion"))
    assert texts(figure)[:2] == ["0 · common", "bunting"]
    assert texts(figure)[-2:] == ["9 · lion", ""]
    assert not overflowing(figure)


def test_long_names_of_a_wrong_prediction_have_a_line_each() -> None:
    variant = factories.make_variant(wrong=(2, 25), names=LONG)
    with canvas.style():
        figure = sheets.wrong_predictions(variant, LONG, noise(40))
    assert texts(figure)[:3] == [f"{LONG[1]}:", LONG[0], f"2 · {variant.wrong[0].confidence:.1%}"]
    assert not overflowing(figure)


def test_none_wrong_is_said_in_words() -> None:
    with canvas.style():
        figure = sheets.wrong_predictions(factories.make_variant(wrong=()), ("camel", "horse"), noise(40))
    assert tiles(figure) == 0
    assert texts(figure) == ["None were wrong", "All 40 test images were classified correctly."]


def test_a_wrong_prediction_is_titled_predicted_actual_with_its_confidence() -> None:
    variant = factories.make_variant(wrong=(2, 25))
    with canvas.style():
        figure = sheets.wrong_predictions(variant, ("camel", "horse"), noise(40))
    first, second = variant.wrong
    assert texts(figure) == [
        "horse:camel", f"2 · {first.confidence:.1%}", "camel:horse", f"25 · {second.confidence:.1%}",
    ]  # fmt: skip
    drawn = [np.asarray(image.get_array()) for image in figure.axes[0].images]
    assert (drawn[0] == noise(40)[2]).all()
    assert (drawn[1] == noise(40)[25]).all()


def test_forty_wrong_are_all_shown_and_of_hundreds_an_even_choice() -> None:
    names = ("camel", "horse")
    with canvas.style():
        forty = sheets.wrong_predictions(factories.make_variant(wrong=tuple(range(40))), names, noise(40, 8))
        predictions = factories.make_predictions(tuple(range(300)), names, total=300)
        many = factories.make_variant(predictions=predictions)
        hundreds = sheets.wrong_predictions(many, names, noise(300, 8))
    assert tiles(forty) == 40
    assert not any(" of " in t for t in texts(forty))
    assert tiles(hundreds) == 40
    assert texts(hundreds)[-1] == "… 40 of 300 wrong predictions"
    assert texts(hundreds).count("camel:horse") == texts(hundreds).count("horse:camel") == 20
    assert not overflowing(forty)
    assert not overflowing(hundreds)


def test_alpha_pair_shows_the_hidden_colours_and_hides_them() -> None:
    rgba = np.zeros((40, 60, 4), np.uint8)
    rgba[..., 0] = 200
    rgba[10:30, 10:50, 3] = 255
    with canvas.style():
        figure = sheets.alpha_pair(rgba, "train/camel/10.png")
    with_alpha, dropped = (np.asarray(image.get_array()) for image in figure.axes[0].images)
    assert (dropped == [200, 0, 0]).all()
    assert (with_alpha[20, 30] == [200, 0, 0]).all()
    assert set(np.unique(with_alpha[:5])) == {204, 255}, "outside the shape only the chequerboard is seen"
    assert texts(figure) == ["With alpha (RGBA)", "Alpha dropped (RGB)", "train/camel/10.png"]


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 2), (1200, 900)])
def test_alpha_pair_keeps_any_aspect_within_the_figure(shape: tuple[int, int]) -> None:
    with canvas.style():
        figure = sheets.alpha_pair(np.full((*shape, 4), 128, np.uint8), "x.png")
    for image in figure.axes[0].images:
        left, right, bottom, top = image.get_extent()
        assert 0 < left < right < canvas.WIDTH
        assert 0 < top < bottom < figure.get_figheight() < 6
    assert canvas.encode("alpha", figure, photos=True).height < 960


def test_augmentation_shows_the_original_and_nine_copies() -> None:
    with canvas.style():
        figure = sheets.augmentation(noise(1)[0], noise(9))
    assert tiles(figure) == 10
    assert texts(figure) == ["Original", "Augmented copies"]


# Curves


def curves(axes: Axes) -> list[tuple[list[float], list[float]]]:
    """(epochs, values) of each curve, not of the marks at its end."""
    lines = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
    return [(x, y) for x, y in lines if len(x) > 2]


def test_both_phases_stand_at_the_epochs_of_the_log() -> None:
    variant = factories.make_variant()
    with canvas.style():
        accuracy, loss = learning_curve([History(variant.head, variant.fine_tuning)]).axes
    assert [x for x, _ in curves(accuracy)] == [list(range(1, 31)), list(range(30, 41))] * 2
    assert curves(accuracy)[0][1] == [e.accuracy for e in variant.head]
    assert curves(accuracy)[3][1] == [e.val_accuracy for e in variant.fine_tuning]
    assert curves(loss)[1][1] == [e.loss for e in variant.fine_tuning]
    assert curves(loss)[2][1] == [e.val_loss for e in variant.head]
    for axes in (accuracy, loss):
        assert [30, 30] in [list(line.get_xdata()) for line in axes.lines], "the line between the phases"
    assert [t.get_text() for t in accuracy.texts] == ["Start Fine Tuning"]


def test_the_heads_curve_has_no_second_phase() -> None:
    with canvas.style():
        accuracy, _ = learning_curve([History(factories.make_variant().head)]).axes
    assert not accuracy.texts
    assert len(curves(accuracy)) == 2


def test_a_chosen_epoch_has_a_ring_around_its_validation() -> None:
    head, tuning = factories.make_history(1, 4, 0.5, 0.9), factories.make_history(4, 3, 0.9, 1.0)
    with canvas.style():
        accuracy, loss = learning_curve([History(head, tuning, [head[2]])]).axes
    for axes, value in ((accuracy, head[2].val_accuracy), (loss, head[2].val_loss)):
        (ring,) = [line for line in axes.lines if line.get_markerfacecolor() == "none"]
        assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([3], [value])


def test_each_of_several_runs_has_a_line_and_their_mean_a_thick_one() -> None:
    runs = [
        History(factories.make_history(1, 4, start, 0.9), factories.make_history(4, 3, 0.9, 1.0 - start / 10))
        for start in (0.4, 0.5, 0.6)
    ]
    with canvas.style():
        accuracy, _ = learning_curve(runs).axes
    training = [line for line in accuracy.lines if line.get_color() == canvas.BLUE and len(line.get_xdata()) > 2]
    thick = [line for line in training if line.get_linewidth() > 2]
    assert (len(training), len(thick)) == (2 * 4, 2)
    assert list(thick[0].get_ydata()) == pytest.approx([0.5, 0.5 + 0.4 / 3, 0.5 + 0.8 / 3, 0.9])
    assert accuracy.get_title(loc="right") == "numbers: last epoch, mean of 3 runs"
    assert accuracy.get_legend().get_texts()[0].get_text() == "Training 0.9500"


def test_the_mean_goes_as_far_as_all_runs() -> None:
    runs = [factories.make_history(1, count, 0.5, 0.9) for count in (4, 2, 3)]
    assert [number for number, _ in mean(runs, "accuracy")] == [1, 2]
    # Fine-tuning of runs whose heads ended at different epochs is of another age at an epoch of one number.
    assert mean([head[-2:] for head in runs], "accuracy") == []
    with canvas.style():
        learning_curve([History(head, factories.make_history(len(head), 9, 0.9, 1.0)) for head in runs])


def test_the_legend_names_the_last_epochs_numbers() -> None:
    with canvas.style():
        accuracy, loss = learning_curve([History(factories.make_history(1, 4, 0.5, 0.9))]).axes
    assert [t.get_text() for t in accuracy.get_legend().get_texts()] == ["Training 0.9000", "Validation 0.8820"]
    assert [t.get_text() for t in loss.get_legend().get_texts()] == ["Training 0.2000", "Validation 0.2200"]


@pytest.mark.parametrize(
    ("start", "end", "extra"), [(0.0, 1.0, 0.0), (1.0, 1.0, 0.0), (0.0, 0.0, 0.0), (0.97, 0.99, 250_000.0)]
)
@pytest.mark.parametrize(("head", "tuning"), [(1, 1), (2, 1), (30, 11), (400, 200)])
def test_no_value_lies_outside_the_axes(start: float, end: float, extra: float, head: int, tuning: int) -> None:
    first = factories.make_history(1, head, start, end)
    first = (first[0].model_copy(update={"val_loss": first[0].val_loss + extra}), *first[1:])
    second = factories.make_history(head, tuning, end, start)
    with canvas.style():
        figure = learning_curve([History(first, second)])
        assert not overflowing(figure)
    for axes in figure.axes:
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        for line in axes.lines:
            if line.get_transform() == axes.transData and len(line.get_xdata()):
                assert left < min(line.get_xdata()) <= max(line.get_xdata()) < right
                assert bottom < min(line.get_ydata()) <= max(line.get_ydata()) < top


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_curve_at_the_very_edge_is_drawn_at_its_full_width(value: float) -> None:
    """Counted in pixels: a line at 0 or 1 is as thick as one in the middle."""

    def thickness(accuracy: float) -> int:
        history = factories.make_history(1, 20, accuracy, accuracy)
        flat = [e.model_copy(update={"val_accuracy": 0.5, "accuracy": accuracy}) for e in history]
        with canvas.style():
            # One epoch at 0 and one at 1 give every curve the same limits.
            ends = (flat[0].model_copy(update={"accuracy": 0.0}), *flat[1:-1],
                    flat[-1].model_copy(update={"accuracy": 1.0}))  # fmt: skip
            figure = learning_curve([History(ends)])
            image = decode(canvas.encode("x", figure).png)
        column = np.asarray(image)[: image.height // 2, image.width // 2].astype(int)
        blue = np.abs(column - [0x00, 0x72, 0xB2]).max(axis=1) < 60
        return int(blue.sum())

    assert thickness(value) >= thickness(0.75) > 5


# Names from outside


@pytest.mark.parametrize("names", HOSTILE_NAMES)
def test_hostile_names_are_drawn_without_a_warning_and_within_the_figure(names: tuple[str, str]) -> None:
    variant = factories.make_variant(wrong=(0, 39), names=("camel", "horse"))
    with canvas.style():
        for figure in (
            sheets.labelled_images(noise(7, 8), [0, 1, 0, 1, 0, 1, 1], names),
            sheets.alpha_pair(np.zeros((9, 9, 4), np.uint8), f"train/{names[0]}/{names[1]}.png"),
            confusion.confusion_matrix(variant.confusion, names),
            sheets.wrong_predictions(variant, names, noise(40, 8)),
            accuracies.comparison([as_compared(variant.model_copy(update={"title": " ".join(names)}))]),
            examples.first_screen(variant.predictions, names, noise(40, 8)),
            examples.all_predictions(variant.predictions, names, noise(40, 8)),
        ):
            assert not overflowing(figure)
            assert not any(t.get_parse_math() for t in figure.findobj(match=is_outside_text))


def is_outside_text(artist: object) -> bool:
    """Text that could hold a dollar sign of a name."""
    return isinstance(artist, Text) and "$" in artist.get_text()


def test_printable_replaces_what_the_font_lacks_and_drops_what_is_invisible() -> None:
    assert canvas.drawable("camel") == "camel"
    assert canvas.drawable("جمل") == "جمل"
    assert canvas.drawable("骆a\u202e\x07b\n c") == "□ab c"
    assert canvas.drawable("e\u0301") == "é"
    assert canvas.drawable(" \t") == canvas.drawable("") == "□"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("horse", "horse"),
        ("Great black-backed gull", "Great black-\nbacked gull"),
        ("n02085620_Chihuahua_dog", "n02085620_\nChihuahua_dog"),
        ("Rindfleischetikettierung", "Rindfleische\ntikettierung"),
    ],
)
def test_wrapped_breaks_between_words(text: str, lines: str) -> None:
    assert canvas.wrapped(text, 1.95) == lines


@pytest.mark.parametrize("text", ["M", "XL", "10"])
def test_what_is_as_wide_as_its_room_stays_on_its_line(text: str) -> None:
    width = canvas.text_width(text, canvas.NORMAL)
    assert canvas.wrapped(text, (0.1 + width) - 0.1) == text
    assert len(canvas.wrapped("M", 0.01)) == 1


def test_a_figure_higher_than_a_web_image_can_be_is_narrower() -> None:
    with canvas.style():
        drawing = canvas.encode("high", canvas.new_figure(110))
    assert drawing.height <= canvas.MOST_PIXELS
    assert drawing.width / drawing.height == pytest.approx(canvas.WIDTH / 110, rel=1e-3)
    assert Image.open(io.BytesIO(drawing.web)).size == (drawing.width, drawing.height)


def test_a_line_that_is_too_wide_for_wrapping_is_shortened() -> None:
    first, second = canvas.wrapped("a very long name of the first class and more of it", 1.2).split("\n")
    assert first.startswith("a very")
    assert second.endswith("it")
    assert max(canvas.text_width(first, canvas.NORMAL), canvas.text_width(second, canvas.NORMAL)) <= 1.2


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("A very long class name that somebody typed without thinking", "A very long c…\nhout thinking"),
        ("class_with_underscores_and_many_more_of_them", "class_with_u…\nmore_of_them"),
        ("Donaudampfschifffahrtsgesellschaftskapitän", "Donaudampf…\nftskapitän"),
    ],
)
def test_what_two_lines_do_not_hold_loses_its_middle_once(text: str, lines: str) -> None:
    assert canvas.wrapped(text, 1.35) == lines


@pytest.mark.parametrize("number", [9, 24, 101])
@pytest.mark.parametrize(
    "name", ["Ägyptische Maus", "Cavalier King Charles spaniel", "species number 50", "Rindfleischetikettierung"]
)
def test_the_number_above_an_image_costs_its_name_no_beginning(name: str, number: int) -> None:
    room = sheets.tile_width(5) + sheets.GAP / 2
    (lines,) = sheets.titles([(number, name)], room)
    first, second = (line.removeprefix(canvas.LEFT_TO_RIGHT) for line in lines)
    shown = first.removeprefix(f"{number} ·").strip() + second
    assert first.startswith(f"{number} ·")
    assert shown[:4] == name[:4]
    assert shown[-3:] == name[-3:]
    assert shown.count("…") <= 1
    assert max(canvas.text_width(line, canvas.SMALL) for line in (first, second)) <= room + 1e-9


def test_shortened_keeps_both_ends_and_the_width() -> None:
    assert canvas.shortened("horse", 2.0) == "horse"
    short = canvas.shortened("a very long name of the first class", 1.2)
    assert short.startswith("a ve")
    assert short.endswith("lass")
    assert "…" in short
    assert canvas.text_width(short, canvas.NORMAL) <= 1.2
    assert canvas.shortened("WWWWWWWW", 0.01) == "W…"
