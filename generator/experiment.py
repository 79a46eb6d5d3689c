"""The stages that need TensorFlow: each is a function from a `Job` to files in a folder.

    architecture   shapes, parameter counts, model summaries
    augmentation   augmented copies of one training image, for the figure
    features       pooled features of every image, from the frozen base
    cut            outputs of the frozen lower part for every image
    head           phase 1: history, the head's weights, the score before training
    fine_tuning    phase 2: history, the weights of the upper part and the head
    evaluation     scores on the three splits, predictions, confusion matrix
    probe          no stage of a build: what one batch takes (`probe`)

No Keras object leaves this module: numbers, strings and arrays are saved.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property, lru_cache, partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from generator import evaluation as scoring
from generator import model as network
from generator.folding import Forward, as_convolution, fold
from generator.inputs import augmentation_layers, batches, derived_seed, preprocess_input, shuffled
from generator.job import Job
from generator.probe import probe
from generator.results import ParameterCounts, Record, Score, Shapes, Summaries
from generator.training import Batches, Phase, Report, reseed, train
from generator.weights import load_arrays

COPIES = 9
"""Augmented copies in the figure."""


def configure(threads: int) -> None:
    """Make runs repeatable. Called once per process, before TensorFlow computes anything."""
    # The default counts follow the CPUs a process is allowed, and sums follow the first of them.
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    # With one, reading the next batch would wait for the step on this one.
    tf.config.threading.set_inter_op_parallelism_threads(2)
    tf.config.experimental.enable_op_determinism()
    # On GPUs float32 would otherwise be multiplied with ten bits of mantissa.
    tf.config.experimental.enable_tensor_float_32_execution(False)


def run(job: Job, out: Path, report: Report) -> None:
    """Run the stage that `job` names, its files into the folder `out`."""
    keras.backend.clear_session()
    with _strategy().scope():
        STAGES[job.stage](_Bench(job), out, report)


@cache
def _strategy() -> tf.distribute.Strategy:
    """Training on every GPU where there are several; else wherever TensorFlow computes by itself."""
    several = len(tf.config.list_logical_devices("GPU")) > 1
    return tf.distribute.MirroredStrategy() if several else tf.distribute.get_strategy()


@lru_cache(maxsize=1)
def _base(image_size: int) -> keras.Model:
    """The base without its weights: built once for all stages of this process, because that takes a second."""
    return network.build_base(image_size)


_arrays = lru_cache(maxsize=1)(load_arrays)


class _Bench:
    """A job with what its stage makes of it when first asked: the base with its weights, arrays, batches."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.labels = np.asarray(job.labels, np.int64)

    @cached_property
    def base(self) -> keras.Model:
        """The base, frozen, with the weights it starts from."""
        if self.job.weights.summary.used == "random":
            keras.utils.set_random_seed(derived_seed(self.job.recipe.seed, "base weights"))
            return network.build_base(self.job.image_size)
        base = _base(self.job.image_size)
        base.trainable = False  # An earlier stage may have unfrozen and trained layers of it.
        network.load_arrays(base, _arrays(self.job.weights))
        return base

    @cached_property
    def cut_point(self) -> str:
        return network.cut_point(self.base, self.job.recipe.fine_tuning.from_layer)

    @cached_property
    def pixels(self) -> np.ndarray:
        """All images, uint8 (n, s, s, 3), as a memory map."""
        return np.lib.format.open_memmap(self.job.inputs["pixels"] / "pixels.npy", mode="r")

    def forward(self, model: keras.Model) -> Forward:
        """Preprocessing, where the variant has it, and a frozen part of the base from its input on."""
        prepare = as_convolution(preprocess_input) if self.job.recipe.model.preprocess else tf.identity
        frozen = fold(model, self.job.precision)
        return _compiled(lambda images: frozen(prepare(images)))

    def upper_model(self) -> tuple[keras.Model, network.Head]:
        """What fine-tuning trains: the base above the cut, from layer `from_layer` on, and the head."""
        network.unfreeze(self.base, self.job.recipe.fine_tuning.from_layer)
        layers = network.build_head(self.job.recipe.model.dropout)
        above = network.above(self.base, self.cut_point)
        return network.connect(above, layers, precision=self.job.precision), layers

    @cached_property
    def stored(self) -> np.ndarray | None:
        """Outputs of the lower part for every image, float32 (n, …), as a memory map; None if not stored."""
        path = self.job.inputs["cut"] / "outputs.npy" if "cut" in self.job.inputs else None
        return np.lib.format.open_memmap(path, mode="r") if path and path.exists() else None

    @cached_property
    def pooling(self) -> Forward:
        """Preprocessing, the whole base and the average over places: (b, s, s, 3) images to (b, 2048) features."""
        return self.forward(network.pooled(self.base))

    @cached_property
    def upper_pooling(self) -> Forward:
        """The rest of `pooling` after `lower`: outputs at the cut to (b, 2048) features."""
        return _compiled(fold(network.pooled(network.above(self.base, self.cut_point)), self.job.precision))

    @cached_property
    def lower(self) -> Forward:
        """Preprocessing and the base up to the cut."""
        return self.forward(network.below(self.base, self.cut_point))

    def lower_outputs(self, order: Sequence[int] | np.ndarray) -> Batches:
        """Outputs of the lower part for the images at `order`: as stored, or computed now."""
        if self.stored is not None:
            return self.batches(self.stored, order)
        return _through(self.batches(self.pixels, order), self.lower)

    @cached_property
    def augmentation(self) -> keras.Sequential:
        return augmentation_layers(self.job.recipe.model.rotation, seed=0)

    @cached_property
    def augment(self) -> Forward:
        """The augmentation as one graph: faster than its layers one by one."""
        augment: Forward = tf.function(partial(self.augmentation, training=True), autograph=False)
        return augment

    def augmented(self, phase: str, epoch: int, frozen: Forward) -> Batches:
        """Outputs of `frozen` for the epoch's training images, freshly augmented."""
        reseed(self.augmentation, derived_seed(self.job.recipe.seed, f"{phase} augmentation", epoch))
        images = self.batches(self.pixels, self.training_order(phase, epoch))
        return _through(images, lambda batch: frozen(self.augment(batch)))

    def training_order(self, phase: str, epoch: int) -> np.ndarray:
        """The epoch's training images, shuffled."""
        positions = self._positions(phase, epoch, validation=False)
        return shuffled(positions, derived_seed(self.job.recipe.seed, f"{phase} order", epoch))

    def validation_order(self, phase: str, epoch: int) -> np.ndarray:
        return self._positions(phase, epoch, validation=True)

    def batches(self, store: np.ndarray, order: Sequence[int] | np.ndarray) -> Batches:
        dataset: Batches = batches(store, self.labels, np.asarray(order), self.job.batch_size)
        return dataset

    def _positions(self, phase: str, epoch: int, *, validation: bool) -> np.ndarray:
        """Positions of the epoch's training or validation images."""
        split = self.job.split
        if self.job.recipe.split.mode == "fixed":
            return np.asarray(split.validation if validation else split.train)
        # The write-up's leak: every pass shuffles all training images anew and takes its share of the result.
        purpose = f"{phase} {'validation' if validation else 'training'} pass"
        order = shuffled(range(self.job.training_images), derived_seed(self.job.recipe.seed, purpose, epoch))
        kept = len(split.validation)
        return order[:kept] if validation else order[kept:]


