"""What the 8-bit form of the embedded weights changes, against the float16 kernels that it was made from.

Draws the sample with seeds of its own and takes the pooled features of its training images in the frozen base, in
float32, with either file's weights: how far they lie apart, and what a logistic regression, fitted to the features of
those that train, makes of those that validate. No test image is looked at. With `--torch FILE`, which
`tools/pretrain_photos.py features` writes, it also holds Keras' features against PyTorch's, which trained the weights.
Prints Markdown, `--json FILE` keeps it.
"""

import argparse
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine, record
from benchmarks.record import Record
from generator.backbones.resnet50 import EMBEDDED, RESNET50
from generator.backbones.weight_files import read_embedded
from generator.data import splits
from generator.data.decoding import decode_bytes
from generator.data.drawn import sample
from generator.support.strict_json import parse_json
from tools import embedded_form

SIZE, BATCH, VALIDATION = 224, 32, 0.2
SEEDS = (101, 102, 103, 104, 105)
"""Of samples that are published nowhere."""

Arrays = Mapping[str, np.ndarray]
Row = dict[str, Any]


def main() -> None:
    options = _options()
    measured = record.of()
    print(machine.as_markdown(measured["machine"]), flush=True)
    machine.as_worker()
    whole, stored = weights(options.source)
    # PyTorch's features first: they say whether this is the network that was trained.
    if options.torch:
        measured["torch"] = against_torch(whole, options.torch)
        print(measured["torch"], flush=True)
    measured["rows"] = [compared(seed, options.images, whole, stored) for seed in options.seeds]
    print(as_markdown(measured))
    record.write(options.json, measured)


def weights(source: Path) -> tuple[Arrays, Arrays]:
    """The base's weights from float16 kernels, scaled as the embedded ones are, and the embedded ones."""
    kept = EMBEDDED.path.with_suffix(".json")
    scale = parse_json(kept.read_text("utf-8"), str(kept))["made_from"]["scale"]
    return embedded_form.scaled(embedded_form.read(source), scale), read_embedded(EMBEDDED, RESNET50)


def compared(seed: int, images: int, whole: Arrays, stored: Arrays) -> Row:
    """Features and predictions for the training images of one sample, with either weights."""
    pixels, labels, train, validation = sampled(seed, images)
    exact, rounded = features(whole, pixels), features(stored, pixels)
    told = [_predicted(found[train], labels[train], found[validation]) for found in (exact, rounded)]
    right = [int((answers == labels[validation]).sum()) for answers in told]
    return {
        "seed": seed,
        "images": len(pixels),
        "difference": apart(rounded, exact),
        "validation": len(validation),
        "right": dict(zip(("float16", "int8"), right, strict=True)),
        "told_otherwise": int((told[0] != told[1]).sum()),
    }


def sampled(seed: int, images: int) -> tuple[np.ndarray, np.ndarray, list[int], list[int]]:
    """Training images of a sample, uint8 (n, s, s, 3), their labels, and the positions that train and validate."""
    with tempfile.TemporaryDirectory() as folder:
        sample.draw(Path(folder), train=images, test=2, seed=seed)  # A sample cannot have fewer.
        files = [sorted((Path(folder) / "train" / name).iterdir()) for name in sample.SPECIES]
        pixels = np.stack(
            [
                decode_bytes(path.read_bytes(), size=SIZE, alpha="drop", max_pixels=10**6).pixels
                for paths in files
                for path in paths
            ]
        )
    split = splits.choose(len(pixels), BATCH, VALIDATION, (), seed)
    labels = np.repeat(np.arange(len(files)), [len(paths) for paths in files])
    return pixels, labels, list(split.train), list(split.validation)


def features(arrays: Arrays, pixels: np.ndarray) -> np.ndarray:
    """Pooled features in float32 of the base with these weights: (n, 2048); `pixels` is uint8 (n, s, s, 3)."""
    import tensorflow as tf

    from generator.training import folding, network
    from generator.training.batches import preprocess_input_of

    base = network.build_base(RESNET50.name, pixels.shape[1])
    network.assign(base, arrays)
    prepare = folding.as_convolution(preprocess_input_of(RESNET50.preparation.module))
    frozen = folding.fold(network.pooled(base))
    forward = tf.function(lambda images: frozen(prepare(images)), autograph=False)
    parts = range(0, len(pixels), BATCH)
    return np.concatenate([forward(pixels[i : i + BATCH].astype(np.float32)).numpy() for i in parts])


def apart(found: np.ndarray, wanted: np.ndarray) -> float:
    """Length of the difference over the length of what is wanted, all images and features together."""
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def _predicted(known: np.ndarray, labels: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    answers: np.ndarray = model.fit(known, labels).predict(unknown)
    return answers


def against_torch(arrays: Arrays, file: Path) -> dict[str, float]:
    """How far Keras' features lie from PyTorch's, which are of the same weights before they were scaled."""
    with np.load(file, allow_pickle=False) as stored:
        pixels, wanted = stored["pixels"], stored["features"]
    found = features(arrays, pixels)
    # A power of two: what is left after dividing is no rounding of its own.
    scale = 2.0 ** round(math.log2(np.linalg.norm(found) / np.linalg.norm(wanted)))
    return {"images": len(pixels), "scale": scale, "difference": apart(found / scale, wanted)}


def as_markdown(measured: Record) -> str:
    """One line a sample, then all of them together."""
    lines = ["| seed of the sample | difference of the features | right, float16 | right, int8 | told otherwise |"]
    lines += ["|---:|---:|---:|---:|---:|"]
    for row in measured["rows"]:
        of = row["validation"]
        shown = f"{row['right']['float16']} of {of} | {row['right']['int8']} of {of} | {row['told_otherwise']}"
        lines.append(f"| {row['seed']} | {row['difference']:.2%} | {shown} |")
    return "\n".join([*lines, "", in_a_sentence(measured["rows"])])


def in_a_sentence(rows: Sequence[Row]) -> str:
    total, otherwise = (sum(row[name] for row in rows) for name in ("validation", "told_otherwise"))
    right = {kind: sum(row["right"][kind] for row in rows) for kind in ("float16", "int8")}
    return (
        f"Of the {total} validation images of all samples the logistic regression tells {right['float16']} rightly "
        f"on features of the float16 kernels and {right['int8']} on those of the int8 kernels; {otherwise} it tells "
        "differently."
    )


def torch_in_a_sentence(found: Mapping[str, float]) -> str:
    return (
        f"its features of {found['images']} photographs differ from PyTorch's, with the same float16 kernels, by "
        f"{found['difference']:.1e} of their length"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storage", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("source", type=Path, help="float16 kernels, as `tools/pretrain_photos.py train` writes them")
    parser.add_argument("--torch", type=Path, help="PyTorch's features, from `tools/pretrain_photos.py features`")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="of the samples")
    parser.add_argument("--images", type=int, default=360, help="training images of each sample")
    parser.add_argument("--json", type=Path, help="keep every figure in this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
