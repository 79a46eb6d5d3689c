"""Which class was called which: counts of test images, and the ratios that follow from them.

Counts are stored and ratios derived. A ratio whose denominator is zero is 0, as in scikit-learn with
`zero_division=0`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from pydantic import Field, model_validator

from generator.support.strict_json import Record

MOST_NAMES = 25
"""Classes up to which the heat map has their names at its axes; more are counted there."""

NAMED = ("true_negative", "false_positive", "false_negative", "true_positive")
"""The cells of two classes, row by row."""


@dataclass(frozen=True)
class ClassCounts:
    """One class among the test images."""

    label: int
    actual: int
    """Images of it."""
    predicted: int
    """Images that were called by its name."""
    correct: int

    @property
    def precision(self) -> float:
        """Share of the images called by its name that are of it."""
        return _ratio(self.correct, self.predicted)

    @property
    def recall(self) -> float:
        """Share of its images that were called by its name."""
        return _ratio(self.correct, self.actual)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return _ratio(2 * self.correct, self.actual + self.predicted)

    @property
    def undefined(self) -> tuple[str, ...]:
        """Names of its ratios that are of no image at all, and so kept as 0."""
        wholes = {"precision": self.predicted, "recall": self.actual, "f1": self.actual + self.predicted}
        return tuple(name for name, images in wholes.items() if not images)


@dataclass(frozen=True)
class Confused:
    """One cell beside the diagonal."""

    actual: int
    predicted: int
    images: int


class ConfusionMatrix(Record):
    """Counts of test images: rows are the actual class, columns the predicted one."""

    rows: tuple[tuple[int, ...], ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _square(self) -> "ConfusionMatrix":
        if any(len(row) != len(self.rows) for row in self.rows):
            raise ValueError(f"a confusion matrix of {len(self.rows)} classes has as many columns as rows")
        if min(chain(*self.rows)) < 0:
            raise ValueError("a confusion matrix holds counts, none of them below zero")
        return self

    @classmethod
    def count(cls, outcomes: Iterable[tuple[int, int]], classes: int) -> "ConfusionMatrix":
        """Of (actual, predicted) for each image."""
        cells = Counter(outcomes)
        return cls(rows=tuple(tuple(cells[actual, other] for other in range(classes)) for actual in range(classes)))

    @classmethod
    def from_table(cls, table: Mapping[str, Any], class_names: Sequence[str]) -> "ConfusionMatrix":
        """The inverse of `table`. Raises `LookupError` or `TypeError` where it does not fit the classes."""
        if len(class_names) == 2:
            cells = [table[name] for name in NAMED]
            return cls(rows=(tuple(cells[:2]), tuple(cells[2:])))
        if unknown := {name for row in (table, *table.values()) for name in row} - set(class_names):
            raise KeyError(*sorted(unknown))
        rows = [table.get(actual, {}) for actual in class_names]
        return cls(rows=tuple(tuple(row.get(predicted, 0) for predicted in class_names) for row in rows))

    def table(self, class_names: Sequence[str]) -> dict[str, Any]:
        """Nested counts for a file: the four cells of two classes by their own names; of more, actual class →
        predicted class → images, without the empty cells."""
        if len(class_names) == 2:
            return {name: getattr(self, name) for name in NAMED}
        rows = zip(class_names, self.rows, strict=True)
        return {
            actual: {name: images for name, images in zip(class_names, row, strict=True) if images}
            for actual, row in rows
        }

    def ratios(self, class_names: Sequence[str]) -> dict[str, dict[str, float]]:
        """Class → its precision, recall and F1, for the classes that have test images."""
        return {
            class_names[each.label]: {"precision": each.precision, "recall": each.recall, "f1": each.f1}
            for each in self.tested
        }

    @property
    def total(self) -> int:
        return sum(map(sum, self.rows))

    @property
    def correct(self) -> int:
        """Images on the diagonal."""
        return sum(row[label] for label, row in enumerate(self.rows))

    @cached_property
    def classes(self) -> tuple[ClassCounts, ...]:
        """Every class by itself, in order."""
        columns = list(zip(*self.rows, strict=True))
        return tuple(
            ClassCounts(label, sum(row), sum(columns[label]), row[label]) for label, row in enumerate(self.rows)
        )

    @property
    def tested(self) -> tuple[ClassCounts, ...]:
        """The classes that have test images."""
        return tuple(each for each in self.classes if each.actual)

    @property
    def overall(self) -> dict[str, float]:
        """Precision, recall and F1: those of class 1 where there are two, else their means over `tested`."""
        each = self.classes[1:] if len(self.rows) == 2 else self.tested
        return {name: _mean([getattr(one, name) for one in each]) for name in ("precision", "recall", "f1")}

    @cached_property
    def confused(self) -> tuple[Confused, ...]:
        """The cells beside the diagonal that are not empty, the fullest first."""
        cells = [
            Confused(actual, predicted, images)
            for actual, row in enumerate(self.rows)
            for predicted, images in enumerate(row)
            if images and actual != predicted
        ]
        return tuple(sorted(cells, key=lambda cell: -cell.images))

    @property
    def recalls(self) -> tuple[float, ...]:
        """The recall of every class, in order. Of two classes, the second is the sensitivity, the first the
        specificity."""
        return tuple(each.recall for each in self.classes)

    # Of two classes, class 1 is the positive one.

    @property
    def negatives(self) -> int:
        """Images of class 0."""
        return self.true_negative + self.false_positive

    @property
    def positives(self) -> int:
        """Images of class 1."""
        return self.false_negative + self.true_positive

    @property
    def true_negative(self) -> int:
        return self._of_two(0, 0)

    @property
    def false_positive(self) -> int:
        return self._of_two(0, 1)

    @property
    def false_negative(self) -> int:
        return self._of_two(1, 0)

    @property
    def true_positive(self) -> int:
        return self._of_two(1, 1)

    def _of_two(self, actual: int, predicted: int) -> int:
        if len(self.rows) != 2:
            raise AttributeError("only of two classes one is the positive class")
        return self.rows[actual][predicted]


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
