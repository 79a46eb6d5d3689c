"""What the page shows of a build, as plain data: runs side by side, their curves, and sections as in the post.

Every number is one that a stage of this build reported or stored; what is not there yet is said to be waited for.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from generator.build.outlook import Outset
from generator.build.plan import EVERYBODY, Node, Plan, runs_of
from generator.build.storage.store import Entry
from generator.experiment.config.settings import Run, Sweep, Variant
from generator.experiment.outcomes import Epoch, Score
from generator.live import curves
from generator.live.board import Snapshot, history_of
from generator.live.states import State, state
from generator.stages import artifacts
from generator.support.display import describe
from generator.support.errors import BuildFailed
from generator.support.formats import FORMATS

SECTIONS = (
    ("Images", ("data_figures",)),
    ("Learning Curve", ("curves",)),
    ("Evaluation", ("examples", "figures")),
    ("Choosing Settings on Validation", ("sweep_figures",)),
    ("Comparison of the Variants", ("comparison",)),
    ("Measured on More Images", ("measure_figures",)),
    ("Labels Worth a Second Look", ("label_figures",)),
    ("Where It Looks", ("map_figures",)),
)
"""Headings in the order of the post, and the stages that draw what stands there."""

_PHASES = ("head", "fine_tuning")
_accuracy, _loss = FORMATS["accuracy"], FORMATS["loss"]


@dataclass(frozen=True)
class Row:
    """A run: how it stands with its phases, its scores."""

    title: str
    cells: tuple[State, ...]


@dataclass(frozen=True)
class Card:
    """The curves of a variant's runs."""

    title: str
    charts: tuple[curves.Chart, ...]
    said: tuple[str, ...]
    """Where each run has come to, in words."""


@dataclass(frozen=True)
class Picture:
    """A figure that a stage of this build has drawn."""

    address: str
    """Without the suffix."""
    name: str
    width: int
    height: int


@dataclass(frozen=True)
class Group:
    """What a stage gives to a section."""

    title: str
    state: State
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Section:
    """A heading of the post, and what stands below it."""

    heading: str
    groups: tuple[Group, ...]


