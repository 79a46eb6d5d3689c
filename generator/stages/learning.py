"""The stages that need TensorFlow: each is a function from a `Job` to files in a folder.

    architecture   shapes, parameter counts, model summaries
    cut            outputs of the frozen lower part for every image
    features       pooled features of every image, from the frozen base
    head           phase 1: history, the head's weights, the score before training
    head_evaluation   scores on the three splits, predictions, confusion matrix after phase 1
    fine_tuning    phase 2: history, the weights of the upper part and the head
    evaluation     the same as `head_evaluation` after phase 2
    activation_maps   which places of the test images the logits of that network come from

    validation         of a point of a sweep: score and predictions of the images that validate, and of no other

    measure_features   pooled features of every image to measure with, as `features`
    measurement        scores and predictions of these after each phase

No Keras object leaves this module: numbers, strings and arrays are saved.
"""

import json
import math
from pathlib import Path

import keras
import numpy as np

from generator.data import regions
from generator.experiment.activation_maps import Grid, MappedImage
from generator.experiment.config.settings import ModelSettings, first_fine_tuning_epoch
from generator.experiment.outcomes import Prediction, Score
from generator.experiment.results import ParameterCounts, Shapes, Summaries
from generator.experiment.task import Task, task_for
from generator.stages import artifacts
from generator.stages.augmenting import head_batches
from generator.stages.job import Job
from generator.stages.pixels import found_in
from generator.stages.workspace import Workspace, through
from generator.support.progress import Report
from generator.training import activation_maps as mapping
from generator.training import network, scoring
from generator.training.batches import Batches
from generator.training.epochs import Phase, train
from generator.training.folding import Forward


def architecture(job: Job, out: Path, report: Report) -> None:
    work, settings = Workspace(job), _model_settings(job)
    base = work.structure
    head = network.build_head(settings.dropout, task_for(job.classes).outputs)
    # Nothing is augmented here, so the seed is of no account.
    whole = network.connect(base, head, network.layers_before(settings, seed=0, prepare=work.prepare))
    base_summary, head_summary = network.summary(base), network.summary(whole)
    trainable_head = network.parameter_count(whole.trainable_variables)
    network.unfreeze(base, work.from_layer)
    size = job.setting("data.image_size")
    images = (job.setting("data.batch_size"), size, size, 3)
    features = (images[0], *base.output_shape[1:])
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
        logits=(images[0], *whole.output_shape[1:]),
    )
    summaries = Summaries(base=base_summary, head=head_summary, fine_tuning=network.summary(whole))
    artifacts.write_records(out, parameters=parameters, shapes=shapes, summaries=summaries)


def cut(job: Job, out: Path, report: Report) -> None:
    work = Workspace(job)
    (out / artifacts.CUT).write_text(json.dumps({"layer": work.cut_point}), "utf-8")
    shape = (len(work.labels), *work.below.output.shape[1:])
    if 4 * math.prod(shape) <= job.setting("data.max_stored_bytes"):
        # Nothing is stored yet, so these are computed.
        store_outputs(work.lower_outputs(range(len(work.labels))), shape, out / artifacts.OUTPUTS, report)


def features(job: Job, out: Path, report: Report) -> None:
    work = Workspace(job)
    shape = (len(work.labels), work.base.output.shape[-1])
    store_outputs(_pooled(work), shape, out / artifacts.POOLED, report)


