"""Which weights the base starts from: found, checked, fingerprinted and read, without TensorFlow.

`resolve` turns what was asked for (`auto`, `imagenet`, `embedded`, `random` or a file) into `Weights`;
`load_arrays` reads them as NumPy arrays by layer name, whatever file they come from. The embedded file holds
int8 kernels with a scale per output channel, and is made by `tools/pretrain.py`.
"""

import difflib
import hashlib
import http.client
import io
import json
import os
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generator.errors import BadInput, encodable, printable
from generator.results import WeightsSummary

EMBEDDED = Path(__file__).parent / "embedded" / "resnet50-drawn-animals-int8.npz"
EMBEDDED_SHA256 = "386c79fc692451d7f124111679e8d5272e8232396cda83bbc6f55d5c86bb8d3d"

IMAGENET_NAME = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
IMAGENET_URL = "https://storage.googleapis.com/tensorflow/keras-applications/resnet/"
"""Where Keras gets them; the environment variable of the next line names another folder."""
IMAGENET_URL_VARIABLE = "MEASURED_POST_IMAGENET_URL"
IMAGENET_MD5 = "4d473c1dd8becc155b73f8504c6f6626"
"""As keras.applications knows it."""

NAMES = ("auto", "imagenet", "embedded", "random")
SUFFIXES = (".h5", ".keras")
"""Of weights files; `.weights.h5` ends in the first."""

CONNECT_SECONDS = 4.0
"""Longest wait for a connection, and for each piece of the file after it."""
DOWNLOAD_SECONDS = 600.0
RETRY_SECONDS = 24 * 3600.0
"""How long `auto` remembers a failed download: behind a silent firewall every build would wait again."""
MOST_BYTES = 2**30
"""Most bytes that the weights inside a `.keras` archive may unpack to; ResNet50's take 95 million."""

Array = NDArray[np.float32]
Progress = Callable[[int, int], None]
"""Called with the bytes so far and in all (0 if unknown)."""


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
        return _read_embedded(weights.path)
    with _opened(weights.path) as file:
        found = _datasets(file, by_position=weights.kind == "imagenet")
        _check_shapes(weights.path, found)
        arrays = {name: np.asarray(found[name], dtype=np.float32) for name in shapes()}
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise BadInput(f"{printable(weights.path)}: {name} holds NaN or infinity; choose another weights file")
    return arrays


@lru_cache
def shapes() -> dict[str, tuple[int, ...]]:
    """`<layer>/<variable>` → shape for ResNet50 without its top, in Keras' order."""
    found: dict[str, tuple[int, ...]] = {}

    def conv(name: str, size: int, channels: int, filters: int) -> None:
        found[f"{name}_conv/kernel"] = (size, size, channels, filters)
        found[f"{name}_conv/bias"] = (filters,)

    def norm(name: str, filters: int) -> None:
        for variable in ("gamma", "beta", "moving_mean", "moving_variance"):
            found[f"{name}_bn/{variable}"] = (filters,)

    conv("conv1", 7, 3, 64)
    norm("conv1", 64)
    channels = 64
    for stage, (filters, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), start=2):
        for block in range(1, blocks + 1):
            name = f"conv{stage}_block{block}"
            conv(f"{name}_1", 1, channels, filters)
            norm(f"{name}_1", filters)
            conv(f"{name}_2", 3, filters, filters)
            norm(f"{name}_2", filters)
            if block == 1:
                conv(f"{name}_0", 1, channels, 4 * filters)
            conv(f"{name}_3", 1, filters, 4 * filters)
            if block == 1:
                norm(f"{name}_0", 4 * filters)
            norm(f"{name}_3", 4 * filters)
            channels = 4 * filters
    return found


# ---- The choices ----------------------------------------------------------------------------------------


def _summary(requested: str, used: Any, name: str, fingerprint: str, reason: str) -> WeightsSummary:
    return WeightsSummary(requested=requested, used=used, name=name, fingerprint=fingerprint, reason=reason)


def _embedded(requested: str, reason: str = "", detail: str = "") -> Weights:
    try:
        digest = _digest(EMBEDDED, "sha256")
    except OSError as error:
        raise BadInput(
            f"{printable(EMBEDDED)}: cannot be read ({error.strerror}); restore it from the repository"
        ) from None
    _check_embedded(EMBEDDED, digest)
    return Weights(_summary(requested, "embedded", EMBEDDED.name, digest, reason), EMBEDDED, detail)


