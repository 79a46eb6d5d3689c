"""Which weights the base starts from: found, checked, fingerprinted and read, without TensorFlow.

`resolve` turns what was asked for (`auto`, `imagenet`, `embedded`, `random` or a file) into `Weights`;
`load_arrays` reads them as NumPy arrays by layer name, whatever file they come from. The embedded file holds
int8 kernels with a scale per output channel, and is made by `tools/embedded_form.py`.
"""

import difflib
import http.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.backbones import downloads, weight_files
from generator.backbones.downloads import Progress
from generator.backbones.resnet50 import RESNET50
from generator.backbones.weight_files import SUFFIXES, Array, phrase
from generator.experiment.results import WeightsSummary
from generator.support.errors import BadInput, printable
from generator.support.files import known_hash

NAMES = ("auto", "imagenet", "embedded", "random")


@dataclass(frozen=True)
class Weights:
    """The base's initial weights, chosen and checked, not yet read."""

    summary: WeightsSummary
    path: Path | None
    """None for random weights."""
    detail: str = ""
    """For the terminal only: why a download failed. Differs between machines, so it is no result."""

    @property
    def kind(self) -> str:
        return self.summary.used


def resolve(requested: str, store: Path, *, download: bool = True, progress: Progress | None = None) -> Weights:
    """Choose the weights and fingerprint them; `store` remembers a failed download.

    Without `download` the network is left alone. Raises `BadInput` for an unknown name, a file that does not
    hold ResNet50's weights, a damaged embedded file, and ImageNet weights that cannot be had.
    """
    if requested == "random":
        return Weights(_summary("random", "random", "", "random", ""), None)
    if requested == "embedded":
        return _embedded(requested)
    if requested == "imagenet":
        return _imagenet(requested, progress if download else None, download=download)
    if requested == "auto":
        return _auto(store, download, progress)
    return _file(requested, store)


def load_arrays(weights: Weights) -> dict[str, Array]:
    """Every weight of the base as `<layer>/<variable>` → float32 array, in Keras' layer names and order.

    Kernels are (height, width, in, out). Raises `BadInput` if the file is damaged or holds NaN or infinity,
    `ValueError` for random weights, which are not in a file.
    """
    if weights.path is None:
        raise ValueError("random weights are not read but drawn by Keras")
    if weights.kind == "embedded":
        return weight_files.read_embedded(weights.path, RESNET50)
    return weight_files.read(weights.path, RESNET50, by_position=weights.kind == "imagenet")


def _summary(requested: str, used: Any, name: str, fingerprint: str, reason: str) -> WeightsSummary:
    return WeightsSummary(requested=requested, used=used, name=name, fingerprint=fingerprint, reason=reason)


def _embedded(requested: str, reason: str = "", detail: str = "") -> Weights:
    path = RESNET50.embedded
    try:
        digest = known_hash(path)
    except OSError as error:
        raise BadInput(
            f"{printable(path)}: cannot be read ({error.strerror}); restore it from the repository"
        ) from None
    weight_files.check_embedded(path, RESNET50, digest)
    return Weights(_summary(requested, "embedded", path.name, digest, reason), path, detail)


def _imagenet(requested: str, progress: Progress | None, *, download: bool, reason: str = "") -> Weights:
    """ImageNet's weights from Keras' cache, downloaded into it if need be. Raises `BadInput`."""
    path, fault = downloads.cached_path(RESNET50), downloads.fault_of_cached(RESNET50)
    if fault:
        try:
            if not download:
                raise OSError("not tried")
            downloads.fetch(RESNET50, progress)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise BadInput(
                f"ImageNet weights: {printable(path)} {fault}, and {downloads.address(RESNET50)} could not be "
                f"downloaded ({phrase(error)}); put the file there, or choose --weights embedded, random or a file "
                "(.h5, .weights.h5, .keras)"
            ) from None
    return Weights(_summary(requested, "imagenet", path.name, known_hash(path), reason), path)


def _auto(store: Path, download: bool, progress: Progress | None) -> Weights:
    memory = store / "weights" / "failed-download.json"
    failed = downloads.remembered_failure(RESNET50, memory)
    try:
        return _imagenet(
            "auto", progress, download=download and failed is None, reason="ImageNet weights are in Keras' cache"
        )
    except BadInput as error:
        detail = failed or str(error)
        if download and failed is None:
            downloads.remember_failure(RESNET50, memory, detail)
    reason = "ImageNet weights are neither in Keras' cache nor could they be downloaded"
    return _embedded("auto", reason, detail)


def _file(requested: str, store: Path) -> Weights:
    path = Path(requested).expanduser()
    if path.suffix.lower() not in SUFFIXES:
        close = difflib.get_close_matches(requested, NAMES, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise BadInput(
            f"unknown weights {requested!r}; {hint}choose from {', '.join(NAMES)} or a file (.h5, .weights.h5, .keras)"
        )
    try:
        digest = known_hash(path)
    except OSError as error:
        raise BadInput(
            f"{printable(path)}: the weights file cannot be read ({error.strerror}); "
            f"choose another, or from {', '.join(NAMES)}"
        ) from None
    checked = store / "weights" / f"checked-{digest}"
    if not checked.exists():  # Looking at every array takes most of a second; the same bytes pass again.
        weight_files.check(path, RESNET50)
        checked.parent.mkdir(parents=True, exist_ok=True)
        checked.touch()
    return Weights(_summary(path.name, "file", path.name, digest, ""), path)
