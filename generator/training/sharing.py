"""Several devices, of one machine or of several, that train one network: each takes its share of every batch.

Keras 3.15 has every device of a strategy compute a batch that is given to `train_on_batch` as a whole. The strategies
here are TensorFlow's own, which hand each device its share before Keras' step runs on it; gradients are averaged.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf


class _Sharing:
    """What makes a strategy of TensorFlow share batches."""

    def run(self, fn: Callable[..., Any], args: Any = (), kwargs: Any = None, options: Any = None) -> Any:
        """Run `fn` on every device, with its share of every tensor of `args`."""

        def on_share(*args: Any, **kwargs: Any) -> Any:
            return fn(*tf.nest.map_structure(share, args), **kwargs)

        return super().run(on_share, args, kwargs, options)  # type: ignore[misc]


class Mirrored(_Sharing, tf.distribute.MirroredStrategy):  # type: ignore[misc]
    """The devices of this machine."""


class MultiWorkerMirrored(_Sharing, tf.distribute.MultiWorkerMirroredStrategy):  # type: ignore[misc]
    """Those of several processes, each of which computes the same program on the same inputs."""

    def __init__(self, index: int, addresses: Sequence[str]) -> None:
        """Of the process `index`, from 0, of those at `addresses`, `HOST:PORT` each; waits for all of them."""
        workers = tf.train.ClusterSpec({"worker": list(addresses)})
        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            workers, task_type="worker", task_id=index, rpc_layer="grpc"
        )
        super().__init__(resolver)

    def reduce(self, reduce_op: Any, value: Any, axis: int | None) -> tf.Tensor:
        """Of a figure of every device, (), their mean or sum, ()."""
        # Keras 3.15 asks for the mean along the first axis, which figures do not have.
        return super().reduce(reduce_op, value, axis=None)


def share(batch: tf.Tensor | None) -> tf.Tensor | None:
    """The part of (b, …) that the device takes which asks, (b / devices, …): the first the first one, and so on.

    Where b does not divide evenly, all of it: every device computes the same then, and the mean is that of one.
    """
    context = tf.distribute.get_replica_context()
    devices = context.num_replicas_in_sync
    if batch is None or batch.shape[0] % devices:
        return batch
    shares = tf.reshape(batch, (devices, batch.shape[0] // devices, *batch.shape[1:]))
    return shares[context.replica_id_in_sync_group]
