"""Results as the text files of `assets/data/`, and back: a post can be rendered from these files alone.

`metrics.json` holds numbers and settings, `history.csv` one row per epoch, `predictions.csv` one per phase and image,
`record.json` the model summaries and package versions; `map_files`, `measurement_files` and `label_files` add their
own. What is read is checked.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from generator.experiment import label_files, map_files, measurement_files
from generator.experiment.confusion import ConfusionMatrix
from generator.experiment.data_summary import PARTS
from generator.experiment.label_review import LabelReview
from generator.experiment.measurement_files import logit_columns
from generator.experiment.outcomes import PHASES, Phase, PhaseOutcome, Prediction, Score
from generator.experiment.results import BuildResults, VariantResult
from generator.experiment.settings import BASELINE
from generator.support import tables
from generator.support.errors import BadInput
from generator.support.strict_json import SCHEMA_VERSION, check_version, parse_json, to_json, validated
from generator.support.tables import from_csv, to_csv

METRICS, HISTORY, PREDICTIONS, RECORD = "metrics.json", "history.csv", "predictions.csv", "record.json"
FILES = (METRICS, HISTORY, PREDICTIONS, RECORD)
EVERY = (*FILES, map_files.MAPS, *measurement_files.FILES, *label_files.FILES)
"""With those of activation maps, of a measurement and of the labels, which are there where there was such a thing."""

HISTORY_COLUMNS = ("variant", "phase", "epoch", "loss", "accuracy", "val_loss", "val_accuracy")
PREDICTION_COLUMNS = (
    "variant", "phase", "part", "index", "file", "actual", "predicted", "logit", "probability", "actual_name",
    "predicted_name", "correct",
)  # fmt: skip
"""Of two classes; where there are more, `logit_0`, `logit_1` and so on follow."""


def to_files(results: BuildResults) -> dict[str, str]:
    """File name → text. The same results give the same bytes; no time, date, host or path is in them.

    `metrics.json` holds numbers and settings in nested objects, as tools that compare metrics expect;
    `history.csv` and `predictions.csv` one row per epoch and per image of each part after each phase; `record.json`
    the long texts (model summaries) and the package versions.
    """
    metrics: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "profile": results.profile,
        "data": {**results.data.model_dump(mode="json"), "majority_share": results.data.majority_share},
        "weights": results.weights.model_dump(mode="json"),
        "variants": {
            name: _metrics_of(variant, results.data.class_names) for name, variant in results.variants.items()
        },
    }
    if results.measure is not None:
        metrics["measure"] = results.measure.model_dump(mode="json")
    if results.labels is not None:
        metrics["labels"] = label_files.metrics_of(results.labels)
    record = {
        "schema_version": SCHEMA_VERSION,
        "order": list(results.variants),
        "environment": results.environment.model_dump(mode="json"),
        "figures": [figure.model_dump(mode="json") for figure in results.figures],
        "summaries": {name: v.summaries.model_dump(mode="json") for name, v in results.variants.items()},
    }
    return {
        METRICS: to_json(metrics),
        HISTORY: _history_csv(results),
        PREDICTIONS: _predictions_csv(results),
        RECORD: to_json(record),
        **map_files.to_texts(results),
        **measurement_files.to_texts(results),
        **label_files.to_texts(results.labels, results.data.class_names),
    }


def from_files(files: Mapping[str, str], where: str) -> BuildResults:
    """The inverse of `to_files`; `where` names the folder in messages. Raises `BadInput`."""
    _check_there(files, FILES, where)
    metrics = parse_json(files[METRICS], f"{where}/{METRICS}")
    record = parse_json(files[RECORD], f"{where}/{RECORD}")
    for name, table in ((METRICS, metrics), (RECORD, record)):
        check_version(table, f"{where}/{name}")
    try:
        measured = _measured(files, metrics, where)
        mapped = map_files.from_texts(files, metrics["variants"])
        history = _history_rows(files[HISTORY])
        predictions = _predictions(files[PREDICTIONS], record["order"], _class_count(metrics["data"]))
        variants = {
            name: {
                **{k: v for k, v in metrics["variants"][name].items() if k not in _DERIVED},
                "head": history.get((name, "head"), []),
                "fine_tuning": history.get((name, "fine_tuning"), []),
                "summaries": record["summaries"][name],
                "measurement": measured.get(name),
                "activation_maps": mapped.get(name),
                "before": _without_ratio(metrics["variants"][name]["before"]),
                "after_head": _outcome_from(
                    metrics["variants"][name]["after_head"], predictions(name, "head"), metrics["data"]
                ),
                **_outcome_from(metrics["variants"][name], predictions(name, "fine_tuning"), metrics["data"]),
            }
            for name in record["order"]
        }
        table = {
            "profile": metrics["profile"],
            "data": _without(metrics["data"], "majority_share"),
            "measure": measurement_files.in_order(metrics["measure"], files) if metrics.get("measure") else None,
            "labels": _labels(files, metrics, where),
            "weights": metrics["weights"],
            "environment": record["environment"],
            "figures": record["figures"],
            "variants": variants,
        }
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, tables.Error) as error:
        raise BadInput(f"{where}: {METRICS} and its neighbours do not fit together: {error!r}") from None
    results = validated(BuildResults, table, where)
    share, counted = metrics["data"].get("majority_share"), results.data.majority_share
    if share != counted:
        raise BadInput(f"{where}: data.majority_share = {share!r} is not what the counts give, {counted}")
    return results


def read(content: Callable[[str], bytes | None], where: str, *, errors: str = "strict") -> BuildResults:
    """The results in the files that `content` gives by name, None where there is none; `where` as in `from_files`.

    `errors` is that of `bytes.decode`. Raises `BadInput`, and `UnicodeDecodeError` where a file is no text in UTF-8.
    """
    found = {name: content(name) for name in EVERY}
    return from_files({name: data.decode("utf-8", errors) for name, data in found.items() if data is not None}, where)


def empty_neighbours(variants: Iterable[str], data: Any) -> dict[str, str]:
    """What `from_files` needs beside a `metrics.json` that was kept alone: no epochs, predictions or texts."""
    names = sorted(variants, key=lambda name: (name != BASELINE, name))
    record = {
        "schema_version": SCHEMA_VERSION,
        "order": names,
        "environment": {"python": "", "packages": {}},
        "figures": [],
        "summaries": {name: {"base": "", "head": "", "fine_tuning": ""} for name in names},
    }
    return {
        HISTORY: to_csv(HISTORY_COLUMNS, []),
        PREDICTIONS: to_csv(_prediction_columns(_class_count(data)), []),
        RECORD: to_json(record),
        **map_files.no_rows(),
        **measurement_files.no_rows(),
        **label_files.no_rows(),
    }


def _measured(files: Mapping[str, str], metrics: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Variant → what was measured of it; nothing where nothing was."""
    if metrics.get("measure") is None:
        return {}
    _check_there(files, measurement_files.FILES, where)
    return measurement_files.from_texts(files, {name: v["measurement"] for name, v in metrics["variants"].items()})


