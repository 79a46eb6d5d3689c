"""The layers of each network in Keras' order, with the shapes of their arrays: read from a file, without TensorFlow.

One file a network in `layers/`, one line a layer, tabs between:

    conv1_conv	conv1_conv/kernel 7 7 3 64	conv1_conv/bias 64

`tools/describe_backbones.py` writes them from Keras' own, and `tests/training/test_backbones.py` holds them to it.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

Shape = tuple[int, ...]

FOLDER = Path(__file__).parent / "layers"


@dataclass(frozen=True)
class Layer:
    """One layer of a network, as Keras counts them."""

    name: str
    arrays: Mapping[str, Shape]
    """`<layer>/<variable>` → shape, in Keras' order; of a layer made of layers, under the names of these."""

    @property
    def parameters(self) -> int:
        """Numbers in its arrays."""
        return sum(map(math.prod, self.arrays.values()))


def path_of(network: str) -> Path:
    return FOLDER / f"{network}.txt"


@cache
def read(network: str) -> tuple[Layer, ...]:
    """The layers of a network by its name."""
    return tuple(map(_layer, path_of(network).read_text("utf-8").splitlines()))


@cache
def shapes(network: str) -> Mapping[str, Shape]:
    """`<layer>/<variable>` → shape of every array of a network, in Keras' order."""
    return {name: shape for layer in read(network) for name, shape in layer.arrays.items()}


@cache
def digest(network: str) -> str:
    """SHA-256 of its layers and their shapes."""
    return hashlib.sha256("\n".join(map(_line, read(network))).encode()).hexdigest()


def write(network: str, layers: Iterable[Layer]) -> None:
    """The inverse of `read`."""
    path_of(network).write_text("".join(f"{_line(layer)}\n" for layer in layers), "utf-8")


def _layer(line: str) -> Layer:
    name, *arrays = line.split("\t")
    fields = [array.split(" ") for array in arrays]
    return Layer(name, {array: tuple(map(int, shape)) for array, *shape in fields})


def _line(layer: Layer) -> str:
    arrays = [" ".join([name, *map(str, shape)]) for name, shape in layer.arrays.items()]
    return "\t".join([layer.name, *arrays])
