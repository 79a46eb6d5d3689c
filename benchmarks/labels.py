"""How many wrong labels the review of the labels finds: labels are flipped on purpose, and the marked ones counted.

Takes the features of the frozen ResNet50 with the embedded weights, of the sample drawn with seeds of its own and of
each data set given; marks images as a build does, first with the labels as they are, then, by several seeds, with one
label in twenty changed to another class's. Prints Markdown, `--json FILE` keeps it.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from benchmarks import machine, record, storage
from benchmarks.record import Record
from generator.backbones.resnet50 import EMBEDDED, RESNET50
from generator.backbones.weight_files import read_embedded
from generator.data import dataset, pixels
from generator.data.dataset import Dataset
from generator.data.splits import Copies
from generator.experiment.config import loading
from generator.stages import labels
from generator.support.places import ROOT

SHARE = 0.05
"""Of all labels, training and test, that are flipped."""
SAMPLES = (201, 202)
"""Seeds of samples that are published nowhere, and by which nothing was chosen."""
SIZE = 224
"""Pixels a side, of the sample."""

Row = dict[str, Any]


def main() -> None:
    options = _options()
    measured = record.of(share=SHARE)
    print(machine.as_markdown(measured["machine"]), flush=True)
    machine.as_worker()
    sets = [(f"sample, seed {seed}", SIZE, [f"data.sample_seed={seed}"]) for seed in options.samples]
    sets += [(Path(path).stem, int(size), [f"data.path={path}"]) for path, size in options.data]
    with tempfile.TemporaryDirectory() as folder:
        measured["sets"] = [_measured(*each, range(options.flips), Path(folder)) for each in sets]
    print(as_markdown(measured))
    record.write(options.json, measured)


def _measured(name: str, size: int, settings: Sequence[str], seeds: Sequence[int], folder: Path) -> Row:
    """One data set: what is marked of it as it is, and with labels flipped by each of `seeds`."""
    data = loading.load(ROOT / "experiment.toml", overrides=[f"data.image_size={size}", *settings]).data
    images = dataset.find(data, folder / "store")
    file = folder / "pixels.npy"
    report = pixels.read_pixels(images, pixels.Square(size, data.alpha, data.max_pixels), file)
    features = storage.features(read_embedded(EMBEDDED, RESNET50), np.load(file))
    found = labels.review(images, report.copies, features)
    row = {
        "name": name,
        "image_size": size,
        "classes": len(images.class_names),
        "images": found.total,
        "correct": found.correct,
        "marked": len(found.marked),
        "flips": [flipped(images, report.copies, features, seed) for seed in seeds],
    }
    print(row, flush=True)
    return row


def flipped(images: Dataset, copies: Copies, features: np.ndarray, seed: int) -> Row:
    """How many labels were flipped, how many images then marked, and how many of the flipped are among these."""
    changed = flips([sample.label for sample in images.samples], len(images.class_names), seed)
    marked = {image.index for image in labels.review(relabelled(images, changed), copies, features).marked}
    return {"seed": seed, "flipped": len(changed), "marked": len(marked), "found": len(marked & set(changed))}


def flips(given: Sequence[int], classes: int, seed: int) -> dict[int, int]:
    """Position → its new label, another than the old one, of `SHARE` of all."""
    random = np.random.default_rng(seed)
    chosen = random.choice(len(given), max(1, round(SHARE * len(given))), replace=False).tolist()
    return {position: (given[position] + int(random.integers(1, classes))) % classes for position in chosen}


def relabelled(images: Dataset, changed: Mapping[int, int]) -> Dataset:
    """The data set with other labels at some positions."""
    samples = tuple(replace(s, label=changed.get(position, s.label)) for position, s in enumerate(images.samples))
    validation, test = len(images.train), images.first_test
    return replace(images, train=samples[:validation], validation=samples[validation:test], test=samples[test:])


def as_markdown(measured: Record) -> str:
    """One line a data set; of flipped labels the mean over the seeds."""
    lines = ["| images of | classes | images | told as labelled | marked as they are | flipped | marked then | of the "]
    lines[0] += "marked, flipped | of the flipped, marked |"
    lines += ["|---|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for row in measured["sets"]:
        told = f"{row['correct'] / row['images']:.0%} | {row['marked']} ({row['marked'] / row['images']:.1%})"
        size = f"{row['name']}, {row['image_size']} px"
        lines.append(f"| {size} | {row['classes']} | {row['images']} | {told} | {_of_flips(row['flips'])} |")
    return "\n".join(lines)


def _of_flips(rows: Sequence[Row]) -> str:
    """All seeds together: a mean count each, then precision and recall of the sums."""
    marked, all_flipped, found = (sum(row[name] for row in rows) for name in ("marked", "flipped", "found"))
    precision = f"{found / marked:.0%}" if marked else "none marked"
    counts = f"{mean(row['flipped'] for row in rows):.0f} | {mean(row['marked'] for row in rows):.1f}"
    return f"{counts} | {precision} | {found / all_flipped:.0%}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.labels", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--data", nargs=2, metavar=("PATH", "SIZE"), action="append", default=[], help="folder or archive"
    )
    parser.add_argument("--samples", type=int, nargs="*", default=SAMPLES, help="seeds of the sample")
    parser.add_argument("--flips", type=int, default=5, help="seeds by which labels are flipped: 0, 1, …")
    parser.add_argument("--json", type=Path, help="keep every figure in this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
