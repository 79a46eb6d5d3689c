"""The fused RMSprop is Keras' own."""

import numpy as np
import pytest

pytestmark = pytest.mark.train

keras = pytest.importorskip("keras")

from generator.training.rmsprop import RMSprop  # noqa: E402  # needs TensorFlow


def after_steps(optimizer: "keras.optimizers.Optimizer", gradients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A matrix and a scalar that start at one, after a step for each gradient."""
    matrix, scalar = keras.Variable(np.ones(gradients.shape[1:], np.float32)), keras.Variable(1.0)
    for gradient in gradients:
        tensor = keras.ops.convert_to_tensor(gradient)
        optimizer.apply([tensor, keras.ops.sum(tensor)], [matrix, scalar])
    return matrix.numpy(), scalar.numpy()


@pytest.mark.parametrize("scale", [1e-5, 1e-3, 1e3])
def test_steps_are_those_of_keras(scale: float) -> None:
    draw = np.random.default_rng(0)
    gradients = (scale * draw.standard_normal((20, 7, 5))).astype(np.float32)
    gradients[:, 0] = 0.0
    ours = after_steps(RMSprop(learning_rate=0.01), gradients)
    keras_own = after_steps(keras.optimizers.RMSprop(learning_rate=0.01), gradients)
    for found, expected in zip(ours, keras_own, strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-6)
    assert np.all(ours[0][0] == 1.0)
    assert np.all(ours[0][1:] != 1.0)


def test_its_state_is_named_and_shaped_as_that_of_keras() -> None:
    variables = [keras.Variable(np.ones((2, 3), np.float32), name="kernel")]
    ours, keras_own = RMSprop(learning_rate=0.01), keras.optimizers.RMSprop(learning_rate=0.01)
    for optimizer in (ours, keras_own):
        optimizer.build(variables)

    def described(optimizer: "keras.optimizers.Optimizer") -> list[tuple[str, tuple[int, ...]]]:
        return [(variable.name, tuple(variable.shape)) for variable in optimizer.variables]

    assert described(ours) == described(keras_own)
