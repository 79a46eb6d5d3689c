"""What was worked out of the same objects before, without looking into them: they may be thousands of predictions.

@remembered
def by_outcomes(old, new): …
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar

Result = TypeVar("Result")

MOST = 1024
"""Values of a function that are kept, with what they were worked out of."""


def remembered(function: Callable[..., Result]) -> Callable[..., Result]:
    """`function` of objects that never change, told apart by identity; texts and whole numbers by value."""

    @lru_cache(maxsize=MOST)
    def kept(*keys: Any) -> Result:
        return function(*(key.value if isinstance(key, _Itself) else key for key in keys))

    @wraps(function)
    def call(*values: Any) -> Result:
        return kept(*(value if isinstance(value, str | int) else _Itself(value) for value in values))

    return call


class _Itself:
    """A value as a key: equal to itself alone. It holds the value, so that nothing else gets its identity."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self.value is other.value
