"""A measurement as text files, and back: its share of `metrics.json`, and two tables beside it.

`measure.csv` holds a row for each prediction of each variant and phase, `measure-images.csv` one for each image with
its attributes.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from generator.experiment.measurement import Measurement
from generator.experiment.outcomes import Prediction
from generator.experiment.results import BuildResults
from generator.support.tables import from_csv, to_csv

MEASURE, IMAGES = "measure.csv", "measure-images.csv"
FILES = (MEASURE, IMAGES)

COLUMNS = ("variant", "phase", *(name for name in Prediction.model_fields if name != "logits"))
"""Of `MEASURE`; of more than two classes, `logit_columns` follow."""
IMAGE_COLUMNS = ("index", "file", "class")
"""Of `IMAGES`; the attributes follow."""

_PHASES = tuple(Measurement.model_fields)
ROWS = ("predictions", "attributes")
"""Of a phase, what stands in the tables."""


def logit_columns(classes: int) -> tuple[str, ...]:
    """Of every class, where there are more than two."""
    return tuple(f"logit_{label}" for label in range(classes)) if classes > 2 else ()


def metrics_of(measurement: Measurement) -> dict[str, Any]:
    """What `metrics.json` says of a variant's measurement."""
    phases = {phase: getattr(measurement, phase) for phase in _PHASES}
    return {
        phase: {**found.model_dump(mode="json", exclude=set(ROWS)), "accuracy": found.accuracy}
        for phase, found in phases.items()
    }


def to_texts(results: BuildResults) -> dict[str, str]:
    """File name → text; nothing where nothing was measured."""
    measured = {name: v.measurement for name, v in results.variants.items() if v.measurement is not None}
    if not measured:
        return {}
    rows = [
        (name, phase, *prediction.model_dump(exclude={"logits"}).values(), *prediction.logits)
        for name, measurement in measured.items()
        for phase in _PHASES
        for prediction in getattr(measurement, phase).predictions
    ]
    found, names = next(iter(measured.values())).fine_tuning, results.data.class_names
    images = [
        (p.index, p.file, names[p.actual], *(values[p.index] for values in found.attributes.values()))
        for p in found.predictions
    ]
    columns = (*COLUMNS, *logit_columns(len(names)))
    return {MEASURE: to_csv(columns, rows), IMAGES: to_csv((*IMAGE_COLUMNS, *found.attributes), images)}


def no_rows() -> dict[str, str]:
    """Tables beside a `metrics.json` that was kept alone."""
    return {MEASURE: to_csv(COLUMNS, []), IMAGES: to_csv(IMAGE_COLUMNS, [])}


def from_texts(files: Mapping[str, str], variants: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Variant → the table of its `Measurement`, not yet validated.

    `variants` is variant → what `metrics_of` gave. Raises `KeyError`, `ValueError` and the like where the files do
    not fit together.
    """
    images = from_csv(files[IMAGES], IMAGE_COLUMNS, more=True)
    attributes = {name: [row[name] for row in images] for name in (images[0] if images else ())}
    listed = [attributes.pop(name, []) for name in IMAGE_COLUMNS]
    predictions = _by_phase(from_csv(files[MEASURE], COLUMNS, more=True), images=[row["file"] for row in images])
    if listed[0] != [str(position) for position in range(len(images))]:
        raise ValueError(f"{IMAGES}: the images are not in order")
    return {
        name: {
            phase: {**_score(table[phase]), "predictions": predictions.get((name, phase), []), "attributes": attributes}
            for phase in _PHASES
        }
        for name, table in variants.items()
    }


def in_order(measure: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """`measure` of `metrics.json`, whose names JSON sorts, with its attributes as the columns of `IMAGES` stand."""
    rows = from_csv(files[IMAGES], IMAGE_COLUMNS, more=True)
    columns, found = list(rows[0] if rows else ()), measure["attributes"]
    known = [name for name in columns if name in found]
    return {**measure, "attributes": {name: found[name] for name in (*known, *(n for n in found if n not in known))}}


def _by_phase(rows: Iterable[dict[str, str]], images: list[str]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """(variant, phase) → its rows, which must be of `images`."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        kept: dict[str, Any] = {name: row.pop(name) for name in COLUMNS}
        # What is left are the logits of more than two classes.
        prediction = {**kept, "logits": [row[name] for name in logit_columns(len(row))]}
        found.setdefault((prediction.pop("variant"), prediction.pop("phase")), []).append(prediction)
    for (variant, phase), predictions in found.items():
        if [row["file"] for row in predictions] != images:
            raise ValueError(f"{MEASURE}: the images of {variant} after {phase} are not those of {IMAGES}")
    return found


def _score(table: Mapping[str, Any]) -> dict[str, Any]:
    """What `metrics_of` wrote less the accuracy, which is checked."""
    score = dict(table)
    if score.pop("accuracy") != score["correct"] / score["total"]:
        raise ValueError(f"accuracy {table['accuracy']} is not {table['correct']} of {table['total']}")
    return score
