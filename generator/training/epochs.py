"""The two training phases: first the head on frozen features, then the upper layers, mostly at a lower rate.

`train` runs the epochs of one phase and keeps a checkpoint after each. What is random in an epoch is seeded
from the epoch's number alone, so a run that is resumed gives what an uninterrupted one gives, bit for bit.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np

from generator.experiment.config.settings import PhaseSettings
from generator.experiment.outcomes import Epoch
from generator.experiment.stopping import is_over, kept
from generator.experiment.task import TwoClasses, task_with
from generator.support.errors import Diverged
from generator.support.progress import Report
from generator.training.batches import Batches, derived_seed
from generator.training.checkpoints import checkpoints, now, restore
from generator.training.rmsprop import RMSprop

EpochBatches = Callable[[int], Batches]
"""Epoch number → its batches."""

OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "rmsprop": RMSprop,
    "sgd": keras.optimizers.SGD,
}


@dataclass(frozen=True)
class Phase:
    """What `train` needs to know about a phase besides its model and data."""

    name: str
    settings: PhaseSettings
    first_epoch: int
    """Number of its first epoch, from 1."""
    seed: int
    """Of what its random layers draw."""
    checkpoint: Path
    """A file that is replaced after every epoch."""


def compile_model(model: keras.Model, settings: PhaseSettings) -> None:
    """Optimiser, cross-entropy from logits, accuracy; two classes have one logit, more have one each.

    The threshold of one logit is 0: that is the logit of a probability of one half. Without XLA: it refuses
    deterministic ops, and measured slower on CPUs.
    """
    if task_with(model.output_shape[-1]).loss == "binary_crossentropy":
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        accuracy = keras.metrics.BinaryAccuracy(name="accuracy", threshold=TwoClasses.THRESHOLD)
    else:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
    optimizer = OPTIMIZERS[settings.optimizer](learning_rate=settings.learning_rate)
    model.compile(optimizer=optimizer, loss=loss, metrics=[accuracy], jit_compile=False)


def train(
    model: keras.Model, phase: Phase, training: EpochBatches, validation: EpochBatches, report: Report
) -> list[Epoch]:
    """Train `model` in place for the phase's epochs, from its checkpoint if there is one.

    It is left with the weights of the epoch that `keep` names. Raises `Diverged` when the loss is no longer a
    number.
    """
    compile_model(model, phase.settings)
    history, best = restore(model, phase.checkpoint)
    with checkpoints(phase.checkpoint) as save:
        while not is_over(history, phase.settings):
            shown: dict[str, float] = {"epoch": len(history) + 1, "epochs": phase.settings.epochs}
            epoch = run_epoch(model, phase, len(history), training, validation, partial(_report, report, shown))
            history.append(epoch)
            if phase.settings.keep == "best" and kept(history, "best") is epoch:
                best = [now(variable) for variable in model.trainable_variables]
            save(model, history, best)
            report({**shown, **epoch.model_dump(exclude={"epoch"})})
    for variable, value in zip(model.trainable_variables, best, strict=bool(best)):
        variable.assign(value)
    return history


def run_epoch(
    model: keras.Model, phase: Phase, done: int, training: EpochBatches, validation: EpochBatches, report: Report
) -> Epoch:
    """Train and validate once, after `done` epochs of the phase."""
    epoch = phase.first_epoch + done
    reseed(model, derived_seed(phase.seed, f"{phase.name} layers", epoch))
    figures = fit_epoch(model, training(epoch), report)
    figures |= {f"val_{name}": value for name, value in evaluate_epoch(model, validation(epoch)).items()}
    if not all(map(math.isfinite, figures.values())):
        raise Diverged(
            f"{phase.name}: the loss is not a number any more in epoch {epoch}; lower "
            f"{phase.name}.learning_rate (now {phase.settings.learning_rate:g})"
        )
    return Epoch(epoch=epoch, **figures)


def fit_epoch(model: keras.Model, batches: Batches, report: Report) -> dict[str, float]:
    """One pass of training; loss and accuracy are means over the images as the weights were when each passed."""
    return _pass(model.train_on_batch, batches, report)


def evaluate_epoch(model: keras.Model, batches: Batches) -> dict[str, float]:
    """Loss and accuracy without training: dropout is off."""
    return _pass(model.test_on_batch, batches, lambda log: None)


def _pass(step: Callable[..., dict[str, float]], batches: Batches, report: Report) -> dict[str, float]:
    """Run `step` on every batch; gives its figures' means over the images."""
    sums: dict[str, float] = {}
    images = 0
    for inputs, labels in batches:
        # Keras gives each batch's own figures here, not the epoch's so far.
        figures = step(inputs, labels, return_dict=True)
        images += len(labels)
        sums = {name: sums.get(name, 0.0) + float(value) * len(labels) for name, value in figures.items()}
        report({name: total / images for name, total in sums.items()})
    return {name: total / images for name, total in sums.items()}


def _report(report: Report, shown: dict[str, float], figures: dict[str, float]) -> None:
    report({**shown, **figures})


def reseed(model: keras.Model, seed: int) -> None:
    """Set the state of every random layer of `model`, as if it had just been made with `seed`, `seed + 1`, …"""
    states = [v for v in model.variables if "seed_generator" in v.path]
    for i, state in enumerate(states):
        # The second number counts the layer's calls: with that one apart, layers would draw alike, calls apart.
        state.assign(np.array([seed + i, 0], dtype=state.dtype))


def advance(model: keras.Model, calls: int, inputs: np.ndarray) -> None:
    """Have the random layers of a newly seeded `model` draw as after so many calls; `inputs` are any to call it with.

    What a layer draws follows from its seed and a count of draws, which goes up alike with every call.
    """
    states = [variable for variable in model.variables if "seed_generator" in variable.path]
    seeds = [state.numpy() for state in states]
    model(inputs, training=True)
    for state, seed in zip(states, seeds, strict=True):
        state.assign(seed + calls * (state.numpy() - seed))
