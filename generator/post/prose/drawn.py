"""What a figure has room for, so that its caption and its alternative text tell of nothing that it leaves out.

The three numbers are those of the modules that draw, which nothing in this room may import; a test holds them equal.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from generator.experiment.figure_names import MOST_CHARTED
from generator.experiment.measurement import CLASS, Group
from generator.experiment.results import VariantResult
from generator.experiment.showcase import MOST_DRAWN, spread
from generator.post.prose.plain import plain

MOST_WRONG = 40
"""Wrong predictions on one sheet."""
MOST_MARKED = 12
"""Images on a sheet of those whose labels are contradicted."""
MOST_ROWS = 45
"""Rows of the chart of errors by attribute, that of all images among them."""


def all_drawn(images: int) -> bool:
    """Whether a sheet of test images has room for all of them."""
    return images <= MOST_DRAWN


def wrong_on_sheet(variant: VariantResult) -> list[Any]:
    """The wrong ones of the test images that the sheet of all predictions shows, as views where `variant` is one."""
    predictions = plain(variant).predictions
    return [variant.predictions[i] for i in spread(len(predictions), MOST_DRAWN) if predictions[i].wrong]


def wrong_drawn(variant: VariantResult) -> int:
    """How many of the wrongly classified test images their sheet shows."""
    return min(len(variant.wrong), MOST_WRONG)


def marked_drawn(marked: Sequence[Any]) -> int:
    """How many of the marked images of a side their sheet shows."""
    return min(len(marked), MOST_MARKED)


def charted(class_names: Sequence[str]) -> Sequence[str]:
    """The classes that the chart of errors by attribute shows."""
    return class_names[:MOST_CHARTED]


def charted_groups(groups: Sequence[Group]) -> list[Group]:
    """Of the groups those that the chart shows: of the first classes, of as many attributes as it has room for."""
    first = [group for group in groups if group.label < MOST_CHARTED]
    values: dict[str, set[str]] = {}
    for group in first:
        values.setdefault(group.attribute, set()).add(group.value)
    shown: dict[str, int] = {}
    for attribute, found in values.items():
        if sum(shown.values()) + len(found) <= MOST_ROWS:
            shown[attribute] = len(found)
    return [group for group in first if group.attribute in shown]


def charted_attributes(groups: Sequence[Group]) -> list[str]:
    """The attributes of these, in order."""
    return list(dict.fromkeys(group.attribute for group in charted_groups(groups) if group.attribute != CLASS))


FUNCTIONS: Final[dict[str, Callable[..., int | float]]] = {"wrong_drawn": wrong_drawn, "marked_drawn": marked_drawn}
"""For `quantities`, which names them all."""

CLAIMS: Final[tuple[Callable[..., Any], ...]] = (
    all_drawn, wrong_on_sheet, charted, charted_groups, charted_attributes,
)  # fmt: skip
"""For `claims`, which gives them to the templates."""
