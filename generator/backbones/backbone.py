"""What the project knows about a network that images pass first: facts alone, one file a network.

A file holds one `Backbone`; `registry` lists them. How to add one is told in docs/backbones.md.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from generator.backbones import layers
from generator.backbones.layers import Layer, Shape

AUTO = "auto"
"""Where fine-tuning begins as the facts of a network say."""


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """What an image's numbers, 0 to 255, become before the first convolution sees them."""

    words: str
    """In sentences about the preparation, which begin with *It*."""
    module: str = ""
    """Module of `keras.applications` whose `preprocess_input` does it; empty where the network does it by itself."""
    until: str = ""
    """There the last of its layers that do it."""


@dataclass(frozen=True, kw_only=True)
class ImageNet:
    """The file with the weights that Keras distributes, without the top."""

    file: str
    """Its name, in Keras' cache and where Keras gets it."""
    folder: str
    """Address of the folder that Keras gets it from."""
    digest: str
    """As `keras.applications` knows it: MD5 or SHA-256. Empty where Keras knows none."""
    factors: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """`<layer>/<variable>` → what its numbers are multiplied by."""

    @property
    def algorithm(self) -> str:
        """That of the digest, as hashlib calls it; empty where there is none."""
        return {0: "", 32: "md5", 64: "sha256"}[len(self.digest)]


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """A file of weights that comes with the project."""

    path: Path
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Paper:
    """Where the network was published."""

    title: str
    authors: str
    """As a sentence names them: both of two, of more the first *and others*."""
    year: int
    """In which it was first made public."""
    address: str


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """A network of `keras.applications`, without its top."""

    name: str
    """As Keras, settings and messages call it."""
    kind: str
    """What it is, in a phrase that may follow its name and a comma."""
    about: str
    """What it is, in sentences; a post says these where it says what its networks are."""
    paper: Paper
    least_size: int
    """Side of the smallest images that it takes, pixels."""
    usual_size: int
    """Side of the images that it was designed for, pixels: what Keras builds it for where nothing else is said."""
    top: str = "the layer that named the classes it was trained on"
    """What it has behind its features, left out here: in a phrase."""
    features: int
    """Channels of its output: numbers that an image becomes."""
    output: str
    """What these are, in a phrase: *the features are …*."""
    from_layer: int | str
    """Where fine-tuning begins unless the settings say so: index or name of the first layer that it trains."""
    begins: str
    """Where among its parts that layer lies, in a phrase: *that is …*."""
    preparation: Preparation
    imagenet: ImageNet
    embedded: Embedded | None = None

    @property
    def key(self) -> dict[str, object]:
        """What of the facts decides about what is computed, as it may stand in a stage's key."""
        factors = {name: list(each) for name, each in self.imagenet.factors.items()}
        prepared = [self.preparation.module, self.preparation.until]
        return {"name": self.name, "prepared": prepared, "factors": factors, "layers": layers.digest(self.name)}

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In Keras' order, in which `fine_tuning.from_layer` counts."""
        return layers.read(self.name)

    def first_trained(self, from_layer: int | str) -> int:
        """Index of the layer that `from_layer` means: an index, a name, or `auto` for `self.from_layer`.

        Raises `ValueError` that says what there is.
        """
        wanted = self.from_layer if from_layer == AUTO else from_layer
        names = [layer.name for layer in self.layers]
        if wanted in names:
            return names.index(str(wanted))
        if isinstance(wanted, int) and 0 <= wanted < len(names):
            return wanted
        close = difflib.get_close_matches(str(wanted), names, n=3)
        hint = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
        raise ValueError(
            f"{self.name} has no such layer; {hint}choose an index from 0 to {len(names) - 1}, a name, or {AUTO} for "
            f"{self.from_layer}; build.py backbones {self.name} lists its layers"
        )

    @property
    def layers_that_prepare(self) -> int:
        """How many of its layers behind the input prepare images."""
        names = [layer.name for layer in self.layers]
        return names.index(self.preparation.until) if self.preparation.until else 0

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """`<layer>/<variable>` → shape, in Keras' order. Kernels are (height, width, in, out)."""
        return layers.shapes(self.name)

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)
