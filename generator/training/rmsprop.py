"""RMSprop as one operation per variable: what Keras' own computes in ten, each a pass over memory."""

from typing import Any

import keras
import tensorflow as tf

RHO = 0.9
"""How much of the running mean of squared gradients is kept; Keras' default."""

EPSILON = 1e-7
"""Added to that mean before its root is taken; Keras' default."""


class RMSprop(keras.optimizers.Optimizer):  # type: ignore[misc]
    """`keras.optimizers.RMSprop` without its options, computed by TensorFlow's kernel.

        mean ← rho mean + (1 - rho) gradient²
        variable ← variable - learning rate · gradient / √(mean + epsilon)

    Tieleman and Hinton, lecture 6.5 of "Neural Networks for Machine Learning", 2012. The kernel knows momentum as
    well; with none it only needs the room to put a step into, which is not part of the optimiser's state.
    """

    def build(self, variables: list[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._means = self.add_optimizer_variables(variables, "velocity")
        self._room = [tf.Variable(tf.zeros(v.shape, v.dtype), trainable=False) for v in variables]

    def update_step(self, gradient: tf.Tensor, variable: Any, learning_rate: tf.Tensor) -> None:
        """Change `variable` and the mean of its squared gradients; all of one shape and dtype."""
        position = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyRMSProp(
            var=variable.handle,
            ms=self._means[position].value.handle,
            mom=self._room[position].handle,
            lr=tf.cast(learning_rate, gradient.dtype),
            rho=RHO,
            momentum=0.0,
            epsilon=EPSILON,
            grad=gradient,
        )