def architecture(bench: _Bench, out: Path, report: Report) -> None:
    job, base, head = bench.job, bench.base, network.build_head(bench.job.recipe.model.dropout)
    whole = network.connect(base, head, network.layers_before(job.recipe.model, job.recipe.seed))
    base_summary, head_summary = network.summary(base), network.summary(whole)
    trainable_head = network.parameter_count(whole.trainable_variables)
    network.unfreeze(base, job.recipe.fine_tuning.from_layer)
    images = (job.batch_size, job.image_size, job.image_size, 3)
    features = base.compute_output_shape(images)
    parameters = ParameterCounts(
        total=network.parameter_count(whole.variables),
        base=network.parameter_count(base.variables),
        trainable_head=trainable_head,
        trainable_fine_tuning=network.parameter_count(whole.trainable_variables),
        base_layers=len(base.layers),
    )
    shapes = Shapes(
        images=images,
        features=features,
        pooled=head.pooling.compute_output_shape(features),
        logits=whole.compute_output_shape(images),
    )
    summaries = Summaries(base=base_summary, head=head_summary, fine_tuning=network.summary(whole))
    _write(out, parameters=parameters, shapes=shapes, summaries=summaries)


def augmentation(bench: _Bench, out: Path, report: Report) -> None:
    job = bench.job
    image = bench.pixels[0].astype(np.float32)
    seed = derived_seed(job.recipe.seed, "augmentation figure")
    layers = augmentation_layers(job.recipe.model.rotation, seed)
    copies = [layers(image[None], training=True).numpy()[0] for _ in range(COPIES)]
    np.save(out / "copies.npy", np.clip(np.round(copies), 0, 255).astype(np.uint8))


def features(bench: _Bench, out: Path, report: Report) -> None:
    # The same bits as `pooling` gives, wherever the cut lies: float32 holds what passes there.
    outputs = _through(bench.lower_outputs(range(len(bench.labels))), bench.upper_pooling)
    _store_outputs(outputs, (len(bench.labels), bench.base.output.shape[-1]), out / "pooled.npy", report)


def cut(bench: _Bench, out: Path, report: Report) -> None:
    below = network.below(bench.base, bench.cut_point)
    shape = (len(bench.labels), *below.output.shape[1:])
    if 4 * math.prod(shape) <= bench.job.most_stored_bytes:
        # Nothing is stored yet, so these are computed.
        _store_outputs(bench.lower_outputs(range(len(bench.labels))), shape, out / "outputs.npy", report)