def _pooled(work: Workspace) -> Batches:
    """The features of every image, from what is stored at the cut where that gives the same bits.

    It mostly does, since float32 holds what passes there. Not where the cut parts what is computed as one otherwise, as
    a convolution and its normalisation: the first and the last batch, which may be smaller, are tried.
    """
    order, size = range(len(work.labels)), work.job.setting("data.batch_size")
    # Where there are but two batches, both would be tried.
    if work.stored is not None and len(order) > 2 * size:
        layer = json.loads((work.job.inputs["cut"] / artifacts.CUT).read_text("utf-8"))["layer"]
        above = work.pooling_above(layer)
        tried = {order[:size], order[(len(order) - 1) // size * size :]}
        if all(_same(work.stored, above, work, some) for some in tried):
            return through(work.batches(work.stored, order), above)
    return through(work.batches(work.pixels, order), work.pooling)


def _same(store: np.ndarray, forward: Forward, work: Workspace, batch: range) -> bool:
    """Whether rows of `store` passed through `forward` are, bit for bit, the features of these images."""
    sides = ((store, forward), (work.pixels, work.pooling))
    one, other = (next(iter(through(work.batches(rows, batch), each)))[0] for rows, each in sides)
    return np.asarray(one).tobytes() == np.asarray(other).tobytes()


def head(job: Job, out: Path, report: Report) -> None:
    work, task = Workspace(job), task_for(job.classes)
    pooled = artifacts.rows(job.inputs["features"] / artifacts.POOLED)
    # Seeded by itself: the head starts alike in every variant, whatever was built before it.
    keras.utils.set_random_seed(work.seed("head", "head weights"))
    layers = network.build_head(job.setting("model.dropout"), task.outputs)
    model = network.connect_head(layers, pooled.shape[1])
    before = _before(task, model, work, pooled)

    def training(epoch: int) -> Batches:
        order = work.training_order("head", epoch)
        return head_batches(work, epoch, order) if job.setting("model.augment") else work.batches(pooled, order)

    history = train(
        model,
        Phase("head", job.phase("head"), 1, job.setting("seeds.dropout"), job.checkpoint),
        training,
        lambda epoch: work.batches(pooled, work.validation_order("head", epoch)),
        report,
    )
    artifacts.write_records(out, before=before, history=history)
    _save_variables(model.trainable_variables, out)


def head_evaluation(job: Job, out: Path, report: Report) -> None:
    work, task = Workspace(job), task_for(job.classes)
    pooled = artifacts.rows(job.inputs["features"] / artifacts.POOLED)
    layers = network.build_head(job.setting("model.dropout"), task.outputs)
    model = network.connect_head(layers, pooled.shape[1])
    _load_variables(model.trainable_variables, job.inputs["head"])
    logits = scoring.predict(model, work.batches(pooled, range(len(work.labels))))
    _write_outcome(task, logits, work, out)


def fine_tuning(job: Job, out: Path, report: Report) -> None:
    work = Workspace(job)
    model, layers = work.upper_model(task_for(job.classes).outputs)
    _load_variables(layers.dense.trainable_variables, job.inputs["head"])

    def training(epoch: int) -> Batches:
        order = work.training_order("fine_tuning", epoch)
        augmenting = job.setting("model.augment")
        return work.augmented("fine_tuning", epoch, order, work.lower) if augmenting else work.lower_outputs(order)

    first = first_fine_tuning_epoch(len(artifacts.read_records(job.inputs["head"])["history"]))
    history = train(
        model,
        Phase("fine_tuning", job.phase("fine_tuning"), first, job.setting("seeds.dropout"), job.checkpoint),
        training,
        lambda epoch: work.lower_outputs(work.validation_order("fine_tuning", epoch)),
        report,
    )
    artifacts.write_records(out, history=history)
    _save_variables(model.trainable_variables, out)


def evaluation(job: Job, out: Path, report: Report) -> None:
    work, task = Workspace(job), task_for(job.classes)
    model, _ = work.upper_model(task.outputs)
    _load_variables(model.trainable_variables, job.inputs["fine_tuning"])
    logits = scoring.predict(model, work.lower_outputs(range(len(work.labels))))
    _write_outcome(task, logits, work, out)


def validation(job: Job, out: Path, report: Report) -> None:
    work, task = Workspace(job), task_for(job.classes)
    model, _ = work.upper_model(task.outputs)
    _load_variables(model.trainable_variables, job.inputs["fine_tuning"])
    positions = list(work.parts["validation"])
    logits, labels = scoring.predict(model, work.lower_outputs(positions)), work.labels[positions]
    files = [job.dataset.samples[position].name for position in positions]
    predictions = scoring.predictions(task, logits, labels, files)
    artifacts.write_records(out, score=scoring.score(task, logits, labels), predictions=predictions)


def activation_maps(job: Job, out: Path, report: Report) -> None:
    work, task = Workspace(job), task_for(job.classes)
    model, layers = work.upper_model(task.outputs)
    _load_variables(model.trainable_variables, job.inputs["fine_tuning"])
    outcome = artifacts.read_records(job.inputs["evaluation"])["outcome"]
    predicted = [Prediction(**row).predicted for row in outcome["predictions_by_part"]["test"]]
    logits = predicted if task.outputs > 1 else [0] * len(predicted)
    tested = work.lower_outputs(range(job.dataset.first_test, len(job.dataset.samples)))
    maps = mapping.activation_maps(model, layers, tested, logits)
    np.save(out / artifacts.MAPS, maps)
    # The only logit of two classes speaks for the second, and against the first.
    speaking = [1 if label or task.outputs > 1 else -1 for label in predicted]
    grid = Grid(rows=maps.shape[1], columns=maps.shape[2], bias=layers.dense.bias.numpy().tolist())
    artifacts.write_records(out, grid=grid, images=_mapped(job, maps, speaking, report))


def _mapped(job: Job, maps: np.ndarray, speaking: list[int], report: Report) -> list[MappedImage]:
    """What each map comes to, and what of it lies where, as far as alpha channels tell."""
    size, crop = job.setting("data.image_size"), job.setting("data.crop")
    any_transparent = found_in(job.inputs["pixels"]).transparent > 0
    images = []
    for sample, places, sign in zip(job.dataset.test, maps, speaking, strict=True):
        where = regions.of_image(sample.path, size, crop) if any_transparent else None
        images.append(
            MappedImage(
                mean=float(places.mean(dtype=np.float64)),
                map=None if where is None else regions.shares(regions.enlarged(sign * places, size), where),
                area=None if where is None else regions.shares(np.ones((size, size), np.float32), where),
            )
        )
        report({"images": len(images), "of": len(maps)})
    return images


def measure_features(job: Job, out: Path, report: Report) -> None:
    work = Workspace(job)
    outputs = through(work.batches(work.measure_pixels, range(len(work.labels))), work.pooling)
    store_outputs(outputs, (len(work.labels), work.base.output.shape[-1]), out / artifacts.POOLED, report)


def measurement(job: Job, out: Path, report: Report) -> None:
    work, task = Workspace(job), task_for(job.classes)
    everything, files = range(len(work.labels)), [sample.name for sample in job.measure.samples]
    pooled = artifacts.rows(job.inputs["measure_features"] / artifacts.POOLED)
    head = network.connect_head(network.build_head(job.setting("model.dropout"), task.outputs), pooled.shape[1])
    _load_variables(head.trainable_variables, job.inputs["head"])
    before = scoring.predict(head, work.batches(pooled, everything))
    model, _ = work.upper_model(task.outputs)
    _load_variables(model.trainable_variables, job.inputs["fine_tuning"])
    # Nothing of these images is kept at the cut: they are many.
    after = scoring.predict(model, through(work.batches(work.measure_pixels, everything), work.lower))
    artifacts.write_records(
        out,
        head=scoring.measured(task, before, work.labels, files),
        fine_tuning=scoring.measured(task, after, work.labels, files),
    )


def store_outputs(outputs: Batches, shape: tuple[int, ...], path: Path, report: Report) -> None:
    """All `outputs` as one float32 array of `shape` (n, …), written batch by batch. Raises `OSError`."""
    done = 0
    # As a stream: where the disk is full, writing to a memory map kills the process.
    with path.open("wb") as stream:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
        for batch, _ in outputs:
            stream.write(np.ascontiguousarray(batch, "<f4").data)
            done += len(batch)
            report({"images": done, "of": shape[0]})


def _model_settings(job: Job) -> ModelSettings:
    augment = job.setting("model.augment")
    return ModelSettings(
        preprocess=job.setting("model.preprocess"),
        augment=augment,
        **({name: job.setting(f"model.{name}") for name in ("rotation", "fill")} if augment else {}),
        dropout=job.setting("model.dropout"),
    )


def _before(task: Task, model: keras.Model, work: Workspace, pooled: np.ndarray) -> Score:
    positions = list(work.split.validation)
    logits = scoring.predict(model, work.batches(pooled, positions))
    return scoring.score(task, logits, work.labels[positions])


def _write_outcome(task: Task, logits: np.ndarray, work: Workspace, out: Path) -> None:
    """Write what `logits` of all images come to."""
    files = [sample.name for sample in work.job.dataset.samples]
    artifacts.write_records(out, outcome=scoring.outcome(task, logits, work.labels, files, work.parts))


def _save_variables(variables: list[keras.Variable], out: Path) -> None:
    np.savez(out / artifacts.VARIABLES, **{str(i): v.numpy() for i, v in enumerate(variables)})


def _load_variables(variables: list[keras.Variable], folder: Path) -> None:
    with np.load(folder / artifacts.VARIABLES, allow_pickle=False) as arrays:
        for i, variable in enumerate(variables):
            variable.assign(arrays[str(i)])
