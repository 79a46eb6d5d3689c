"""The stages of a build, what each needs and what its outcome depends on.

    pixels ─┬─ features ─ head ─ fine_tuning ─ evaluation ─ figures
            ├─ cut ╌╌┘──────────┘
            └─ augmentation ───────────────────────────── data figures
    architecture

What `cut` stores shortens `features` and changes nothing about them: `features` uses it and does not need it.
`plan` lists them for every variant with their keys, without running anything. Variants that agree on all that a
stage depends on have the same key for it and share its outcome.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

from generator import fonts, source
from generator.cache import Key
from generator.config import Config, Recipe, Variant, flatten
from generator.data import Dataset
from generator.weights import Weights

TENSORFLOW = ("keras", "numpy", "tensorflow")


@dataclass(frozen=True)
class Stage:
    """One step of the build for one variant, or for all (`variant` None)."""

    name: str
    key: Key
    needs: tuple["Stage", ...]
    uses: tuple["Stage", ...]
    """Stages whose files spare it work if they are there; its outcome is the same without them, to the bit."""
    variant: Variant | None
    in_worker: bool
    """Whether it runs in the process that has TensorFlow."""

    @property
    def label(self) -> str:
        return self.key.label


@dataclass(frozen=True)
class VariantStages:
    """The stages of one variant; earlier ones may be shared with other variants by key."""

    architecture: Stage
    features: Stage
    cut: Stage
    head: Stage
    fine_tuning: Stage
    evaluation: Stage
    figures: Stage


@dataclass(frozen=True)
class Plan:
    """All stages of a build."""

    pixels: Stage
    augmentation: Stage
    data_figures: Stage
    variants: Mapping[str, VariantStages]
    comparison: Stage

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Every stage, in an order in which none comes before one that it needs."""
        ordered = [self.pixels, self.augmentation]
        for v in self.variants.values():
            ordered += [v.architecture, v.cut, v.features, v.head, v.fine_tuning, v.evaluation, v.figures]
        return (*ordered, self.data_figures, self.comparison)

    @property
    def wanted(self) -> tuple[Stage, ...]:
        """The stages whose outcome the post needs; the others run only where one of these runs and needs them."""
        return tuple(stage for stage in self.stages if stage.name not in ("augmentation", "features", "cut"))


def plan(config: Config, dataset: Dataset, weights: Weights, precisions: Mapping[str, str]) -> Plan:
    """The stages of `config`; `precisions` is each variant's precision on this machine."""
    data = config.data
    pixels = _stage(
        "pixels",
        settings={"data.image_size": data.image_size, "data.alpha": data.alpha, "data.max_pixels": data.max_pixels},
        inputs={"data": dataset.fingerprint},
        symbols=["generator.data:read_pixels"],
        packages=("numpy", "pillow", *dataset.decoders),
    )
    recipe = config.baseline.recipe
    augmentation = _stage(
        "augmentation",
        settings=_settings(recipe, "seed", "model.rotation"),
        needs=(pixels,),
        variant=config.baseline,
        shared=True,
        symbols=["generator.experiment:augmentation"],
        packages=TENSORFLOW,
        in_worker=True,
    )
    drawn = fonts.key(dataset.class_names)
    variants = {v.name: _variant(v, config, weights, precisions[v.name], pixels, drawn) for v in config.variants}
    described = {
        "class names": list(dataset.class_names),
        "split": flatten(config.baseline.recipe.split.model_dump()),
        "batch size": data.batch_size,
        **fonts.key([*dataset.class_names, *(sample.name for sample in dataset.train)]),
    }
    data_figures = _stage(
        "data_figures",
        inputs=described,
        needs=(pixels, augmentation),
        symbols=["generator.figures:draw_data"],
        packages=DRAWING,
    )
    comparison = _stage(
        "comparison",
        inputs={"titles": [v.title for v in config.variants], **fonts.key(v.title for v in config.variants)},
        needs=tuple(v.evaluation for v in variants.values()),
        symbols=["generator.figures:draw_comparison"],
        packages=DRAWING,
    )
    return Plan(pixels, augmentation, data_figures, variants, comparison)


