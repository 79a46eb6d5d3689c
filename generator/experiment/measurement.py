"""What the images to measure with gave, as plain data: scores of both phases, and where the errors are.

A `Measured` is what one phase of one variant gave. Its `groups` count errors by attribute within each class: pooled
over the classes, what turns horses into camels and helps camels would show as nothing.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Literal

from pydantic import Field, model_validator

from generator.experiment.data_summary import Count
from generator.experiment.outcomes import ClassificationScore, Prediction
from generator.support.statistics import noise
from generator.support.strict_json import ByName, Record

CLASS = "class"
"""Stands for an attribute where whole classes are compared."""
NONE = "none"
"""A value that comes before the others of its attribute."""
HARDEST = 6
"""Images that are shown of those that are most confidently called by a wrong name."""


class Known(Record):
    """An image to measure with that stands in the data set, too."""

    file: str
    other: str
    """Its copy in the data set."""


class MeasureSummary(Record):
    """The images to measure with, as they were found."""

    kind: Literal["drawn", "folder"]
    seed: int | None
    """Of drawn ones."""
    counts: tuple[Count, ...]
    """By class."""
    attributes: dict[str, tuple[str, ...]]
    """Attribute → its values, `none` first."""
    known: tuple[Known, ...]
    """Those with the very bytes of an image of the data set."""
    ignored: ByName[int]
    """Reason → number of files that were passed over."""
    notes: ByName[int]
    """Oddity that was handled → number of images."""
    fingerprint: str

    @property
    def total(self) -> int:
        return sum(count.images for count in self.counts)


class Group(Record):
    """The images of a class that share the value of an attribute, and the others of that class."""

    attribute: str
    """`CLASS` where the group is a whole class, and the others are of the other classes."""
    value: str
    label: int
    """Of the class."""
    images: int = Field(ge=0)
    errors: int = Field(ge=0)
    others: int = Field(ge=0)
    other_errors: int = Field(ge=0)
    p: float | None
    """Of Fisher's exact test, two-sided; None where there are no others."""
    adjusted: float | None
    """The same after Holm's correction for all the tests of the `Measured`."""

    @property
    def rate(self) -> float:
        """Share that is called by a wrong name."""
        return self.errors / max(1, self.images)

    @property
    def other_rate(self) -> float:
        return self.other_errors / max(1, self.others)

    @property
    def decided(self) -> bool:
        """Whether the errors differ from those of the others by more than chance, all tests considered."""
        return self.adjusted is not None and self.adjusted < noise.SIGNIFICANT


class Shared(Record):
    """A value that the hardest images have oftener than others."""

    attribute: str
    value: str
    hardest: int
    """Of these, those that have it."""
    images: int
    """Of all images."""