def _check_embedded(path: Path, digest: str) -> None:
    if digest != EMBEDDED_SHA256:
        raise BadInput(
            f"{printable(path)}: SHA-256 is {digest}, not {EMBEDDED_SHA256}: the file is damaged; "
            "restore it from the repository"
        )


def _imagenet(requested: str, progress: Progress | None, *, download: bool, reason: str = "") -> Weights:
    """ImageNet's weights from Keras' cache, downloaded into it if need be. Raises `BadInput`."""
    path = imagenet_path()
    fault = _fault_of_cached(path)
    if fault:
        url = imagenet_url()
        try:
            if not download:
                raise OSError("not tried")
            _fetch(url, path, progress)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise BadInput(
                f"ImageNet weights: {printable(path)} {fault}, and {url} could not be downloaded ({_phrase(error)}); "
                "put the file there, or choose --weights embedded, random or a file (.h5, .weights.h5, .keras)"
            ) from None
    return Weights(_summary(requested, "imagenet", path.name, _digest(path, "sha256"), reason), path)


def _auto(store: Path, download: bool, progress: Progress | None) -> Weights:
    memory = store / "weights" / "failed-download.json"
    failed = _remembered_failure(memory)
    try:
        return _imagenet(
            "auto", progress, download=download and failed is None, reason="ImageNet weights are in Keras' cache"
        )
    except BadInput as error:
        detail = failed or str(error)
        if download and failed is None:
            _remember_failure(memory, detail)
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
        digest = _digest(path, "sha256")
    except OSError as error:
        raise BadInput(
            f"{printable(path)}: the weights file cannot be read ({error.strerror}); "
            f"choose another, or from {', '.join(NAMES)}"
        ) from None
    checked = store / "weights" / f"checked-{digest}"
    if not checked.exists():  # Looking at every array takes most of a second; the same bytes pass again.
        with _opened(path) as file:
            _check_shapes(path, _datasets(file, by_position=False))
        checked.parent.mkdir(parents=True, exist_ok=True)
        checked.touch()
    return Weights(_summary(encodable(path.name), "file", encodable(path.name), digest, ""), path)


# ---- ImageNet: Keras' cache and the network -------------------------------------------------------------


def imagenet_path() -> Path:
    """Where Keras keeps the ImageNet weights: below `$KERAS_HOME`, else below `~/.keras`."""
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "models" / IMAGENET_NAME


def imagenet_url() -> str:
    folder = os.environ.get(IMAGENET_URL_VARIABLE) or IMAGENET_URL
    return folder.rstrip("/") + "/" + IMAGENET_NAME


def _fault_of_cached(path: Path) -> str:
    """What is wrong with the file in Keras' cache; empty if nothing."""
    try:
        digest = _digest(path, "md5")
    except FileNotFoundError:
        return "is not there"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return "" if digest == IMAGENET_MD5 else f"is not the published file (MD5 {digest}, not {IMAGENET_MD5})"


def _fetch(url: str, target: Path, progress: Progress | None) -> None:
    """Download `url` to `target`, whole or not at all, if it has the MD5 that Keras knows."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as response:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".part")
        part = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                digest = _copy(response, stream, progress)
                stream.flush()
                os.fsync(stream.fileno())
            if digest != IMAGENET_MD5:
                raise OSError(f"what came has the MD5 {digest}, not {IMAGENET_MD5}")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


def _copy(response: Any, stream: io.BufferedWriter, progress: Progress | None) -> str:
    """Copy a response to a stream and return its MD5."""
    total, done, start = int(response.headers.get("Content-Length") or 0), 0, time.monotonic()
    md5 = hashlib.md5(usedforsecurity=False)
    while piece := response.read(2**18):
        stream.write(piece)
        md5.update(piece)
        done += len(piece)
        if progress is not None:
            progress(done, total)
        if time.monotonic() - start > DOWNLOAD_SECONDS:
            raise TimeoutError(f"{done} of {total} bytes in {DOWNLOAD_SECONDS:.0f} s")
    return md5.hexdigest()


def _phrase(error: Exception) -> str:
    return " ".join(str(getattr(error, "reason", None) or error or type(error).__name__).split())


def _remembered_failure(memory: Path) -> str | None:
    """What a download of the same address failed with less than a day ago."""
    try:
        table = json.loads(memory.read_text(encoding="utf-8"))
        recent = 0 <= time.time() - table["at"] < RETRY_SECONDS
        return str(table["detail"]) if recent and table["url"] == imagenet_url() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember_failure(memory: Path, detail: str) -> None:
    table = {"url": imagenet_url(), "at": time.time(), "detail": detail}
    memory.parent.mkdir(parents=True, exist_ok=True)
    part = memory.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(table), encoding="utf-8")
    part.replace(memory)


# ---- Reading files --------------------------------------------------------------------------------------


def _digest(path: Path, algorithm: str) -> str:
    status = path.stat()
    return _digest_of(path, algorithm, status.st_size, status.st_mtime_ns)


@lru_cache
def _digest_of(path: Path, algorithm: str, size: int, modified: int) -> str:
    """Hash of a file's bytes, once per process as long as size and time of change stay."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def _read_embedded(path: Path) -> dict[str, Array]:
    data = path.read_bytes()
    _check_embedded(path, hashlib.sha256(data).hexdigest())
    return unpacked(data)


