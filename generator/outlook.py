"""What a build is about to do and how long it takes: the estimate (`estimate`) of a build's own stages.

`expect` looks at the stages that run and forecasts them; with `probe` it has the worker measure one batch where
something costly never ran on this machine. `note` keeps what they took for the next time.
"""

import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import mean

from generator import estimate, images, timings
from generator.bench import Bench
from generator.cache import read_checkpoint
from generator.config import Variant
from generator.errors import MeasuredPostError
from generator.estimate import COSTLY, Counts, Forecast, Speed, Work
from generator.stages import Stage
from generator.timings import Timing

DECODED = 4
"""Images that are decoded to see what one takes."""


@dataclass(frozen=True)
class Outlook:
    """A forecast, and the work that it is of."""

    forecast: Forecast
    work: dict[str, Work]
    """Label of each stage that runs → what it has to do."""


def expect(bench: Bench, running: Sequence[Stage], *, probe: bool) -> Outlook:
    """The outlook of the stages `running`, in order and each once. Changes nothing but for the worker, with `probe`."""
    work = {stage.label: _work(bench, stage, running) for stage in running}
    planned = len({stage.key.digest for stage in bench.plan.stages})
    known = timings.read(bench.places.store)
    forecast = estimate.forecast(work, planned, known)
    unknown = [each.label for each in forecast.stages if each.seconds is None]
    if probe and any(stage.label in unknown and stage.name in COSTLY for stage in running):
        probed = _probed(bench, {stage.label: stage for stage in running}, work, unknown)
        forecast = estimate.forecast(work, planned, known, probed)
    return Outlook(forecast, work)


def note(bench: Bench, work: dict[str, Work]) -> None:
    """Keep what the stages took that ran."""
    entries = {stage.label: bench.entries.get(stage.key.digest) for stage in bench.plan.stages}
    took = [(work[label], entries[label]) for label in bench.ran if label in work]
    done = {todo.kind: Timing(todo.volume, entry.seconds) for todo, entry in took if entry}
    if done and bench.places.store.is_dir():
        timings.record(bench.places.store, done)


def _work(bench: Bench, stage: Stage, running: Sequence[Stage]) -> Work:
    variant, data = _variant(bench, stage), bench.config.data
    split = bench.splits[variant.name]
    counts = Counts(len(bench.dataset.samples), len(split.train), len(split.validation))
    # `features` takes what `cut` stored where some stage of this build needs that.
    cuts = {use.key.digest for use in stage.uses}
    cut = any(need.key.digest in cuts for each in running for need in each.needs)
    precision, done = bench.precisions[variant.name], 0 if bench.force else _finished_epochs(bench, stage)
    return estimate.work(stage.name, variant.recipe, precision, data, counts, done=done, cut=cut)


def _finished_epochs(bench: Bench, stage: Stage) -> int:
    """Epochs that a killed build has finished of `stage`."""
    path = bench.store.root / "checkpoints" / f"{stage.key.stage}-{stage.key.digest}.npz"
    found = read_checkpoint(path)
    return len(json.loads(found[1])) if found else 0


def _probed(bench: Bench, running: dict[str, Stage], work: dict[str, Work], unknown: list[str]) -> dict[str, float]:
    """Label → seconds of the stages `unknown`, from one batch for each kind of network among them."""
    measured: dict[tuple[str, int], Speed] = {}
    try:
        with bench.display.stage("a probe of one batch"):
            for stage in [running[label] for label in unknown if running[label].name in COSTLY]:
                network = _network(bench, stage)
                if network not in measured:
                    measured[network] = measure(bench, stage)
    except (MeasuredPostError, RuntimeError, TypeError) as error:
        # An estimate is no reason to fail: what is wrong with the worker shows when the first stage runs.
        bench.display.warn(f"no estimate: {str(error).splitlines()[0]}")
        return {}
    any_speed = next(iter(measured.values()))
    return {label: _predicted(bench, running[label], work[label], measured, any_speed) for label in unknown}


def measure(bench: Bench, stage: Stage) -> Speed:
    """The probe of `stage`'s network. Raises what the worker does when it fails."""
    return Speed(decode=_decode_seconds(bench), **bench.probe(stage))


def _predicted(
    bench: Bench, stage: Stage, todo: Work, measured: dict[tuple[str, int], Speed], otherwise: Speed
) -> float:
    network = _network(bench, stage)
    speed, most = measured.get(network, otherwise), bench.config.data.max_stored_bytes
    return estimate.predicted(todo, network[0], len(bench.dataset.samples), speed, estimate.costs(), most)


def _network(bench: Bench, stage: Stage) -> tuple[str, int]:
    """What decides how long an image takes: precision and cut."""
    variant = _variant(bench, stage)
    return bench.precisions[variant.name], variant.recipe.fine_tuning.from_layer


def _variant(bench: Bench, stage: Stage) -> Variant:
    return stage.variant or bench.config.baseline


def _decode_seconds(bench: Bench) -> float:
    """Seconds to decode an image, all cores at work; 0 if none of those tried can be, which its own stage reports."""
    data, samples = bench.config.data, bench.dataset.samples
    taken = []
    for sample in samples[:: max(1, len(samples) // DECODED)][:DECODED]:
        started = time.perf_counter()
        with suppress(images.BadImage, OSError):
            images.decode(sample.path, size=data.image_size, alpha=data.alpha, max_pixels=data.max_pixels)
            taken.append(time.perf_counter() - started)
    return mean(taken) / (os.cpu_count() or 1) if taken else 0.0