def _labels(files: Mapping[str, str], metrics: Mapping[str, Any], where: str) -> LabelReview | None:
    """What was found of the labels; None where nothing was, or its rows were not kept."""
    if metrics.get("labels") is None:
        return None
    _check_there(files, label_files.FILES, where)
    return label_files.from_texts(files, metrics["labels"])


def _check_there(files: Mapping[str, str], names: Iterable[str], where: str) -> None:
    for name in names:
        if name not in files:
            raise BadInput(f"{where}: {name} is missing; build the site again")


_OUTCOME = set(PhaseOutcome.model_fields)
_DERIVED = ("epochs", "before", "after_head", "classes", "measurement", "activation_maps", *_OUTCOME)


def _metrics_of(variant: VariantResult, class_names: Sequence[str]) -> dict[str, Any]:
    elsewhere = {"head", "fine_tuning", "summaries", "before", "after_head", "measurement", "activation_maps"}
    table = variant.model_dump(mode="json", exclude=elsewhere | _OUTCOME)
    if variant.weights is None:  # the build's
        del table["weights"]
    if variant.measurement is not None:
        table["measurement"] = measurement_files.metrics_of(variant.measurement)
    if variant.activation_maps is not None:
        table["activation_maps"] = map_files.metrics_of(variant.activation_maps)
    table["before"] = _with_ratio(variant.before)
    table["after_head"] = _outcome_of(variant.after_head, class_names)
    table |= _outcome_of(variant, class_names)
    # The last epoch of each phase is what people compare; the other epochs are in history.csv.
    table["epochs"] = {
        phase: epochs[-1].model_dump(mode="json")
        for phase, epochs in (("head", variant.head), ("fine_tuning", variant.fine_tuning))
    }
    return table


def _outcome_of(outcome: PhaseOutcome, class_names: Sequence[str]) -> dict[str, Any]:
    """What stands in `metrics.json`; the predictions are elsewhere."""
    table: dict[str, Any] = {part: _with_ratio(getattr(outcome, part)) for part in PARTS}
    table["confusion"] = outcome.confusion.table(class_names)
    if len(class_names) > 2:
        table["classes"] = outcome.confusion.ratios(class_names)
    return table


