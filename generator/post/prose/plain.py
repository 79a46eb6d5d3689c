"""The results behind the views that templates hand to claims: counting thousands of images needs no view of each."""

from typing import TypeVar

T = TypeVar("T")


def plain(value: T) -> T:
    """What `value` is a view of; itself where it is none."""
    found: T = getattr(value, "__plain__", value)
    return found
