"""The stages of sweeps, a row each, behind those of `table`.

A point of a sweep has the stages that lead to `validation`, and no other: nothing of it sees a test image.
"""

from generator.stages.stage import Stage
from generator.stages.table import DRAWING, NETWORK, RANDOM_WEIGHTS, TENSORFLOW

OF_SWEEPS = (
    Stage(
        name="validation",
        runs="generator.stages.learning:validation",
        scope="trial",
        settings=NETWORK,
        sometimes=RANDOM_WEIGHTS,
        given=("classes", "dataset", "backbone", "weights", "precision"),
        needs=("pixels", "split", "cut", "fine_tuning"),
        packages=TENSORFLOW,
    ),
    Stage(
        name="sweep_figures",
        runs="generator.stages.drawing:sweep_figures",
        scope="sweep",
        given=("points",),
        needs=("validation",),
        packages=DRAWING,
    ),
)
"""In an order in which none comes before one that it needs."""
