"""What the charts of errors show is what was counted, for any classes and attributes."""

from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from generator.experiment.measurement import Measured
from generator.figures import charts, errors
from generator.figures.canvas import style
from tests.factories import ATTRIBUTES, FIVE, MEASURED, make_measured, make_measurement, make_predictions
from tests.figures.looking import overflowing

NAMES = ("camel", "horse")
FOUND = make_measurement().fine_tuning
PERFECT = make_measurement(fine_tuning=()).fine_tuning
PIXELS = np.zeros((MEASURED, 32, 32, 3), np.uint8)


def texts(figure: Figure) -> list[str]:
    return [text.get_text().strip("\u200e") for axes in figure.axes for text in axes.texts if text.get_text()]


def chart(found: Measured, names: Any = NAMES) -> Figure:
    with style():
        return errors.by_attribute(found, names)


def marks(figure: Figure) -> list[tuple[float, bool]]:
    """Share and whether its mark is filled, of every group in the order in which they are drawn."""
    (axes,) = figure.axes
    drawn = [line for line in axes.lines if line.get_marker() not in ("", "None")]
    return [(float(line.get_xdata()[0]), line.get_markerfacecolor() == line.get_color()) for line in drawn]  # type: ignore[index]


def test_every_group_has_its_share_and_counts() -> None:
    figure = chart(FOUND)
    assert [share for share, _ in marks(figure)] == [group.rate for group in FOUND.groups]
    assert [filled for _, filled in marks(figure)] == [group.decided for group in FOUND.groups]
    shown = texts(figure)
    assert [text for text in shown if " of " not in text] == [
        "all images",
        "load",
        "none",
        "rider",
        "size",
        "large",
        "medium",
        "small",
    ]
    assert "11 of 12" in shown


def test_nothing_leaves_the_figure_at_its_sides() -> None:
    figure = chart(FOUND)
    figure.canvas.draw()
    renderer: Any = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    for text in figure.axes[0].texts:
        box = text.get_window_extent(renderer)
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1


def test_without_errors_there_is_a_chart_and_a_note() -> None:
    assert all(share == 0 for share, _ in marks(chart(PERFECT)))
    with style():
        assert texts(errors.hardest(PERFECT, NAMES, PIXELS))[0] == "None were wrong"


def test_the_hardest_are_drawn_with_what_is_unusual_about_them() -> None:
    with style():
        shown = texts(errors.hardest(FOUND, NAMES, PIXELS))
    assert shown[:3] == ["camel\u200e as \u200ehorse", "85.0%", "nothing unusual"]
    assert shown.count("load: rider") == 5


def test_only_so_many_unusual_values_are_named_and_the_others_counted() -> None:
    rare = {f"attribute {i}": tuple("rare" if j == 1 else "usual" for j in range(MEASURED)) for i in range(5)}
    with style():
        shown = texts(errors.hardest(make_measured(make_predictions((1,), total=MEASURED), rare), NAMES, PIXELS))
    assert shown[2:] == ["attribute 0: rare", "attribute 1: rare", "attribute 2: rare", "and 2 more"]


def test_a_name_and_a_value_that_do_not_fit_on_a_line_have_one_each() -> None:
    rare = {"companion beside it": tuple("of another species" if j == 1 else "none" for j in range(MEASURED))}
    with style():
        shown = texts(errors.hardest(make_measured(make_predictions((1,), total=MEASURED), rare), NAMES, PIXELS))
    assert shown[2:] == ["companion beside it:", "of another species"]


def test_of_more_classes_than_marks_the_first_are_drawn() -> None:
    found = make_measured(make_predictions(tuple(range(20)), FIVE, total=MEASURED), ATTRIBUTES, classes=5)
    figure = chart(found, FIVE)
    assert len(marks(figure)) == sum(group.label < len(errors.MARKS) for group in found.groups)


def test_more_attributes_than_fit_are_counted() -> None:
    many = {f"attribute {i}": tuple(str((j + i) % 12) for j in range(MEASURED)) for i in range(6)}
    figure = chart(make_measured(make_predictions((1,), total=MEASURED), many))
    (note,) = [text.get_text() for text in figure.texts]
    assert note == "… 3 of 6 attributes"


@pytest.mark.parametrize("name", ["$x$", "a" * 60, "שם"])
def test_names_from_outside_are_drawn_as_they_are(name: str) -> None:
    found = make_measured(make_predictions((1, 70), total=MEASURED), {name: (name, "none") * (MEASURED // 2)})
    drawn = charts.draw_measurement(found, (name, "horse"), PIXELS)
    assert [drawing.name for drawing in drawn] == ["errors-by-attribute", "hardest-images"]


def test_without_attributes_only_the_hardest_are_drawn() -> None:
    found = make_measured(make_predictions((1, 70), total=MEASURED))
    assert [drawing.name for drawing in charts.draw_measurement(found, NAMES, PIXELS)] == ["hardest-images"]


def test_counts_of_many_images_have_room() -> None:
    total = 24_000
    load = {"load": tuple("ab"[i % 2] for i in range(total))}
    figure = chart(make_measured(make_predictions(tuple(range(0, total, 9)), total=total), load))
    assert "1,334 of 12,000" in texts(figure)
    assert overflowing(figure) == []


def test_an_attribute_that_does_not_fit_hides_no_other() -> None:
    many = {"who": tuple(map(str, range(MEASURED))), "load": tuple("ab"[i % 2] for i in range(MEASURED))}
    figure = chart(make_measured(make_predictions((1,), total=MEASURED), many))
    assert "load" in texts(figure)
    assert [text.get_text() for text in figure.texts] == ["… 1 of 2 attributes"]
