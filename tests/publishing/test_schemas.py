"""The published schemas describe the files that are really written, and refuse what the program refuses."""

import csv
import io
import json
import re
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from generator.experiment.activation_maps import Shares
from generator.experiment.files import result_files
from generator.publishing.schemas import Schema, schemas
from generator.support import strict_json
from tests.factories import FIVE, ROOT, make_data, make_labels, make_results, with_maps, with_measurement, with_runs
from tests.sites import PLACE, make_files


def faults(value: Any, schema: Schema, root: Schema, where: str = "") -> list[str]:
    """What is wrong with `value`, by the keywords that the schemas use; an unknown keyword is an error here."""
    found: list[str] = []
    if "$ref" in schema:
        target = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        found += faults(value, target, root, where)
    for keyword, expected in schema.items():
        if keyword == "anyOf":
            if all(faults(value, option, root, where) for option in expected):
                found.append(f"{where}: none of the options")
        elif not CHECKS[keyword](value, expected):
            found.append(f"{where}: {keyword} {expected}")
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        patterns = schema.get("patternProperties", {})
        for key, item in value.items():
            named = [inner for pattern, inner in patterns.items() if re.search(pattern, key)]
            inner = properties.get(key, (named or [others])[0])
            if inner is False:
                found.append(f"{where}.{key}: not expected")
            elif inner is not True:
                found += faults(item, inner, root, f"{where}.{key}")
    if isinstance(value, list):
        places = [*schema.get("prefixItems", [])] or [schema.get("items", {})] * len(value)
        for number, (item, inner) in enumerate(zip(value, places, strict=False)):
            found += faults(item, inner, root, f"{where}.{number}")
    return found


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "number": is_number,
    "integer": lambda v: is_number(v) and v == int(v),
}
IGNORED = dict.fromkeys(
    ("$ref", "$defs", "$schema", "title", "description", "default", "properties", "patternProperties",
     "additionalProperties", "items", "prefixItems", "format", "pattern"),
    lambda value, expected: True,
)  # fmt: skip
CHECKS: dict[str, Callable[[Any, Any], bool]] = {
    **IGNORED,
    "type": lambda v, e: TYPES[e](v),
    "const": lambda v, e: v == e,
    "enum": lambda v, e: v in e,
    "required": lambda v, e: not isinstance(v, dict) or not set(e) - set(v),
    "minimum": lambda v, e: not is_number(v) or v >= e,
    "maximum": lambda v, e: not is_number(v) or v <= e,
    "exclusiveMinimum": lambda v, e: not is_number(v) or v > e,
    "exclusiveMaximum": lambda v, e: not is_number(v) or v < e,
    "minItems": lambda v, e: not isinstance(v, list) or len(v) >= e,
    "maxItems": lambda v, e: not isinstance(v, list) or len(v) <= e,
    "minLength": lambda v, e: not isinstance(v, str) or len(v) >= e,
    "propertyNames": lambda v, e: not isinstance(v, dict) or set(v) <= set(e["enum"]),
}


def check(value: Any, name: str) -> list[str]:
    schema = schemas()[name]
    return faults(value, schema, schema)


def metrics() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(result_files.to_files(make_results())[result_files.METRICS])
    return table


def test_the_metrics_fit_their_schema() -> None:
    assert check(metrics(), "metrics.json") == []


def test_the_metrics_of_several_classes_fit_their_schema() -> None:
    results = make_results(data=make_data(class_names=FIVE))
    assert check(json.loads(result_files.to_files(results)[result_files.METRICS]), "metrics.json") == []


def test_the_predictions_of_several_classes_fit_their_schema() -> None:
    results = make_results(data=make_data(class_names=FIVE))
    (header, first, *_) = csv.reader(io.StringIO(result_files.to_files(results)[result_files.PREDICTIONS]))
    row = {name: cell if "file" in name or "name" in name or name in ("variant", "phase", "part") else float(cell)
           for name, cell in zip(header, first, strict=True)}  # fmt: skip
    assert row[f"logit_{row['predicted']:.0f}"] == row["logit"]
    assert check(row, "predictions.csv") == []
    assert check(row | {"logit_x": 1.0}, "predictions.csv") != []


def test_the_metrics_with_a_measurement_fit_their_schema() -> None:
    table = json.loads(result_files.to_files(with_measurement(make_results()))[result_files.METRICS])
    assert check(table, "metrics.json") == []
    del table["variants"]["baseline"]["measurement"]["head"]["accuracy"]
    assert check(table, "metrics.json") != []


