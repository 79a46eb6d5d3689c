"""Which weights a base starts from: found, checked, fingerprinted and read, without TensorFlow.

`resolve` turns what was asked for (`auto`, `imagenet`, `embedded`, `random` or a file) into a network's `Weights`;
`load_arrays` reads them as NumPy arrays by layer name, whatever file they come from. The embedded file holds
int8 kernels with a scale per output channel, and is made by `tools/embedded_form.py`.
"""

import difflib
import http.client
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from generator.backbones import downloads, weight_files
from generator.backbones.backbone import Backbone
from generator.backbones.downloads import Progress
from generator.backbones.weight_files import SUFFIXES, Array, phrase
from generator.backbones.weights_summary import WeightsSummary
from generator.support import places
from generator.support.errors import BadInput, printable
from generator.support.files import known_hash

NAMES = ("auto", "imagenet", "embedded", "random")


@dataclass(frozen=True)
class Weights:
    """The base's initial weights, chosen and checked, not yet read."""

    summary: WeightsSummary
    path: Path | None
    """None for random weights."""
    backbone: Backbone = field(compare=False)
    """The network they are of; a file is of one network alone."""
    detail: str = ""
    """For the terminal only: why a download failed. Differs between machines, so it is no result."""

    @property
    def kind(self) -> str:
        return self.summary.used


def resolve(
    requested: str, backbone: Backbone, store: Path, *, download: bool = True, progress: Progress | None = None
) -> Weights:
    """Choose the weights of a network and fingerprint them; `store` remembers a failed download.

    Without `download` the network is left alone. Raises `BadInput` for an unknown name, a file that does not
    hold the weights of this network, a damaged embedded file, and weights that cannot be had.
    """
    if requested == "random":
        return Weights(_summary("random", "random", "", "random", ""), None, backbone)
    if requested == "embedded":
        return _embedded(requested, backbone)
    if requested == "imagenet":
        return _imagenet(requested, backbone, progress if download else None, download=download)
    if requested == "auto":
        return _auto(backbone, store, download, progress)
    return _file(requested, backbone, store)


def load_arrays(weights: Weights) -> dict[str, Array]:
    """Every weight of the base as `<layer>/<variable>` → float32 array, in Keras' layer names and order.

    Kernels are (height, width, in, out). Raises `BadInput` if the file is damaged or holds NaN or infinity,
    `ValueError` for random weights, which are not in a file.
    """
    backbone = weights.backbone
    if weights.path is None:
        raise ValueError("random weights are not read but drawn by Keras")
    if weights.kind == "embedded" and backbone.embedded:
        return weight_files.read_embedded(backbone.embedded, backbone)
    published = weights.kind == "imagenet"
    arrays = weight_files.read(weights.path, backbone, by_position=published)
    for name, factors in backbone.imagenet.factors.items() if published else ():
        arrays[name] = arrays[name] * np.asarray(factors, np.float32)
    return arrays


def _summary(requested: str, used: Any, name: str, fingerprint: str, reason: str) -> WeightsSummary:
    return WeightsSummary(requested=requested, used=used, name=name, fingerprint=fingerprint, reason=reason)


def _embedded(requested: str, backbone: Backbone, reason: str = "", detail: str = "") -> Weights:
    found = backbone.embedded
    if found is None:
        choice = f"imagenet, {_choices(backbone)}"
        raise BadInput(f"no weights of {backbone.name} come with the project; choose --weights {choice}")
    try:
        digest = known_hash(found.path)
    except OSError as error:
        raise BadInput(
            f"{printable(found.path)}: cannot be read ({error.strerror}); restore it from the repository"
        ) from None
    weight_files.check_embedded(found, digest)
    summary = _summary(requested, "embedded", found.path.name, digest, reason)
    return Weights(summary, found.path, backbone, detail)


def _imagenet(
    requested: str, backbone: Backbone, progress: Progress | None, *, download: bool, reason: str = ""
) -> Weights:
    """ImageNet's weights from Keras' cache, downloaded into it if need be. Raises `BadInput`."""
    path, fault = downloads.cached_path(backbone), downloads.fault_of_cached(backbone)
    if fault:
        try:
            if not download:
                raise OSError("not tried")
            downloads.fetch(backbone, progress)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise BadInput(
                f"ImageNet weights: {printable(path)} {fault}, and {downloads.address(backbone)} could not be "
                f"downloaded ({phrase(error)}); put the file there, or choose --weights {_choices(backbone)}"
            ) from None
    return Weights(_summary(requested, "imagenet", path.name, known_hash(path), reason), path, backbone)


def _choices(backbone: Backbone) -> str:
    """What may be chosen where neither the network nor a cache has ImageNet's weights."""
    return f"{'embedded, ' if backbone.embedded else ''}random or a file (.h5, .weights.h5, .keras)"


def _auto(backbone: Backbone, store: Path, download: bool, progress: Progress | None) -> Weights:
    memory = store / "weights" / f"failed-download-{backbone.name}.json"
    failed = downloads.remembered_failure(backbone, memory)
    try:
        return _imagenet(
            "auto",
            backbone,
            progress,
            download=download and failed is None,
            reason="ImageNet weights are in Keras' cache",
        )
    except BadInput as error:
        detail = failed or str(error)
        if download and failed is None:
            downloads.remember_failure(backbone, memory, detail)
        if backbone.embedded is None:
            raise BadInput(
                f"no weights of {backbone.name} come with the project, and no others are here: {detail}"
            ) from None
    reason = "ImageNet's weights are not in Keras' cache and could not be downloaded"
    return _embedded("auto", backbone, reason, detail)


def _file(requested: str, backbone: Backbone, store: Path) -> Weights:
    path = places.expanded(requested, "weights")
    if path.suffix.lower() not in SUFFIXES:
        close = difflib.get_close_matches(requested, NAMES, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise BadInput(
            f"unknown weights {requested!r}; {hint}choose from {', '.join(NAMES)} or a file (.h5, .weights.h5, .keras)"
        )
    try:
        digest, published = known_hash(path), _is_published(path, backbone)
    except OSError as error:
        raise BadInput(
            f"{printable(path)}: the weights file cannot be read ({error.strerror}); "
            f"choose another, or from {', '.join(NAMES)}"
        ) from None
    if published:  # whatever it is called: read as Keras reads it
        return Weights(_summary(path.name, "imagenet", path.name, digest, ""), path, backbone)
    checked = store / "weights" / f"checked-{backbone.name}-{digest}"
    if not checked.exists():  # Looking at every array takes most of a second; the same bytes pass again.
        weight_files.check(path, backbone)
        checked.parent.mkdir(parents=True, exist_ok=True)
        checked.touch()
    return Weights(_summary(path.name, "file", path.name, digest, ""), path, backbone)


def _is_published(path: Path, backbone: Backbone) -> bool:
    """Whether the file is the one that Keras distributes, as far as Keras knows its hash."""
    known = backbone.imagenet
    return bool(known.algorithm) and known_hash(path, known.algorithm) == known.digest
