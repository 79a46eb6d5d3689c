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

from benchmarks import backbones  # noqa: E402
from benchmarks.backbones import difference, frozen_pass, images, three_steps  # noqa: E402
from generator.backbones import preparation, weights  # noqa: E402
from generator.backbones.backbone import AUTO, Backbone  # noqa: E402
from generator.backbones.registry import BACKBONES  # noqa: E402
from generator.training import network  # noqa: E402
from generator.training.batches import preprocess_input_of  # noqa: E402
from generator.training.folding import as_convolution, fold  # noqa: E402
from tools import describe_backbones  # noqa: E402


@pytest.fixture(scope="module", params=BACKBONES.values(), ids=BACKBONES)
def backbone(request: pytest.FixtureRequest) -> Backbone:
    """All tests of one network run before those of the next, so that each is built once and only one is kept."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def built(backbone: Backbone) -> Any:
    # As at the start of every stage: layers that Keras names by itself are numbered from none on.
    keras.backend.clear_session()
    return backbones.drawn(backbone)


@pytest.fixture(scope="module")
def given(backbone: Backbone) -> np.ndarray:
    return images(backbone.least_size)


@pytest.fixture(scope="module")
def features(built: Any, given: np.ndarray) -> np.ndarray:
    """What Keras' own network gives for the images."""
    return np.asarray(built(given))


@pytest.fixture
def base(built: Any, features: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The network, frozen and with the numbers that `features` come from; also where the benchmark asks for one."""
    kept = built.get_weights()
    monkeypatch.setattr(backbones, "drawn", lambda backbone: built)
    yield built
    built.trainable = False
    built.set_weights(kept)
    for layer in built.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # it computes with a copy of its variables


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


def test_its_layers_are_those_that_keras_builds(backbone: Backbone, base: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="at least"):
        network.build_base(backbone.name, backbone.least_size - 1)
    monkeypatch.setattr(network, "build_base", lambda *_: base)
    assert describe_backbones.layers_of(backbone) == list(backbone.layers)


def test_imagenets_file_gives_the_network_that_keras_makes_of_it(
    backbone: Backbone, base: Any, given: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn numbers in the place of the published file; Keras asks for that by the name and hash that are known."""
    asked: list[Any] = []

    def get_file(name: str, address: str, **options: Any) -> str:
        asked.append((name, address, options.get("file_hash", "")))
        return str(path)

    size, published = backbone.least_size, backbone.imagenet
    path = tmp_path / "models" / published.file
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
    for variable in base.variables:
        variable.assign(variable * 0)  # so that what is not read is not there
    network.assign(base, weights.load_arrays(weights.resolve("imagenet", known, tmp_path, download=False)))
    assert difference(base(given), wanted(given)) < 1e-5


@pytest.mark.usefixtures("base")
def test_the_frozen_pass_is_that_of_keras(backbone: Backbone) -> None:
    passed = frozen_pass(backbone)
    assert passed["float32"] < 1e-4
    assert passed["bfloat16"] < 0.03


def test_images_are_prepared_by_keras_function_or_by_layers_that_can_be_left_out(
    backbone: Backbone, base: Any, given: np.ndarray, features: np.ndarray
) -> None:
    prepared = backbone.preparation
    if prepared.module:
        prepare = preprocess_input_of(prepared.module)
        assert difference(as_convolution(prepare)(given), prepare(given.copy())) < 1e-6
        return
    bare, names = network.unprepared(base, prepared.until), [layer.name for layer in base.layers]
    assert [layer.name for layer in bare.layers[1:]] == names[names.index(prepared.until) + 1 :]
    assert bare.name == base.name
    within = keras.Model(base.input, base.get_layer(prepared.until).output)(given)
    assert difference(fold(bare)(within), features) < 1e-4
    assert np.abs(given).max() > 20 * np.abs(within).max()
    first = backbone.first_trained(AUTO) - backbone.layers_that_prepare
    assert bare.layers[first].name == names[backbone.first_trained(AUTO)]
    cut = network.cut_point(bare, first)
    lower, upper = network.below(bare, cut), network.above(bare, cut)
    assert difference(fold(upper)(fold(lower)(within)), features) < 1e-4
    assert bare.trainable_variables == []
    network.unfreeze(bare, first)
    unfrozen = [variable.path for variable in bare.trainable_variables]
    network.unfreeze(base, backbone.first_trained(AUTO))
    assert unfrozen == [variable.path for variable in base.trainable_variables] != []


MEANS, DEVIATIONS = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
"""Of ImageNet's channels, from 0 to 1: red, green, blue."""
AS_SAID = {
    preparation.CENTRED: lambda x: x[..., ::-1] - np.array([103.939, 116.779, 123.68]),
    preparation.SCALED: lambda x: x / 127.5 - 1,
    preparation.NORMALISED: lambda x: (x / 255 - MEANS) / DEVIATIONS,
}


def test_images_are_prepared_as_is_said(backbone: Backbone, base: Any, given: np.ndarray) -> None:
    prepared = backbone.preparation
    if prepared.module:
        found = preprocess_input_of(prepared.module)(given.copy())
    else:
        if backbone.name == "EfficientNetB0":  # without its weights it divides, and no more
            keras.backend.clear_session()  # the same names again
            base = network.build_base(backbone.name, backbone.least_size)
        within = keras.Model(base.input, base.get_layer(prepared.until).output)
        if backbone.name == "EfficientNetB0":
            np.testing.assert_allclose(within(given), given / 255, atol=1e-5)
            layer = base.get_layer(prepared.until)
            layer.adapt_mean.assign(MEANS)
            layer.adapt_variance.assign(DEVIATIONS**2)
            layer.finalize_state()
        found = within(given)
    np.testing.assert_allclose(found, AS_SAID[prepared.words](given), atol=1e-3)


def test_only_networks_with_batch_normalisation_have_two_modes(
    backbone: Backbone, base: Any, given: np.ndarray, features: np.ndarray
) -> None:
    normalises = any(isinstance(layer, keras.layers.BatchNormalization) for layer in base.layers)
    base.trainable = True
    differs = difference(base(given, training=True), features) > 1e-4
    assert differs == normalises == any(name.endswith("/moving_mean") for name in backbone.shapes)


def test_the_cut_is_one_tensor_at_the_border_below_what_is_trained(
    backbone: Backbone, base: Any, given: np.ndarray, features: np.ndarray
) -> None:
    first = backbone.first_trained(AUTO)
    cut = network.cut_point(base, first)
    lower, upper = network.below(base, cut), network.above(base, cut)
    assert difference(fold(upper)(fold(lower)(given)), features) < 1e-4
    network.unfreeze(base, first)
    assert lower.trainable_variables == []
    assert upper.trainable_variables != []
    assert len(lower.operations) + len(upper.operations) == len(base.operations) + 1  # the upper's own input


@pytest.mark.usefixtures("base")
def test_three_steps_of_fine_tuning_above_the_cut_are_those_of_keras(backbone: Backbone) -> None:
    steps = three_steps(backbone)
    np.testing.assert_allclose(steps.found, steps.wanted, rtol=1e-4)
    assert len(set(steps.wanted)) == 3
    assert steps.difference < 5e-3
