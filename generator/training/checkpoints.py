"""What a training keeps after every epoch, so that a resumed run gives the bytes of an uninterrupted one.

A checkpoint is one file, replaced as a whole: weights, optimiser state and history.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from generator.experiment.outcomes import Epoch
from generator.training.checkpoint_files import read_checkpoint, write_checkpoint


@contextmanager
def checkpoints(path: Path) -> Iterator[Callable[[keras.Model, list[Epoch]], None]]:
    """Gives a function that writes a checkpoint to `path`, one at a time, while the next epoch computes.

    What writing raises comes with the next checkpoint, or at the end. All are on the disk then.
    """
    with ThreadPoolExecutor(max_workers=1) as disk:
        writing: Future[None] = disk.submit(lambda: None)

        def save(model: keras.Model, history: list[Epoch]) -> None:
            nonlocal writing
            writing.result()
            writing = disk.submit(write_checkpoint, path, *contents(model, history))

        yield save
        writing.result()


def contents(model: keras.Model, history: list[Epoch]) -> tuple[dict[str, np.ndarray], str]:
    """What a checkpoint holds: weights and optimiser state by name, as they are now, and the history as JSON."""
    arrays = {f"model/{i}": _now(v) for i, v in enumerate(model.trainable_variables)}
    arrays |= {f"optimizer/{i}": _now(v) for i, v in enumerate(model.optimizer.variables)}
    return arrays, json.dumps([epoch.model_dump() for epoch in history])


def _now(variable: keras.Variable) -> np.ndarray:
    # No copy: TensorFlow does not write into what was read from a variable; the next update leaves it alone.
    return np.asarray(tf.convert_to_tensor(variable))


def restore(model: keras.Model, path: Path) -> list[Epoch]:
    """Load the `contents` of a checkpoint; an absent, broken or misfitting file means: from the beginning."""
    model.optimizer.build(model.trainable_variables)
    found = read_checkpoint(path)
    if found is None:
        return []
    arrays, text = found
    targets = {f"model/{i}": v for i, v in enumerate(model.trainable_variables)}
    targets |= {f"optimizer/{i}": v for i, v in enumerate(model.optimizer.variables)}
    if {k: a.shape for k, a in arrays.items()} != {k: tuple(v.shape) for k, v in targets.items()}:
        return []
    for name, variable in targets.items():
        variable.assign(arrays[name])
    return [Epoch(**row) for row in json.loads(text)]
