"""The images to measure with, from the store's entries: what they are, and what they gave."""

from collections.abc import Mapping
from typing import Any

from generator.build.plan import Nodes, Plan
from generator.build.runner import Runner
from generator.build.start import Start
from generator.data import summary
from generator.data.pixels import PixelReport
from generator.experiment.config.settings import Config
from generator.experiment.measurement import MeasureSummary
from generator.stages import artifacts
from generator.support import strict_json


def describe(config: Config, begun: Start, plan: Plan, runner: Runner) -> MeasureSummary | None:
    """The images, decoded; None where there are none."""
    if begun.measure is None:
        return None
    table = runner.require(plan.runs[config.baseline.name]["measure_pixels"]).read_json(artifacts.REPORT)
    report = strict_json.validated(PixelReport, table, "measure_pixels")
    return summary.summarise_measure(begun.measure, begun.dataset, report, config.data)


def measurement(begun: Start, nodes: Nodes, runner: Runner) -> Mapping[str, Any] | None:
    """What they gave of one variant after each phase, with their attributes; None where there are none."""
    if begun.measure is None:
        return None
    found = runner.require(nodes["measurement"]).read_json(artifacts.RESULT)
    return {phase: {**row, "attributes": begun.measure.attributes} for phase, row in found.items()}