DRAWING = ("matplotlib", "numpy", "pillow", "seaborn")

_ARCHITECTURE = ("model.preprocess", "model.augment", "model.rotation", "model.dropout")
_AUGMENTATION = ("model.augment", "model.rotation")
_PHASE = ("optimizer", "learning_rate", "epochs")


def _variant(
    variant: Variant, config: Config, weights: Weights, precision: str, pixels: Stage, drawn: Mapping[str, str]
) -> VariantStages:
    recipe, size, batch = variant.recipe, config.data.image_size, config.data.batch_size
    images: dict[str, Any] = {"data.image_size": size}
    batched = {**images, "data.batch_size": batch}
    base: dict[str, Any] = {"weights": weights.summary.fingerprint, "precision": precision}
    if weights.summary.used == "random":
        base["base weights drawn with seed"] = recipe.seed
    split = _settings(recipe, "seed", "split.validation_fraction", "split.mode")
    forward = _settings(recipe, "model.preprocess")
    # Rotation matters only where there is augmentation.
    augmentation = _settings(recipe, *(_AUGMENTATION if recipe.model.augment else ("model.augment",)))

    def stage(name: str, *, packages: Iterable[str] = TENSORFLOW, **arguments: Any) -> Stage:
        symbols = [f"generator.experiment:{name}"]
        return _stage(name, variant=variant, symbols=symbols, packages=packages, in_worker=True, **arguments)

    architecture = stage(
        "architecture",
        settings={**batched, **_settings(recipe, *_ARCHITECTURE, "fine_tuning.from_layer")},
    )
    cut_settings = {**forward, **batched, **_settings(recipe, "fine_tuning.from_layer")}
    cut_settings["data.max_stored_bytes"] = config.data.max_stored_bytes
    cut = stage("cut", settings=cut_settings, inputs=base, needs=(pixels,))
    features = stage("features", settings={**forward, **batched}, inputs=base, needs=(pixels,), uses=(cut,))
    head = stage(
        "head",
        settings={
            **batched,
            **split,
            **augmentation,
            **_settings(recipe, "model.dropout", *(f"head.{name}" for name in _PHASE)),
        },
        needs=(pixels, features),
    )
    fine_tuning = stage(
        "fine_tuning",
        settings=_settings(recipe, *(f"fine_tuning.{name}" for name in _PHASE)),
        inputs={"precision": precision},
        needs=(pixels, cut, head),
    )
    evaluation = stage("evaluation", needs=(pixels, cut, fine_tuning), packages=(*TENSORFLOW, "scikit-learn"))
    figures = _stage(
        "figures",
        variant=variant,
        inputs=drawn,
        needs=(pixels, head, fine_tuning, evaluation),
        symbols=["generator.figures:draw_variant"],
        packages=DRAWING,
    )
    return VariantStages(architecture, features, cut, head, fine_tuning, evaluation, figures)


def _stage(
    name: str,
    *,
    symbols: Iterable[str],
    packages: Iterable[str],
    settings: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    needs: tuple[Stage, ...] = (),
    uses: tuple[Stage, ...] = (),
    variant: Variant | None = None,
    shared: bool = False,
    in_worker: bool = False,
) -> Stage:
    parts: dict[str, Any] = {f"setting {path}": value for path, value in (settings or {}).items()}
    parts |= dict(inputs or {})
    names = [need.name for need in needs]
    # By name, so that variants can share a stage; by label only where a stage needs the same one of each variant.
    parts |= {f"stage {n.name if names.count(n.name) == 1 else n.label}": n.key.digest for n in needs}
    parts |= {f"package {package}": version(package) for package in packages}
    parts |= {f"source {symbol}": digest for symbol, digest in source.fingerprint(symbols).items()}
    owner = "all" if variant is None or shared else variant.name
    return Stage(name, Key(name, f"{owner}.{name}", parts), needs, uses, variant, in_worker)


def _settings(recipe: Recipe, *paths: str) -> dict[str, Any]:
    values = flatten(recipe.model_dump(mode="json"))
    return {path: values[path] for path in paths}


@cache
def version(package: str) -> str:
    """The installed version of `package`."""
    return metadata.version(package)
