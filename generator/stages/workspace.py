"""What a TensorFlow stage makes of its job when first asked: the base with its weights, arrays, batches.

`configure` makes a process ready, `run` runs one stage in it, both for `devices`.
"""

import gc
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cached_property, lru_cache, partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from generator.backbones.weights import load_arrays
from generator.data.splits import Split
from generator.experiment.config.seeds import Source
from generator.experiment.data_summary import Part
from generator.stages import artifacts
from generator.stages.job import Job
from generator.support.progress import Report
from generator.training import network
from generator.training.batches import (
    Batches,
    augmentation_layers,
    batches,
    derived_seed,
    preprocess_input_of,
    shuffled,
)
from generator.training.epochs import reseed
from generator.training.folding import Forward, as_convolution, fold


def configure(threads: int) -> None:
    """Make runs repeatable, and stages begin at once. Called once per process, before TensorFlow computes anything."""
    # The default counts follow the CPUs a process is allowed, and sums follow the first of them.
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    # So many operations run at a time that do not wait for each other.
    tf.config.threading.set_inter_op_parallelism_threads(2)
    tf.config.experimental.enable_op_determinism()
    # On GPUs float32 would otherwise be multiplied with ten bits of mantissa.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    # Keras collects garbage at the beginning of every stage, a quarter of a second for TensorFlow's own modules.
    gc.collect()
    gc.freeze()


def run(job: Job, out: Path, report: Report) -> None:
    """Run the stage of `job`, its files into the folder `out`."""
    keras.backend.clear_session()
    job.body(job, out, report)


def devices() -> tuple[int, tuple[str, ...]]:
    """The threads of one operation, and the names of the accelerators that this process computes on."""
    found = [device for device in tf.config.list_physical_devices() if device.device_type != "CPU"]
    names = [tf.config.experimental.get_device_details(device).get("device_name") for device in found]
    return tf.config.threading.get_intra_op_parallelism_threads(), tuple(
        name or device.device_type for name, device in zip(names, found, strict=True)
    )


@lru_cache(maxsize=1)
def _base(name: str, image_size: int) -> keras.Model:
    """The base without its weights: built once for all stages of this process, because that takes a second."""
    return network.build_base(name, image_size)


_arrays = lru_cache(maxsize=1)(load_arrays)


class _Frozen:
    """Frozen parts of one base that were compiled, for the next stages of this process: seconds for a deep network.

    Two of them, the whole and the part below the cut, of runs that agree on both; their numbers are constants.
    """

    def __init__(self) -> None:
        self._base: keras.Model | None = None
        self._forwards: dict[Hashable, Forward] = {}

    def of(self, base: keras.Model, key: Hashable, make: Callable[[], Forward]) -> Forward:
        """What `make` gave for this `key` of this `base`, or gives now."""
        if self._base is not base:
            self._base, self._forwards = base, {}
        found = self._forwards.pop(key, None) or make()
        self._forwards[key] = found
        while len(self._forwards) > 2:
            del self._forwards[next(iter(self._forwards))]
        return found


_frozen = _Frozen()