class View:
    """What can be seen of snapshots; what stages stored is read once."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, str], Any] = {}
        self._plan: Plan | None = None
        self._digests: frozenset[str] = frozenset()

    def running(self, seen: Snapshot) -> list[tuple[str, float, str]]:
        """Label, share that is done, and progress in words of every stage at work."""
        stages = seen.running.values()
        return [(each.label, each.share, describe(each.figures, each.left) or "at work") for each in stages]

    def progress(self, seen: Snapshot) -> str:
        """How many results are there, of all that the post needs."""
        if seen.there is None:
            return "Data and weights are looked for."
        wanted = self._wanted(seen.there.plan)
        there = sum(digest in seen.entries or digest in seen.kept for digest in wanted)
        return f"{there} of {len(wanted)} results that the post needs are there."

    def rows(self, seen: Snapshot) -> list[Row]:
        """A row for each run."""
        there = seen.there
        runs = there.config.runs if there else ()
        return [Row(_title(run, there), tuple(self._cells(run, there, seen))) for run in runs if there]

    def sweeps(self, seen: Snapshot) -> list[str]:
        """A sentence on each sweep that is not decided."""
        there = seen.there
        sweeps = there.config.sweeps if there else ()
        return [self._sweep(sweep, there, seen) for sweep in sweeps if there and sweep.name not in there.plan.runs]

    def cards(self, seen: Snapshot) -> list[Card]:
        """The curves of every variant of which some epoch has ended."""
        there = seen.there
        cards = [self._card(variant, there, seen) for variant in there.config.variants] if there else []
        return [card for card in cards if card.said]

    def sections(self, seen: Snapshot) -> list[Section]:
        """Those that the post will have."""
        there = seen.there
        if there is None:
            return []
        nodes = there.plan.once
        found = []
        for heading, stages in SECTIONS:
            groups = [self._group(node, there, seen) for name in stages for node in nodes if node.name == name]
            found += [Section(heading, tuple(groups))] if groups else []
        return found

    def picture(self, digest: str, name: str, seen: Snapshot) -> bytes | None:
        """The file `name` of a figure that a stage of this build has drawn, as PNG or WebP; None of anything else."""
        entry, (stem, _, suffix) = seen.entries.get(digest), name.rpartition(".")
        if entry is None or suffix not in ("png", "webp"):
            return None
        drawn = self._of(entry, artifacts.FIGURES, lambda rows: rows) or []
        return _or_none(lambda: entry.read_bytes(name)) if stem in [row["name"] for row in drawn] else None

    def _wanted(self, plan: Plan) -> frozenset[str]:
        """Digests of what the post needs; listed once, as there may be thousands."""
        if self._plan is not plan:
            self._plan, self._digests = plan, frozenset(node.key.digest for node in plan.wanted)
        return self._digests

    def _cells(self, run: Run, there: Outset, seen: Snapshot) -> Iterator[State]:
        nodes = there.plan.runs[run.name]
        for phase in _PHASES:
            found, history = state(nodes[phase], seen), self._history(nodes[phase], seen)
            if not history or found.kind in ("failed", "lost"):
                yield found
            else:
                last = history[-1]
                scores = f"validation accuracy {_accuracy(last.val_accuracy)}, loss {_loss(last.val_loss)}"
                done = f"epoch {last.epoch}" if found.kind == "done" else found.text
                yield State(found.kind, f"{done}: {scores}")
        yield from self._scores(nodes["evaluation"], seen, lambda table: table["outcome"]["test"])
        if "measurement" in nodes:
            yield from self._scores(nodes["measurement"], seen, lambda table: table["fine_tuning"])

    def _scores(self, node: Node, seen: Snapshot, pick: Callable[[Any], Any]) -> Iterator[State]:
        """Accuracy, loss and wrong ones; the first cell says what is waited for."""
        found, entry = state(node, seen), seen.entries.get(node.key.digest)
        score = self._of(entry, artifacts.RESULT, lambda table: _score(pick(table)))
        if score is None:
            yield from (found, State(found.kind, ""), State(found.kind, ""))
        else:
            wrong = f"{score.total - score.correct} of {score.total}"
            yield from (State("done", text) for text in (_accuracy(score.accuracy), _loss(score.loss), wrong))

    def _card(self, variant: Variant, there: Outset, seen: Snapshot) -> Card:
        recipe, runs, said = variant.recipe, [], []
        last = recipe.first_fine_tuning_epoch + recipe.fine_tuning.epochs - 1
        for run in (run for run in there.config.runs if run.variant == variant):
            nodes = there.plan.runs[run.name]
            runs.append([self._history(nodes[phase], seen) for phase in _PHASES])
            phase, history = next(((p, h) for p, h in zip(_PHASES[::-1], runs[-1][::-1], strict=True) if h), ("", []))
            if history:
                which = f"run {run.number}, " if there.config.seeds.count > 1 else ""
                said.append(f"{which}{phase.replace('_', '-')}, epoch {_told(history[-1])}")
        return Card(variant.title, curves.charts(runs, last), tuple(said))

    def _history(self, node: Node, seen: Snapshot) -> list[Epoch]:
        """The epochs of a phase so far."""
        running = seen.running.get(node.key.digest)
        if running:
            return running.history
        entry = seen.entries.get(node.key.digest)
        return self._once((str(entry.folder), "history"), lambda: history_of(entry)) if entry else []

    def _sweep(self, sweep: Sweep, there: Outset, seen: Snapshot) -> str:
        losses: dict[int, float] = {}
        for number, names in enumerate(runs_of(sweep, there.config), start=1):
            entries = [seen.entries.get(there.plan.trials[name]["validation"].key.digest) for name in names]
            scores = [self._of(entry, artifacts.RESULT, lambda table: _score(table["score"])) for entry in entries]
            if all(scores):
                losses[number] = fmean(score.loss for score in scores)
        told = f"{sweep.title}: {len(losses)} of {len(sweep.points)} points are validated"
        if not losses:
            return f"{told}."
        best = min(losses, key=lambda number: losses[number])
        return f"{told}; the lowest validation loss so far is {_loss(losses[best])}, of point {best}."

    def _group(self, node: Node, there: Outset, seen: Snapshot) -> Group:
        entry = seen.entries.get(node.key.digest)
        drawn = self._of(entry, artifacts.FIGURES, lambda rows: rows) or []
        address = f"/figures/{node.key.digest}/"
        pictures = [
            Picture(address + row["name"], row["name"].replace("-", " "), row["width"], row["height"]) for row in drawn
        ]
        title = "" if node.owner == EVERYBODY else _whose(node, there)
        found = state(node, seen)
        nothing = State("done", "there is nothing to draw") if found.kind == "done" and entry and not drawn else found
        return Group(title, nothing, tuple(pictures))

    def _of(self, entry: Entry | None, name: str, pick: Callable[[Any], Any]) -> Any:
        """What `pick` takes of a file of an entry; None where the entry is not there, or lost."""
        if entry is None:
            return None
        return self._once((str(entry.folder), name), lambda: _or_none(lambda: pick(entry.read_json(name))))

    def _once(self, key: tuple[str, str], read: Callable[[], Any]) -> Any:
        if key not in self._read:
            self._read[key] = read()
        return self._read[key]


def columns(seen: Snapshot) -> Sequence[str]:
    """Heads of the cells of `View.rows`."""
    tested = ("Head", "Fine-tuning", "Test accuracy", "Test loss", "Wrong")
    measured = seen.there is not None and seen.there.begun.measure is not None
    return (*tested, "Measured accuracy", "Measured loss", "Measured wrong") if measured else tested


def _title(run: Run, there: Outset | None) -> str:
    several = there is not None and there.config.seeds.count > 1
    return f"{run.variant.title}, run {run.number}" if several else run.variant.title


def _whose(node: Node, there: Outset) -> str:
    """The run that a stage draws, or the variant where it draws all its runs, or all points of the sweep."""
    return node.run.variant.title if node.stage.scope in ("runs", "sweep") else _title(node.run, there)


def _told(epoch: Epoch) -> str:
    return (
        f"{epoch.epoch}: accuracy {_accuracy(epoch.accuracy)}, validation accuracy {_accuracy(epoch.val_accuracy)}; "
        f"loss {_loss(epoch.loss)}, validation loss {_loss(epoch.val_loss)}"
    )


def _score(table: Any) -> Score:
    return Score(**{name: table[name] for name in Score.model_fields})


def _or_none(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except BuildFailed:
        return None
