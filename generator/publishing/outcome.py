"""What a build hands over to be published, and what it gets back: plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.experiment.results import BuildResults
from generator.publishing.publish import Published


@dataclass(frozen=True)
class BuildRecord:
    """What a build did, for its provenance."""

    ran: tuple[str, ...]
    """Labels of the stages that ran."""
    stages: Mapping[str, Mapping[str, Any]]
    """Label → `provenance.record_of` each stage that the results come from."""
    results_of: Mapping[str, Any] | None = None
    """Id, time and commit of the build that gave the results, where they were only rendered again."""


@dataclass(frozen=True)
class Outcome:
    """What a build gave."""

    results: BuildResults
    ran: tuple[str, ...]
    """Labels of the stages that ran."""
    published: Published
    post: Path
    preview: Path
