"""What is known of a build while it runs.

The build's threads tell the board (`watched`, and `planned` by the pipeline), the server's thread takes a `Snapshot` of
it. Telling costs a build next to nothing: numbers are noted, nothing is computed or drawn from them here.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from generator.build.outlook import Outset
from generator.build.plan import Node
from generator.build.runner import Runner
from generator.build.storage.store import Entry
from generator.experiment.config.settings import first_fine_tuning_epoch
from generator.experiment.outcomes import Epoch
from generator.stages import artifacts
from generator.support.display import TimeLeft, Whole, fraction
from generator.support.errors import BuildFailed
from generator.support.progress import Figures
from generator.training.checkpoint_files import read_text

QUANTITIES: Final = ("loss", "accuracy", "val_loss", "val_accuracy")
MOST_LINES = 200
"""Of what the build said, as many are kept."""


@dataclass
class Running:
    """A stage at work."""

    label: str
    first: int = 1
    """Number of its first epoch, if it trains."""
    figures: Figures = field(default_factory=dict)
    history: list[Epoch] = field(default_factory=list)
    """The epochs that ended, those before a kill included."""
    left: float | None = None
    """Seconds that it still takes; None where it has no pace yet."""
    share: float = 0.0
    """That is done of it, 0 to 1."""
    times: TimeLeft = field(default_factory=TimeLeft)

    def take(self, figures: Figures, now: float) -> bool:
        """Note what the stage reports; gives whether an epoch ended."""
        self.figures, self.left, self.share = figures, self.times(figures, now), fraction(figures)
        if "val_loss" not in figures:
            return False
        number = self.first + round(figures["epoch"]) - 1
        # A checkpoint that does not fit is no beginning: the stage then goes over epochs that were there.
        self.history = [epoch for epoch in self.history if epoch.epoch < number]
        self.history.append(Epoch(epoch=number, **{name: figures[name] for name in QUANTITIES}))
        return True


class Failure(NamedTuple):
    """A stage without an outcome."""

    label: str
    why: str


@dataclass(frozen=True)
class Snapshot:
    """A board at one moment."""

    there: Outset | None
    """None as long as data and weights are looked for."""
    entries: Mapping[str, Entry]
    """Digest of a key → what this build has of it; grows while it is looked at."""
    kept: frozenset[str]
    """Digests of what the store had at the beginning and this build may take."""
    running: Mapping[str, Running]
    """Digest of a key, or the label of what is no stage → the stage at work."""
    failed: Mapping[str, Failure]
    """The same → why there is no outcome."""
    lines: Sequence[str]
    news: str
    """What happened last."""
    whole: str
    """How far the build is and how long it takes, as far as that is known."""
    share: float | None
    """Of the whole that is done, 0 to 1."""
    changes: int
    """Grows with everything that happens but for the progress within an epoch."""
    reports: int
    """Grows with that too."""


class Board:
    """What the build told so far."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._there: Outset | None = None
        self._entries: Mapping[str, Entry] = {}
        self._kept: frozenset[str] = frozenset()
        self._nodes: dict[str, Node] = {}
        """By label."""
        self._running: dict[str, Running] = {}
        self._failed: dict[str, Failure] = {}
        self._lines: deque[str] = deque(maxlen=MOST_LINES)
        self._news = ""
        self._whole: Whole | None = None
        self._changes = self._reports = 0

    def planned(self, there: Outset, runner: Runner) -> None:
        """Take the stages of a build; again where more of them are known."""
        nodes = there.plan.nodes
        kept = frozenset(n.key.digest for n in nodes if not there.force and there.store.has(n.key))
        with self._lock:
            self._there, self._entries, self._kept = there, runner.entries, kept
            self._nodes |= {node.label: node for node in nodes}
            self._changes += 1

    def said(self, text: str) -> None:
        """Keep a line that the build said."""
        with self._lock:
            self._lines.append(text)
            self._changes += 1

    def expect(self, seconds: Mapping[str, float]) -> None:
        """As `Display.expect`."""
        with self._lock:
            self._whole = Whole(seconds, self._clock) if sum(seconds.values()) > 0 else None

    def began(self, label: str) -> None:
        """A stage begins, perhaps where it was interrupted."""
        begun = Running(label, *self._before(label))
        with self._lock:
            self._failed.pop(self._name(label), None)
            self._running[self._name(label)] = begun
            self._news = f"{label} began"
            self._changes += 1

    def reported(self, label: str, figures: Figures) -> None:
        """A stage tells how far it is."""
        with self._lock:
            running = self._running[self._name(label)]
            if running.take(figures, self._clock()):
                self._changes += 1
            if self._whole:
                self._whole.share(label, running.times.share(figures))
            self._reports += 1

    def ended(self, label: str, why: str = "") -> None:
        """A stage is done; or failed, where it is said `why`."""
        with self._lock:
            del self._running[self._name(label)]
            if why:
                self._failed[self._name(label)] = Failure(label, why)
            elif self._whole:
                self._whole.finish(label)
            self._news = f"{label} failed" if why else f"{label} is done"
            self._changes += 1

    def snapshot(self) -> Snapshot:
        """What is known now."""
        with self._lock:
            running = {name: replace(each, history=[*each.history]) for name, each in self._running.items()}
            return Snapshot(
                there=self._there,
                entries=self._entries,
                kept=self._kept,
                running=running,
                failed=dict(self._failed),
                lines=(*self._lines,),
                news=self._news,
                whole=self._whole.describe() if self._whole else "",
                share=self._whole.share() if self._whole else None,
                # What a stage made is in the store a moment after it is done.
                changes=self._changes + len(self._entries),
                reports=self._reports,
            )

    def _name(self, label: str) -> str:
        node = self._nodes.get(label)
        return node.key.digest if node else label

    def _before(self, label: str) -> tuple[int, Figures, list[Epoch]]:
        """Of a stage that begins the number of its first epoch, no figures, and the epochs before it was killed."""
        node = self._nodes.get(label)
        if node is None or self._there is None:
            return 1, {}, []
        found = None if self._there.force else read_text(self._there.store.checkpoint_path(node.key))
        history = [Epoch(**row) for row in json.loads(found)] if found else []
        head = self._entries.get(node.needs["head"].key.digest) if node.name == "fine_tuning" else None
        return first_fine_tuning_epoch(len(history_of(head))) if head else 1, {}, history


def history_of(entry: Entry) -> list[Epoch]:
    """The epochs of a phase that is done; none where its entry is lost."""
    try:
        return [Epoch(**row) for row in entry.read_json(artifacts.RESULT)["history"]]
    except BuildFailed:
        return []
