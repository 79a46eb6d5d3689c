"""The step of fine-tuning that is timed: each way of computing it is the same step, and its operations are counted."""

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.train

keras = pytest.importorskip("keras")

from benchmarks import step  # noqa: E402
from generator.training import folding, network  # noqa: E402
from tests.training import shortened  # noqa: E402

BATCH, SIZE = 2, 64
FIRST = "conv4_block2_3_bn"
"""The first layer that is trained, as in the recipe: a normalisation whose convolution is frozen."""


@pytest.fixture(autouse=True)
def base(monkeypatch: pytest.MonkeyPatch) -> Any:
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    made = shortened.resnet(SIZE, (1, 1, 2, 1))
    made.trainable = False
    monkeypatch.setattr(network, "build_base", lambda name, size: made)
    # Dropout draws anew each step, and a loss may rise by that alone.
    monkeypatch.setattr(network, "build_head", lambda dropout, head=network.build_head: head(0.0))
    monkeypatch.setattr(step, "FROM_LAYER", [layer.name for layer in made.layers].index(FIRST))
    return made


def test_every_way_is_the_same_step(base: Any) -> None:
    before, start = folding.way, base.get_weights()
    ways = step.steps(BATCH)
    assert folding.way is before
    losses = {}
    for name, way in ways.items():
        base.set_weights(start)
        # The second step begins where the first one led.
        losses[name] = first, second = [float(way()[0]) for _ in range(2)]
        assert second < first
    exact = [each for name, each in losses.items() if name.endswith("float32")]
    assert len(exact) == 5
    np.testing.assert_allclose(exact, [exact[0]] * 5, rtol=1e-4)
    np.testing.assert_allclose([*losses.values()], [exact[0]] * len(losses), rtol=1e-2)


def test_operations_are_those_of_what_is_computed() -> None:
    """Forward for all above the cut; back to the kernels and images from the first that is trained on."""
    block = [16 * n for n in (1024 * 256, 9 * 256 * 256, 256 * 1024)]
    last = [4 * n for n in (1024 * 512, 9 * 512 * 512, 512 * 2048, 1024 * 2048)]
    forward, kernel, backward = sum(block) + sum(last), block[-1], 2 * sum(last)
    assert step.operations(BATCH) == 2 * BATCH * (forward + kernel + backward)
