"""Sweeps as text, and back: their share of `metrics.json`. The scores of a point are of images that validate."""

from collections.abc import Iterable, Mapping
from typing import Any

from generator.experiment.files.measurement_files import score_of
from generator.experiment.sweep_results import SweepResult


def metrics_of(sweeps: Mapping[str, SweepResult]) -> dict[str, Any]:
    """What `metrics.json` says under `sweeps`; nothing where there are none."""
    return {"sweeps": {name: _table(sweep) for name, sweep in sweeps.items()}} if sweeps else {}


def from_metrics(metrics: Mapping[str, Any], order: Iterable[str]) -> dict[str, Any]:
    """The tables of the `SweepResult`s, not yet validated, in the `order` of the variants.

    Raises `KeyError`, `ValueError` and the like where they do not fit together.
    """
    found = metrics.get("sweeps", {})
    return {
        name: {**found[name], "points": [_point(row) for row in found[name]["points"]]} for name in _in(order, found)
    }


def _in(order: Iterable[str], found: Mapping[str, Any]) -> list[str]:
    names = [name for name in order if name in found]
    if len(names) != len(found):
        raise ValueError("not every sweep has its winner among the variants")
    return names


def _table(sweep: SweepResult) -> dict[str, Any]:
    table = sweep.model_dump(mode="json")
    for row, point in zip(table["points"], sweep.points, strict=True):
        row["scores"] = [{**score.model_dump(mode="json"), "accuracy": score.accuracy} for score in point.scores]
    return table


def _point(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "scores": [score_of(score) for score in row["scores"]]}
