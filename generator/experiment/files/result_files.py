"""Results as the text files of `assets/data/`, and back: a post can be rendered from these files alone.

`metrics.json` holds numbers and settings in nested objects, as tools that compare metrics expect, `history.csv` one row
per epoch, `predictions.csv` one per phase and image, `record.json` the order of names that JSON sorts, model summaries
and package versions; `map_files`, `measurement_files` and `label_files` add their own. What is read is checked. Where
variants have several runs, the further ones stand in `metrics.json` under `runs`, and a column `run` tells rows apart.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from generator.experiment.config.settings import BASELINE
from generator.experiment.confusion import ConfusionMatrix
from generator.experiment.data_summary import PARTS
from generator.experiment.files import label_files, map_files, measurement_files, sweep_files
from generator.experiment.files.measurement_files import logit_columns, score_of, with_run
from generator.experiment.label_review import LabelReview
from generator.experiment.outcomes import PHASES, Phase, PhaseOutcome, Prediction, Score
from generator.experiment.results import BuildResults, RunOutcome, VariantResult
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
    """File name → text. The same results give the same bytes; no time, date, host or path is in them."""
    metrics: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        **sweep_files.metrics_of(results.sweeps),
        "profile": results.profile,
        "data": {**results.data.model_dump(mode="json"), "majority_share": results.data.majority_share},
        "weights": results.weights.model_dump(mode="json"),
        "variants": {
            name: _metrics_of(variant, results.data.class_names) for name, variant in results.variants.items()
        },
    }
    if results.seeds.count > 1:
        metrics["seeds"] = results.seeds.model_dump(mode="json")
    if results.questions:
        metrics["questions"] = {name: each.model_dump(mode="json") for name, each in results.questions.items()}
    if results.measure is not None:
        metrics["measure"] = results.measure.model_dump(mode="json")
    if results.labels is not None:
        metrics["labels"] = label_files.metrics_of(results.labels)
    record = {
        "schema_version": SCHEMA_VERSION,
        "order": list(results.variants),
        "environment": results.environment.model_dump(
            mode="json", exclude=None if results.environment.machines else {"machines"}
        ),
        "figures": [figure.model_dump(mode="json") for figure in results.figures],
        "summaries": {name: v.summaries.model_dump(mode="json") for name, v in results.variants.items()},
    }
    if results.questions:
        record["questions"] = list(results.questions)
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
        mapped = map_files.from_texts(files, metrics["variants"])
        beside, asked = _Tables(files, metrics, record["order"], where), metrics.get("questions", {})
        variants = {
            name: {
                **{k: v for k, v in metrics["variants"][name].items() if k not in _DERIVED},
                "summaries": record["summaries"][name],
                "activation_maps": mapped.get(name),
                **beside.run(metrics["variants"][name], name),
                "runs": [
                    {**{k: v for k, v in run.items() if k not in _DERIVED}, **beside.run(run, name, run["number"])}
                    for run in metrics["variants"][name].get("runs", [])
                ],
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
            "seeds": metrics.get("seeds", {}),
            "questions": {name: asked[name] for name in record.get("questions", asked)},
            "variants": variants,
            "sweeps": sweep_files.from_metrics(metrics, record["order"]),
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


def empty_neighbours(variants: Iterable[str], data: Any, *, runs: bool = False) -> dict[str, str]:
    """What `from_files` needs beside a `metrics.json` that was kept alone: no epochs, predictions or texts.

    `runs`: whether it is of `several`.
    """
    classes = _class_count(data)
    names = sorted(variants, key=lambda name: (name != BASELINE, name))
    record = {
        "schema_version": SCHEMA_VERSION,
        "order": names,
        "environment": {"python": "", "packages": {}},
        "figures": [],
        "summaries": {name: {"base": "", "head": "", "fine_tuning": ""} for name in names},
    }
    return {
        HISTORY: to_csv(with_run(HISTORY_COLUMNS, several=runs), []),
        PREDICTIONS: to_csv(_prediction_columns(classes, several=runs), []),
        RECORD: to_json(record),
        **map_files.no_rows(),
        **measurement_files.no_rows(several=runs),
        **label_files.no_rows(),
    }


class _Tables:
    """The files beside `metrics.json`, by run."""

    def __init__(self, files: Mapping[str, str], metrics: Mapping[str, Any], variants: Sequence[str], where: str):
        self._data = metrics["data"]
        runs = {name: metrics["variants"][name].get("runs", []) for name in variants}
        known = {(name, number) for name in runs for number in (1, *(run["number"] for run in runs[name]))}
        self._history = _history_rows(files[HISTORY], known, several=several(metrics))
        self._predictions = _predictions(files[PREDICTIONS], known, _class_count(self._data), several=several(metrics))
        self._measured = _measured(files, metrics, where)

    def run(self, table: Mapping[str, Any], name: str, number: int = 1) -> dict[str, Any]:
        """The fields of a `RunOutcome`, not yet validated; `table` is what `metrics.json` says of the run."""
        return {
            "head": self._history.get((name, number, "head"), []),
            "fine_tuning": self._history.get((name, number, "fine_tuning"), []),
            "measurement": self._measured(table["measurement"], name, number) if self._measured else None,
            "before": score_of(table["before"]),
            "after_head": _outcome_from(table["after_head"], self._predictions(name, number, "head"), self._data),
            **_outcome_from(table, self._predictions(name, number, "fine_tuning"), self._data),
        }


def several(metrics: Mapping[str, Any]) -> bool:
    """Whether each variant has several runs, so that rows tell which one they are of."""
    return "seeds" in metrics


def _measured(
    files: Mapping[str, str], metrics: Mapping[str, Any], where: str
) -> Callable[[Mapping[str, Any], str, int], dict[str, Any]] | None:
    """What reads the measurement of a run; None where nothing was measured."""
    if metrics.get("measure") is None:
        return None
    _check_there(files, measurement_files.FILES, where)
    return measurement_files.reader(files, several=several(metrics))


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


_DERIVED = ("epochs", "classes", "runs", "activation_maps", *RunOutcome.model_fields)


def _metrics_of(variant: VariantResult, class_names: Sequence[str]) -> dict[str, Any]:
    table = variant.model_dump(mode="json", exclude={"summaries", "runs", "activation_maps", *RunOutcome.model_fields})
    if variant.weights is None:  # the build's
        del table["weights"]
    if variant.activation_maps is not None:
        table["activation_maps"] = map_files.metrics_of(variant.activation_maps)
    table |= _run_of(variant, class_names)
    if variant.runs:
        table["runs"] = [
            {"number": run.number, "seeds": run.seeds.model_dump(), **_run_of(run, class_names)} for run in variant.runs
        ]
    return table


def _run_of(run: RunOutcome, class_names: Sequence[str]) -> dict[str, Any]:
    table: dict[str, Any] = _outcome_of(run, class_names)
    if run.measurement is not None:
        table["measurement"] = measurement_files.metrics_of(run.measurement)
    table["before"] = _with_ratio(run.before)
    table["after_head"] = _outcome_of(run.after_head, class_names)
    # The last epoch of each phase is what people compare; the other epochs are in history.csv.
    phases = (("head", run.head), ("fine_tuning", run.fine_tuning))
    table["epochs"] = {phase: epochs[-1].model_dump(mode="json") for phase, epochs in phases}
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
    outcome: dict[str, Any] = {part: score_of(table[part]) for part in PARTS}
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


def _history_csv(results: BuildResults) -> str:
    rows = [
        (*which, phase, *epoch.model_dump().values())
        for which, run in measurement_files.runs(results)
        for phase, epochs in (("head", run.head), ("fine_tuning", run.fine_tuning))
        for epoch in epochs
    ]
    return to_csv(with_run(HISTORY_COLUMNS, several=results.seeds.count > 1), rows)


def _predictions_csv(results: BuildResults) -> str:
    names = results.data.class_names
    rows = [
        (
            *which,
            phase,
            part,
            *p.model_dump(exclude={"logits"}).values(),
            names[p.actual],
            names[p.predicted],
            int(not p.wrong),
            *p.logits,
        )
        for which, run in measurement_files.runs(results)
        for phase, outcome in zip(PHASES, (run.after_head, run), strict=True)
        for part, predictions in outcome.predictions_by_part.items()
        for p in predictions
    ]
    return to_csv(_prediction_columns(len(names), several=results.seeds.count > 1), rows)


def _prediction_columns(classes: int, *, several: bool) -> tuple[str, ...]:
    return (*with_run(PREDICTION_COLUMNS, several=several), *logit_columns(classes))


def _class_count(data: Any) -> int:
    """Of the data set in `metrics.json`; two where it is not said, which the check of the whole refuses."""
    names = data.get("class_names") if isinstance(data, Mapping) else None
    return len(names) if isinstance(names, list) else 2


Known = Collection[tuple[str, int]]
"""(variant, run) of all that the build has."""


def _history_rows(text: str, known: Known, *, several: bool) -> dict[tuple[str, int, str], list[dict[str, str]]]:
    """(variant, run, phase) → its rows."""
    rows: dict[tuple[str, int, str], list[dict[str, str]]] = {}
    for row in from_csv(text, with_run(HISTORY_COLUMNS, several=several)):
        rows.setdefault((row.pop("variant"), int(row.pop("run", 1)), row.pop("phase")), []).append(row)
    _check_known(HISTORY, rows, known)
    return rows


def _check_known(file: str, rows: Iterable[tuple[str, int, str]], known: Known) -> None:
    for name, number, phase in rows:
        if (name, number) not in known or phase not in PHASES:
            raise ValueError(f"{file}: rows of run {number} of {name!r} after {phase!r}, which the build has not")


def _predictions(
    text: str, known: Known, classes: int, *, several: bool
) -> Callable[[str, int, Phase], dict[str, list[Any]] | None]:
    """Of a variant, a run and a phase: part → its rows; None where no predictions were kept at all."""
    rows: dict[tuple[str, int, str], dict[str, list[Any]]] = {}
    columns = logit_columns(classes)
    for row in from_csv(text, _prediction_columns(classes, several=several)):
        kept: dict[str, Any] = {key: row[key] for key in Prediction.model_fields if key != "logits"}
        kept["logits"] = [float(row[column]) for column in columns]  # half the memory of their texts
        which = (row["variant"], int(row.get("run", 1)), row["phase"])
        rows.setdefault(which, {}).setdefault(row["part"], []).append(kept)
    _check_known(PREDICTIONS, rows, known)
    return lambda name, number, phase: rows.get((name, number, phase), {}) if rows else None
