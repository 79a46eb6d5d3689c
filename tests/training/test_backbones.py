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
tf = pytest.importorskip("tensorflow")

from generator.backbones import weights  # noqa: E402
from generator.backbones.backbone import Backbone  # noqa: E402
from generator.backbones.registry import BACKBONES  # noqa: E402
from generator.training import network  # noqa: E402
from generator.training.batches import preprocess_input_of  # noqa: E402
from generator.training.folding import as_convolution, fold  # noqa: E402
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


def first_trained(backbone: Backbone) -> int:
    """Index of the layer from which it is fine-tuned by default."""
    names = [layer.name for layer in backbone.layers]
    return backbone.from_layer if isinstance(backbone.from_layer, int) else names.index(backbone.from_layer)


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


@EACH
def test_the_frozen_pass_is_that_of_keras(backbone: Backbone) -> None:
    base = drawn(network.build_base(backbone.name, backbone.least_size))
    given = images(backbone.least_size)
    wanted = base(given)
    assert difference(tf.function(fold(base))(given), wanted) < 1e-4
    assert difference(tf.function(fold(base, "bfloat16"))(given), wanted) < 0.03


@EACH
def test_images_are_prepared_by_keras_function_or_by_layers_that_can_be_left_out(backbone: Backbone) -> None:
    prepared, given = backbone.preparation, images(backbone.least_size)
    base = drawn(network.build_base(backbone.name, backbone.least_size))
    if prepared.module:
        prepare = preprocess_input_of(prepared.module)
        assert difference(as_convolution(prepare)(given), prepare(given.copy())) < 1e-6
        return
    bare, names = network.unprepared(base, prepared.until), [layer.name for layer in base.layers]
    assert [layer.name for layer in bare.layers[1:]] == names[names.index(prepared.until) + 1 :]
    assert bare.name == base.name
    within = keras.Model(base.input, base.get_layer(prepared.until).output)(given)
    assert difference(fold(bare)(within), base(given)) < 1e-4
    assert np.abs(given).max() > 20 * np.abs(within).max()


@EACH
def test_the_cut_is_one_tensor_at_the_border_below_what_is_trained(backbone: Backbone) -> None:
    base = drawn(network.build_base(backbone.name, backbone.least_size))
    first, given = first_trained(backbone), images(backbone.least_size)
    cut = network.cut_point(base, first)
    lower, upper = network.below(base, cut), network.above(base, cut)
    assert difference(fold(upper)(fold(lower)(given)), base(given)) < 1e-4
    network.unfreeze(base, first)
    assert lower.trainable_variables == []
    assert upper.trainable_variables != []
    assert len(lower.operations) + len(upper.operations) == len(base.operations) + 1  # the upper's own input


class KerasInference(keras.Model):
    """The network as Keras itself computes it, with nothing of the project's."""

    def call(self, inputs: object, training: object = None, mask: object = None) -> object:
        return super().call(inputs, training=False, mask=mask)


def three_steps(model: Any, given: np.ndarray, rate: float) -> list[float]:
    """The losses of three steps of plain gradient descent on two images of two classes."""
    # With RMSprop rounding would decide on the first steps of variables whose gradients are nearly zero.
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(rate), loss=loss, jit_compile=False)
    return [float(model.train_on_batch(given, np.array([[0.0], [1.0]]))) for _ in range(3)]


@EACH
def test_three_steps_of_fine_tuning_above_the_cut_are_those_of_keras(backbone: Backbone) -> None:
    given = images(backbone.least_size)
    if backbone.preparation.module:
        given = preprocess_input_of(backbone.preparation.module)(given)
    base, head = drawn(network.build_base(backbone.name, backbone.least_size)), network.build_head(0.0)
    head.dense.build((None, backbone.features))
    # Steps of one size whatever the features' scale is.
    rate = 0.01 / float(np.abs(np.mean(base(given), axis=(1, 2))).max() ** 2)
    cut = network.cut_point(base, first_trained(backbone))
    network.unfreeze(base, first_trained(backbone))
    variables = [*base.trainable_variables, *head.dense.trainable_variables]
    start = [variable.numpy() for variable in variables]

    def steps(model: Any, through: np.ndarray) -> tuple[list[float], np.ndarray]:
        """The losses, and by how much each number of the variables moved."""
        for variable, value in zip(variables, start, strict=True):
            variable.assign(value)
        losses = three_steps(model, through, rate)
        moved = [(v.numpy() - value).ravel() for v, value in zip(variables, start, strict=True)]
        return losses, np.concatenate(moved).astype(np.float64)

    inputs = keras.Input(base.input_shape[1:])
    features = KerasInference(base.input, base.output)(inputs)
    whole = keras.Model(inputs, head.dense(head.dropout(head.pooling(features))))
    stored = np.asarray(network.below(base, cut)(given, training=False))
    wanted, moved = steps(whole, given)
    found, followed = steps(network.connect(network.above(base, cut), head), stored)
    np.testing.assert_allclose(found, wanted, rtol=1e-4)
    assert len(set(wanted)) == 3
    assert np.linalg.norm(followed - moved) < 5e-3 * np.linalg.norm(moved)
