"""What is known of a network that was written to a file of its own: how well the file agrees with its build."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from generator.experiment.results import BuildResults
from generator.support import strict_json
from generator.support.hardware import Precision
from generator.support.strict_json import Record

NAME = "export.json"
SOURCE = "export"
"""What the sources of numbers about the file begin with, as those of results do with a part of these."""

_TOLERANCES = {"float32": 1e-5, "bfloat16": 0.05}
_OF_LOGIT = 1e-6


class Exported(Record):
    """A run's network in a file."""

    variant: str
    run: int = Field(ge=1)
    precision: Precision
    """In which the build computed its predictions."""
    images: int = Field(ge=1)
    """Test images that the file was tried on."""
    difference: float = Field(ge=0)
    """The most by which a probability of theirs differs from that of the build."""
    changed: int = Field(ge=0)
    """Of these images, how many the file gives another class than the build did."""
    lite_difference: float | None = None
    """As `difference`, of the file for TensorFlow Lite where there is one."""


def tolerance(precision: Precision, largest: float) -> float:
    """The most by which a probability may differ in the file, which computes in float32, from a build of `precision`
    whose `largest` logit is of that size. More is no rounding: the file is not the network.

    Float32 rounds a logit by a share of its size, up to 2^-24 at a time. A softmax p changes with logit j by
    p (δ - p_j), so by no more than 2 p (1 - p), one half at most, of what logits change by. A millionth of the largest
    logit stands for 34 such roundings, of sums in another order in layer upon layer. In bfloat16, whose share is 2^-9,
    large logits would let anything pass, and whoever is refused may build in float32.
    """
    return max(_TOLERANCES[precision], _OF_LOGIT * largest)


def sources(results: BuildResults, exported: Exported) -> Mapping[str, Any]:
    """Where the numbers of a model card come from: the results, and below `SOURCE` what is known of the file."""
    return {**of_results(results), SOURCE: exported}


def of_results(results: BuildResults) -> Mapping[str, Any]:
    """The results by name, with what follows from them as a whole: `dict` would leave out the answers."""
    return {**dict(results), "answers": results.answers}


def to_text(found: Exported) -> str:
    return strict_json.to_json({"schema_version": strict_json.SCHEMA_VERSION, **found.model_dump(mode="json")})


def from_text(text: str, where: str) -> Exported:
    """The inverse of `to_text`. Raises `BadInput` naming `where`."""
    table = strict_json.parse_json(text, where)
    strict_json.check_version(table, where)
    table.pop("schema_version")
    return strict_json.validated(Exported, table, where)
