"""Reads weights files as arrays by layer name: HDF5 of Keras 2 and 3, `.keras` archives, and the embedded form."""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generator.backbones.backbone import Backbone, Embedded
from generator.support.errors import BadInput, printable

SUFFIXES = (".h5", ".keras")
"""Of weights files; `.weights.h5` ends in the first."""

MOST_BYTES = 2**30
"""Most bytes that the weights inside a `.keras` archive may unpack to; ResNet101's take 171 million."""

RENAMED = {"depthwise_kernel": "kernel"}
"""Variable of a layer in Keras 2 → in Keras 3."""

Array = NDArray[np.float32]


def read_embedded(embedded: Embedded, backbone: Backbone) -> dict[str, Array]:
    """The arrays of the file that comes with the project. Raises `BadInput` if it is damaged."""
    data = embedded.path.read_bytes()
    check_embedded(embedded, hashlib.sha256(data).hexdigest())
    return unpacked(data, backbone)


def check_embedded(embedded: Embedded, digest: str) -> None:
    """Raise `BadInput` unless `digest`, the SHA-256 of the file, is that of the file as it was made."""
    if digest != embedded.sha256:
        raise BadInput(
            f"{printable(embedded.path)}: SHA-256 is {digest}, not {embedded.sha256}: the file is damaged; "
            "restore it from the repository"
        )


def check(path: Path, backbone: Backbone, *, by_position: bool = False) -> None:
    """Raise `BadInput` unless the file holds every array of the backbone, in its shape; reads none of them."""
    with _opened(path) as file:
        _check_shapes(path, _found(file, backbone, by_position=by_position), backbone)


def read(path: Path, backbone: Backbone, *, by_position: bool = False) -> dict[str, Array]:
    """Every array of the backbone. Raises `BadInput`, also for NaN or infinity.

    `by_position` follows Keras' own reading of the ImageNet file: the n-th layer with weights is the n-th
    of the network, whatever it is called.
    """
    with _opened(path) as file:
        found = _found(file, backbone, by_position=by_position)
        _check_shapes(path, found, backbone)
        arrays = {name: np.asarray(found[name], dtype=np.float32) for name in backbone.shapes}
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise BadInput(f"{printable(path)}: {name} holds NaN or infinity; choose another weights file")
    return arrays


def unpacked(data: bytes, backbone: Backbone) -> dict[str, Array]:
    """The float32 arrays of a file of the embedded form, the same bits on every machine.

    Such a file is an `.npz` with `<layer>/kernel:q` (int8), `<layer>/kernel:s` (float32 per output channel)
    and every other variable as float32 under its own name.
    """
    arrays: dict[str, Array] = {}
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        for name, shape in backbone.shapes.items():
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
    except (OSError, EOFError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise BadInput(
            f"{printable(path)}: not a readable weights file ({phrase(error)}); "
            "expected HDF5 (.h5, .weights.h5) or a .keras archive"
        ) from None


def _inside_archive(path: Path) -> io.BytesIO:
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("model.weights.h5")
        if entry.file_size > MOST_BYTES:
            raise ValueError(f"its weights would unpack to {entry.file_size} bytes, more than {MOST_BYTES}")
        return io.BytesIO(archive.read(entry))


def _found(file: Any, backbone: Backbone, *, by_position: bool) -> dict[str, Any]:
    return _by_position(file, backbone) if by_position else _datasets(file, backbone)


def _by_position(file: Any, backbone: Backbone) -> dict[str, Any]:
    layers = [file[_text(name)] for name in file.attrs["layer_names"]]
    stored = [group[_text(name)] for group in layers for name in group.attrs["weight_names"]]
    return dict(zip(backbone.shapes, stored, strict=False))


def _datasets(file: Any, backbone: Backbone) -> dict[str, Any]:
    """`<layer>/<variable>` → HDF5 dataset, for the layouts of Keras 2 and Keras 3."""
    found: dict[str, Any] = {}

    def visit(path: str, node: Any) -> None:
        if "weight_names" in node.attrs:  # Keras 2: <group>/<layer>/<variable>:0
            for name in map(_text, node.attrs["weight_names"]):
                layer, variable = name.rsplit("/", 2)[-2:] if "/" in name else (path, name)
                variable = variable.removesuffix(":0")
                if f"{layer}/{variable}" not in backbone.shapes:
                    variable = RENAMED.get(variable, variable)
                found.setdefault(f"{layer}/{variable}", node[name])
        elif path.endswith("/vars") and "name" in node.attrs:  # Keras 3: …/vars/0, …/vars/1 in build order
            layer = _text(node.attrs["name"])
            for number, variable in enumerate(_variables(layer, backbone)):
                if str(number) in node:
                    found.setdefault(f"{layer}/{variable}", node[str(number)])

    file.visititems(visit)
    return found


def _variables(layer: str, backbone: Backbone) -> list[str]:
    return [name.split("/")[1] for name in backbone.shapes if name.split("/")[0] == layer]


def _text(name: Any) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def _check_shapes(path: Path, found: dict[str, Any], backbone: Backbone) -> None:
    wanted = backbone.shapes
    missing = [name for name in wanted if name not in found]
    if missing:
        raise BadInput(
            f"{printable(path)}: not the weights of {backbone.name} without its top: {missing[0]} is missing "
            f"({len(missing)} of {len(wanted)} arrays)"
        )
    for name, shape in wanted.items():
        kinds = "f" if shape else "fiu"  # a lone number counts something
        if found[name].shape != shape or found[name].dtype.kind not in kinds:
            raise BadInput(
                f"{printable(path)}: {name} is {found[name].dtype} {found[name].shape}, not floats of shape {shape} "
                f"as in {backbone.name} without its top"
            )


def phrase(error: Exception) -> str:
    """What an error of a library says, on one line."""
    return " ".join(str(getattr(error, "reason", None) or error or type(error).__name__).split())
