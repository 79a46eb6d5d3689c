"""What results keep of the weights that a base starts from."""

from typing import Literal

from generator.support.strict_json import Record


class WeightsSummary(Record):
    """The base's initial weights."""

    requested: str
    """`auto`, `imagenet`, `embedded`, `random`, or a file's name."""
    used: Literal["imagenet", "embedded", "random", "file"]
    name: str
    """The file's name; empty for random weights."""
    fingerprint: str
    """SHA-256 of the file, or `random`."""
    reason: str
    """Why these were used, where `auto` had to choose; else empty."""
