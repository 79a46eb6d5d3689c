"""Whether what is set does anything: seeds that differ, values that are swept, variants."""

from collections.abc import Iterator, Mapping

from generator.build.start import Start
from generator.experiment.config.seeds import undrawn
from generator.experiment.config.settings import Config, Sweep, Value, Variant
from generator.support.errors import BadInput


def check_runs_differ(config: Config, start: Start) -> None:
    """Raise `BadInput` where all runs of a variant would be one, because it draws nothing from what differs."""
    seeds = config.seeds
    for variant in config.variants if seeds.count > 1 else ():
        model, used = variant.recipe.model, start.weights[variant.name].summary.used
        without = undrawn(
            validation=bool(start.dataset.validation), weights=used, dropout=model.dropout, augment=model.augment
        )
        if set(seeds.vary) <= without.keys():
            raise BadInput(
                f"seeds.vary = {list(seeds.vary)}: {variant.name} draws nothing from it "
                f"({', '.join(without[source] for source in seeds.vary)}), so its {seeds.count} runs would be one; "
                'add "order" or "head", or use seeds = 1'
            )


def check_values_count(sweep: Sweep, digests: Mapping[str, str]) -> None:
    """Raise `BadInput` where a setting does nothing in any point; in some it may, as a rotation without augmentation.

    Of points that were drawn few may differ in one setting alone, which tells nothing of the others.
    """
    for setting in sweep.settings if sweep.draw is None else ():
        trainings: dict[tuple[Value, ...], set[str]] = {}
        for point in sweep.points:
            others = tuple(point.changes[path] for path in sweep.settings if path != setting)
            trainings.setdefault(others, set()).add(digests[point.name])
        if len(sweep.settings[setting]) > 1 and all(len(each) == 1 for each in trainings.values()):
            raise BadInput(
                f"sweeps.{sweep.name}.{setting}: no value of it changes any point, so there is nothing to "
                "choose; take it out, or set what it needs, as model.rotation needs model.augment"
            )


def twins(config: Config, scored: Mapping[str, str]) -> Iterator[str]:
    """A remark on each variant whose networks are those of one before it; of the winner of a sweep that is a finding.

    `scored`: run → the digest that its scores have in the store. No error: elsewhere a setting may do something, as a
    precision does where the processor has several.
    """
    seen: dict[tuple[str, ...], Variant] = {}
    winners = {sweep.name for sweep in config.sweeps}
    for variant in (each for each in config.variants if each.name not in winners):
        twin = seen.setdefault(tuple(scored[run.name] for run in config.runs if run.variant == variant), variant)
        if twin is not variant:
            changes = ", ".join(variant.changes) or "nothing"
            yield f"variants.{variant.name}: what it changes ({changes}) leaves it the network of {twin.name}"