def test_maps_fit_their_schemas() -> None:
    known = Shares(subject=0.5, background=0.3, padding=0.2)
    for shares in ((known, known), (None, None)):
        files = result_files.to_files(with_maps(make_results(), *shares))
        assert check(json.loads(files[result_files.METRICS]), "metrics.json") == []
        (row, *_) = csv.DictReader(io.StringIO(files["activation-maps.csv"]))
        typed = {name: float(cell) if cell[:1].isdigit() or cell[:1] == "-" else cell for name, cell in row.items()}
        assert check(typed | {"index": int(row["index"])}, "activation-maps.csv") == []
        assert check(typed | {"mean": ""}, "activation-maps.csv") != []


def test_the_metrics_with_a_review_of_the_labels_fit_their_schema() -> None:
    files = result_files.to_files(make_results(labels=make_labels()))
    table = json.loads(files[result_files.METRICS])
    assert check(table, "metrics.json") == []
    for name in table["labels"]:
        broken = {**table, "labels": {key: value for key, value in table["labels"].items() if key != name}}
        assert check(broken, "metrics.json") or name == "left_out"
    row: dict[str, Any] = next(csv.DictReader(io.StringIO(files["labels.csv"])))
    numbers = {key: float(cell) for key, cell in row.items() if key not in ("side", "file") and "name" not in key}
    assert check(row | numbers, "labels.csv") == []
    assert list(row) == list(schemas()["labels.csv"]["properties"])


def test_the_manifest_fits_its_schema() -> None:
    assert check(json.loads(make_files()[PLACE]), "manifest.json") == []


def test_the_configuration_fits_its_schema() -> None:
    table = tomllib.loads((ROOT / "experiment.toml").read_text())
    table["post"]["date"] = table["post"]["date"].isoformat()
    assert check(table, "experiment.toml") == []


def test_the_metrics_of_several_runs_fit_their_schema() -> None:
    table = json.loads(result_files.to_files(with_runs(with_measurement(make_results()), (1, 2)))[result_files.METRICS])
    assert check(table, "metrics.json") == []
    del table["variants"]["baseline"]["runs"][0]["seeds"]["order"]
    assert check(table, "metrics.json") != []


@pytest.mark.parametrize("further", [(), ((1, 2),)])
@pytest.mark.parametrize("name", [result_files.HISTORY, result_files.PREDICTIONS, "measure.csv"])
def test_the_columns_of_the_csv_files_are_described(name: str, further: tuple[tuple[int, ...], ...]) -> None:
    build = with_runs(with_measurement(make_results()), *further)
    (header, first, *_) = csv.reader(io.StringIO(result_files.to_files(build)[name]))
    schema = schemas()[name]
    assert [column for column in schema["properties"] if column != "run" or further] == header
    typed = {
        column: cell
        if schema["properties"][column].get("type") == "string" or column in ("phase", "part")
        else float(cell)
        for column, cell in zip(header, first, strict=True)
    }
    assert check(typed, name) == []


def test_the_columns_of_the_measured_images_are_described() -> None:
    text = result_files.to_files(with_measurement(make_results()))["measure-images.csv"]
    row = next(csv.DictReader(io.StringIO(text)))
    assert check({**row, "index": int(row["index"])}, "measure-images.csv") == []
    assert list(row) == [*schemas()["measure-images.csv"]["required"], "load", "size"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema_version",), 1),
        (("variants", "baseline", "test", "accuracy"), 1.5),
        (("variants", "baseline", "test", "accuracy"), "0.9"),
        (("variants", "baseline", "test", "surprise"), 1),
        (("variants", "baseline", "epochs"), {}),
        (("data", "alpha"), "black"),
    ],
)
def test_the_schema_of_the_metrics_refuses(path: tuple[str, ...], value: Any) -> None:
    table = metrics()
    inner = table
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    assert check(table, "metrics.json") != []


@pytest.mark.parametrize("name", sorted(schemas()))
def test_the_published_schema_is_the_one_that_is_checked_with(name: str) -> None:
    published = ROOT / "docs" / "schemas" / f"{name}.schema.json"
    assert published.read_text("utf-8") == strict_json.to_json(schemas()[name]), "run `make schemas`"
