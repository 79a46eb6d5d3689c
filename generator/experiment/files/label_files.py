"""A review of the labels as text, and back: its share of `metrics.json`, and a table beside it.

`labels.csv` holds a row for each image that was judged; all that `metrics.json` says follows from these rows, and is
held against them when they are read.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from generator.experiment.label_review import Judged, LabelReview
from generator.support.tables import from_csv, to_csv

LABELS = "labels.csv"
FILES = (LABELS,)

COLUMNS = (*Judged.model_fields, "label_name", "predicted_name", "marked")


def metrics_of(review: LabelReview) -> dict[str, Any]:
    """What `metrics.json` says of it."""
    return {
        **review.model_dump(mode="json", exclude={"images"}),
        "total": review.total,
        "correct": review.correct,
        "accuracy": review.accuracy,
        "majority_share": review.majority_share,
        "tells": review.tells,
        "marked": len(review.marked),
        "estimated": review.estimated,
        "by_side": {
            side: {"total": found.total, "correct": found.correct, "marked": len(found.marked)}
            for side, found in review.by_side.items()
        },
    }


def to_texts(review: LabelReview | None, class_names: Sequence[str]) -> dict[str, str]:
    """File name → text; nothing where no label was looked at."""
    if review is None:
        return {}
    marked = {image.index for image in review.marked}
    rows = [
        (
            *image.model_dump().values(),
            class_names[image.label],
            class_names[image.predicted],
            int(image.index in marked),
        )
        for image in review.images
    ]
    return {LABELS: to_csv(COLUMNS, rows)}


def no_rows() -> dict[str, str]:
    """The table beside a `metrics.json` that was kept alone."""
    return {LABELS: to_csv(COLUMNS, [])}


def from_texts(files: Mapping[str, str], table: Mapping[str, Any]) -> LabelReview | None:
    """The review of which `table` is what `metrics_of` gave; None where its rows were not kept.

    Raises `KeyError`, `ValueError` and the like where the files do not fit together.
    """
    rows: list[dict[str, Any]] = [*from_csv(files[LABELS], COLUMNS)]
    if not rows and table["total"]:
        return None
    images = [{name: row[name] for name in Judged.model_fields} for row in rows]
    review = LabelReview.model_validate({"folds": table["folds"], "left_out": table["left_out"], "images": images})
    if metrics_of(review) != table:
        raise ValueError(f"what is said of the labels is not what {LABELS} gives")
    marked = {image.index for image in review.marked}
    if [int(row["marked"]) for row in rows] != [int(image.index in marked) for image in review.images]:
        raise ValueError(f"{LABELS} marks other images than follow from its probabilities")
    return review
