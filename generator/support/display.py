"""What a build says while it works: a live display on a terminal, plain lines elsewhere.

Where the stages' seconds were estimated (`Display.expect`), each line and the live bar also tell how far the whole
build is (`Whole`).

Whoever followed may leave, and the terminal be closed: what is built is no output, and the build goes on (`lasting`).

`accept_any_text` makes standard output and error take every character, whatever their encoding.
"""

import codecs
import io
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO, cast

from generator.support.progress import Figures, Report

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

QUIET_SECONDS = 10.0
"""Least time between two plain lines within a stage."""


class Display:
    """Plain lines: every message, the start and end of every stage, every epoch."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = lasting(stream or sys.stderr)
        self._clock = clock
        self._whole: Whole | None = None
        self._drawing = threading.RLock()
        """Held while something is shown: stages may run in several threads."""

    def say(self, text: str) -> None:
        with self._drawing:
            print(text, file=self._stream, flush=True)

    def warn(self, text: str) -> None:
        self.say(f"warning: {text}")

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Tell the whole build's share from now on; `seconds` is what each stage adds to it, about."""
        self._whole = Whole(seconds, self._clock) if sum(seconds.values()) > 0 else None

    @contextmanager
    def stage(self, label: str) -> Iterator[Report]:
        """Show `label` while the block runs; the block's reports are shown with it."""
        started = last = self._clock()
        left = TimeLeft()
        self.say(f"{label} …")

        def report(figures: Figures) -> None:
            nonlocal last
            now = self._clock()
            remaining = left(figures, now)
            if "val_loss" in figures or now - last >= QUIET_SECONDS:
                last = now
                whole = self._so_far(label, left.share(figures))
                self.say(f"{label}: {describe(figures, remaining)}{whole and f'; build {whole}'}")

        yield report
        self._finish(label, self._clock() - started)

    def _finish(self, label: str, seconds: float) -> None:
        with self._drawing:
            if self._whole:
                self._whole.finish(label)
            whole = self._so_far()
        self.say(f"{label}: done in {duration(seconds)}{whole and f'; build {whole}'}")

    def _so_far(self, label: str = "", done: float = 0.0) -> str:
        """How far the build is, with a stage that runs at `done` of its own; empty if not known."""
        with self._drawing:
            return self._whole.describe(label, done) if self._whole else ""


class LiveDisplay(Display):
    """A terminal: one line per finished stage, a bar for each that runs, and one for the whole build."""

    def __init__(self, console: "Console", clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock=clock)
        self._console = console
        self._bars: Progress | None = None
        """There as long as a stage runs."""

    def say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def stage(self, label: str) -> Iterator[Report]:
        started = self._clock()
        with self._drawing:
            bars, build = self._shown()
            task = bars.add_task(label, total=1.0, text="")
        try:
            yield self._report(bars, task, build, label)
        finally:
            with self._drawing:
                if len(bars.task_ids) == 2:  # with that of the whole build
                    bars.stop()
                    self._bars = None
                else:
                    bars.remove_task(task)
        self._finish(label, self._clock() - started)

    def _shown(self) -> "tuple[Progress, TaskID]":
        """The bars, and that of the whole build, which is the first."""
        # Late: rich takes a tenth of a second to import, and a build that runs nothing needs none of it.
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        if self._bars is None:
            text = TextColumn("{task.fields[text]}")
            columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(24), text)
            self._bars = Progress(*columns, console=self._console, transient=True)
            known = self._whole is not None
            build = self._bars.add_task("whole build", total=1.0, text=self._so_far(), visible=known)
            self._bars.update(build, completed=self._whole.share() if self._whole else 0)
            self._bars.start()
        return self._bars, self._bars.task_ids[0]

    def _report(self, progress: "Progress", task: "TaskID", build: "TaskID", label: str) -> Report:
        left = TimeLeft()

        def report(figures: Figures) -> None:
            now = self._clock()
            with self._drawing:
                remaining, share = left(figures, now), left.share(figures)
                progress.update(task, completed=fraction(figures), text=describe(figures, remaining))
                if self._whole:
                    text = self._so_far(label, share)
                    progress.update(build, completed=self._whole.share(label, share), text=text)

        return report


class _Lasting:
    """A stream to which it may become impossible to write: what is written then is lost."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def lasting(stream: TextIO) -> TextIO:
    """`stream`, that goes on without its reader, who leaves as `| head` does, and without its terminal."""
    return cast(TextIO, _Lasting(stream))


def accept_any_text() -> None:
    """Let standard output and error write what their encoding lacks as `\\uXXXX` instead of failing.

    So do names of files that are not in UTF-8, which no encoding has. The form is JSON's own, so that JSON
    stays JSON.
    """
    codecs.register_error(_ESCAPED, _escaped)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ESCAPED)


_ESCAPED = "measured-post-escaped"


def _escaped(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)  # output is never decoded
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def for_terminal() -> Display:
    """The display that fits standard error."""
    # The bar and its spinner are drawn with characters that only Unicode has.
    if not sys.stderr.isatty() or not (sys.stderr.encoding or "").lower().startswith("utf"):
        return Display()
    from rich.console import Console

    return LiveDisplay(Console(file=lasting(sys.stderr)))


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

    def share(self, figures: Figures) -> float:
        """Share that is done of what was left at the first report, 0 to 1."""
        before = self._first[0] if self._first else 0.0
        return (fraction(figures) - before) / (1 - before) if before < 1 else 1.0


PRIOR = 0.1
"""Weight of the estimate against what was seen, as a share of the whole: one slow second is not yet a slow build."""


class Whole:
    """How far a build is: what its stages were expected to take, corrected by the clock, as several run at a time."""

    def __init__(self, expected: Mapping[str, float], clock: Callable[[], float]) -> None:
        """`expected`: label → seconds that the stage adds to the build; `clock` tells seconds, the first time now."""
        self._waiting = dict(expected)
        self._clock, self._began = clock, clock()
        self._begun: dict[str, float] = {}
        """Label of a stage that runs → share of it that is done, as last told."""
        self._total = sum(expected.values())
        self._finished = 0.0

    def finish(self, label: str) -> None:
        """Note that a stage is done; one that was not expected counts for nothing."""
        self._begun.pop(label, None)
        self._finished += self._waiting.pop(label, 0.0)

    def share(self, label: str = "", done: float = 0.0) -> float:
        """Share of the build that is done, 0 to 1, with a stage that runs at `done` of its own."""
        if label:
            self._begun[label] = done
        running = sum(share * self._waiting.get(name, 0.0) for name, share in self._begun.items())
        return (self._finished + running) / self._total

    def left(self) -> float:
        """Seconds until the end."""
        prior, done = PRIOR * self._total, self.share() * self._total
        return (self._clock() - self._began + prior) / (done + prior) * (self._total - done)

    def describe(self, label: str = "", done: float = 0.0) -> str:
        """`34%, about 4 min left`, with a stage that runs at `done` of its own."""
        percent = f"{int(100 * self.share(label, done) + 1e-6)}%"
        seconds = self.left()
        return f"{percent}, about {about(seconds)} left" if seconds >= 0.5 else percent


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


def about(seconds: float) -> str:
    """A time that is estimated: `8 s`, `45 s`, `2 min`, `1 h 20 min`."""
    if seconds < 10:
        return f"{max(1, round(seconds))} s"
    if seconds < 87.5:
        return f"{5 * round(seconds / 5)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    minutes = 10 * round(minutes / 10)
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
