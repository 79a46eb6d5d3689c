"""What is known of a build's results before anything is trained, and made-up results of that shape.

With them a post is tried that names variants, runs, sweeps or classes of its own build.
"""

import math
from dataclasses import dataclass

from generator.experiment.config.settings import Config, Sweep, Variant
from generator.experiment.outcomes import Score
from generator.experiment.results import BuildResults
from generator.experiment.sweep_results import Lead, Point, SweepResult
from generator.post.example import assemble, variant_of

_MOST_CLASSES = 30
"""Classes of a build that made-up results have; with more than that a post says nothing else."""


@dataclass(frozen=True)
class Shape:
    """What is known of a build's results before anything is trained."""

    config: Config
    class_names: tuple[str, ...]
    measured: bool
    """Whether there are images to measure with."""

    def __str__(self) -> str:
        """All that made-up results depend on."""
        named = (
            self.config.profile,
            self.config.seeds,
            self.config.questions,
            self.config.variants,
            self.config.sweeps,
        )
        return repr((named, self.class_names, self.measured))

    def results(self) -> BuildResults:
        """Made-up results of the variants, sweeps, runs, questions and classes that the build will have."""
        config, names = self.config, self.class_names[:_MOST_CLASSES]
        decided = {variant.name: variant for variant in config.variants}
        winners = {sweep.name: _winner(sweep, decided.get(sweep.name)) for sweep in config.sweeps}
        built = decided | {
            sweep.name: winners[sweep.name].model_copy(update={"name": sweep.name, "title": sweep.title})
            for sweep in config.sweeps
        }
        return assemble(
            {name: variant_of(each, len(names), config.seeds, measured=self.measured) for name, each in built.items()},
            names,
            config.seeds,
            config.questions,
            {sweep.name: _sweep(sweep, winners[sweep.name], config.seeds.count) for sweep in config.sweeps},
            config.profile,
            measured=self.measured,
        )


def _winner(sweep: Sweep, decided: Variant | None) -> Variant:
    """The point that won, once that is decided; else the first."""
    won = (point for point in sweep.points if decided and point.changes == decided.changes)
    return next(won, sweep.points[0])


def _sweep(sweep: Sweep, winner: Variant, runs: int) -> SweepResult:
    """Of the same points."""
    scores = {True: Score(loss=0.5, correct=3, total=4), False: Score(loss=0.6, correct=2, total=4)}
    return SweepResult(
        title=sweep.title,
        of=sweep.of,
        settings=tuple(sweep.settings),
        combinations=math.prod(map(len, sweep.settings.values())),
        draw_seed=None if sweep.draw is None else sweep.draw_seed,
        points=tuple(
            Point(
                number=number,
                settings={path: point.changes[path] for path in sweep.settings},
                scores=(scores[point is winner],) * runs,
            )
            for number, point in enumerate(sweep.points, start=1)
        ),
        lead=Lead(low=-0.1, high=0.3, p=0.5, others=len(sweep.points) - 1),
    )