def head(bench: _Bench, out: Path, report: Report) -> None:
    job, settings = bench.job, bench.job.recipe.model
    pooled = np.lib.format.open_memmap(job.inputs["features"] / "pooled.npy", mode="r")
    # Seeded by itself: the head starts alike in every variant, whatever was built before it.
    keras.utils.set_random_seed(derived_seed(job.recipe.seed, "head weights"))
    model = network.connect_head(network.build_head(settings.dropout), pooled.shape[1])
    before = _before(model, bench, pooled)

    def training(epoch: int) -> Batches:
        if settings.augment:
            return bench.augmented("head", epoch, bench.pooling)
        return bench.batches(pooled, bench.training_order("head", epoch))

    history = train(
        model,
        Phase("head", job.recipe.head, 1, job.recipe.seed, job.checkpoint),
        training,
        lambda epoch: bench.batches(pooled, bench.validation_order("head", epoch)),
        report,
    )
    _write(out, before=before, history=history)
    _save_variables(model.trainable_variables, out)


def fine_tuning(bench: _Bench, out: Path, report: Report) -> None:
    job, recipe = bench.job, bench.job.recipe
    model, layers = bench.upper_model()
    _load_variables(layers.dense.trainable_variables, job.inputs["head"])

    def training(epoch: int) -> Batches:
        if recipe.model.augment:
            return bench.augmented("fine_tuning", epoch, bench.lower)
        return bench.lower_outputs(bench.training_order("fine_tuning", epoch))

    history = train(
        model,
        Phase("fine_tuning", recipe.fine_tuning, recipe.first_fine_tuning_epoch, recipe.seed, job.checkpoint),
        training,
        lambda epoch: bench.lower_outputs(bench.validation_order("fine_tuning", epoch)),
        report,
    )
    _write(out, history=history)
    _save_variables(model.trainable_variables, out)


def evaluation(bench: _Bench, out: Path, report: Report) -> None:
    job, labels = bench.job, bench.labels
    model, _ = bench.upper_model()
    _load_variables(model.trainable_variables, job.inputs["fine_tuning"])
    logits = scoring.predict(model, bench.lower_outputs(range(len(labels))))
    train_images, validation_images = list(job.split.train), list(job.split.validation)
    test_logits, test_labels = logits[job.training_images :], labels[job.training_images :]
    _write(
        out,
        train=scoring.score(logits[train_images], labels[train_images]),
        validation=scoring.score(logits[validation_images], labels[validation_images]),
        test=scoring.classification_score(test_logits, test_labels),
        confusion=scoring.confusion(test_logits, test_labels),
        predictions=list(scoring.predictions(test_logits, test_labels, job.files[job.training_images :])),
    )


STAGES: dict[str, Callable[[_Bench, Path, Report], None]] = {
    "architecture": architecture,
    "augmentation": augmentation,
    "features": features,
    "cut": cut,
    "head": head,
    "fine_tuning": fine_tuning,
    "evaluation": evaluation,
    "probe": probe,
}


def _through(source: Batches, forward: Forward) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    for images, labels in source:
        yield forward(images), labels


def _before(model: keras.Model, bench: _Bench, pooled: np.ndarray) -> Score:
    positions = list(bench.job.split.validation)
    logits = scoring.predict(model, bench.batches(pooled, positions))
    return scoring.score(logits, bench.labels[positions])


def _compiled(forward: Forward) -> Forward:
    # No signature: traced for each batch size, as the steps of training are (`network.FixedShapeModel`).
    compiled: Forward = tf.function(forward, autograph=False)
    return compiled


def _store_outputs(outputs: Batches, shape: tuple[int, ...], path: Path, report: Report) -> None:
    """All `outputs` as one float32 array of `shape` (n, …), written batch by batch."""
    done = 0
    # As a stream: where the disk is full, writing to a memory map kills the process.
    with path.open("wb") as stream:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
        for batch, _ in outputs:
            stream.write(np.ascontiguousarray(batch, "<f4").data)
            done += len(batch)
            report({"images": done, "of": shape[0]})


def _write(out: Path, **records: Record | Sequence[Record]) -> None:
    table = {
        name: [row.model_dump(mode="json") for row in value]
        if isinstance(value, Sequence)
        else value.model_dump(mode="json")
        for name, value in records.items()
    }
    (out / "result.json").write_text(json.dumps(table, allow_nan=False), "utf-8")


def _save_variables(variables: list[keras.Variable], out: Path) -> None:
    np.savez(out / "variables.npz", **{str(i): v.numpy() for i, v in enumerate(variables)})


def _load_variables(variables: list[keras.Variable], folder: Path) -> None:
    with np.load(folder / "variables.npz", allow_pickle=False) as arrays:
        for i, variable in enumerate(variables):
            variable.assign(arrays[str(i)])
