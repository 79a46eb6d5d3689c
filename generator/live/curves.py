"""Learning curves while they grow: the history so far as lines of an inline SVG, without Matplotlib.

As in the post, training is a whole line and validation a dashed one, and of several runs each has a line. There is no
mean of them: as long as they are at different epochs it would be one of different things.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from generator.experiment.outcomes import Epoch

WIDTH, HEIGHT = 320, 150
LEFT, RIGHT, TOP, BOTTOM = 34, 8, 8, 22
"""Margins of the plot within the picture."""

Phases = Sequence[Sequence[Epoch]]
"""The epochs of a run: of the head, and of fine-tuning. The two share a number, and no line joins them."""


@dataclass(frozen=True)
class Line:
    """Points of one line."""

    kind: str
    """`training` or `validation`."""
    points: str
    """As SVG has it."""
    dot: bool
    """Whether there is one point only, which a line from itself to itself with round ends shows."""


@dataclass(frozen=True)
class Tick:
    """A place on an axis and what is written there."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """One quantity by epoch."""

    title: str
    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    start: float | None
    """Where fine-tuning begins; None before it does."""


def charts(runs: Sequence[Phases], last: int) -> tuple[Chart, Chart]:
    """Accuracy and loss of `runs`; the axis reaches to the epoch `last`, or further where they do."""
    epochs = [epoch for run in runs for phase in run for epoch in phase]
    last = max([last, 2, *(epoch.epoch for epoch in epochs)])
    losses = [value for epoch in epochs for value in (epoch.loss, epoch.val_loss)]
    starts = [run[1][0].epoch for run in runs if len(run) > 1 and run[1]]
    start = _across(min(starts), last) if starts else None
    return (
        _chart("Accuracy", "accuracy", runs, last, 1.0, start),
        _chart("Cross-entropy loss", "loss", runs, last, _above(max(losses, default=1.0)), start),
    )


def _chart(title: str, quantity: str, runs: Sequence[Phases], last: int, most: float, start: float | None) -> Chart:
    fields = (("training", quantity), ("validation", f"val_{quantity}"))
    lines = [
        Line(kind, _points(((e.epoch, getattr(e, field)) for e in phase), last, most), len(phase) == 1)
        for kind, field in fields
        for run in runs
        for phase in run
        if phase
    ]
    across = tuple(Tick(_across(epoch, last), str(epoch)) for epoch in (1, last))
    up = tuple(Tick(_up(value, most), f"{value:g}") for value in (0, most / 2, most))
    return Chart(title, tuple(lines), across, up, start)


def _points(pairs: Iterable[tuple[int, float]], last: int, most: float) -> str:
    points = [f"{_across(epoch, last):g},{_up(value, most):g}" for epoch, value in pairs]
    return " ".join(points * 2 if len(points) == 1 else points)


def _across(epoch: float, last: int) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * (epoch - 1) / (last - 1), 1)


def _up(value: float, most: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(value / most, 1), 1)


def _above(value: float) -> float:
    """The next of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return next(factor * power for factor in (1, 2, 5, 10) if value <= factor * power * (1 + 1e-12))
