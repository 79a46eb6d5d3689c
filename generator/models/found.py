"""A trained network found in the store: nothing is trained for whoever asks for one."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from generator.build import plan as plans
from generator.build import sweeping
from generator.build.collect import collect_one, describe
from generator.build.executor import Executor, Local
from generator.build.plan import Node, Nodes, Plan
from generator.build.runner import Runner
from generator.build.start import Start, start
from generator.build.storage.shared import SharedStore
from generator.build.storage.store import Store
from generator.experiment.config.settings import Config, DataSettings, Run
from generator.experiment.results import BuildResults
from generator.stages.job import Job
from generator.stages.stage import Stage
from generator.support import lock
from generator.support.display import Display
from generator.support.errors import BadInput, choices
from generator.support.places import worker_logs
from generator.support.progress import Report

LOG = "asked.log"
"""File of the store with what TensorFlow printed; who asks at the same time has `asked-2.log`, and a build others."""

_OF_EVERY_RUN = (
    "pixels",
    "measure_pixels",
    "split",
    "head",
    "head_evaluation",
    "fine_tuning",
    "evaluation",
    "measurement",
)
_OF_VARIANT = ("architecture", "activation_maps")


@dataclass(frozen=True)
class Wanted:
    """Which network is asked for."""

    variant: str
    """A sweep's name is that of its winner."""
    run: int
    """Counted from 1."""
    command: str
    """The command that builds it, for messages."""


@dataclass(frozen=True)
class Found:
    """A run of a build whose stages are in the store."""

    config: Config
    begun: Start
    plan: Plan
    run: Run
    runner: Runner
    store: Store
    root: Path
    needed: tuple[Node, ...]
    """All that is read of it."""

    @property
    def nodes(self) -> Nodes:
        """The stages of the run and those that all runs share; a variant's stand among those of its first run."""
        return {**self.plan.shared, **self.plan.runs[self.run.variant.name], **self.plan.runs[self.run.name]}

    @property
    def data(self) -> DataSettings:
        """As the variant is shown its images."""
        return self.config.data.model_copy(update=dict(self.run.variant.recipe.data))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let no build and no `cache --prune` remove what is read of the run while the block runs."""
        with self.store.using(node.key for node in self.needed):
            yield

    @contextmanager
    def executor(self) -> Iterator[Executor]:
        """What asks the network: a process with a log, and a temporary folder, that no other one has."""
        with lock.first_free(worker_logs(self.store.root, LOG), self.store.marks) as log, closing(Local(log)) as one:
            yield one

    def folder(self, stage: str) -> Path:
        """Where the files of a stage are."""
        return self.runner.require(self.nodes[stage]).folder

    def results(self) -> BuildResults:
        """Those of the variant alone, all its runs, without figures."""
        described = describe(self.config, self.begun, self.plan, self.runner)
        return collect_one(self.run.variant, self.config, self.begun, self.plan, self.runner, described, self.root)

    def job(self, stage: Stage, beside: Mapping[str, Path]) -> Job:
        """What the network is asked: with the stages that the row needs, and what lies `beside` them."""
        inputs = {name: self.folder(name) for name in stage.needs}
        return plans.asked(stage, self.config, self.begun, self.run, {**inputs, **beside})


def find(
    config: Config, store: Path, root: Path, wanted: Wanted, display: Display, *, also: tuple[str, ...] = ()
) -> Found:
    """The run of `config` that is `wanted`, with all that its results are read from, and the stages `also`.

    Trains nothing; what a remote store has is fetched from there. Raises `BadInput` where there is no such run, or
    stages of it are not in the store, naming these and the command that makes them.
    """
    _check(config, wanted)
    begun = start(config, store, download=False)
    kept = SharedStore(store, config.store, display.warn, display.say)
    decided = sweeping.from_store(config, begun, plans.plan(config, begun), kept, kept.find)
    if decided is None:
        raise BadInput(
            f"{wanted.variant} is the best of a sweep whose points of these settings are not all in {store}: nothing "
            f"is trained here, so build first: {wanted.command}"
        )
    config, begun, planned = decided.build
    run = next(run for run in config.runs if (run.variant.name, run.number) == (wanted.variant, wanted.run))
    needed = _needed(config, planned, run, also)
    missing = [node.label for node in needed if kept.find(node.key, thorough=True) is None]
    if missing:
        stages = f"{', '.join(missing[:3])}{f' and {len(missing) - 3} more stages' if len(missing) > 3 else ''}"
        raise BadInput(
            f"{stages} of these settings {'is' if len(missing) == 1 else 'are'} not in {store}: nothing is trained "
            f"here, so build first: {wanted.command}"
        )
    runner = Runner(kept, _Nothing(wanted.command), display)
    return Found(config, begun, planned, run, runner, kept, root, tuple(needed))


def _check(config: Config, wanted: Wanted) -> None:
    """Raise `BadInput` where the settings, with the sweeps undecided, have no such run."""
    names = [*(variant.name for variant in config.variants), *(sweep.name for sweep in config.sweeps)]
    if wanted.variant not in names:
        raise BadInput(f"--variant {wanted.variant}: expected the name of one; {choices(wanted.variant, names)}")
    numbers = [str(number) for number in range(1, config.seeds.count + 1)]
    if str(wanted.run) not in numbers:
        known = choices(str(wanted.run), numbers)
        raise BadInput(f"--run {wanted.run}: {wanted.variant} has no such run; {known}, or build more with --seeds N")


def _needed(config: Config, planned: Plan, run: Run, also: tuple[str, ...]) -> list[Node]:
    """What the results of the variant are read from, each key once."""
    own = [planned.runs[each.name] for each in config.runs if each.variant == run.variant]
    found = [planned.shared["near"], *(nodes["split"] for nodes in planned.runs.values())]
    # The data set is described as the baseline is shown it.
    baseline = planned.runs[config.baseline.name]
    found += [baseline[name] for name in ("pixels", "measure_pixels") if name in baseline]
    found += [nodes[name] for nodes in own for name in _OF_EVERY_RUN if name in nodes]
    found += [own[0][name] for name in _OF_VARIANT]
    found += [planned.runs[run.name][name] for name in also]
    return list({node.key.digest: node for node in found}.values())


class _Nothing:
    """An executor that runs nothing: what was in the store a moment ago is broken or gone."""

    def __init__(self, command: str) -> None:
        self._command = command

    def begin(self) -> None:
        """There is nothing to make ready."""

    def start(self) -> int:
        return 1

    def run(self, job: Job, out: Path, report: Report) -> None:
        raise BadInput(f"{job.label} went from the store while it was read; build again: {self._command}")

    def close(self) -> None:
        """There is nothing to end."""
