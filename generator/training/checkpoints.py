"""What a training keeps after every epoch, so that a resumed run gives the bytes of an uninterrupted one.

A checkpoint is one file, replaced as a whole: weights, optimiser state and history, and where the phase keeps the
weights of its best epoch, these.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from generator.experiment.outcomes import Epoch
from generator.training.checkpoint_files import read_checkpoint, write_checkpoint

Arrays = Sequence[np.ndarray]
"""Values of a model's trainable variables, in order; none where they are not kept."""


@contextmanager
def checkpoints(path: Path) -> Iterator[Callable[[keras.Model, list[Epoch], Arrays], None]]:
    """Gives a function that writes a checkpoint to `path`, one at a time, while the next epoch computes.

    What writing raises comes with the next checkpoint, or at the end. All are on the disk then.
    """
    with ThreadPoolExecutor(max_workers=1) as disk:
        writing: Future[None] = disk.submit(lambda: None)

        def save(model: keras.Model, history: list[Epoch], best: Arrays) -> None:
            nonlocal writing
            writing.result()
            writing = disk.submit(write_checkpoint, path, *contents(model, history, best))

        yield save
        writing.result()


def contents(model: keras.Model, history: list[Epoch], best: Arrays = ()) -> tuple[dict[str, np.ndarray], str]:
    """What a checkpoint holds: weights and optimiser state by name, as they are now, and the history as JSON.

    `best`: the weights of the best epoch so far, where they are kept.
    """
    arrays = {f"model/{i}": now(v) for i, v in enumerate(model.trainable_variables)}
    arrays |= {f"optimizer/{i}": now(v) for i, v in enumerate(model.optimizer.variables)}
    arrays |= {f"best/{i}": value for i, value in enumerate(best)}
    return arrays, json.dumps([epoch.model_dump() for epoch in history])


def now(variable: keras.Variable) -> np.ndarray:
    """What a variable holds, whatever becomes of it."""
    # No copy: TensorFlow does not write into what was read from a variable; the next update leaves it alone.
    return np.asarray(tf.convert_to_tensor(variable))


def restore(model: keras.Model, path: Path) -> tuple[list[Epoch], Arrays]:
    """Load the `contents` of a checkpoint; gives the history and the weights of the best epoch, if they were kept.

    An absent, broken or misfitting file means: from the beginning.
    """
    model.optimizer.build(model.trainable_variables)
    found = read_checkpoint(path)
    if found is None:
        return [], ()
    arrays, text = found
    best = [arrays.pop(f"best/{i}") for i in range(sum(name.startswith("best/") for name in arrays))]
    targets = {f"model/{i}": v for i, v in enumerate(model.trainable_variables)}
    targets |= {f"optimizer/{i}": v for i, v in enumerate(model.optimizer.variables)}
    if {k: a.shape for k, a in arrays.items()} != {k: tuple(v.shape) for k, v in targets.items()}:
        return [], ()
    for name, variable in targets.items():
        variable.assign(arrays[name])
    return [Epoch(**row) for row in json.loads(text)], best
