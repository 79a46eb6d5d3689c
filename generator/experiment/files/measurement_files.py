"""A measurement as text files, and back: its share of `metrics.json`, and two tables beside it.

`measure.csv` holds a row for each prediction of each variant and phase, `measure-images.csv` one for each image with
its attributes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from generator.experiment.measurement import Measurement
from generator.experiment.outcomes import Prediction
from generator.experiment.results import BuildResults, RunOutcome
from generator.support.tables import from_csv, to_csv

MEASURE, IMAGES = "measure.csv", "measure-images.csv"
FILES = (MEASURE, IMAGES)

COLUMNS = ("variant", "phase", *(name for name in Prediction.model_fields if name != "logits"))
"""Of `MEASURE`; of more than two classes, `logit_columns` follow."""
RUN = "run"
"""Column behind the variant, where variants have several runs; counted from 1."""
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


def with_run(columns: tuple[str, ...], *, several: bool) -> tuple[str, ...]:
    """`columns`, the first of which is the variant, with one for the run where variants have several."""
    return (columns[0], RUN, *columns[1:]) if several else columns


def runs(results: BuildResults) -> Iterator[tuple[tuple[str | int, ...], RunOutcome]]:
    """Every run with what the first columns of its rows hold."""
    for name, variant in results.variants.items():
        for number, run in enumerate(variant.every_run, start=1):
            yield (name, number) if results.seeds.count > 1 else (name,), run


def to_texts(results: BuildResults) -> dict[str, str]:
    """File name → text; nothing where nothing was measured."""
    measured = [(which, run.measurement) for which, run in runs(results) if run.measurement is not None]
    if not measured:
        return {}
    rows = [
        (*which, phase, *prediction.model_dump(exclude={"logits"}).values(), *prediction.logits)
        for which, measurement in measured
        for phase in _PHASES
        for prediction in getattr(measurement, phase).predictions
    ]
    found, names = measured[0][1].fine_tuning, results.data.class_names
    images = [
        (p.index, p.file, names[p.actual], *(values[p.index] for values in found.attributes.values()))
        for p in found.predictions
    ]
    columns = (*with_run(COLUMNS, several=results.seeds.count > 1), *logit_columns(len(names)))
    return {MEASURE: to_csv(columns, rows), IMAGES: to_csv((*IMAGE_COLUMNS, *found.attributes), images)}


def no_rows(*, several: bool) -> dict[str, str]:
    """Tables beside a `metrics.json` that was kept alone."""
    return {MEASURE: to_csv(with_run(COLUMNS, several=several), []), IMAGES: to_csv(IMAGE_COLUMNS, [])}


def reader(files: Mapping[str, str], *, several: bool) -> Callable[[Mapping[str, Any], str, int], dict[str, Any]]:
    """What gives the table of a `Measurement`, not yet validated, of what `metrics_of` gave, a variant and a run.

    Raises `KeyError`, `ValueError` and the like where the files do not fit together.
    """
    images = list(from_csv(files[IMAGES], IMAGE_COLUMNS, more=True))
    attributes = {name: [row[name] for row in images] for name in (images[0] if images else ())}
    listed = [attributes.pop(name, []) for name in IMAGE_COLUMNS]
    columns = with_run(COLUMNS, several=several)
    predictions = _by_phase(from_csv(files[MEASURE], columns, more=True), images=[row["file"] for row in images])
    if listed[0] != [str(position) for position in range(len(images))]:
        raise ValueError(f"{IMAGES}: the images are not in order")

    def measurement(table: Mapping[str, Any], name: str, number: int) -> dict[str, Any]:
        found = {phase: predictions.get((name, number, phase), []) for phase in _PHASES}
        return {
            phase: {**score_of(table[phase]), "predictions": rows, "attributes": attributes}
            for phase, rows in found.items()
        }

    return measurement


def in_order(measure: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """`measure` of `metrics.json`, whose names JSON sorts, with its attributes as the columns of `IMAGES` stand."""
    rows = list(from_csv(files[IMAGES], IMAGE_COLUMNS, more=True))
    columns, found = list(rows[0] if rows else ()), measure["attributes"]
    known = [name for name in columns if name in found]
    return {**measure, "attributes": {name: found[name] for name in (*known, *(n for n in found if n not in known))}}


def _by_phase(rows: Iterable[dict[str, str]], images: list[str]) -> dict[tuple[str, int, str], list[dict[str, Any]]]:
    """(variant, run, phase) → its rows, which must be of `images`."""
    found: dict[tuple[str, int, str], list[dict[str, Any]]] = {}
    for row in rows:
        number = int(row.pop(RUN, 1))
        # Behind what every prediction has are the logits of more than two classes.
        logits = [row.pop(name) for name in logit_columns(len(row) - len(COLUMNS))]
        which = row.pop("variant"), number, row.pop("phase")
        found.setdefault(which, []).append({**row, "logits": logits})
    for (variant, _, phase), predictions in found.items():
        if [row["file"] for row in predictions] != images:
            raise ValueError(f"{MEASURE}: the images of {variant} after {phase} are not those of {IMAGES}")
    return found


def score_of(table: Mapping[str, Any]) -> dict[str, Any]:
    """What `metrics.json` says of a score less the accuracy, which is checked."""
    score = dict(table)
    if score.pop("accuracy") != score["correct"] / score["total"]:
        raise ValueError(f"accuracy {table['accuracy']} is not {table['correct']} of {table['total']}")
    return score
