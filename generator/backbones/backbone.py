"""What the project knows about a network that images pass first: facts alone, one file a network."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """A network of `keras.applications`, without its top."""

    name: str
    """As messages and Keras call it."""
    shapes: Mapping[str, tuple[int, ...]]
    """`<layer>/<variable>` → shape, in Keras' order. Kernels are (height, width, in, out)."""
    imagenet_file: str
    """Name of the file with its ImageNet weights, in Keras' cache and where Keras gets it."""
    imagenet_folder: str
    """Address of the folder that Keras gets it from."""
    imagenet_md5: str
    """As `keras.applications` knows it."""
    embedded: Path
    """The file of weights that comes with the project."""
    embedded_sha256: str
