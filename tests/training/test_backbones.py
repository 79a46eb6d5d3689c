"""Every network as Keras builds it, and what the project makes of it: the same numbers."""

import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.train

keras = pytest.importorskip("keras")

from generator.backbones import weights  # noqa: E402
from generator.backbones.backbone import Backbone  # noqa: E402
from generator.backbones.registry import BACKBONES  # noqa: E402
from generator.training import network  # noqa: E402
from tools import describe_backbones  # noqa: E402

EACH = pytest.mark.parametrize("backbone", BACKBONES.values(), ids=BACKBONES)


@pytest.fixture(autouse=True)
def names_from_the_start() -> Iterator[None]:
    """As at the start of every stage: layers that Keras names by itself are numbered from none on."""
    keras.backend.clear_session()
    yield
    keras.backend.clear_session()


def drawn(model: Any, seed: int = 0) -> Any:
    """`model` with values of its variables of which none is neutral, as training would leave them."""
    draw = np.random.default_rng(seed)
    for layer in model.layers:
        for name, variable in network.variables_of(layer).items():
            shape, kind = tuple(variable.shape), name.rpartition("/")[2]
            if kind in ("gamma", "moving_variance", "variance", "variable"):
                variable.assign(draw.uniform(0.5, 1.5, shape))
            elif kind in ("beta", "moving_mean", "bias", "mean"):
                variable.assign(draw.normal(0, 0.3, shape))
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()
    return model


def images(size: int, count: int = 2) -> np.ndarray:
    return np.random.default_rng(2).uniform(0, 255, (count, size, size, 3)).astype(np.float32)


def difference(found: Any, wanted: Any) -> float:
    """The largest, relative to the largest value."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape
    assert np.isfinite(wanted).all()
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def write_published(path: Path, base: Any) -> None:
    """A file of the layout in which Keras distributes weights: one group a layer, in order, names in attributes."""
    h5py = pytest.importorskip("h5py")
    path.parent.mkdir(parents=True)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in base.layers]
        for layer in base.layers:
            group, found = file.create_group(layer.name), network.variables_of(layer)
            group.attrs["weight_names"] = [name.encode() for name in found] or np.array([], "S1")
            for name, variable in found.items():
                group.create_dataset(name, data=variable.numpy())


@EACH
def test_its_layers_are_those_that_keras_builds(backbone: Backbone) -> None:
    assert describe_backbones.layers_of(backbone) == list(backbone.layers)
    with pytest.raises(ValueError, match="at least"):
        network.build_base(backbone.name, backbone.least_size - 1)


@EACH
def test_imagenets_file_gives_the_network_that_keras_makes_of_it(
    backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn numbers in the place of the published file; Keras asks for that by the name and hash that are known."""
    asked: list[Any] = []

    def get_file(name: str, address: str, **options: Any) -> str:
        asked.append((name, address, options.get("file_hash", "")))
        return str(path)

    size, published = backbone.least_size, backbone.imagenet
    path = tmp_path / "models" / published.file
    base = drawn(network.build_base(backbone.name, size))
    assert base.output.shape[-1] == backbone.features
    write_published(path, base)
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    make = getattr(keras.applications, backbone.name)
    with warnings.catch_warnings(action="ignore"):  # MobileNets say that the file is of another image size
        wanted = make(weights="imagenet", include_top=False, input_shape=(size, size, 3))
    assert asked == [(published.file, published.folder + published.file, published.digest)]
    md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    known = replace(backbone, imagenet=replace(published, digest=md5))
    network.assign(base, weights.load_arrays(weights.resolve("imagenet", known, tmp_path, download=False)))
    assert difference(base(images(size)), wanted(images(size))) < 1e-5
