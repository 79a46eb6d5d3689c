"""The one place where numbers become text: named formats, each a function from number to string.

`FORMATS` maps a format's name to its function. A name is also a template filter, and the manifest stores it
beside every number of the post, so that a value can be formatted again and held against the page.
"""

from collections.abc import Callable
from typing import Final

Format = Callable[[float], str]


def accuracy(value: float) -> str:
    """A share of images as Keras logs it: 0.9250."""
    return f"{value:.4f}"


def loss(value: float) -> str:
    """A loss as Keras logs it: 0.3859, and 1.8288e-04 where four decimals would hide it."""
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"


def rounded(value: float) -> str:
    """Two decimals: 0.67."""
    return f"{value:.2f}"


def change(value: float) -> str:
    """A difference with its sign: +0.0250; the sign of a rounded zero is dropped."""
    text = f"{value:+.4f}"
    return text[1:] if float(text) == 0 else text


def points(value: float) -> str:
    """A difference of shares in percentage points, with its sign: +2.5; the sign of a rounded zero is dropped."""
    text = f"{100 * value:+.1f}"
    return text[1:] if float(text) == 0 else text


def percent(value: float) -> str:
    """A share with one decimal: 92.5%."""
    return f"{value:.1%}"


def share(value: float) -> str:
    """A share with two decimals, as in the cells of the confusion matrix: 37.50%."""
    return f"{value:.2%}"


def probability(value: float) -> str:
    """A probability, or a p value: 0.0625, and 1.9e-06 where four decimals would hide it."""
    return f"{value:.4f}" if value == 0 or value >= 5e-4 else f"{value:.1e}"


def logit(value: float) -> str:
    """A logit with its sign: -1.873."""
    return f"{value:+.3f}"


def integer(value: float) -> str:
    """A whole number as it is: 360."""
    return f"{value:.0f}"


def count(value: float) -> str:
    """A whole number with separators: 23,587,712."""
    return f"{value:,.0f}"


def setting(value: float) -> str:
    """A setting as one types it: 0.2, 32, 1e-4."""
    if value and abs(value) < 1e-3:
        mantissa, exponent = f"{value:.11e}".split("e")  # no more digits than are kept, which could round up to 10
        return f"{float(mantissa):.12g}e{int(exponent)}"
    return f"{value:.12g}"


FORMATS: Final[dict[str, Format]] = {
    function.__name__: function
    for function in (
        accuracy, loss, rounded, change, points, percent, share, probability, logit, integer, count, setting,
    )
}  # fmt: skip
"""Format name → function."""
