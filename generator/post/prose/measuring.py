"""What the prose says about the images to measure with, as `claims` does about the rest."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from generator.experiment.measurement import CLASS, Group
from generator.experiment.outcomes import Prediction


def whole_classes(groups: Sequence[Group]) -> list[Group]:
    """The groups that are whole classes, in order of class."""
    return [group for group in groups if group.attribute == CLASS]


def by_rate(groups: Sequence[Group]) -> list[Group]:
    """The same with the largest shares of errors first, of equals in order."""
    return sorted(groups, key=lambda group: -float(group.rate))


def erring(groups: Sequence[Group]) -> list[Group]:
    """Those with errors, in the same order."""
    return [group for group in by_rate(groups) if group.errors]


def by_value(groups: Sequence[Group]) -> list[Group]:
    """The groups that share the value of an attribute, in order."""
    return [group for group in groups if group.attribute != CLASS]


def in_other_classes(group: Group, groups: Sequence[Group]) -> list[Group]:
    """The images of the other classes with the same value of the same attribute."""
    same = [other for other in groups if (other.attribute, other.value) == (group.attribute, group.value)]
    return [other for other in same if other.label != group.label]


def one_kind(images: Sequence[Prediction]) -> Prediction | None:
    """The first of several images, where all are of its class and called by the same name; else None."""
    kinds = {(int(image.actual), int(image.predicted)) for image in images}
    return images[0] if len(images) > 1 and len(kinds) == 1 else None


CLAIMS: Final[tuple[Callable[..., Any], ...]] = (whole_classes, by_rate, erring, by_value, in_other_classes, one_kind)
