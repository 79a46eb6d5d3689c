"""Whether the shortcuts are the same mathematics: losses of the project's build beside the whole model's.

The build trains the head on stored features and fine-tunes only the part above the cut, through the fold. Here the
same epochs are trained the long way: every image passes the whole network, as Keras' own layers compute it, with
the same weights, seeds and order of batches. Prints the losses of both as Markdown,
`--json FILE` keeps them.
"""

import argparse
import csv
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine, plain_keras, project, record
from generator.data import dataset
from generator.experiment.config import loading
from generator.experiment.config import settings as config
from generator.support import hardware

Losses = dict[str, list[tuple[float, float]]]
"""Phase → training and validation loss of each epoch."""

Row = dict[str, Any]


def main() -> None:
    options = _options()
    measured = record.of()
    print(machine.as_markdown(measured["machine"]), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        copied = project.copy(Path(folder) / "project")
        changes = _changes(options)
        project.build(copied, *(part for change in changes for part in ("--set", change)))
        settings = loading.load(copied / "experiment.toml", overrides=changes)
        machine.as_worker()
        short, long = _of_build(copied), long_way(settings, copied / ".store", Path(folder))
    measured["epochs"] = beside(short, long)
    print(as_markdown(measured["epochs"]))
    record.write(options.json, measured)


def _of_build(copied: Path) -> Losses:
    (path,) = (copied / "site" / "assets" / "data").glob("*/history.csv")
    found: Losses = {}
    with path.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            found.setdefault(row["phase"], []).append((float(row["loss"]), float(row["val_loss"])))
    return found


def long_way(settings: config.Config, store: Path, folder: Path) -> Losses:
    """The recipe of the baseline with the whole model in both phases; checkpoints go below `folder`."""
    from generator.stages.workspace import configure
    from generator.training import network
    from generator.training.batches import batches, derived_seed, preprocess_input_of, shuffled
    from generator.training.epochs import EpochBatches, Phase, train

    configure(hardware.cores())
    recipe = settings.variants[0].recipe
    found = dataset.find(settings.data, store)
    split = dataset.split(
        found,
        recipe.split.validation_fraction,
        settings.data.batch_size,
        recipe.seed,
        stratified=recipe.split.stratified,
    )
    labels = np.array([sample.label for sample in found.train])
    (pixels,) = store.rglob("pixels.npy")
    prepared = np.asarray(preprocess_input_of("resnet50")(np.load(pixels)[: len(labels)].astype(np.float32)))

    def given(order: Any) -> Any:
        return batches(prepared, labels, np.asarray(order), settings.data.batch_size)

    def training(name: str) -> EpochBatches:
        return lambda epoch: given(shuffled(split.train, derived_seed(recipe.seed, f"{name} order", epoch)))

    def losses(name: str, phase: config.PhaseSettings, first: int) -> list[tuple[float, float]]:
        run = Phase(name, phase, first, recipe.seed, folder / f"{name}.npz")
        history = train(model, run, training(name), lambda epoch: given(split.validation), lambda figures: None)
        return [(epoch.loss, epoch.val_loss) for epoch in history]

    base = plain_keras.load_base(settings, store)
    base.trainable = False
    model = _connected(base, derived_seed(recipe.seed, "head weights"), recipe.model.dropout)
    found_losses = {"head": losses("head", recipe.head, 1)}
    network.unfreeze(base, recipe.fine_tuning.from_layer)
    found_losses["fine_tuning"] = losses("fine_tuning", recipe.fine_tuning, recipe.first_fine_tuning_epoch)
    return found_losses


def _connected(base: Any, seed: int, dropout: float) -> Any:
    """The whole model by Keras' own layers; its head drawn as the project draws it."""
    import keras

    from generator.training.network import build_head

    keras.utils.set_random_seed(seed)
    head = build_head(dropout)
    head.dense.build((None, base.output.shape[-1]))
    inputs = keras.Input(base.input_shape[1:])
    x = head.pooling(plain_keras.inference(base)(inputs))
    return keras.Model(inputs, head.dense(head.dropout(x)))


def beside(short: Losses, long: Losses) -> list[Row]:
    """One row an epoch, with the differences as shares of the whole model's losses."""
    return [
        {"phase": phase, "epoch": number}
        | {
            name: {"whole": a, "project": b, "difference": abs(b - a) / a}
            for name, a, b in zip(("loss", "val_loss"), theirs, ours, strict=True)
        }
        for phase, epochs in long.items()
        for number, (theirs, ours) in enumerate(zip(epochs, short[phase], strict=True), 1)
    ]


def as_markdown(rows: list[Row]) -> str:
    lines = ["", "| phase | epoch | loss, whole model | project | difference | val. loss, whole model | project "]
    lines[-1] += "| difference |"
    lines += ["|---|---:|---:|---:|---:|---:|---:|---:|"]
    for row in rows:
        both = row["loss"], row["val_loss"]
        cells = (f"{loss['whole']:.6f} | {loss['project']:.6f} | {loss['difference']:.0e}" for loss in both)
        lines.append(f"| {row['phase'].replace('_', '-')} | {row['epoch']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _changes(options: argparse.Namespace) -> list[str]:
    chosen = {"head.epochs": options.epochs, "fine_tuning.epochs": options.epochs, "model.precision": options.precision}
    # Of images to measure with, the store would hold pixels, too.
    chosen |= {"fine_tuning.optimizer": options.optimizer, "data.image_size": options.image_size, "data.measure": 0}
    return [f"{name}={value}" for name, value in chosen.items()]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.equality", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--epochs", type=int, default=3, help="of each phase")
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"), help="the project's")
    parser.add_argument("--optimizer", default="rmsprop", choices=("rmsprop", "sgd", "adam"), help="of fine-tuning")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--json", type=Path, help="file for every figure")
    return parser.parse_args()


if __name__ == "__main__":
    main()
