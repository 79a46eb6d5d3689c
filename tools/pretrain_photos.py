"""The embedded weights, from photographs to the file: `train`, `convert`, and `features` to check Keras by.

`train` and `features` need PyTorch, in an environment of its own; `convert` does not. tools/README.md says how.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from generator.backbones.resnet50 import RESNET50  # noqa: E402
from generator.support import hardware  # noqa: E402
from generator.support.errors import MeasuredPostError  # noqa: E402
from generator.support.files import replacing, write_atomically  # noqa: E402  # found below ROOT
from generator.support.strict_json import to_json  # noqa: E402
from tools import embedded_form, photo_folder  # noqa: E402
from tools.photo_recipe import Recipe  # noqa: E402

SHOWN = 224
"""Side of the images that the experiment shows the network, pixels."""
NEEDS = "needs PyTorch, in an environment of its own: tools/README.md says how"
MOST_FEATURES = 512
"""Validation photographs, at most, whose features are summed up in the record."""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    commands: dict[str, Callable[[argparse.Namespace], None]] = {
        "train": train,
        "convert": convert,
        "features": features,
    }
    try:
        commands[options.command](options)
    except MeasuredPostError as error:
        print(f"pretrain_photos.py: {error}", file=sys.stderr)
        return error.exit_code
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        print(f"pretrain_photos.py: {options.command} {NEEDS}", file=sys.stderr)
        return 2
    return 0


def train(options: argparse.Namespace) -> None:
    """Train on the folder; write float16 kernels to `out`, and beside it the record of the training."""
    # Late: only this command and `features` need PyTorch.
    from tools import photo_network, photo_training

    recipe = Recipe(sides=tuple(options.sides), batch=options.batch, seed=options.seed)
    photographs = photo_folder.read(
        options.folder, side=options.side, without=options.without, share=options.validation, seed=options.seed
    )
    print(f"{len(photographs.labels)} photographs of {len(photographs.classes)} classes", flush=True)
    photos, start = photo_training.on_device(photographs), time.monotonic()
    network, steps = photo_training.trained(photos, recipe, progress(options))
    seconds = time.monotonic() - start
    seen = photos.images[photos.validation[:: 1 + len(photos.validation) // MOST_FEATURES]]
    pooled = photo_training.features(network, seen, SHOWN)
    outcome = {
        "accuracy": {str(s): photo_training.accuracy(network, photos, s) for s in (recipe.sides[-1], SHOWN)},
        "features": {"images": len(seen), "mean": pooled.mean().item(), "sd": pooled.std().item()},
        "machine": photo_training.machine() or hardware.processor(),
        "seconds": round(seconds),
    }
    with replacing(options.out, "free space there or name another file") as stream:
        np.savez_compressed(stream, **photo_network.to_keras(network))
    record = described(options, photographs, recipe, steps) | outcome
    write_atomically(options.out.with_suffix(".json"), to_json(record).encode("utf-8"))
    print(to_json(outcome), end="")


def progress(options: argparse.Namespace) -> Callable[[int], float]:
    """The share of the training that is behind after so many steps: of the steps, or else of the time, asked for."""
    if options.steps is not None:
        return lambda steps: steps / options.steps
    start = time.monotonic()
    return lambda steps: (time.monotonic() - start) / options.seconds


def described(
    options: argparse.Namespace, photographs: photo_folder.Photographs, recipe: Recipe, steps: int
) -> dict[str, Any]:
    """What a training was made of, for its record."""
    training = int((~photographs.held_back).sum())
    seen = steps * min(recipe.batch, training)
    return {
        "data": options.data or options.folder.name,
        "image_side": options.side,
        "classes": len(photographs.classes),
        "left_out": list(photographs.left_out),
        "training_images": training,
        "validation_images": int(photographs.held_back.sum()),
        "script": "tools/pretrain_photos.py",
        "recipe": asdict(recipe),
        "steps": steps,
        "images_seen": seen,
        "epochs": seen / training,
    }


def convert(options: argparse.Namespace) -> None:
    """Write the embedded form of a trained file, and its record; say what to put into `resnet50.py`."""
    file = embedded_form.convert(options.source, options.out, options.scale)["file"]
    print(f"{options.out}: {file['arrays']} arrays, {file['parameters']:,} parameters, {file['bytes'] / 1e6:.1f} MB")
    print(f"SHA-256 {file['sha256']}")


def features(options: argparse.Namespace) -> None:
    """Write photographs of a folder and what PyTorch makes of them: what `benchmarks.storage --torch` compares with."""
    import torch

    from tools import photo_network, photo_training

    pixels = photo_folder.read(options.folder, side=SHOWN, seed=options.seed).pixels
    pixels = pixels[:: max(1, len(pixels) // options.count)][: options.count]
    network = photo_network.ResNet50(classes=2).eval()
    photo_network.load(network, embedded_form.read(options.source))
    pooled = photo_training.features(network, torch.from_numpy(pixels).permute(0, 3, 1, 2), SHOWN)
    with replacing(options.out, "free space there or name another file") as stream:
        np.savez_compressed(stream, pixels=pixels, features=pooled.numpy())
    print(f"{options.out}: {RESNET50.name}'s features of {len(pixels)} photographs")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pretrain_photos.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_train(commands.add_parser("train", help="train on a folder of photographs; needs PyTorch"))
    convert = commands.add_parser("convert", help="turn a trained file into the embedded form")
    convert.add_argument("source", type=Path, help="what `train` wrote")
    convert.add_argument("out", type=Path)
    convert.add_argument("--scale", type=float, default=8.0, help="factor for the features, a power of two (8)")
    features = commands.add_parser("features", help="what PyTorch makes of photographs, to check Keras by")
    features.add_argument("source", type=Path, help="what `train` wrote")
    features.add_argument("folder", type=Path, help="a folder per class")
    features.add_argument("out", type=Path)
    features.add_argument("--count", type=_positive(int), default=16, help="photographs (16)")
    features.add_argument("--seed", type=int, default=0)
    return parser


def _positive(kind: Callable[[str], float]) -> Callable[[str], float]:
    """What argparse makes of a number that must be more than zero."""

    def number(text: str) -> float:
        value = kind(text)
        if value <= 0:
            raise argparse.ArgumentTypeError(f"{text}: must be more than 0")
        return value

    number.__name__ = "number"  # As argparse calls what cannot be read.
    return number


def _add_train(parser: argparse.ArgumentParser) -> None:
    recipe = Recipe()
    parser.add_argument("folder", type=Path, help="a folder of photographs per class")
    parser.add_argument("out", type=Path, help="an .npz; the record is written beside it as .json")
    parser.add_argument("--without", action="append", default=[], metavar="NAME", help="leave a class out; repeatable")
    parser.add_argument("--data", help="what the record calls the photographs (the folder's name)")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--seconds", type=_positive(float), help="train for so long; the schedule follows the clock")
    length.add_argument("--steps", type=_positive(int), help="train for so many steps")
    parser.add_argument("--validation", type=float, default=0.1, metavar="SHARE", help="held back of each class (0.1)")
    parser.add_argument(
        "--side", type=_positive(int), default=64, help="side that photographs are read at, pixels (64)"
    )
    parser.add_argument(
        "--sides", type=_positive(int), nargs="+", default=recipe.sides, help="sides trained at (96 128 160)"
    )
    parser.add_argument(
        "--batch", type=_positive(int), default=recipe.batch, help=f"photographs a step ({recipe.batch})"
    )
    parser.add_argument("--seed", type=int, default=recipe.seed)


if __name__ == "__main__":
    sys.exit(main())
