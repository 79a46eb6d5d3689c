"""The network in a file: Keras' own layers alone, and the same answers as the network that was trained."""

from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.train

keras = pytest.importorskip("keras")

from generator.backbones.registry import BACKBONES  # noqa: E402
from generator.experiment.task import task_for  # noqa: E402
from generator.training import network  # noqa: E402  # needs TensorFlow
from generator.training.batches import preprocess_input_of  # noqa: E402
from generator.training.standalone import standalone  # noqa: E402
from tests.training import shortened  # noqa: E402

SIZE = 32


def made(name: str, classes: int) -> tuple["keras.Model", network.Head, network.Layer | None]:
    """A network with random weights, its head connected, and Keras' preparation where it has a function for it.

    Nothing here asks what the layers of ResNet50 and DenseNet121 are: a short network stands for them.
    """
    keras.utils.set_random_seed(5)
    base = shortened.resnet(SIZE) if name in ("ResNet50", "DenseNet121") else network.build_base(name, SIZE)
    head = network.build_head(0.2, task_for(classes).outputs)
    head.dense.build((None, base.output_shape[-1]))
    head.dense.bias.assign(np.linspace(-0.5, 0.7, task_for(classes).outputs))
    module = BACKBONES[name].preparation.module
    return base, head, preprocess_input_of(module) if module else None


def images(count: int = 4) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)


# Keras reads its variables in a way that NumPy warns of.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
# Prepared by exchanging channels, by scaling, by layers of its own, and with a layer that Keras keeps to itself; each
# with one number of classes: what the head gives does not ask how images were prepared.
@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("ResNet50", 2),
        ("ResNet50", 3),
        ("MobileNetV2", 2),
        ("DenseNet121", 3),
        ("EfficientNetB0", 2),
        ("ConvNeXtTiny", 3),
    ],
)
def test_the_file_answers_as_the_network_that_was_trained(name: str, classes: int, tmp_path: Path) -> None:
    base, head, prepare = made(name, classes)
    trained = network.connect(base, head, [prepare] if prepare else [])
    logits = trained(images().astype(np.float32), training=False).numpy().astype(np.float64)
    standalone(base, head, prepare).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    given = loaded.predict(images(), verbose=0)
    np.testing.assert_allclose(given, task_for(classes).probabilities(logits), atol=1e-5)
    assert given.shape == (4, classes)


def test_bytes_and_floats_are_the_same_images_to_it() -> None:
    model = standalone(*made("ResNet50", 2))
    np.testing.assert_array_equal(model(images()), model(images().astype(np.float32)))


def test_batch_normalisation_keeps_its_statistics_in_any_mode() -> None:
    model = standalone(*made("ResNet50", 2))
    before = [variable.numpy() for variable in model.variables]
    inference, training = model(images(), training=False), model(images(), training=True)
    np.testing.assert_array_equal(inference, training)
    assert model.trainable_variables == []
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_what_is_shown_as_it_is_has_no_layer_before_the_base() -> None:
    base, head, _ = made("ResNet50", 2)
    names = [layer.name for layer in standalone(base, head, None).layers]
    assert names == ["images", "resnet50", "average_pooling", "classification", "probabilities"]
