"""The recipe in PyTorch computes what Keras computes; skipped where PyTorch, no dependency of the project, is not."""

import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from benchmarks import plain_torch  # noqa: E402
from benchmarks.backbones import difference  # noqa: E402
from generator.backbones import weights  # noqa: E402
from generator.backbones.resnet50 import RESNET50  # noqa: E402
from tests.factories import make_config  # noqa: E402
from tests.test_benchmarks_peers import SIZE, pictures  # noqa: E402
from tools import photo_network  # noqa: E402


def images(count: int = 2) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)


def as_torch(pixels: np.ndarray) -> "torch.Tensor":
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """The embedded weights, but with biases, which ImageNet's have and the embedded ones do not."""
    found = weights.load_arrays(weights.resolve("embedded", RESNET50, tmp_path_factory.mktemp("store")))
    draw = np.random.default_rng(1)
    return found | {
        name: draw.normal(0, 0.05, value.shape).astype(np.float32)
        for name, value in found.items()
        if name.endswith("_conv/bias")
    }


@pytest.mark.train
@pytest.mark.parametrize("preprocess", [True, False])
def test_features_are_those_of_keras(arrays: dict[str, np.ndarray], preprocess: bool) -> None:
    keras = pytest.importorskip("keras")
    base = keras.applications.ResNet50(weights=None, include_top=False, input_shape=(SIZE, SIZE, 3), pooling="avg")
    for layer in base.layers:
        layer.set_weights([arrays[f"{layer.name}/{variable.name}"] for variable in layer.weights])
    pixels = images().astype(np.float32)
    wanted = base(keras.applications.resnet50.preprocess_input(pixels.copy()) if preprocess else pixels, training=False)

    network = plain_torch.Classifier(make_config("baseline").baseline.recipe.model)
    photo_network.load(network.base, arrays)
    network.to(memory_format=torch.channels_last)
    given = as_torch(images()).float()
    with torch.inference_mode():
        found = network.base.eval().pooled(photo_network.prepared(given) if preprocess else given)
    assert difference(found.numpy(), wanted) < 1e-4


@pytest.mark.train
def test_images_are_mirrored_and_turned_as_keras_does_it() -> None:
    keras = pytest.importorskip("keras")
    pixels = images(2).astype(np.float32)
    angles, mirrors = torch.tensor([0.6, -1.1]), torch.tensor([1.0, -1.0])
    found = plain_torch.turned(as_torch(pixels), angles, mirrors).permute(0, 2, 3, 1).numpy()
    flipped = np.where(mirrors.numpy()[:, None, None, None] < 0, pixels[:, :, ::-1], pixels)
    for got, image, angle in zip(found, flipped, angles.numpy(), strict=True):
        layer = keras.layers.RandomRotation((angle / (2 * math.pi), angle / (2 * math.pi)))
        wanted = np.asarray(layer(image[None], training=True))[0]
        # Rounding of the place decides which pixels are mixed, in noise of 0 to 255.
        np.testing.assert_allclose(got, wanted, atol=0.1)


def test_images_that_are_not_turned_stay_as_they_are() -> None:
    pixels = as_torch(images().astype(np.float32))
    np.testing.assert_allclose(plain_torch.turned(pixels, torch.zeros(2), torch.ones(2)), pixels, atol=0.05)
    mirrored = plain_torch.turned(pixels, torch.zeros(2), -torch.ones(2))
    np.testing.assert_allclose(mirrored, pixels.flip(3), atol=0.05)


@pytest.mark.train
@pytest.mark.parametrize(("name", "least", "most"), [("rmsprop", -6, 1e-5), ("sgd", -6, 1e-5), ("adam", -2, 1e-3)])
def test_optimizers_step_as_those_of_keras(name: str, least: float, most: float) -> None:
    """With gradients from 10 to the power of `least` on: Adam's of the smallest differ in its first steps."""
    keras = pytest.importorskip("keras")
    draw, rate = np.random.default_rng(0), 0.01
    sizes = 10.0 ** draw.uniform(least, 0, (4, 40))
    gradients = (draw.choice([-1, 1], (4, 40)) * sizes).astype(np.float32)
    value, variable = torch.nn.Parameter(torch.zeros(40)), keras.Variable(np.zeros(40, np.float32))
    theirs = plain_torch.OPTIMIZERS[name]([value], rate)
    ours = {"rmsprop": keras.optimizers.RMSprop, "sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}[name](rate)
    for gradient in gradients:
        value.grad = torch.from_numpy(gradient.copy())
        theirs.step()
        ours.apply_gradients([(keras.ops.convert_to_tensor(gradient), variable)])
    wanted = np.asarray(variable)
    assert np.abs(value.detach().numpy() - wanted).max() <= most * np.abs(wanted).max()


def test_what_is_trained_begins_where_it_begins_in_keras() -> None:
    network = plain_torch.Classifier(make_config("baseline").baseline.recipe.model)
    network.train_from(100)
    trained = sum(value.numel() for value in network.parameters() if value.requires_grad)
    assert trained == 19_454_977
    network.train_from(len(RESNET50.layers))
    assert sum(value.numel() for value in network.parameters() if value.requires_grad) == 2049


def test_training_leaves_the_statistics_of_batch_normalisation_alone() -> None:
    network = plain_torch.Classifier(make_config("baseline").baseline.recipe.model).train()
    assert network.dropout.training
    before = network.base.parts["conv1_bn"].running_mean.clone()
    network(as_torch(images()))
    assert torch.equal(network.base.parts["conv1_bn"].running_mean, before)


@pytest.mark.train
def test_the_recipe_trains_the_baseline_and_an_augmented_variant(tmp_path: Path) -> None:
    settings = pictures(tmp_path / "pets", train=6, test=2)
    for variant in settings.variants:
        found = plain_torch.run(variant.recipe, settings, tmp_path)
        assert found["seconds"].keys() == {"start", "head", "fine_tuning", "evaluation"}
        for phase in ("head", "fine_tuning"):
            assert found[phase].keys() == {"loss", "accuracy", "val_loss", "val_accuracy"}
        assert np.isfinite(found["test"]["loss"])