class Workspace:
    """A job, and what its stage works with."""

    def __init__(self, job: Job) -> None:
        self.job = job

    @cached_property
    def structure(self) -> keras.Model:
        """The base, frozen; what its weights are does not matter."""
        base = _base(self.job.backbone.name, self.job.setting("data.image_size"))
        base.trainable = False  # An earlier stage may have unfrozen and trained layers of it.
        return self._shown(base)

    @cached_property
    def base(self) -> keras.Model:
        """The base, frozen, with the weights it starts from."""
        if self.job.weights.summary.used == "random":
            keras.utils.set_random_seed(self.seed("weights", "base weights"))
            return self._shown(network.build_base(self.job.backbone.name, self.job.setting("data.image_size")))
        network.assign(self.structure, _arrays(self.job.weights))
        return self.structure

    def _shown(self, base: keras.Model) -> keras.Model:
        """The base as the variant shows it images: less the layers that prepare them, where they stay unprepared."""
        until = self.job.backbone.preparation.until
        return network.unprepared(base, until) if until and not self.job.setting("model.preprocess") else base

    @cached_property
    def prepare(self) -> network.Layer | None:
        """Keras' preprocessing, where the variant has it; None also where the base has it in layers of its own."""
        module = self.job.backbone.preparation.module
        return preprocess_input_of(module) if module and self.job.setting("model.preprocess") else None

    @property
    def from_layer(self) -> int:
        """Index of the base's first layer that is fine-tuned. The setting counts layers that may be left out, too."""
        left_out = 0 if self.job.setting("model.preprocess") else self.job.backbone.layers_that_prepare
        return max(0, int(self.job.setting("fine_tuning.from_layer")) - left_out)

    @cached_property
    def cut_point(self) -> str:
        return network.cut_point(self.base, self.from_layer)

    @cached_property
    def labels(self) -> np.ndarray:
        """Labels of all images, int64 (n,): of the data set, or of those to measure with where the stage has these."""
        images = self.job.measure if "measure" in self.job.given else self.job.dataset
        return np.asarray([sample.label for sample in images.samples], np.int64)

    @cached_property
    def pixels(self) -> np.ndarray:
        """All images, uint8 (n, s, s, 3), as a memory map."""
        return artifacts.rows(self.job.inputs["pixels"] / artifacts.PIXELS)

    @cached_property
    def measure_pixels(self) -> np.ndarray:
        """All images to measure with, likewise."""
        return artifacts.rows(self.job.inputs["measure_pixels"] / artifacts.PIXELS)

    @cached_property
    def split(self) -> Split:
        return artifacts.read_split(self.job.inputs["split"])

    @property
    def parts(self) -> dict[Part, Sequence[int]]:
        """Part → positions of its images, in the order of the data set."""
        test = range(self.job.dataset.first_test, len(self.job.dataset.samples))
        return {"train": sorted(self.split.train), "validation": sorted(self.split.validation), "test": test}

    def forward(self, model: keras.Model) -> Forward:
        """Preprocessing, where the variant has it, and a frozen part of the base from its input on."""
        prepare = as_convolution(self.prepare) if self.prepare else tf.identity
        frozen = fold(model, self.job.precision)
        return _compiled(lambda images: frozen(prepare(images)))

    def upper_model(self, outputs: int) -> tuple[keras.Model, network.Head]:
        """What fine-tuning trains: the base above the cut, from layer `from_layer` on, and the head of `outputs`."""
        network.unfreeze(self.base, self.from_layer)
        layers = network.build_head(self.job.setting("model.dropout"), outputs)
        above = network.above(self.base, self.cut_point)
        return network.connect(above, layers, precision=self.job.precision), layers

    @cached_property
    def stored(self) -> np.ndarray | None:
        """Outputs of the lower part for every image, float32 (n, …), as a memory map; None if not stored."""
        path = self.job.inputs["cut"] / artifacts.OUTPUTS if "cut" in self.job.inputs else None
        return artifacts.rows(path) if path and path.exists() else None

    @cached_property
    def pooling(self) -> Forward:
        """Preprocessing, the whole base and the average over places: (b, s, s, 3) images to (b, c) features."""
        return self._compiled_once("pooled", lambda: network.pooled(self.base))

    def pooling_above(self, cut: str) -> Forward:
        """The rest of `pooling` behind the layer `cut`: its outputs to (b, c) features."""
        return _compiled(fold(network.pooled(network.above(self.base, cut)), self.job.precision))

    @cached_property
    def lower(self) -> Forward:
        """Preprocessing and the base up to the cut."""
        return self._compiled_once(self.cut_point, lambda: self.below)

    @cached_property
    def below(self) -> keras.Model:
        """The base up to the cut."""
        return network.below(self.base, self.cut_point)

    def _compiled_once(self, part: str, model: Callable[[], keras.Model]) -> Forward:
        """`forward` of a part of the base; an earlier stage's, if that had the same weights and settings."""
        if self.job.weights.summary.used == "random":
            return self.forward(model())
        key = (self.job.weights, self.job.setting("model.preprocess"), self.job.precision, part)
        # The base with its weights in place, also for what is not folded and reads its variables.
        return _frozen.of(self.base, key, lambda: self.forward(model()))

    def lower_outputs(self, order: Sequence[int] | np.ndarray) -> Batches:
        """Outputs of the lower part for the images at `order`: as stored, or computed now."""
        if self.stored is not None:
            return self.batches(self.stored, order)
        return through(self.batches(self.pixels, order), self.lower)

    @cached_property
    def augmentation(self) -> keras.Sequential:
        return augmentation_layers(self.job.setting("model.rotation"), self.job.setting("model.fill"), seed=0)

    @cached_property
    def augment(self) -> Forward:
        """The augmentation as one graph: faster than its layers one by one."""
        augment: Forward = tf.function(partial(self.augmentation, training=True), autograph=False)
        return augment

    def augmented(self, phase: str, epoch: int, order: np.ndarray, frozen: Forward) -> Batches:
        """Outputs of `frozen` for the images at `order`, freshly augmented; how, that order and the epoch decide."""
        reseed(self.augmentation, self.seed("augmentation", f"{phase} augmentation", epoch))
        return through(self.batches(self.pixels, order), lambda batch: frozen(self.augment(batch)))

    def training_order(self, phase: str, epoch: int) -> np.ndarray:
        """The epoch's training images, shuffled."""
        return shuffled(self.training_positions(phase, epoch), self.seed("order", f"{phase} order", epoch))

    def training_positions(self, phase: str, epoch: int) -> np.ndarray:
        """The same, in no particular order."""
        return self._positions(phase, epoch, validation=False)

    def validation_order(self, phase: str, epoch: int) -> np.ndarray:
        return self._positions(phase, epoch, validation=True)

    def batches(self, store: np.ndarray, order: Sequence[int] | np.ndarray) -> Batches:
        return batches(store, self.labels, np.asarray(order), self.job.setting("data.batch_size"))

    def seed(self, source: Source, purpose: str, epoch: int = 0) -> int:
        """Of one draw from a source of chance."""
        return derived_seed(self.job.setting(f"seeds.{source}"), purpose, epoch)

    def _positions(self, phase: str, epoch: int, *, validation: bool) -> np.ndarray:
        """Positions of the epoch's training or validation images."""
        split = self.split
        if self.job.setting("split.mode") == "fixed":
            return np.asarray(split.validation if validation else split.train)
        # The write-up's leak: every pass shuffles all training images anew and takes its share of the result.
        purpose = f"{phase} {'validation' if validation else 'training'} pass"
        order = shuffled(range(len(self.job.dataset.train)), self.seed("split", purpose, epoch))
        kept = len(split.validation)
        return order[:kept] if validation else order[kept:]


def through(source: Batches, forward: Forward) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    """`source` with its images passed through `forward`."""
    for images, labels in source:
        yield forward(images), labels


def _compiled(forward: Forward) -> Forward:
    # No signature: traced for each batch size, as the steps of training are (`network.FixedShapeModel`).
    compiled: Forward = tf.function(forward, autograph=False)
    return compiled
