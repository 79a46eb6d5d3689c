"""What may be asked of a network, before a build and after it: rows as those of `table`, and no stages of any build.

Nothing depends on them and nothing of them is kept in the store. Their jobs find under their names the stages that they
need, and what the row says beside.
"""

from generator.stages.stage import Stage
from generator.stages.table import NETWORK, RANDOM_WEIGHTS, TENSORFLOW

IMAGES = "images"
"""Input of `ANSWERS`: a folder with images as the stage `pixels` writes them."""
WRITTEN = "written"
"""Input of `LITE`: the folder in which `EXPORT` left its files."""

PROBE = Stage(
    name="probe",
    runs="generator.stages.probe:probe",
    scope="run",
    settings=(
        "data.image_size",
        "data.batch_size",
        "model.preprocess",
        "model.rotation",
        "model.fill",
        "fine_tuning.from_layer",
    ),
    sometimes=RANDOM_WEIGHTS,
    given=("backbone", "weights", "precision"),
    packages=TENSORFLOW,
)
"""What one batch takes, for an estimate."""

EXPORT = Stage(
    name="export",
    runs="generator.stages.trained:export",
    scope="run",
    settings=NETWORK,
    sometimes=RANDOM_WEIGHTS,
    given=("classes", "dataset", "backbone", "weights", "precision"),
    needs=("pixels", "fine_tuning"),
    packages=TENSORFLOW,
)
"""The network as a file of its own, and what that file says of test images."""

LITE = Stage(
    name="lite",
    runs="generator.stages.trained:lite",
    scope="run",
    given=("dataset",),
    needs=("pixels",),
    packages=TENSORFLOW,
)
"""That file converted for TensorFlow Lite, and what it says of the same images."""

ANSWERS = Stage(
    name="answers",
    runs="generator.stages.trained:answers",
    scope="run",
    settings=NETWORK,
    sometimes=RANDOM_WEIGHTS,
    given=("classes", "backbone", "weights", "precision"),
    needs=("fine_tuning",),
    packages=TENSORFLOW,
)
"""What the network says of images that need not be in the data set."""

MODEL, MODEL_LITE = "model.keras", "model.tflite"
"""`EXPORT`, `LITE`: the network."""
PROBABILITIES, PROBABILITIES_LITE = "probabilities.npy", "probabilities-lite.npy"
"""`EXPORT`, `LITE`: what its file says of the test images at `tried`, float32 (n, classes)."""
LOGITS = "logits.npy"
"""`ANSWERS`: float64 (n, outputs). Beside it are frozen features, `artifacts.POOLED`, float32 (n, c), and the map of
what was named, `artifacts.MAPS`, float32 (n, h, w)."""

MOST_TRIED = 1000
"""Test images that a written file is tried on."""


def tried(test: range) -> list[int]:
    """Positions, among all images, of the test images that a written file is tried on: all, or many evenly spread."""
    if len(test) <= MOST_TRIED:
        return list(test)
    return [test[i * len(test) // MOST_TRIED] for i in range(MOST_TRIED)]
