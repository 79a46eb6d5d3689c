"""Published descriptions of the files that people and programs read: JSON Schemas, and the columns of the CSVs.

`schemas` gives them by file name; they are made from the models that check the files on the way in.
"""

from typing import Any

from generator.experiment import predicted
from generator.experiment.activation_maps import MappedImage
from generator.experiment.config.loading import ConfigFile
from generator.experiment.confusion import NAMED
from generator.experiment.data_summary import PARTS
from generator.experiment.files import label_files, map_files, measurement_files, result_files
from generator.experiment.label_review import SIDES, Judged
from generator.experiment.outcomes import PHASES, Epoch, Prediction
from generator.experiment.results import BuildResults
from generator.post.manifest import DIGEST, Manifest
from generator.support import strict_json

Schema = dict[str, Any]

_ELSEWHERE = ("head", "fine_tuning", "predictions_by_part", "summaries")
"""Of a run's results, what stands in the other files."""

_RUN = measurement_files.RUN
_NAMES = {
    "variant": {"type": "string"},
    _RUN: {"type": "integer", "minimum": 1, "description": "Only where variants have several runs; behind variant."},
    "phase": {"enum": list(PHASES)},
    "part": {"enum": list(PARTS)},
    "actual_name": {"type": "string"},
    "predicted_name": {"type": "string"},
    "correct": {"type": "integer", "minimum": 0, "maximum": 1},
    "label_name": {"type": "string"},
    "marked": {"type": "integer", "minimum": 0, "maximum": 1},
}


def schemas() -> dict[str, Schema]:
    """File name → JSON Schema (draft 2020-12); for a CSV file that of one row, its columns in order."""
    return {
        "metrics.json": _metrics(),
        "manifest.json": _manifest(),
        predicted.NAME: _predicted(),
        "experiment.toml": _titled("experiment.toml", ConfigFile.model_json_schema()),
        "history.csv": _row("history.csv", _by_run(result_files.HISTORY_COLUMNS), Epoch.model_json_schema()),
        "predictions.csv": _predictions("predictions.csv", _by_run(result_files.PREDICTION_COLUMNS)),
        "activation-maps.csv": _maps(),
        "measure.csv": _predictions("measure.csv", _by_run(measurement_files.COLUMNS)),
        "measure-images.csv": _images(),
        "labels.csv": _row("labels.csv", label_files.COLUMNS, Judged.model_json_schema()),
    }


def _metrics() -> Schema:
    """Made from the schema of all results: some of them stand in other files, and ratios are added."""
    schema = BuildResults.model_json_schema()
    definitions = schema["$defs"]
    for name in ("Summaries", "Prediction", "FigureFile", "Environment", "ComputedOn", "Judged"):
        definitions.pop(name)
    share: Schema = {"type": "number", "minimum": 0, "maximum": 1}
    for name in ("MappedImage", "Shares"):
        definitions.pop(name)
    _drop(definitions["ActivationMaps"], "images")
    for name in measurement_files.ROWS:
        _drop(definitions["Measured"], name)
    for name in ("Score", "ClassificationScore", "Measured"):
        _add(definitions[name], "accuracy", share)
    _add(definitions["DataSummary"], "majority_share", share)
    definitions["ConfusionMatrix"] = _confusion()
    _summarise_labels(definitions["LabelReview"], share)
    for name in ("VariantResult", "RunResult", "PhaseOutcome"):
        definitions[name]["properties"]["classes"] = _classes(share)
    _drop(definitions["PhaseOutcome"], "predictions_by_part")
    last = {"$ref": "#/$defs/Epoch"}
    phases: Schema = {"type": "object", "properties": {"head": last, "fine_tuning": last}}
    phases |= {"required": ["head", "fine_tuning"], "additionalProperties": False}
    for name in ("VariantResult", "RunResult"):
        for elsewhere in [each for each in _ELSEWHERE if each in definitions[name]["properties"]]:
            _drop(definitions[name], elsewhere)
        _add(definitions[name], "epochs", phases)
    for name in ("environment", "figures"):
        _drop(schema, name)
    _add(schema, "schema_version", {"const": strict_json.SCHEMA_VERSION})
    return _titled("metrics.json", schema)


