"""Words for counts and lists, as templates call them: how many classes there are, and which are named.

    number_word(5)          five; any whole number from 0 to 999,999
    named(items)            as many as a sentence lists
    unnamed(items)          how many it then leaves out
    is_long(items)          whether a table of them is folded away
    top(items)              as many as an excerpt of a table shows
    fewest(counts), most(counts)
                            the class with the fewest, the most images
    two_classes(data)       whether there are two, so that one of them is the positive one
    axes_named(names)       whether the heat map has the classes' names at its axes
    drawn_by_protocol(data) whether these are the animals whose drawing `docs/protocol.md` is about

Each takes results or their views.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from markupsafe import Markup

from generator.experiment.confusion import MOST_NAMES
from generator.experiment.data_summary import Count, DataSummary
from generator.experiment.reported import REPORTED

MOST_NAMED = 8
"""Names that a sentence lists; of more, it lists `FEW` and counts the others."""
FEW = 5
MOST_ROWS = 12
"""Rows of a table that stands open."""
EXCERPT = 10
"""Rows of an excerpt."""

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def number_word(number: int) -> Markup:
    """`number` in words: two, twenty-one, one hundred and five."""
    return Markup(_words(int(number)))


def _words(number: int) -> str:
    if number < 20:
        return _ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")
    size, name = (100, "hundred") if number < 1000 else (1000, "thousand")
    many, rest = divmod(number, size)
    joint = " and " if rest < 100 else " "
    return f"{_words(many)} {name}" + (f"{joint}{_words(rest)}" if rest else "")


def named(items: Sequence[Any]) -> Sequence[Any]:
    """Those of `items` that a sentence lists."""
    return items if len(items) <= MOST_NAMED else items[:FEW]


def unnamed(items: Sequence[Any]) -> int:
    """How many of `items` a sentence does not list."""
    return len(items) - len(named(items))


def is_long(items: Sequence[Any]) -> bool:
    """Whether a table with a row for each of `items` is folded away."""
    return len(items) > MOST_ROWS


def top(items: Sequence[Any]) -> Sequence[Any]:
    """The first of `items`, as many as an excerpt shows."""
    return items[:EXCERPT]


def fewest(counts: Sequence[Count]) -> Count:
    """Of a class with no more images than any other."""
    return min(counts, key=lambda count: int(count.images))


def most(counts: Sequence[Count]) -> Count:
    """Of a class with no fewer images than any other."""
    return max(counts, key=lambda count: int(count.images))


def two_classes(data: DataSummary) -> bool:
    """Whether there are two, so that one of them is the positive one."""
    return len(data.class_names) == 2


def axes_named(names: Sequence[str]) -> bool:
    """Whether the heat map has the classes' names at its axes; else it has their numbers."""
    return len(names) <= MOST_NAMES


def drawn_by_protocol(data: DataSummary) -> bool:
    """Whether the sample shows the two animals whose drawing `docs/protocol.md` is about."""
    return [*data.class_names] == [*REPORTED["class_names"]]


_OWN: Final[tuple[Callable[..., Any], ...]] = (
    number_word, named, unnamed, is_long, top, fewest, most, two_classes, axes_named, drawn_by_protocol,
)  # fmt: skip

WORDING: Final[dict[str, Callable[..., Any]]] = {function.__name__: function for function in _OWN}
"""Name → function, as templates call them."""
