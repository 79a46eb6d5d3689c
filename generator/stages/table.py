"""The stages of a build, one row each: what it runs, what it may read, what it needs.

A row is the only place that decides about a stage; `docs/architecture.md` draws which needs which. Its key is made from
the row (`build.plan`), and so is the job that its function is given (`stages.job`): what a row does not declare can be
read by no stage.
"""

from collections.abc import Mapping

from generator.backbones.weights import Weights
from generator.experiment.config.settings import Recipe
from generator.stages.stage import Condition, Stage

TENSORFLOW = ("keras", "numpy", "tensorflow")
DRAWING = ("matplotlib", "numpy", "pillow", "seaborn")

WORKER_ENVIRONMENT = {"TF_ENABLE_ONEDNN_OPTS": "1"}
"""Set before TensorFlow is imported. Pinned, because the default differs between processors and sums differ with it."""

WORKER = (
    "generator.stages.table:WORKER_ENVIRONMENT",
    "generator.stages.devices:Devices",
)
"""What surrounds every stage that needs TensorFlow; part of each one's key."""


def augments(recipe: Recipe, weights: Weights) -> bool:
    return recipe.model.augment


def augments_every_epoch(recipe: Recipe, weights: Weights) -> bool:
    """Whether the head sees all the epochs' augmented images: where it may end early, none is prepared in advance."""
    return recipe.model.augment and recipe.head.patience == 0


def reshuffles(recipe: Recipe, weights: Weights) -> bool:
    return recipe.split.mode == "reshuffled"


def draws_weights(recipe: Recipe, weights: Weights) -> bool:
    return weights.summary.used == "random"


_SPLITTING = ("split.validation_fraction", "split.stratified")
_DECODED = ("data.image_size", "data.alpha", "data.crop", "data.max_pixels")
_BATCHES = ("data.image_size", "data.batch_size")
NETWORK = (*_BATCHES, "model.preprocess", "model.dropout", "fine_tuning.from_layer")
"""What a stage reads that has images pass the whole network after its training."""
_PHASE = ("split.mode", "model.preprocess", "model.augment", "model.dropout", "seeds.order", "seeds.dropout")
_TRAINED = (*_BATCHES, *_PHASE)
_HEAD = ("head.optimizer", "head.learning_rate", "head.epochs", "head.keep", "head.patience")
_AUGMENTATION: Mapping[str, Condition] = {"model.rotation": augments, "model.fill": augments}
RANDOM_WEIGHTS: Mapping[str, Condition] = {"seeds.weights": draws_weights}
_CHANCE: Mapping[str, Condition] = {
    **_AUGMENTATION,
    **RANDOM_WEIGHTS,
    "seeds.augmentation": augments,
    "seeds.split": reshuffles,
}