class Measured(ClassificationScore):
    """What one phase of a variant gave on the images to measure with."""

    predictions: tuple[Prediction, ...] = ()
    """Of every image, in order; empty where only the scores were kept."""
    attributes: dict[str, tuple[str, ...]] = Field(default={})
    """Attribute → its value of each of these images."""

    @model_validator(mode="after")
    def _fits_together(self) -> "Measured":
        if any(len(values) != len(self.predictions) for values in self.attributes.values()):
            raise ValueError("attributes of other images than the predictions are of")
        if not self.predictions:
            return self
        right = sum(not p.wrong for p in self.predictions)
        if (right, len(self.predictions)) != (self.correct, self.total):
            raise ValueError(f"{right} of {len(self.predictions)} are right, not {self.correct} of {self.total}")
        if [p.index for p in self.predictions] != list(range(self.total)):
            raise ValueError("the predictions are not in order")
        loss = math.fsum(p.loss for p in self.predictions) / self.total
        if not math.isclose(loss, self.loss, rel_tol=1e-6, abs_tol=1e-9):
            raise ValueError(f"the loss of the predictions is {loss}, not {self.loss}")
        return self

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Every class, then every value of every attribute within each class, those without an image left out."""
        return tuple(_tested(list(_counted(self.predictions, self.attributes))))

    @property
    def tests(self) -> int:
        """The number of different tests among `groups`: of two groups of one class, both are one test."""
        named = zip(_tests(self.groups), self.groups, strict=True)
        return len({name for name, group in named if group.p is not None})

    @property
    def raising(self) -> tuple[Group, ...]:
        """The groups with more errors than the others of their class by more than chance, the surest first."""
        found = [g for g in self.groups if g.decided and g.attribute != CLASS and g.rate > g.other_rate]
        return tuple(sorted(found, key=lambda group: (group.adjusted, group.p)))

    @property
    def hardest(self) -> tuple[Prediction, ...]:
        """At most `HARDEST` images called by a wrong name, the most confident first."""
        return tuple(sorted((p for p in self.predictions if p.wrong), key=lambda p: -p.confidence)[:HARDEST])

    @property
    def shared(self) -> tuple[Shared, ...]:
        """What at least half of the hardest images share, three or more, and twice as often as all images have it."""
        return tuple(_shared(self.hardest, self.attributes))


class Measurement(Record):
    """What a variant gave on the images to measure with, after each phase."""

    head: Measured
    fine_tuning: Measured


def ordered(values: Sequence[str]) -> tuple[str, ...]:
    """The different values of an attribute, `none` first."""
    return tuple(sorted(set(values), key=lambda value: (value != NONE, value)))


def _counted(images: Sequence[Prediction], attributes: Mapping[str, Sequence[str]]) -> Iterator[Group]:
    """The groups with their counts, not yet tested."""
    labels = sorted({image.actual for image in images})
    classes = {label: [image for image in images if image.actual == label] for label in labels}
    for label in labels:
        yield _group(CLASS, "", label, classes[label], [image for image in images if image.actual != label])
    for name, values in attributes.items():
        for value in ordered(values):
            for label in labels:
                inside = [image for image in classes[label] if values[image.index] == value]
                outside = [image for image in classes[label] if values[image.index] != value]
                if inside:
                    yield _group(name, value, label, inside, outside)


def _group(name: str, value: str, label: int, inside: Sequence[Prediction], outside: Sequence[Prediction]) -> Group:
    errors, other_errors = (sum(image.wrong for image in images) for images in (inside, outside))
    p = noise.fisher(errors, len(inside), other_errors, len(outside)) if outside else None
    return Group(
        attribute=name, value=value, label=label, images=len(inside), errors=errors,
        others=len(outside), other_errors=other_errors, p=p, adjusted=None,
    )  # fmt: skip


def _tested(groups: Sequence[Group]) -> Iterator[Group]:
    """The groups with Holm's correction."""
    named = _tests(groups)
    tests = {name: group.p for name, group in zip(named, groups, strict=True) if group.p is not None}
    adjusted = dict(zip(tests, noise.holm(list(tests.values())), strict=True))
    for name, group in zip(named, groups, strict=True):
        yield group.model_copy(update={"adjusted": adjusted.get(name)})


def _tests(groups: Sequence[Group]) -> list[tuple[str, int, str]]:
    """Names the test of each group: two groups that are each other's others are compared in one and the same."""
    rivals: dict[tuple[str, int], list[Group]] = {}
    for group in groups:
        rivals.setdefault(_among(group), []).append(group)
    firsts = [rivals[_among(group)][0] if len(rivals[_among(group)]) == 2 else group for group in groups]
    return [(first.attribute, first.label, first.value) for first in firsts]


def _among(group: Group) -> tuple[str, int]:
    """What the groups that are compared with each other share: whole classes, or values of a class."""
    return (CLASS, 0) if group.attribute == CLASS else (group.attribute, group.label)


def _shared(hardest: Sequence[Prediction], attributes: Mapping[str, Sequence[str]]) -> Iterator[Shared]:
    for name, values in attributes.items():
        for value in ordered(values):
            count = sum(values[image.index] == value for image in hardest)
            images = sum(found == value for found in values)
            if count >= max(3, len(hardest) / 2) and count * len(values) >= 2 * images * len(hardest):
                yield Shared(attribute=name, value=value, hardest=count, images=images)
