"""The recipe in plain Keras, as the write-up runs it: the whole network is fitted in both phases, nothing is kept.

    head           the base frozen, `fit` for 30 epochs
    fine_tuning    the base's layers from index 100 on unfrozen, `fit` for 11 epochs
    evaluation     the test images

Images are read and decoded by tf.data in every pass, as `image_dataset_from_directory` does it, and prefetched.
Which images, which of them validate, and the weights are the project's, so that both can be compared; the network
and the training use nothing of it. Run by compare.py: gives seconds and scores as JSON in the file `--out`.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

from generator.backbones import weights
from generator.backbones.resnet50 import RESNET50
from generator.data import dataset
from generator.experiment import loading
from generator.experiment import settings as config

Seconds = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--variants", default="baseline")
    parser.add_argument("--added", action="store_true", help="without the baseline, which is in every selection")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--store", type=Path, required=True, help="where the sample images are drawn")
    parser.add_argument("--xla", action="store_true", help="leave compilation to Keras, whose default is XLA")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    settings = loading.load(options.config, variants=options.variants, overrides=options.set)
    variants = [v for v in settings.variants if not (options.added and v.name == config.BASELINE)]
    found = {v.name: run(v.recipe, settings, options.store, xla=options.xla) for v in variants}
    options.out.write_text(json.dumps(found), "utf-8")


def run(recipe: config.Recipe, settings: config.Config, store: Path, *, xla: bool) -> dict[str, Any]:
    """One variant from reading the data to the test score: `{"seconds": …, "head": …, "test": …}`."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    started = time.perf_counter()
    import keras

    keras.utils.set_random_seed(recipe.seed)
    training, validation, test = datasets(recipe, settings, store)
    base = load_base(settings, store)
    model = connect(base, recipe.model)
    seconds = {"start": time.perf_counter() - started}

    started = time.perf_counter()
    base.trainable = False
    compile_model(model, recipe.head, xla=xla)
    model.evaluate(validation, verbose=0)
    head = model.fit(training, epochs=recipe.head.epochs, validation_data=validation, verbose=0)
    seconds["head"] = time.perf_counter() - started

    started = time.perf_counter()
    base.trainable = True
    for layer in base.layers[: recipe.fine_tuning.from_layer]:
        layer.trainable = False
    compile_model(model, recipe.fine_tuning, xla=xla)
    tuned = model.fit(training, epochs=recipe.fine_tuning.epochs, validation_data=validation, verbose=0)
    seconds["fine_tuning"] = time.perf_counter() - started

    started = time.perf_counter()
    scores = dict(zip(("loss", "accuracy"), model.evaluate(test, verbose=0), strict=True))
    model.predict(test, verbose=0)
    seconds["evaluation"] = time.perf_counter() - started
    return {"seconds": seconds, "head": _last(head), "fine_tuning": _last(tuned), "test": scores}


def datasets(recipe: config.Recipe, settings: config.Config, store: Path) -> tuple[Any, Any, Any]:
    """Training, validation and test images as batches of (float32 (b, s, s, 3), labels)."""
    import tensorflow as tf

    size = settings.data.image_size

    def load(path: Any, label: Any) -> tuple[Any, Any]:
        image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        image = tf.image.resize(image, (size, size))
        return tf.ensure_shape(image, (size, size, 3)), label

    def batches(samples: Any, *, shuffle: bool) -> Any:
        paths, labels = [str(s.path) for s in samples], [[float(s.label)] for s in samples]
        files = tf.data.Dataset.from_tensor_slices((paths, labels))
        if shuffle:
            files = files.shuffle(len(paths), seed=recipe.seed)
        loaded = files.map(load, num_parallel_calls=tf.data.AUTOTUNE)
        return loaded.batch(settings.data.batch_size).prefetch(tf.data.AUTOTUNE).with_options(untuned)

    # As in the project: the thread that tunes can hold up the end of an epoch for seconds (TensorFlow 2.21).
    untuned = tf.data.Options()
    untuned.autotune.enabled = False

    found = dataset.find(settings.data, store)
    split = dataset.split(found, recipe.split.validation_fraction, settings.data.batch_size, recipe.seed)
    training, validation = ([found.train[i] for i in part] for part in (split.train, split.validation))
    return batches(training, shuffle=True), batches(validation, shuffle=False), batches(found.test, shuffle=False)


def load_base(settings: config.Config, store: Path) -> Any:
    """ResNet50 without its top, with the project's weights."""
    import keras

    size = settings.data.image_size
    base = keras.applications.ResNet50(weights=None, include_top=False, input_shape=(size, size, 3))
    chosen = weights.resolve(settings.weights, RESNET50, store)
    if chosen.path is not None:
        arrays = weights.load_arrays(chosen)
        for layer in base.layers:
            layer.set_weights([arrays[f"{layer.name}/{variable.name}"] for variable in layer.weights])
    return base


def connect(base: Any, settings: config.ModelSettings) -> Any:
    """Augmentation and preprocessing where the variant has them, base, pooling, dropout, one logit."""
    import keras

    inputs = keras.Input(base.input_shape[1:])
    x = inputs
    if settings.augment:
        x = keras.layers.RandomFlip("horizontal")(x)
        x = keras.layers.RandomRotation(settings.rotation)(x)
    if settings.preprocess:
        x = keras.applications.resnet50.preprocess_input(x)
    x = inference(base)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(settings.dropout)(x)
    return keras.Model(inputs, keras.layers.Dense(1)(x))


def inference(base: Any) -> Any:
    """`base` in inference mode: the write-up's Keras kept to `training=False`; today's would train another function."""
    import keras

    class InferenceModel(keras.Model):
        def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
            return super().call(inputs, training=False, mask=mask)

    return InferenceModel(base.input, base.output)


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


def _last(history: Any) -> dict[str, float]:
    return {name: float(values[-1]) for name, values in history.history.items()}


if __name__ == "__main__":
    main()