def _outcome_from(table: Mapping[str, Any], rows: Mapping[str, Sequence[Any]] | None, data: Any) -> dict[str, Any]:
    """The fields of a `PhaseOutcome`: `table` as `_outcome_of` gave it, `rows` by part, None where none were kept."""
    outcome: dict[str, Any] = {part: _without_ratio(table[part]) for part in PARTS}
    for part in PARTS:
        total = table[part]["total"]
        if rows is not None and [row["index"] for row in rows.get(part, [])] != [str(i) for i in range(total)]:
            raise ValueError(f"{PREDICTIONS} does not hold the {total} images of {part}, in order")
    return {**outcome, "confusion": _confusion(table, data), "predictions_by_part": rows or {}}


def _confusion(table: Mapping[str, Any], data: Any) -> Any:
    """The counts of a variant's `metrics.json`; its ratios must be those that follow from them."""
    if not isinstance(data, Mapping):
        return None  # as in `_without`
    class_names = data["class_names"]
    matrix = ConfusionMatrix.from_table(table["confusion"], class_names)
    if len(class_names) > 2 and table["classes"] != matrix.ratios(class_names):
        raise ValueError("the ratios of the classes are not those of the confusion matrix")
    return matrix.model_dump()


def _with_ratio(score: Score) -> dict[str, Any]:
    return {**score.model_dump(mode="json"), "accuracy": score.accuracy}


def _without(table: Any, name: str) -> Any:
    """A table less one entry; what is no table is left for the check of the whole to refuse."""
    return {key: value for key, value in table.items() if key != name} if isinstance(table, Mapping) else table


def _without_ratio(table: Mapping[str, Any]) -> dict[str, Any]:
    score: dict[str, Any] = _without(table, "accuracy")
    if table["accuracy"] != table["correct"] / table["total"]:
        raise ValueError(f"accuracy {table['accuracy']} is not {table['correct']} of {table['total']}")
    return score


def _history_csv(results: BuildResults) -> str:
    rows = [
        (name, phase, *epoch.model_dump().values())
        for name, variant in results.variants.items()
        for phase, epochs in (("head", variant.head), ("fine_tuning", variant.fine_tuning))
        for epoch in epochs
    ]
    return to_csv(HISTORY_COLUMNS, rows)


def _predictions_csv(results: BuildResults) -> str:
    names = results.data.class_names
    rows = [
        (
            name,
            phase,
            part,
            *p.model_dump(exclude={"logits"}).values(),
            names[p.actual],
            names[p.predicted],
            int(not p.wrong),
            *p.logits,
        )
        for name, variant in results.variants.items()
        for phase, outcome in zip(PHASES, (variant.after_head, variant), strict=True)
        for part, predictions in outcome.predictions_by_part.items()
        for p in predictions
    ]
    return to_csv(_prediction_columns(len(names)), rows)


def _prediction_columns(classes: int) -> tuple[str, ...]:
    return (*PREDICTION_COLUMNS, *logit_columns(classes))


def _class_count(data: Any) -> int:
    """Of the data set in `metrics.json`; two where it is not said, which the check of the whole refuses."""
    names = data.get("class_names") if isinstance(data, Mapping) else None
    return len(names) if isinstance(names, list) else 2


def _history_rows(text: str) -> dict[tuple[str, str], list[dict[str, str]]]:
    rows: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in from_csv(text, HISTORY_COLUMNS):
        rows.setdefault((row.pop("variant"), row.pop("phase")), []).append(row)
    return rows


def _predictions(
    text: str, variants: Sequence[str], classes: int
) -> Callable[[str, Phase], dict[str, list[Any]] | None]:
    """Of a variant's name and a phase: part → its rows; None where no predictions were kept at all."""
    rows: dict[tuple[str, str], dict[str, list[Any]]] = {}
    columns = logit_columns(classes)
    for row in from_csv(text, _prediction_columns(classes)):
        kept: dict[str, Any] = {key: row[key] for key in Prediction.model_fields if key != "logits"}
        kept["logits"] = [row[column] for column in columns]
        rows.setdefault((row["variant"], row["phase"]), {}).setdefault(row["part"], []).append(kept)
    for name, phase in rows:
        if name not in variants or phase not in PHASES:
            raise ValueError(f"{PREDICTIONS} holds predictions of {name!r} after {phase!r}, which the build has not")
    return lambda name, phase: rows.get((name, phase), {}) if rows else None