def unpacked(data: bytes) -> dict[str, Array]:
    """The float32 arrays of a file of the embedded form, the same bits on every machine.

    Such a file is an `.npz` with `<layer>/kernel:q` (int8), `<layer>/kernel:s` (float32 per output channel)
    and every other variable as float32 under its own name.
    """
    arrays: dict[str, Array] = {}
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        for name, shape in shapes().items():
            if name.endswith("/kernel"):
                # One product per element, rounded once.
                arrays[name] = file[f"{name}:q"].astype(np.float32) * file[f"{name}:s"]
            else:
                arrays[name] = file[name]
            if arrays[name].shape != shape or arrays[name].dtype != np.float32:
                raise ValueError(f"{name} is {arrays[name].dtype} {arrays[name].shape}, not float32 {shape}")
    return arrays


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The HDF5 file in `path`, or inside a `.keras` archive; whatever is wrong with it becomes `BadInput`."""
    # Imported late: a fifth of a second that only weights from a file need.
    import h5py  # type: ignore[import-untyped]

    try:
        source: Any = _inside_archive(path) if path.suffix.lower() == ".keras" else path
        with h5py.File(source, "r") as file:
            yield file
    except (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise BadInput(
            f"{printable(path)}: not a readable weights file ({_phrase(error)}); "
            "expected HDF5 (.h5, .weights.h5) or a .keras archive"
        ) from None


def _inside_archive(path: Path) -> io.BytesIO:
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("model.weights.h5")
        if entry.file_size > MOST_BYTES:
            raise ValueError(f"its weights would unpack to {entry.file_size} bytes, more than {MOST_BYTES}")
        return io.BytesIO(archive.read(entry))


def _datasets(file: Any, *, by_position: bool) -> dict[str, Any]:
    """`<layer>/<variable>` → HDF5 dataset, for the layouts of Keras 2 and Keras 3.

    `by_position` follows Keras' own reading of the ImageNet file: the n-th layer with weights is the n-th
    of the network, whatever it is called.
    """
    if by_position:
        layers = [file[_text(name)] for name in file.attrs["layer_names"]]
        stored = [group[_text(name)] for group in layers for name in group.attrs["weight_names"]]
        return dict(zip(shapes(), stored, strict=False))
    found: dict[str, Any] = {}

    def visit(path: str, node: Any) -> None:
        if "weight_names" in node.attrs:  # Keras 2: <group>/<layer>/<variable>:0
            for name in map(_text, node.attrs["weight_names"]):
                layer, variable = name.rsplit("/", 2)[-2:] if "/" in name else (path, name)
                found.setdefault(f"{layer}/{variable.removesuffix(':0')}", node[name])
        elif path.endswith("/vars") and "name" in node.attrs:  # Keras 3: …/vars/0, …/vars/1 in build order
            layer = _text(node.attrs["name"])
            for number, variable in enumerate(_variables(layer)):
                if str(number) in node:
                    found.setdefault(f"{layer}/{variable}", node[str(number)])

    file.visititems(visit)
    return found


def _variables(layer: str) -> list[str]:
    return [name.split("/")[1] for name in shapes() if name.split("/")[0] == layer]


def _text(name: Any) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def _check_shapes(path: Path, found: dict[str, Any]) -> None:
    wanted = shapes()
    missing = [name for name in wanted if name not in found]
    if missing:
        raise BadInput(
            f"{printable(path)}: not the weights of ResNet50 without its top: {missing[0]} is missing "
            f"({len(missing)} of {len(wanted)} arrays)"
        )
    for name, shape in wanted.items():
        if found[name].shape != shape or found[name].dtype.kind != "f":
            raise BadInput(
                f"{printable(path)}: {name} is {found[name].dtype} {found[name].shape}, not floats of shape {shape} "
                "as in ResNet50 without its top"
            )
