"""Class activation maps are exact: their mean and the bias are the logit, of every image and every class."""

import numpy as np
import pytest

pytestmark = pytest.mark.train

keras = pytest.importorskip("keras")

from generator.support.hardware import Precision  # noqa: E402
from generator.training import network, scoring  # noqa: E402  # needs TensorFlow
from generator.training.activation_maps import activation_maps  # noqa: E402
from generator.training.batches import batches  # noqa: E402
from tests.training import shortened  # noqa: E402

SIZE, IMAGES, BATCH = 64, 5, 2
FIRST = 43
"""The first layer of the last group, which is trained."""


def made(outputs: int, precision: Precision) -> tuple["keras.Model", network.Head]:
    """A network with random weights, as fine-tuning leaves one: cut, with a head that has a bias."""
    keras.utils.set_random_seed(3)
    base = shortened.resnet(SIZE)
    network.unfreeze(base, FIRST)
    above = network.above(base, network.cut_point(base, FIRST))
    head = network.build_head(0.5, outputs)
    model = network.connect(above, head, precision=precision)
    head.dense.bias.assign(np.linspace(-1, 2, outputs))
    return model, head


@pytest.mark.parametrize(
    ("outputs", "precision"),
    [(1, "float32"), (3, "float32"), pytest.param(3, "bfloat16", marks=pytest.mark.bfloat16)],
)
def test_the_mean_of_a_map_and_the_bias_are_the_logit(outputs: int, precision: Precision) -> None:
    model, head = made(outputs, precision)
    shape = model.input_shape[1:]
    given = np.random.default_rng(1).normal(0, 1, (IMAGES, *shape)).astype(np.float32)
    tested = list(batches(given, np.zeros(IMAGES), np.arange(IMAGES), BATCH))
    chosen = [i % outputs for i in range(IMAGES)]
    maps = activation_maps(model, head, tested, chosen)
    logits = scoring.predict(model, tested)
    assert (maps.shape, maps.dtype) == ((IMAGES, 2, 2), np.float32)
    assert (maps.std((1, 2)) > 0).all(), "a map of one value would show nothing"
    means = maps.mean((1, 2), dtype=np.float64) + head.dense.bias.numpy()[chosen]
    np.testing.assert_allclose(means, logits[np.arange(IMAGES), chosen], rtol=1e-4, atol=1e-4)
