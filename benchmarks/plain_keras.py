"""The recipe in plain Keras, as the write-up runs it: the whole network is fitted in both phases, nothing is kept.

    head           the base frozen, `fit` for 30 epochs
    fine_tuning    the base's layers from index 100 on unfrozen, `fit` for 11 epochs
    evaluation     the test images

Images are read and decoded by tf.data in every pass, as `image_dataset_from_directory` does it, and prefetched.
A peer of the project (`peer.py`).
"""

import os
from pathlib import Path
from typing import Any

from benchmarks import peer
from benchmarks.peer import Found, Seconds, timed
from generator.data.dataset import Sample
from generator.experiment.config import settings as config


def run(recipe: config.Recipe, settings: config.Config, store: Path, xla: bool) -> Found:
    """One variant from reading the data to the test score."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    seconds: Seconds = {}
    with timed(seconds, "start"):
        import keras

        keras.utils.set_random_seed(recipe.seed)
        training, validation, test = datasets(recipe, settings, store)
        base = load_base(settings, store)
        model = connect(base, recipe.model)

    with timed(seconds, "head"):
        base.trainable = False
        compile_model(model, recipe.head, xla=xla)
        model.evaluate(validation, verbose=0)
        head = model.fit(training, epochs=recipe.head.epochs, validation_data=validation, verbose=0)

    with timed(seconds, "fine_tuning"):
        unfreeze(base, recipe)
        compile_model(model, recipe.fine_tuning, xla=xla)
        tuned = model.fit(training, epochs=recipe.fine_tuning.epochs, validation_data=validation, verbose=0)

    with timed(seconds, "evaluation"):
        scores = model.evaluate(test, verbose=0, return_dict=True)
        model.predict(test, verbose=0)
    return {"seconds": seconds, "head": last(head), "fine_tuning": last(tuned), "test": scores}


def datasets(recipe: config.Recipe, settings: config.Config, store: Path) -> tuple[Any, Any, Any]:
    """Training, validation and test images as batches of (float32 (b, s, s, 3), labels)."""
    found = peer.images(recipe, settings, store)
    return (
        batches(found.training, settings.data, shuffled_by=recipe.seed),
        batches(found.validation, settings.data),
        batches(found.test, settings.data),
    )


def batches(samples: list[Sample], settings: config.DataSettings, shuffled_by: int | None = None) -> Any:
    """Batches of (float32 (b, s, s, 3), labels (b, 1)), read anew in every pass."""
    import tensorflow as tf

    size = settings.image_size

    def load(path: Any, label: Any) -> tuple[Any, Any]:
        image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        image = tf.image.resize(image, (size, size))
        return tf.ensure_shape(image, (size, size, 3)), label

    # As in the project: the thread that tunes can hold up the end of an epoch for seconds (TensorFlow 2.21).
    untuned = tf.data.Options()
    untuned.autotune.enabled = False
    paths, labels = [str(s.path) for s in samples], [[float(s.label)] for s in samples]
    files = tf.data.Dataset.from_tensor_slices((paths, labels))
    if shuffled_by is not None:
        files = files.shuffle(len(paths), seed=shuffled_by)
    loaded = files.map(load, num_parallel_calls=tf.data.AUTOTUNE)
    return loaded.batch(settings.batch_size).prefetch(tf.data.AUTOTUNE).with_options(untuned)


def load_base(settings: config.Config, store: Path) -> Any:
    """ResNet50 without its top, with the project's weights."""
    import keras

    size = settings.data.image_size
    base = keras.applications.ResNet50(weights=None, include_top=False, input_shape=(size, size, 3))
    arrays = peer.arrays(settings, store)
    if arrays is not None:
        for layer in base.layers:
            layer.set_weights([arrays[f"{layer.name}/{variable.name}"] for variable in layer.weights])
    return base


def connect(base: Any, settings: config.ModelSettings) -> Any:
    """Augmentation and preprocessing where the variant has them, base, pooling, dropout, one logit."""
    import keras

    inputs = keras.Input(base.input_shape[1:])
    x = augmented(inputs, settings) if settings.augment else inputs
    if settings.preprocess:
        x = keras.applications.resnet50.preprocess_input(x)
    x = inference(base)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(settings.dropout)(x)
    return keras.Model(inputs, keras.layers.Dense(1)(x))


def augmented(images: Any, settings: config.ModelSettings) -> Any:
    """Images as training sees them, mirrored and rotated at random."""
    import keras

    return keras.layers.RandomRotation(settings.rotation)(keras.layers.RandomFlip("horizontal")(images))


def inference(base: Any) -> Any:
    """`base` in inference mode: the write-up's Keras kept to `training=False`; today's would train another function."""
    import keras

    class InferenceModel(keras.Model):
        def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
            return super().call(inputs, training=False, mask=mask)

    return InferenceModel(base.input, base.output)


def unfreeze(base: Any, recipe: config.Recipe) -> None:
    """The base's upper layers are trained from here on; a model must be compiled to know."""
    base.trainable = True
    for layer in base.layers[: recipe.fine_tuning.from_layer]:
        layer.trainable = False


def compile_model(model: Any, phase: config.PhaseSettings, *, xla: bool) -> None:
    """As the write-up compiles it: its Keras did not use XLA, which today's does unless told otherwise."""
    import keras

    optimizers = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop, "sgd": keras.optimizers.SGD}
    model.compile(
        optimizer=optimizers[phase.optimizer](learning_rate=phase.learning_rate),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
        jit_compile="auto" if xla else False,
    )


def last(history: Any) -> dict[str, float]:
    """The figures of the last epoch."""
    return {name: float(values[-1]) for name, values in history.history.items()}


if __name__ == "__main__":
    peer.main(run, __doc__)
