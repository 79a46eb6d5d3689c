"""A trained network taken up again, after the build, for what is asked of it (`asked`).

export    the network as one file that plain Keras loads, and what that file says of test images
lite      the same for TensorFlow Lite
answers   logits, features and class activation maps of any images
"""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from generator.experiment.task import task_for
from generator.stages import artifacts, asked
from generator.stages.job import Job
from generator.stages.workspace import Workspace, through
from generator.support.errors import BuildFailed
from generator.support.progress import Report
from generator.training import activation_maps, scoring
from generator.training.batches import Batches, batches
from generator.training.network import Head
from generator.training.standalone import standalone


def export(job: Job, out: Path, report: Report) -> None:
    work = Workspace(job)
    _, head = _fine_tuned(work)
    path = out / asked.MODEL
    standalone(work.base, head, work.prepare).save(path)
    # What is tried is the file, not the network in memory.
    loaded = keras.models.load_model(path)
    said = _of_test_images(job, lambda images: loaded(images, training=False).numpy(), job.setting("data.batch_size"))
    np.save(out / asked.PROBABILITIES, said)


def lite(job: Job, out: Path, report: Report) -> None:
    loaded = keras.models.load_model(job.inputs[asked.WRITTEN] / asked.MODEL)
    try:
        content = tf.lite.TFLiteConverter.from_keras_model(loaded).convert()
    except Exception as error:  # The converter raises nearly anything on operations it does not know.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BuildFailed(f"TensorFlow Lite does not take this network ({reason}); leave out --tflite") from None
    (out / asked.MODEL_LITE).write_bytes(content)
    interpreter = tf.lite.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def forward(images: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(source, images)
        interpreter.invoke()
        return np.array(interpreter.get_tensor(target))

    np.save(out / asked.PROBABILITIES_LITE, _of_test_images(job, forward, 1))


def answers(job: Job, out: Path, report: Report) -> None:
    work, task = Workspace(job), task_for(job.classes)
    pixels = artifacts.rows(job.inputs[asked.IMAGES] / artifacts.PIXELS)

    def through_base(forward: Callable[[tf.Tensor], tf.Tensor]) -> Batches:
        everything = batches(pixels, np.zeros(len(pixels)), np.arange(len(pixels)), job.setting("data.batch_size"))
        return through(everything, forward)

    # First: below, the variables of the frozen base become those of the fine-tuned one.
    np.save(out / artifacts.POOLED, np.concatenate([np.asarray(rows) for rows, _ in through_base(work.pooling)]))
    model, head = _fine_tuned(work)
    logits = scoring.predict(model, through_base(work.lower))
    np.save(out / asked.LOGITS, logits)
    spoken_for = task.decisions(logits).tolist() if task.outputs > 1 else [0] * len(pixels)
    maps = activation_maps.activation_maps(model, head, through_base(work.lower), spoken_for)
    np.save(out / artifacts.MAPS, maps)


def _fine_tuned(work: Workspace) -> tuple[keras.Model, Head]:
    """The part above the cut with the head, as fine-tuning left them; the base holds these variables too."""
    model, head = work.upper_model(task_for(work.job.classes).outputs)
    with np.load(work.job.inputs["fine_tuning"] / artifacts.VARIABLES, allow_pickle=False) as arrays:
        for i, variable in enumerate(model.trainable_variables):
            variable.assign(arrays[str(i)])
    return model, head


def _of_test_images(job: Job, forward: Callable[[np.ndarray], np.ndarray], batch_size: int) -> np.ndarray:
    """What `forward` gives for the test images that are tried, float32 (n, classes)."""
    pixels = artifacts.rows(job.inputs["pixels"] / artifacts.PIXELS)
    rows = asked.tried(range(job.dataset.first_test, len(job.dataset.samples)))
    parts = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
    return np.concatenate([forward(np.asarray(pixels[part], np.float32)) for part in parts])
