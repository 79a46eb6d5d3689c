"""What a build says while it works: a live display on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from generator.progress import Figures, Report

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

QUIET_SECONDS = 10.0
"""Least time between two plain lines within a stage."""


class Display:
    """Plain lines: every message, the start and end of every stage, every epoch."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    def say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def warn(self, text: str) -> None:
        self.say(f"warning: {text}")

    @contextmanager
    def stage(self, label: str) -> Iterator[Report]:
        """Show `label` while the block runs; the block's reports are shown with it."""
        started = last = time.monotonic()
        left = TimeLeft()
        self.say(f"{label} …")

        def report(figures: Figures) -> None:
            nonlocal last
            now = time.monotonic()
            text = describe(figures, left(figures, now))
            if "val_loss" in figures or now - last >= QUIET_SECONDS:
                last = now
                self.say(f"{label}: {text}")

        yield report
        self.say(f"{label}: done in {duration(time.monotonic() - started)}")


class LiveDisplay(Display):
    """A terminal: one line per finished stage, and a bar for the one that runs."""

    def __init__(self, console: "Console") -> None:
        super().__init__()
        self._console = console

    def say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def stage(self, label: str) -> Iterator[Report]:
        # Late: rich takes a tenth of a second to import, and a build that runs nothing needs none of it.
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(24), TextColumn("{task.fields[text]}"))
        started = time.monotonic()
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(label, total=1.0, text="")
            yield self._report(progress, task)
        self.say(f"{label}: done in {duration(time.monotonic() - started)}")

    @staticmethod
    def _report(progress: "Progress", task: "TaskID") -> Report:
        left = TimeLeft()

        def report(figures: Figures) -> None:
            text = describe(figures, left(figures, time.monotonic()))
            progress.update(task, completed=fraction(figures), text=text)

        return report


def for_terminal() -> Display:
    """The display that fits standard error."""
    if not sys.stderr.isatty():
        return Display()
    from rich.console import Console

    return LiveDisplay(Console(stderr=True))


def fraction(figures: Figures) -> float:
    """Share of a stage that is done, 0 to 1."""
    if "epochs" in figures:
        return (figures["epoch"] - (0 if "val_loss" in figures else 1)) / figures["epochs"]
    return figures["images"] / figures["of"] if figures.get("of") else 0.0


class TimeLeft:
    """Seconds a stage still takes, from its pace since its first report: a resumed one begins in the middle."""

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None

    def __call__(self, figures: Figures, now: float) -> float | None:
        """None where there is no pace yet; `now` is any clock's time, seconds."""
        done = fraction(figures)
        if self._first is None:
            self._first = done, now
        before, began = self._first
        return (now - began) * (1 - done) / (done - before) if done > before else None


def describe(figures: Figures, left: float | None) -> str:
    """`epoch 3/30, loss 0.6012, accuracy 0.7100, 4 min left`; `left` is in seconds, None if not known."""
    parts = []
    if "epochs" in figures:
        parts.append(f"epoch {figures['epoch']:.0f}/{figures['epochs']:.0f}")
    if "of" in figures:
        parts.append(f"{figures['images']:.0f} of {figures['of']:.0f} images")
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    parts += [f"{name.replace('val_', 'validation ')} {figures[name]:.4f}" for name in names if name in figures]
    if left is not None:
        parts.append(f"{duration(left)} left")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
