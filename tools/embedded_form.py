"""Trained weights → the file that `--weights embedded` reads: features scaled, kernels as 8-bit integers.

`convert` goes from a file of float16 kernels, as `pretrain_photos.py train` writes it, to the embedded form that
`generator.backbones.weight_files.unpacked` reads. Needs NumPy and the project, no PyTorch.
"""

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generator.backbones.resnet50 import RESNET50
from generator.backbones.weight_files import unpacked
from generator.support.errors import BadInput
from generator.support.files import file_hash, replacing, write_atomically
from generator.support.strict_json import parse_json, to_json

Arrays = dict[str, NDArray[np.floating]]
"""`<layer>/<variable>` → array, in Keras' layer names and layouts."""

ENLARGED = ("conv5_block1_0_bn", "conv5_block1_3_bn", "conv5_block2_3_bn", "conv5_block3_3_bn")
"""What is added up in the residual stream of stage 5, whose mean over the image are the features."""
REDUCED = ("conv5_block2_1_conv", "conv5_block3_1_conv")
"""What reads that stream, within the stage."""


def convert(source: Path, target: Path, scale: float) -> dict[str, Any]:
    """Write the weights in `source` to `target` in the embedded form, features multiplied by `scale`.

    A record of the training beside the source (`.json`) is copied beside the target, together with what is said of
    the file; that record is returned. Raises `BadInput` for a file that lacks an array of ResNet50 or has it in
    another shape, and for another scale than a power of two.
    """
    write(target, quantised(scaled(read(source), scale)))
    training = source.with_suffix(".json")
    record = {
        "file": described(target),
        "made_from": {"sha256": file_hash(source), "scale": scale},
        "training": parse_json(training.read_text("utf-8"), str(training)) if training.exists() else None,
    }
    write_atomically(target.with_suffix(".json"), to_json(record).encode("utf-8"))
    return record


def described(path: Path) -> dict[str, Any]:
    """Of a file in the embedded form: name, hash, size in bytes, arrays and parameters once unpacked."""
    data = path.read_bytes()
    arrays = unpacked(data, RESNET50)
    return {
        "name": path.name,
        "sha256": file_hash(path),
        "bytes": len(data),
        "arrays": len(arrays),
        "parameters": sum(array.size for array in arrays.values()),
    }


def read(path: Path) -> Arrays:
    """Every array of ResNet50 as float32; biases that the file lacks are zero: batch normalisation follows."""
    stored = _stored(path)
    arrays: Arrays = {}
    for name, shape in RESNET50.shapes.items():
        zeros = np.zeros(shape, np.float32) if name.endswith("/bias") else None
        array = stored.get(name, zeros)
        if array is None or array.shape != shape or not np.isfinite(array).all():
            found = "missing" if array is None else f"{array.dtype} {array.shape}"
            raise BadInput(f"{path}: {name} is {found}; expected finite numbers of shape {shape}")
        arrays[name] = array.astype(np.float32)
    return arrays


def _stored(path: Path) -> Arrays:
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path}: cannot be read ({error}); expected an .npz with ResNet50's arrays") from None


def scaled(arrays: Mapping[str, NDArray[np.floating]], scale: float) -> Arrays:
    """The same network with its features multiplied by `scale`, a power of two, so that nothing is rounded.

    The batch normalisations that end in the last stage's residual stream are multiplied, and the kernels that
    read the stream divided. Raises `BadInput` for another number.
    """
    if math.frexp(scale)[0] != 0.5:
        raise BadInput(f"scale {scale:g}: must be a power of two, as 8, so that it rounds nothing")
    factors = {f"{layer}/{variable}": scale for layer in ENLARGED for variable in ("gamma", "beta")}
    factors |= {f"{layer}/kernel": 1 / scale for layer in REDUCED}
    return {name: array * array.dtype.type(factors.get(name, 1)) for name, array in arrays.items()}


def quantised(arrays: Mapping[str, NDArray[np.floating]]) -> dict[str, NDArray[np.generic]]:
    """Kernels as int8 (`:q`), rounded to nearest, with a float32 scale per output channel (`:s`).

    A channel's scale takes its largest weight to 127. Everything else stays as it is, as float32.
    """
    found: dict[str, NDArray[np.generic]] = {}
    for name, array in arrays.items():
        if not name.endswith("/kernel"):
            found[name] = array.astype(np.float32)
            continue
        kernel = array.astype(np.float32)  # In float16 the quotients below would be rounded twice.
        steps = np.abs(kernel).max((0, 1, 2)) / np.float32(127)
        steps[steps == 0] = 1
        found[f"{name}:q"] = np.rint(kernel / steps).astype(np.int8)
        found[f"{name}:s"] = steps
    return found


def write(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """A compressed `.npz`; the same arrays give the same bytes: names are sorted and no time is stored."""
    with replacing(path, "free space there or name another file") as stream:
        np.savez_compressed(stream, **{name: arrays[name] for name in sorted(arrays)})
