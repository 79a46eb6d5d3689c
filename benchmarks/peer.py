"""What the project is compared with: the recipe as others write it, one module a peer.

A peer is a program, `python -m MODULE`, that calls `main` with its function `run`, which trains one variant. Image
files, split and weights are the project's and come from here; epochs, learning rates and seed are the settings'.
The network and the training use nothing of the project. `compare.py` starts it and reads seconds and scores from the
file `--out`.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from generator.backbones import weights
from generator.backbones.resnet50 import RESNET50
from generator.data import dataset, near
from generator.data.dataset import Sample
from generator.data.pixels import Square, read_pixels
from generator.experiment.config import loading
from generator.experiment.config import settings as config
from generator.support.errors import BadInput

Seconds = dict[str, float]
"""Phase → what it took: `start`, `head`, `fine_tuning`, `evaluation`."""

Found = dict[str, Any]
"""Of a variant: `seconds`; of `head` and `fine_tuning` the last epoch's figures; of `test` loss and accuracy."""

Run = Callable[[config.Recipe, config.Config, Path, bool], Found]
"""Trains a variant: its recipe, all settings, a folder for what is drawn or fetched, whether Keras may use XLA."""


@dataclass(frozen=True)
class Peer:
    """A program to compare with."""

    module: str
    label: str
    """As tables name it."""
    package: str = "keras"
    """What it computes with."""


PEERS = {
    "keras": Peer("benchmarks.plain_keras", "plain Keras"),
    "torch": Peer("benchmarks.plain_torch", "PyTorch", "torch"),
    "cached": Peer("benchmarks.cached_keras", "Keras, cached by hand"),
}
"""What `--peer` chooses from."""


@dataclass(frozen=True)
class Images:
    """The image files of a variant."""

    training: list[Sample]
    validation: list[Sample]
    test: list[Sample]


def check(name: str, *, xla: bool) -> None:
    """Raise `BadInput` where a peer cannot be run here, or not so."""
    peer = PEERS[name]
    if find_spec(peer.package) is None:
        raise BadInput(
            f"--peer {name}: the package {peer.package}, no dependency of the project, is not installed; "
            f"pip install {peer.package}"
        )
    if xla and peer.package != "keras":
        raise BadInput(f"--xla: is Keras' alone, and --peer {name} does not use it; leave it out")


def images(recipe: config.Recipe, settings: config.Config, store: Path) -> Images:
    """Which files train, validate and test: as the project splits them where no two images look alike.

    The project also keeps images of the same pixels, and near-duplicates, on one side. That takes decoding all of
    them, which is no part of a peer's work; `check_alike` refuses images among which there are such.
    """
    found = dataset.find(settings.data, store)
    chosen = recipe.split
    split = dataset.split(
        found, chosen.validation_fraction, settings.data.batch_size, recipe.seed, stratified=chosen.stratified
    )
    samples = found.samples
    training, validation = ([samples[i] for i in part] for part in (split.train, split.validation))
    return Images(training, validation, list(found.test))


def check_alike(settings: config.Config, folder: Path) -> None:
    """Raise `BadInput` where some of the images look alike: the project would split them in another way than a peer.

    Decodes them all, into `folder`.
    """
    data = settings.data
    square = Square(size=data.image_size, alpha=data.alpha, crop=data.crop, max_pixels=data.max_pixels)
    found, array = dataset.find(data, folder), folder / "pixels.npy"
    copies = read_pixels(found, square, array).copies
    pairs = near.look(np.load(array, mmap_mode="r"), copies).pairs
    alike = [*copies, *((pair.first, pair.second) for pair in pairs)]
    if alike:
        one, other, *_ = (found.samples[position].name for position in alike[0])
        raise BadInput(
            f"{found.source}: {one} and {other} look alike, {len(alike)} such groups in all; the project keeps them on "
            "one side of the split and a peer does not, so both would train on different images; take one of each out"
        )


def arrays(settings: config.Config, store: Path) -> Mapping[str, np.ndarray] | None:
    """The base's weights by Keras' names; None where they are to be random."""
    chosen = weights.resolve(settings.weights, RESNET50, store)
    return None if chosen.path is None else weights.load_arrays(chosen)


def scores(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Loss and accuracy of as many logits as labels, which are 0 or 1."""
    towards = logits * (2 * labels - 1)
    return {"loss": float(np.logaddexp(0, -towards).mean()), "accuracy": float(((logits > 0) == (labels > 0.5)).mean())}


@contextmanager
def timed(seconds: Seconds, phase: str) -> Iterator[None]:
    """What is done within adds to the phase's seconds."""
    started = time.perf_counter()
    yield
    seconds[phase] = seconds.get(phase, 0.0) + time.perf_counter() - started


def main(run: Run, description: str | None) -> None:
    """The command line of a peer: trains the variants that it names, one after another."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--variants", default=config.BASELINE)
    parser.add_argument("--added", action="store_true", help="without the baseline, which is in every selection")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--store", type=Path, required=True, help="where the sample images are drawn")
    parser.add_argument("--xla", action="store_true", help="leave compilation to Keras, whose default is XLA")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    settings = loading.load(options.config, variants=options.variants, overrides=options.set)
    variants = [v for v in settings.variants if not (options.added and v.name == config.BASELINE)]
    found = {v.name: run(v.recipe, settings, options.store, options.xla) for v in variants}
    options.out.write_text(json.dumps(found), "utf-8")
