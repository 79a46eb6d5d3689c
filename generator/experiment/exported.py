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

TOLERANCES = {"float32": 1e-5, "bfloat16": 0.05}
"""Precision of the build → most by which a probability may differ in its file, which computes in float32. More than
rounding to bfloat16 comes to: it means that the file is not the network."""


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
