"""What each of several devices is given of a batch."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.train

pytest.importorskip("keras")

from generator.support.places import ROOT  # noqa: E402

SHARES = """
import json, tensorflow as tf
[processor] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
from generator.training import network, sharing
import keras

given = []

class Noting(network.FixedShapeModel):
    def train_step(self, data):
        given.append([None if each is None else each.shape.as_list() for each in data])
        return super().train_step(data)

with sharing.Mirrored(["CPU:0", "CPU:1"]).scope():
    inputs = keras.Input((3,))
    model = Noting(inputs, keras.layers.Dense(1, kernel_initializer="zeros")(inputs))
    model.compile(keras.optimizers.SGD(1.0), "mse")
    for images in (4, 5):
        positions = tf.range(images, dtype=tf.float32)[:, None]
        model.train_on_batch(tf.tile(positions, (1, 3)), positions)
        print(json.dumps([given, model.get_weights()[0].ravel().tolist()]))
        given.clear()
        model.set_weights([weights * 0 for weights in model.get_weights()])
"""


def test_an_even_batch_is_shared_and_an_odd_one_computed_by_all() -> None:
    done = subprocess.run([sys.executable, "-c", SHARES], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    (even, moved), (odd, moved_odd) = map(json.loads, done.stdout.splitlines()[-2:])
    assert even == [[[2, 3], [2, 1], None]] * 2
    assert odd == [[[5, 3], [5, 1], None]] * 2
    # One step from zero is twice the mean over the whole batch of input times target.
    assert moved == pytest.approx([2 * (0 + 1 + 4 + 9) / 4] * 3)
    assert moved_odd == pytest.approx([2 * (0 + 1 + 4 + 9 + 16) / 5] * 3)
