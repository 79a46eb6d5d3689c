"""What a build starts from: data set, weights, splits, precisions; all checked, nothing computed."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from generator.backbones import weights
from generator.backbones.downloads import Progress
from generator.backbones.registry import BACKBONES
from generator.backbones.weights import Weights
from generator.data import dataset as data
from generator.data import measure, origins, summary
from generator.data.dataset import Dataset
from generator.data.listed import ImageThere
from generator.data.measure import MeasureSet
from generator.data.origins import Origin
from generator.data.splits import Split
from generator.experiment.config.settings import Config
from generator.experiment.config.sweeps import laid_out
from generator.figures import fonts
from generator.support import hardware
from generator.support.display import Display
from generator.support.errors import BadInput


@dataclass(frozen=True)
class Start:
    """The inputs of a build."""

    dataset: Dataset
    weights: Mapping[str, Weights]
    """Variant → those that its base starts from."""
    splits: Mapping[str, Split]
    """Run → its split as far as it can be told before an image is decoded: copies of equal bytes are known."""
    precisions: Mapping[str, hardware.Precision]
    """Variant → the precision of its base on this machine."""
    measure: MeasureSet | None = None
    """The images to measure with, if there are any."""


def start(
    config: Config,
    store: Path,
    *,
    data_store: Path | None = None,
    download: bool = True,
    draw: bool = True,
    progress: Progress | None = None,
    data_progress: Progress | None = None,
) -> Start:
    """Find data and weights, and split. Raises `BadInput` where one of them cannot be used.

    What of the data is not in the store is drawn or unpacked below `data_store`, the store unless given; without
    `download` no weights are fetched, without `draw` no images to measure with are drawn. `progress` is told of the
    weights' download, `data_progress` of the data's.
    """
    config = laid_out(config)
    precisions = {v.name: hardware.precision(v.recipe.model.precision) for v in config.variants}
    where = _where(data_store, store, lambda: origins.locate(config.data, store, copy=config.execution.copies))
    dataset = data.find(config.data, where, data_progress, config.execution.copies)
    data.check_settings(dataset, config.variants)
    if dataset.kind == "sample":  # One may have been drawn before without the other.
        where = _where(data_store, store, lambda: origins.drawn_measure(config.data, store))
    measured = measure.find(config.data, where, dataset, draw=draw)
    splits = _splits(dataset, config)
    found = _weights(config, store, download=download, progress=progress)
    return Start(dataset, found, splits, precisions, measured)


def _where(given: Path | None, store: Path, origin: Callable[[], Origin]) -> Path:
    """The folder below which data lies or is made: that which was `given`, unless it is in the store."""
    return store if given is None or origin().folder.is_dir() else given


def _weights(config: Config, store: Path, *, download: bool, progress: Progress | None) -> dict[str, Weights]:
    """Variant → its weights; of each backbone every kind is found once."""
    found: dict[tuple[str, str], Weights] = {}
    wanted = {v.name: (v.recipe.model.backbone, config.weights_of(v.recipe.model)) for v in config.variants}
    several = len({name for name, _ in wanted.values()}) > 1
    for name, kind in dict.fromkeys(wanted.values()):
        try:
            found[name, kind] = weights.resolve(kind, BACKBONES[name], store, download=download, progress=progress)
        except BadInput as error:
            raise BadInput(f"{error}{_for_one(name, config) if several else ''}") from None
    return {variant: found[pair] for variant, pair in wanted.items()}


def _for_one(network: str, config: Config) -> str:
    """How to give one network other weights while the others keep theirs; nothing where its variant has a say."""
    models = [v.recipe.model for v in config.variants]
    if any(model.backbone == network and model.weights is not None for model in models):
        return ""
    # What --weights names is laid over all that --set does.
    others = f"--set {shlex.quote(f'weights={config.weights}')} " if isinstance(config.weights, str) else ""
    instead = " in place of --weights" if others else ""
    return f"; for this backbone alone: {others}--set weights.{network}=random{instead}"


def _splits(dataset: Dataset, config: Config) -> dict[str, Split]:
    """Run → its split; a thousand points of a sweep may have one and the same."""

    @cache
    def chosen(fraction: float, stratified: bool | Literal["auto"], seed: int) -> Split:
        return data.split(dataset, fraction, config.data.batch_size, seed, stratified=stratified)

    shares = ((run, run.variant.recipe.split) for run in config.runs)
    return {run.name: chosen(each.validation_fraction, each.stratified, run.seeds.split) for run, each in shares}


def introduce(begun: Start, config: Config, display: Display) -> None:
    """Say what is built on, and what about it a user should know."""
    found = begun.dataset
    display.say(f"data: {summary.found(found)}")
    if any(isinstance(sample.path, ImageThere) for sample in found.samples[:1]):
        display.say("data: the images stay at their address, and each is read there where it is needed")
    for reason, count in found.ignored.items():
        display.say(f"data: {count} ignored: {reason}")
    if begun.measure is not None:
        _introduce_measure(begun.measure, found, display)
    bases = {(each.backbone.name, each.summary.used): each for each in begun.weights.values()}
    for base in bases.values():
        why = f" ({base.detail or base.summary.reason})" if base.summary.requested == "auto" else ""
        named = f"{base.summary.used} {base.summary.name}".rstrip()
        display.say(f"weights of {base.backbone.name}: {named}{why}")
    missing = fonts.notice([*found.class_names, *(v.title for v in config.variants)])
    if missing:
        display.warn(missing)


def _introduce_measure(measured: MeasureSet, found: Dataset, display: Display) -> None:
    display.say(f"data: {summary.measured(measured)}")
    for reason, count in measured.ignored.items():
        display.say(f"data: to measure with: {count} ignored: {reason}")
    for remark in summary.measure_remarks(measured, found):
        display.warn(f"data: {remark}")


class Download:
    """Says how far a download is, at every tenth."""

    def __init__(self, display: Display, what: str) -> None:
        self._display = display
        self._what = what
        self._tenths = -1

    def __call__(self, done: int, total: int) -> None:
        tenths = 10 * done // total if total else done // 10**7
        if tenths != self._tenths:
            self._tenths = tenths
            of = f" of {total / 1e6:.0f}" if total else ""
            self._display.say(f"downloading {self._what}: {done / 1e6:.0f}{of} MB")
