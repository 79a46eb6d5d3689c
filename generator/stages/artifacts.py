"""The files of every stage, by name: how each is written and read."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from generator.data.splits import Split
from generator.support.strict_json import Record

if TYPE_CHECKING:
    from generator.figures.canvas import Drawing

PIXELS = "pixels.npy"
"""`pixels`, `measure_pixels`: all images, uint8 (n, s, s, 3), training images first."""
REPORT = "report.json"
"""`pixels`, `measure_pixels`: what decoding them showed, a `PixelReport`."""
PART = "part.json"
"""A shard of `pixels`: what decoding its images showed, a `PartReport`."""
NEAR = "near.json"
"""`near`: which images are near-duplicates, a `NearReport`."""
SPLIT = "split.json"
"""`split`: positions of the images that are trained on and of those that validate."""
COPIES = "copies.npy"
"""`augmentation`: augmented copies of the first image, uint8 (9, s, s, 3)."""
OUTPUTS = "outputs.npy"
"""`cut`: outputs of the frozen lower part for every image, float32 (n, …); absent where they are over the budget."""
CUT = "cut.json"
"""`cut`: name of the layer behind which the base is cut."""
AUGMENTED = "augmented.npy"
"""`augmented`: pooled features of the training images, float32 (epochs, n, c), in the order of the data set; absent
where they are over the budget."""
POOLED = "pooled.npy"
"""`features`, `measure_features`: pooled features of every image, float32 (n, c)."""
MAPS = "maps.npy"
"""`activation_maps`: the map of every test image, float32 (n, h, w): of two classes that of the only logit, of more
that of the predicted class."""
RESULT = "result.json"
"""`architecture`, `head`, `head_evaluation`, `fine_tuning`, `validation`, `evaluation`, `activation_maps`,
`measurement`, `labels`, `near_features`: records, by name."""
VARIABLES = "variables.npz"
"""`head`, `fine_tuning`: the trained variables, in order."""
FIGURES = "figures.json"
"""`figures`, `data_figures`, `examples`, `map_figures`, `measure_figures`, `label_figures`, `curves`,
`sweep_figures`, `comparison`: a row for each figure, whose files lie beside it."""


def rows(path: Path) -> np.ndarray:
    """A stored array as a memory map: only the rows that are used are read."""
    return np.lib.format.open_memmap(path, mode="r")


def write_records(out: Path, **records: Record | Sequence[Record]) -> None:
    """Write `RESULT`."""
    table = {
        name: [row.model_dump(mode="json") for row in value]
        if isinstance(value, Sequence)
        else value.model_dump(mode="json")
        for name, value in records.items()
    }
    (out / RESULT).write_text(json.dumps(table, allow_nan=False), "utf-8")


def read_records(folder: Path) -> dict[str, Any]:
    """What `write_records` wrote, not yet validated."""
    table: dict[str, Any] = json.loads((folder / RESULT).read_text("utf-8"))
    return table


def write_split(out: Path, split: Split) -> None:
    """Write `SPLIT`."""
    (out / SPLIT).write_text(json.dumps({"train": split.train, "validation": split.validation}), "utf-8")


def read_split(folder: Path) -> Split:
    """What `write_split` wrote."""
    table = json.loads((folder / SPLIT).read_text("utf-8"))
    return Split(train=tuple(table["train"]), validation=tuple(table["validation"]))


def write_drawings(out: Path, drawings: Iterable["Drawing"]) -> None:
    """Write each figure's PNG and WebP, and `FIGURES`."""
    table = []
    for drawing in drawings:
        (out / f"{drawing.name}.png").write_bytes(drawing.png)
        (out / f"{drawing.name}.webp").write_bytes(drawing.web)
        table.append(
            {"name": drawing.name, "width": drawing.width, "height": drawing.height, "undrawn": drawing.undrawn}
        )
    (out / FIGURES).write_text(json.dumps(table), "utf-8")