STAGES = (
    Stage(
        name="pixels",
        runs="generator.stages.pixels:pixels",
        scope="run",
        settings=_DECODED,
        given=("dataset",),
        packages=("numpy", "pillow"),
        decodes="samples",
        shards="images",
    ),
    Stage(
        name="near", runs="generator.stages.pixels:near", scope="build", needs=("pixels",), packages=("numpy", "pillow")
    ),
    Stage(
        name="augmentation",
        runs="generator.stages.augmenting:augmentation",
        scope="build",
        settings=("seeds.augmentation", "model.rotation", "model.fill"),
        needs=("pixels",),
        packages=TENSORFLOW,
        for_stages=True,
    ),
    Stage(
        name="split",
        runs="generator.stages.pixels:split",
        scope="run",
        settings=("seeds.split", *_SPLITTING, "data.batch_size", "data.near_duplicates"),
        given=("dataset",),
        needs=("near",),
        packages=("numpy",),
    ),
    Stage(
        name="data_figures",
        runs="generator.stages.drawing:data_figures",
        scope="build",
        given=("dataset",),
        draws=("classes", "files"),
        needs=("pixels", "near", "split", "augmentation"),
        packages=DRAWING,
    ),
    Stage(
        name="architecture",
        runs="generator.stages.learning:architecture",
        scope="variant",
        settings=(*_BATCHES, "model.preprocess", "model.augment", "model.dropout", "fine_tuning.from_layer"),
        sometimes=_AUGMENTATION,
        given=("classes", "backbone"),
        packages=TENSORFLOW,
    ),
    Stage(
        name="cut",
        runs="generator.stages.learning:cut",
        scope="run",
        settings=(*_BATCHES, "model.preprocess", "fine_tuning.from_layer", "data.max_stored_bytes"),
        sometimes=RANDOM_WEIGHTS,
        given=("dataset", "backbone", "weights", "precision"),
        needs=("pixels",),
        packages=TENSORFLOW,
        for_stages=True,
        shards="rows",
    ),
    Stage(
        name="features",
        runs="generator.stages.learning:features",
        scope="run",
        # Not `from_layer`: wherever the cut lies, these are the same bits, and no head is trained again.
        settings=(*_BATCHES, "model.preprocess"),
        sometimes=RANDOM_WEIGHTS,
        given=("dataset", "backbone", "weights", "precision"),
        needs=("pixels",),
        uses=("cut",),
        packages=TENSORFLOW,
        for_stages=True,
        shards="rows",
    ),
    Stage(
        name="near_features",
        runs="generator.stages.similarity:near_features",
        scope="build",
        needs=("pixels", "near", "features"),
        packages=("numpy",),
        # Where there are near-duplicates.
        on_request=True,
    ),
    Stage(
        name="labels",
        runs="generator.stages.labels:labels",
        scope="build",
        given=("dataset",),
        needs=("pixels", "near", "features"),
        packages=("numpy", "scikit-learn", "scipy"),
    ),
    Stage(
        name="label_figures",
        runs="generator.stages.drawing:label_figures",
        scope="build",
        given=("dataset",),
        draws=("classes", "files"),
        needs=("pixels", "labels"),
        packages=DRAWING,
    ),
    Stage(
        name="augmented",
        runs="generator.stages.augmenting:augmented",
        scope="run",
        settings=(
            *_BATCHES,
            "split.mode",
            "model.preprocess",
            "model.rotation",
            "model.fill",
            "seeds.augmentation",
            "head.epochs",
            "data.max_stored_bytes",
        ),
        sometimes={**RANDOM_WEIGHTS, "seeds.split": reshuffles},
        given=("dataset", "backbone", "weights", "precision"),
        needs=("pixels", "split"),
        packages=TENSORFLOW,
        for_stages=True,
        where=augments_every_epoch,
        shards="passes",
    ),
    Stage(
        name="head",
        runs="generator.stages.learning:head",
        scope="run",
        settings=(*_TRAINED, "seeds.head", *_HEAD),
        sometimes=_CHANCE,
        given=("classes", "dataset", "backbone", "weights", "precision"),
        needs=("pixels", "split", "features", "augmented"),
        packages=TENSORFLOW,
    ),
    Stage(
        name="head_evaluation",
        runs="generator.stages.learning:head_evaluation",
        scope="run",
        settings=("data.batch_size", "model.dropout"),
        given=("classes", "dataset"),
        needs=("split", "features", "head"),
        packages=(*TENSORFLOW, "scikit-learn"),
    ),
    Stage(
        name="fine_tuning",
        runs="generator.stages.learning:fine_tuning",
        scope="run",
        settings=(
            *_TRAINED,
            "fine_tuning.from_layer",
            "fine_tuning.optimizer",
            "fine_tuning.learning_rate",
            "fine_tuning.epochs",
            "fine_tuning.keep",
            "fine_tuning.patience",
        ),
        sometimes=_CHANCE,
        given=("classes", "dataset", "backbone", "weights", "precision"),
        needs=("pixels", "split", "cut", "head"),
        packages=TENSORFLOW,
    ),
    Stage(
        name="evaluation",
        runs="generator.stages.learning:evaluation",
        scope="run",
        settings=NETWORK,
        sometimes=RANDOM_WEIGHTS,
        given=("classes", "dataset", "backbone", "weights", "precision"),
        needs=("pixels", "split", "cut", "fine_tuning"),
        packages=(*TENSORFLOW, "scikit-learn"),
    ),
    Stage(
        name="curves",
        runs="generator.stages.drawing:curves",
        scope="runs",
        settings=("head.keep", "fine_tuning.keep"),
        needs=("head", "fine_tuning"),
        packages=DRAWING,
    ),
    Stage(
        name="examples",
        runs="generator.stages.drawing:examples",
        scope="build",
        given=("dataset",),
        draws=("classes",),
        needs=("pixels", "evaluation"),
        packages=DRAWING,
    ),
    Stage(
        name="activation_maps",
        runs="generator.stages.learning:activation_maps",
        scope="variant",
        settings=(*NETWORK, "data.crop"),
        sometimes=RANDOM_WEIGHTS,
        given=("classes", "dataset", "backbone", "weights", "precision"),
        needs=("pixels", "cut", "fine_tuning", "evaluation"),
        packages=(*TENSORFLOW, "pillow"),
        decodes="test",
    ),
    Stage(
        name="map_figures",
        runs="generator.stages.drawing:map_figures",
        scope="variant",
        given=("dataset",),
        draws=("classes",),
        needs=("pixels", "evaluation", "activation_maps"),
        packages=DRAWING,
    ),
    Stage(
        name="measure_pixels",
        runs="generator.stages.pixels:measure_pixels",
        scope="run",
        settings=_DECODED,
        given=("measure",),
        needs=("pixels",),
        packages=("numpy", "pillow"),
        decodes="samples",
        measures=True,
    ),
    Stage(
        name="measure_features",
        runs="generator.stages.learning:measure_features",
        scope="run",
        settings=(*_BATCHES, "model.preprocess"),
        sometimes=RANDOM_WEIGHTS,
        given=("measure", "backbone", "weights", "precision"),
        needs=("measure_pixels",),
        packages=TENSORFLOW,
        for_stages=True,
        measures=True,
    ),
    Stage(
        name="measurement",
        runs="generator.stages.learning:measurement",
        scope="run",
        settings=NETWORK,
        sometimes=RANDOM_WEIGHTS,
        given=("classes", "measure", "backbone", "weights", "precision"),
        needs=("measure_pixels", "measure_features", "head", "fine_tuning"),
        packages=(*TENSORFLOW, "scikit-learn"),
        measures=True,
    ),
    Stage(
        name="figures",
        runs="generator.stages.drawing:figures",
        scope="variant",
        given=("dataset",),
        draws=("classes",),
        needs=("pixels", "evaluation", "measurement"),
        packages=(*DRAWING, "scipy"),
    ),
    Stage(
        name="measure_figures",
        runs="generator.stages.drawing:measure_figures",
        scope="variant",
        given=("dataset", "attributes"),
        draws=("classes", "attributes"),
        needs=("measure_pixels", "measurement"),
        packages=DRAWING,
        measures=True,
    ),
    Stage(
        name="comparison",
        runs="generator.stages.drawing:comparison",
        scope="variants",
        given=("titles", "runs", "questions"),
        draws=("titles",),
        needs=("head_evaluation", "evaluation", "measurement"),
        packages=(*DRAWING, "scipy"),
    ),
)
"""In an order in which none comes before one that it needs."""