def _confusion() -> Schema:
    """As `ConfusionMatrix.table` gives it."""
    count: Schema = {"type": "integer", "minimum": 0}
    return {
        "description": "Counts of test images, the second class being the positive one; of more than two classes, "
        "actual class, then predicted class, without the empty cells.",
        "anyOf": [
            {
                "type": "object",
                "properties": dict.fromkeys(NAMED, count),
                "required": list(NAMED),
                "additionalProperties": False,
            },
            {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": count}},
        ],
    }


def _classes(share: Schema) -> Schema:
    names = ("precision", "recall", "f1")
    ratios: Schema = {"type": "object", "properties": dict.fromkeys(names, share), "required": list(names)}
    return {
        "type": "object",
        "description": "Of more than two classes, each one that has test images.",
        "additionalProperties": {**ratios, "additionalProperties": False},
    }


def _summarise_labels(review: Schema, share: Schema) -> None:
    """As `label_files.metrics_of` gives it: counts in place of the images."""
    count: Schema = {"type": "integer", "minimum": 0}
    side: Schema = {"type": "object", "properties": dict.fromkeys(("total", "correct", "marked"), count)}
    side |= {"required": ["total", "correct", "marked"], "additionalProperties": False}
    sides: Schema = {"type": "object", "properties": dict.fromkeys(SIDES, side), "required": list(SIDES)}
    _drop(review, "images")
    for name in ("total", "correct", "marked", "estimated"):
        _add(review, name, count)
    for name in ("accuracy", "majority_share"):
        _add(review, name, share)
    _add(review, "tells", {"type": "boolean"})
    _add(review, "by_side", {**sides, "additionalProperties": False})


def _manifest() -> Schema:
    schema = Manifest.model_json_schema()
    _add(schema, DIGEST, {"type": "string", "description": "SHA-256 of the rest, keys sorted, two spaces."})
    return _titled("manifest.json", schema)


def _predicted() -> Schema:
    """What `build.py predict --json` prints. Positions of neighbours are for the page alone."""
    schema = predicted.Answers.model_json_schema(mode="serialization")
    _add(schema, "schema_version", {"const": strict_json.SCHEMA_VERSION})
    return _titled(predicted.NAME, schema)


def _predictions(name: str, columns: tuple[str, ...]) -> Schema:
    """Of more than two classes, the logits of all stand at the end."""
    row = _row(name, columns, Prediction.model_json_schema())
    return {**row, "patternProperties": {"^logit_[0-9]+$": {"type": "number"}}}


def _maps() -> Schema:
    """Shares are empty where no alpha channel tells, or nothing of a map speaks for the predicted class."""
    share: Schema = {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"const": ""}]}
    known = {**Prediction.model_json_schema()["properties"], **MappedImage.model_json_schema()["properties"]}
    shares = dict.fromkeys(map_files.SHARES, share)
    return _row("activation-maps.csv", map_files.COLUMNS, {"properties": shares | known})


def _images() -> Schema:
    """Whatever attributes there are follow the known columns."""
    columns = {**Prediction.model_json_schema()["properties"], "class": {"type": "string"}}
    return _titled(
        "measure-images.csv",
        {
            "type": "object",
            "properties": {name: columns[name] for name in measurement_files.IMAGE_COLUMNS},
            "required": list(measurement_files.IMAGE_COLUMNS),
            "additionalProperties": {"type": "string"},
        },
    )


def _by_run(columns: tuple[str, ...]) -> tuple[str, ...]:
    return measurement_files.with_run(columns, several=True)


def _row(name: str, columns: tuple[str, ...], model: Schema) -> Schema:
    known = {**_NAMES, **model["properties"]}
    return _titled(
        name,
        {
            "type": "object",
            "properties": {column: known[column] for column in columns},
            "required": [column for column in columns if column != _RUN],
            "additionalProperties": False,
        },
    )


def _add(schema: Schema, name: str, value: Schema) -> None:
    schema["properties"][name] = value
    schema["required"].append(name)


def _drop(schema: Schema, name: str) -> None:
    del schema["properties"][name]
    if name in schema["required"]:
        schema["required"].remove(name)


def _titled(name: str, schema: Schema) -> Schema:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": name}
