"""The recipe in Keras with everything frozen computed once and kept, as a careful user writes it by hand.

    cut            what the base's frozen layers give for all images, by `predict`
    head           dropout and the dense layer, fitted on the features that the rest of the base gives for these
    fine_tuning    the base above the cut and the head, fitted on what was kept
    evaluation     the test images

Where training images are augmented they differ in every epoch, and their frozen outputs cannot be kept: both phases
fit the whole network on images, which are decoded once, and only validation starts from what was kept. A peer of the
project (`peer.py`): Keras' own layers and optimisers, float32.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import peer, plain_keras
from benchmarks.peer import Found, Seconds, timed
from generator.data.dataset import Sample
from generator.experiment.config import settings as config

Data = tuple[np.ndarray, np.ndarray]
"""What a model is given for each image, and labels (n, 1)."""


@dataclass(frozen=True)
class Parts:
    """The network in pieces that share their layers."""

    below: Any
    """Images → outputs at the cut, of frozen layers only."""
    features: Any
    """Outputs at the cut → pooled features."""
    head: Any
    """Pooled features → logit."""
    above: Any
    """Outputs at the cut → logit."""
    whole: Any
    """Images, augmented in training → logit."""


def run(recipe: config.Recipe, settings: config.Config, store: Path, xla: bool) -> Found:
    """One variant from reading the data to the test score."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    seconds: Seconds = {}
    with timed(seconds, "start"):
        import keras

        keras.utils.set_random_seed(recipe.seed)
        images = peer.images(recipe, settings, store)
        training, validation = (decoded(part, settings.data) for part in (images.training, images.validation))
        base = plain_keras.load_base(settings, store)
        base.trainable = False
        parts = split(base, recipe)

    def fitted(phase: config.PhaseSettings, model: Any, judge: Any, given: Data, held: Data) -> dict[str, float]:
        for each in dict.fromkeys((model, judge)):
            plain_keras.compile_model(each, phase, xla=xla)
        return fit(model, judge, given, held, phase.epochs, settings.data.batch_size)

    kept = not recipe.model.augment
    with timed(seconds, "fine_tuning"):
        cut_training = through(parts.below, training) if kept else training
        cut_validation = through(parts.below, validation)

    with timed(seconds, "head"):
        features = through(parts.features, cut_training) if kept else training
        held = through(parts.features, cut_validation)
        head = fitted(recipe.head, parts.head if kept else parts.whole, parts.head, features, held)

    with timed(seconds, "fine_tuning"):
        plain_keras.unfreeze(base, recipe)
        tuned = fitted(
            recipe.fine_tuning, parts.above if kept else parts.whole, parts.above, cut_training, cut_validation
        )

    with timed(seconds, "evaluation"):
        test = through(parts.below, decoded(images.test, settings.data))
        logits = parts.above.predict(test[0], verbose=0)
    return {"seconds": seconds, "head": head, "fine_tuning": tuned, "test": peer.scores(logits, test[1])}


def decoded(samples: list[Sample], settings: config.DataSettings) -> Data:
    """All images of a part, float32 (n, s, s, 3)."""
    images, labels = zip(*plain_keras.batches(samples, settings).as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def split(base: Any, recipe: config.Recipe) -> Parts:
    """The base cut behind the last block that ends below its first unfrozen layer, and the head."""
    import keras

    below = base.layers[: recipe.fine_tuning.from_layer]
    cut = next((layer for layer in reversed(below) if layer.name.endswith("_out")), base.layers[0]).output
    prepare = keras.applications.resnet50.preprocess_input if recipe.model.preprocess else lambda images: images
    lower = plain_keras.inference(keras.Model(base.input, cut))
    upper = plain_keras.inference(keras.Model(cut, base.output))
    pooling = keras.layers.GlobalAveragePooling2D()
    images, outputs, pooled = (keras.Input(each.shape[1:]) for each in (base.input, cut, pooling(base.output)))
    features = keras.Model(outputs, pooling(upper(outputs)))
    dropout, dense = keras.layers.Dropout(recipe.model.dropout), keras.layers.Dense(1)
    head = keras.Model(pooled, dense(dropout(pooled)))
    shown = plain_keras.augmented(images, recipe.model) if recipe.model.augment else images
    return Parts(
        below=keras.Model(images, lower(prepare(images))),
        features=features,
        head=head,
        above=keras.Model(outputs, head(features(outputs))),
        whole=keras.Model(images, head(features(lower(prepare(shown))))),
    )


def through(part: Any, data: Data) -> Data:
    """What a frozen part gives for each image."""
    return part.predict(data[0], verbose=0), data[1]


def fit(model: Any, judge: Any, training: Data, held: Data, epochs: int, batch_size: int) -> dict[str, float]:
    """Trains `model` and gives the last epoch's figures; `judge`, which shares its layers, validates on `held`."""
    import keras

    if judge is model:
        return plain_keras.last(
            model.fit(*training, epochs=epochs, batch_size=batch_size, validation_data=held, verbose=0)
        )
    judged: list[dict[str, float]] = []
    validate = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: judged.append(judge.evaluate(*held, verbose=0, return_dict=True))
    )
    history = model.fit(*training, epochs=epochs, batch_size=batch_size, callbacks=[validate], verbose=0)
    return plain_keras.last(history) | {f"val_{name}": value for name, value in judged[-1].items()}


if __name__ == "__main__":
    peer.main(run, __doc__)
