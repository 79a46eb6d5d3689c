"""Fits a text of several lists into a limit: the least important list is shortened first, by whole rows.

A text is never cut: `fit` has it written again with fewer rows.
"""

import bisect
from collections.abc import Callable, Mapping

GITHUB = 65_536
"""Characters that a comment, a pull request's or an issue's description may have on GitHub."""


def fit(write: Callable[[Mapping[str, int]], str], lists: Mapping[str, int], limit: int = GITHUB) -> str:
    """The longest text of at most `limit` characters that `write` gives.

    `write` takes how many rows each of the `lists` may have; they are given with their lengths, in the order in
    which they are shortened. Where the text is too long without any rows, it is given so.
    """
    # A row takes some characters itself, so that more rows cannot fit.
    rows = {name: min(count, max(0, limit // 16)) for name, count in lists.items()}
    text = write(rows)
    for name in (name for name, count in rows.items() if count):
        if characters(text) <= limit:
            break

        def length(count: int, name: str = name) -> int:
            return characters(write({**rows, name: count}))

        rows[name] = max(0, bisect.bisect_right(range(rows[name]), limit, key=length) - 1)
        text = write(rows)
    return text


def characters(text: str) -> int:
    """The length of `text`, counted so that no way of GitHub's counts more.

    A character beyond the Basic Multilingual Plane counts as two, as browsers count; a line break as two, as forms
    send it.
    """
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 + text.count("\n")
