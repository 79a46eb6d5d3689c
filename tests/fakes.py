"""Stand-ins for what takes long: TensorFlow's stages, the process they run in, and the drawing of figures.

`run_stage` does what the stages' functions do, in a millisecond: its numbers are hashes of what the stage was
given and, epoch after epoch, of the epoch before, with a checkpoint after each, so that a stage fed with the
wrong files or resumed at the wrong place gives other results. `FakeExecutor` runs it in this process; `install`
puts that into the pipeline. `Project` is a small data set with a site and a store of its
own. The rest of the build is the real one.
"""

import errno
import fnmatch
import hashlib
import io
import itertools
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from generator import cli, pipeline
from generator.build import worker
from generator.build.plan import Plan, plan
from generator.build.start import start
from generator.build.storage import machines
from generator.data.dataset import Sample
from generator.data.pixels import example_with_alpha
from generator.experiment import figure_names, outcomes, provenance
from generator.experiment.activation_maps import Grid
from generator.experiment.config import loading
from generator.experiment.config import settings as config
from generator.experiment.config.questions import figure_of
from generator.experiment.config.settings import Config
from generator.experiment.label_review import LabelReview
from generator.experiment.statistics.recount import recount
from generator.pipeline import Explanation
from generator.post import manifest
from generator.publishing import crate, durable
from generator.publishing.outcome import Outcome
from generator.stages import artifacts
from generator.stages.job import Job
from generator.stages.pixels import near_in
from generator.support.addresses import Unreachable
from generator.support.display import Display
from generator.support.errors import BadInput, BuildFailed, Diverged
from generator.support.places import ROOT, Places
from generator.support.progress import Report
from generator.training.checkpoint_files import read_checkpoint, write_checkpoint
from tests import factories

Hook = Callable[[str], None]
"""Called with what is about to happen: a stage's label, `<label> epoch N`."""


SMALL = (
    "data.image_size=32",
    "data.batch_size=4",
    "head.epochs=3",
    "fine_tuning.epochs=2",
    f'site.docs="{ROOT / "tests/documents"}"',
)
"""Settings of a build that takes no longer than it must: the project's own documents are many."""


def no_hook(event: str) -> None:
    """Let everything happen."""


# ---- Stages ----------------------------------------------------------------------------------------------


def run_stage(job: Job, out: Path, report: Report, hook: Hook = no_hook) -> None:
    """The files that the real stage writes, with numbers that depend on the job and on its inputs' bytes."""
    if job.tensorflow:
        hook(job.label)
    STAGES[job.stage](job, out, report, hook)


def real(job: Job, out: Path, report: Report, hook: Hook) -> None:
    """The stage itself, where it takes no time."""
    job.body(job, out, report)


def architecture(job: Job, out: Path, report: Report, hook: Hook) -> None:
    variant = factories.make_variant()
    _write(out, parameters=variant.parameters, shapes=variant.shapes, summaries=variant.summaries)


def augmentation(job: Job, out: Path, report: Report, hook: Hook) -> None:
    size = np.load(job.inputs["pixels"] / artifacts.PIXELS).shape[1]
    random = np.random.default_rng(_number(job))
    np.save(out / artifacts.COPIES, random.integers(0, 256, (9, size, size, 3), np.uint8))


def augmented(job: Job, out: Path, report: Report, hook: Hook) -> None:
    pixels, first = np.load(job.inputs["pixels"] / artifacts.PIXELS), job.settings.get("shard.first", 0)
    positions = sorted(artifacts.read_split(job.inputs["split"]).train)
    base, epochs = _of_any_images(job), job.setting("head.epochs")
    rows = [
        [[_hash(base, epoch, first + i, pixels[position].tobytes()) % 997] for i, position in enumerate(positions)]
        for epoch in range(epochs)
    ]
    np.save(out / artifacts.AUGMENTED, np.array(rows, np.float32))


def features(job: Job, out: Path, report: Report, hook: Hook) -> None:
    _store_rows(job, out / artifacts.POOLED)


def cut(job: Job, out: Path, report: Report, hook: Hook) -> None:
    (out / artifacts.CUT).write_text(json.dumps({"layer": "conv"}))
    _store_rows(job, out / artifacts.OUTPUTS)


def head(job: Job, out: Path, report: Report, hook: Hook) -> None:
    _train(job, out, report, hook, job.setting("head.epochs"), first=1, before=factories.make_variant().before)


def fine_tuning(job: Job, out: Path, report: Report, hook: Hook) -> None:
    first = config.first_fine_tuning_epoch(len(artifacts.read_records(job.inputs["head"])["history"]))
    _train(job, out, report, hook, job.setting("fine_tuning.epochs"), first)


def head_evaluation(job: Job, out: Path, report: Report, hook: Hook) -> None:
    _evaluate(job, out, _digest(job.inputs["head"] / VARIABLES))


def evaluation(job: Job, out: Path, report: Report, hook: Hook) -> None:
    _evaluate(job, out, _digest(job.inputs["fine_tuning"] / VARIABLES))


def _evaluate(job: Job, out: Path, state: str) -> None:
    """What follows from `state` of every image."""
    split, samples = artifacts.read_split(job.inputs["split"]), job.dataset.samples
    test = range(job.dataset.first_test, len(samples))
    parts = {"train": sorted(split.train), "validation": sorted(split.validation), "test": test}
    found = {
        part: tuple(_prediction(i, samples[row], state, job.classes) for i, row in enumerate(rows))
        for part, rows in parts.items()
    }
    _write(out, outcome=factories.outcome_of(found, job.classes))


def validation(job: Job, out: Path, report: Report, hook: Hook) -> None:
    state, samples = _digest(job.inputs["fine_tuning"] / VARIABLES), job.dataset.samples
    rows = sorted(artifacts.read_split(job.inputs["split"]).validation)
    found = tuple(_prediction(i, samples[row], state, job.classes) for i, row in enumerate(rows))
    score, _ = recount(found, job.classes)
    _write(
        out, score=outcomes.Score(**score.model_dump(include=set(outcomes.Score.model_fields))), predictions=[*found]
    )


def sweep_figures(job: Job, out: Path, report: Report, hook: Hook) -> None:
    artifacts.write_drawings(out, [quick_drawing(name, _number(job)) for name in figure_names.OF_SWEEP])


def measure_features(job: Job, out: Path, report: Report, hook: Hook) -> None:
    np.save(out / artifacts.POOLED, np.array([_number(job)], np.uint64))


def measurement(job: Job, out: Path, report: Report, hook: Hook) -> None:
    found = {}
    for phase in ("head", "fine_tuning"):
        features = _digest(job.inputs["measure_features"] / artifacts.POOLED)
        state = str(_hash(_digest(job.inputs[phase] / VARIABLES), features))
        predictions = [_prediction(i, sample, state, job.classes) for i, sample in enumerate(job.measure.samples)]
        found[phase] = factories.make_measured(tuple(predictions))
    _write(out, **found)


def activation_maps(job: Job, out: Path, report: Report, hook: Hook) -> None:
    outcome = artifacts.read_records(job.inputs["evaluation"])["outcome"]
    predictions = [outcomes.Prediction(**row) for row in outcome["predictions_by_part"]["test"]]
    np.save(out / artifacts.MAPS, np.array([_number(job)], np.uint64))
    found = factories.make_maps(predictions, job.classes)
    _write(out, grid=Grid(**found.model_dump(exclude={"images"})), images=list(found.images))


def map_figures(job: Job, out: Path, report: Report, hook: Hook) -> None:
    drawings = [quick_drawing(name, job.dataset.class_names, _number(job)) for name in figure_names.OF_MAPS]
    artifacts.write_drawings(out, drawings)


def label_figures(job: Job, out: Path, report: Report, hook: Hook) -> None:
    review = LabelReview.model_validate(artifacts.read_records(job.inputs["labels"])["labels"])
    names = [figure_names.SUSPICIOUS[side] for side, found in review.by_side.items() if found.marked]
    artifacts.write_drawings(out, [quick_drawing(name, job.dataset.class_names, _number(job)) for name in names])


def probe(job: Job, out: Path, report: Report, hook: Hook) -> None:
    report({"base": 1.0, "lower": 0.01, "upper": 0.01, "augment": 0.001, "stored": 100.0})


def data_figures(job: Job, out: Path, report: Report, hook: Hook) -> None:
    has_alpha = example_with_alpha(job.dataset) is not None
    names = [name for name in figure_names.OF_DATA if name != figure_names.ALPHA or has_alpha]
    names += figure_names.OF_NEAR if near_in(job.inputs["near"]).pairs else ()
    artifacts.write_drawings(out, [quick_drawing(name, job.dataset.class_names, _number(job)) for name in names])


def curves(job: Job, out: Path, report: Report, hook: Hook) -> None:
    artifacts.write_drawings(out, [quick_drawing(name, _number(job)) for name in figure_names.OF_TRAINING])


def figures(job: Job, out: Path, report: Report, hook: Hook) -> None:
    drawings = [quick_drawing(name, job.dataset.class_names, _number(job)) for name in figure_names.OF_VARIANT]
    artifacts.write_drawings(out, drawings)


def examples(job: Job, out: Path, report: Report, hook: Hook) -> None:
    drawings = [quick_drawing(name, job.dataset.class_names, _number(job)) for name in figure_names.OF_EXAMPLES]
    artifacts.write_drawings(out, drawings)


def measure_figures(job: Job, out: Path, report: Report, hook: Hook) -> None:
    names = figure_names.OF_MEASUREMENT if job.attributes else (figure_names.HARDEST,)
    artifacts.write_drawings(out, [quick_drawing(name, job.dataset.class_names, _number(job)) for name in names])


def comparison(job: Job, out: Path, report: Report, hook: Hook) -> None:
    titles, names = list(job.titles.values()), (*figure_names.OF_ALL_VARIANTS, *map(figure_of, job.questions))
    artifacts.write_drawings(out, [quick_drawing(name, titles, _number(job)) for name in names])


STAGES: dict[str, Callable[[Job, Path, Report, Hook], None]] = {
    "pixels": real,
    "near": real,
    "near_features": real,
    "split": real,
    "architecture": architecture,
    "augmentation": augmentation,
    "augmented": augmented,
    "features": features,
    "labels": real,
    "label_figures": label_figures,
    "cut": cut,
    "head": head,
    "fine_tuning": fine_tuning,
    "head_evaluation": head_evaluation,
    "evaluation": evaluation,
    "activation_maps": activation_maps,
    "map_figures": map_figures,
    "measure_pixels": real,
    "measure_features": measure_features,
    "measurement": measurement,
    "measure_figures": measure_figures,
    "probe": probe,
    "data_figures": data_figures,
    "curves": curves,
    "figures": figures,
    "examples": examples,
    "comparison": comparison,
    "validation": validation,
    "sweep_figures": sweep_figures,
}

VARIABLES = "variables.npy"


def _train(
    job: Job,
    out: Path,
    report: Report,
    hook: Hook,
    epochs: int,
    first: int,
    before: outcomes.Score | None = None,
) -> None:
    """A chain of hashes: each epoch's state follows from the one before, kept in the checkpoint."""
    found = read_checkpoint(job.checkpoint)
    state, history = _number(job), []
    if found is not None:
        state, history = int(found[0]["state"]), json.loads(found[1])
    for done in range(len(history), epochs):
        hook(f"{job.label} epoch {first + done}")
        state = _hash(state, first + done)
        share = state % 1000 / 1000
        history.append(
            {"epoch": first + done, "loss": share, "accuracy": 1 - share, "val_loss": share / 2, "val_accuracy": share}
        )
        write_checkpoint(job.checkpoint, {"state": np.array(state, np.uint64)}, json.dumps(history))
        report({"epoch": done + 1, "epochs": epochs, **{k: v for k, v in history[-1].items() if k != "epoch"}})
    _write(out, history=[outcomes.Epoch(**row) for row in history], **({"before": before} if before else {}))
    np.save(out / VARIABLES, np.array(state, np.uint64))


def _store_rows(job: Job, path: Path) -> None:
    pixels = np.load(job.inputs["pixels"] / artifacts.PIXELS)
    assert len(pixels) == len(job.dataset.samples)
    # Of the cut, which `features` may be given, nothing may depend.
    means = pixels.reshape(len(pixels), -1).astype(np.float32).mean(1, keepdims=True)
    np.save(path, means + _of_any_images(job) % 997)


def _of_any_images(job: Job) -> int:
    """As `_number`, and the same for every shard of a stage."""
    settings = {n: value for n, value in job.settings.items() if n not in ("shard.first", "data.max_stored_bytes")}
    return _number(replace(job, inputs={}, settings=settings))


def _number(job: Job) -> int:
    """A number that follows from all that the job is given and from the bytes of all its inputs."""
    given = {"precision": str, "backbone": lambda b: b.name, "weights": lambda w: w.summary.fingerprint}
    facts = {name: read(job.given[name]) for name, read in given.items() if name in job.given}
    inputs = {name: [_digest(path) for path in _computed(folder)] for name, folder in sorted(job.inputs.items())}
    return _hash(job.stage, sorted(job.settings.items()), facts, inputs)


def _computed(folder: Path) -> list[Path]:
    """A stage's files that later stages compute with: arrays and the split."""
    return [
        path for path in sorted(folder.iterdir()) if path.suffix in (".npy", ".npz") or path.name == artifacts.SPLIT
    ]


def _hash(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _prediction(index: int, sample: Sample, state: str, classes: int) -> outcomes.Prediction:
    byte = hashlib.sha256(f"{state} {sample.name}".encode()).digest()[0]
    if classes > 2:
        return factories.make_prediction(index, sample.name, sample.label, byte % classes, classes)
    probability = (byte + 0.5) / 256
    return outcomes.Prediction(
        index=index,
        file=sample.name,
        actual=sample.label,
        predicted=int(probability > 0.5),
        logit=8 * probability - 4,
        probability=probability,
    )


def _write(out: Path, **records: Any) -> None:
    def plain(value: Any) -> Any:
        return [row.model_dump(mode="json") for row in value] if isinstance(value, list) else value.model_dump()

    (out / "result.json").write_text(json.dumps({name: plain(value) for name, value in records.items()}), "utf-8")


# ---- The executor and the figures --------------------------------------------------------------------------


class FakeExecutor:
    """An executor without a process; `failures`: label → the error its stage raises."""

    def __init__(
        self,
        failures: Mapping[str, Exception] | None = None,
        hook: Hook = no_hook,
        jobs: int = 1,
        closed: threading.Event | None = None,
    ) -> None:
        """`closed` is set when the executor is, for a hook that would wait on."""
        self.failures = failures or {}
        self.hook = hook
        self.jobs = jobs
        self.closed = closed or threading.Event()

    def begin(self) -> None:
        """There is nothing to make ready."""

    def start(self) -> int:
        return self.jobs

    def run(self, job: Job, out: Path, report: Report) -> None:
        if job.label in self.failures:
            raise self.failures[job.label]
        run_stage(job, out, report, partial(self._happens, job.label))
        machines.note(job, out, (2, ()) if job.tensorflow else None)

    def close(self) -> None:
        """Fail what runs at its next event, as if it were a process that is ended."""
        self.closed.set()

    def _happens(self, label: str, event: str) -> None:
        self.hook(event)
        if self.closed.is_set():
            raise BuildFailed(f"{label}: its process was killed")


@dataclass(frozen=True)
class Drawing:
    """As `canvas.Drawing`, whose module takes Matplotlib with it."""

    name: str
    png: bytes
    web: bytes
    width: int
    height: int
    undrawn: tuple[str, ...] = ()


def quick_drawing(name: str, *content: object) -> Drawing:
    """A picture of one colour that follows from `content`."""
    value = _hash(name, *content)
    image = Image.new("RGB", (16, 8), (value % 251, value % 241, value % 239))
    encoded = []
    for kind in ("PNG", "WEBP"):
        stream = io.BytesIO()
        image.save(stream, kind, lossless=True)
        encoded.append(stream.getvalue())
    return Drawing(name, encoded[0], encoded[1], 16, 8)


def install(
    put: Callable[..., None] = setattr,
    failures: Mapping[str, Exception] | None = None,
    hook: Hook = no_hook,
    closed: threading.Event | None = None,
) -> None:
    """Make the pipeline use the fakes; `put` is `setattr` or a test's `monkeypatch.setattr`.

    Processes are killed here and never the machine, so nothing needs to have reached a disk.
    """
    put(os, "fsync", lambda descriptor: None)
    put(pipeline, "Local", lambda *logs: FakeExecutor(failures, hook, len(logs), closed))


@contextmanager
def installed() -> Iterator[None]:
    """The fakes in the pipeline for as long as a block runs."""
    import pytest  # Late: a command with the fakes needs none of it.

    with pytest.MonkeyPatch.context() as patch:
        install(patch.setattr)
        yield


# ---- A project -------------------------------------------------------------------------------------------


@dataclass
class Recorder(Display):
    """A display that keeps what it was told."""

    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def say(self, text: str) -> None:
        self.lines.append(text)

    @property
    def warnings(self) -> list[str]:
        return [line.removeprefix("warning: ") for line in self.lines if line.startswith("warning: ")]


@dataclass
class Project:
    """A tiny data set, and a place for a store and a site."""

    folder: Path
    variants: str = "baseline,augmentation"
    root: Path = ROOT
    """Where templates and quoted source are."""

    @property
    def data(self) -> Path:
        return self.folder / "animals"

    @property
    def places(self) -> Places:
        return Places(self.root, self.folder / "store", self.folder / "site", self.folder / "preview.html")

    def config(self, *overrides: str) -> Config:
        options = {"data.path": str(self.data), "weights": "random"}
        return loading.load(
            ROOT / "experiment.toml", variants=self.variants, overrides=[*SMALL, *overrides], options=options
        )

    def plan(self, *overrides: str) -> Plan:
        settings = self.config(*overrides)
        return plan(settings, start(settings, self.places.store))

    def build(self, *overrides: str, display: Display | None = None, **how: Any) -> Outcome:
        """`how`: what `pipeline.build` takes beside."""
        return pipeline.build(self.config(*overrides), self.places, display or Recorder(), **how)

    def explain(self, *overrides: str, display: Display | None = None) -> dict[str, Explanation]:
        rows = pipeline.explain(self.config(*overrides), self.places, display or Recorder())
        return {row.label: row for row in rows}

    @property
    def where(self) -> list[str]:
        """The options that say where a build writes."""
        places = {"--site": self.places.site, "--store": self.places.store, "--preview": self.places.preview}
        return [part for option, path in places.items() for part in (option, str(path))]

    def arguments(self, *more: str) -> list[str]:
        """What the command line is given for this project."""
        settings = [part for override in SMALL for part in ("--set", override)]
        what = ["--data", str(self.data), "--weights", "random", "--variants", self.variants]
        return [*what, *settings, *self.where, *more]

    def site(self) -> dict[str, bytes]:
        return tree(self.places.site)


def make_project(folder: Path, *, train: int = 6, test: int = 3) -> Project:
    """A project with `train` and `test` images of each of two classes."""
    project = Project(folder)
    for split, count in (("train", train), ("test", test)):
        _write_images(project.data / split, count, shade=7 * (split == "test"))
    return project


def copy_program(folder: Path) -> Path:
    """A copy of code and templates below `folder`, to be a project's root and edited; without the embedded weights."""
    for name in ("templates", "generator"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "emb*"))
    shutil.copy(ROOT / "requirements.txt", folder)
    return folder


def add_measure(project: Project, count: int = 5) -> Path:
    """A folder of `count` images of each class to measure with, every other one with a rider."""
    folder = project.data / "measure"
    files = _write_images(folder, count, shade=21)
    rows = [f"{path.relative_to(folder).as_posix()},{'rider' if i % 2 else 'none'}" for i, path in enumerate(files)]
    (folder / "attributes.csv").write_text("\n".join(["file,load", *rows, ""]), "utf-8")
    return folder


def _write_images(folder: Path, count: int, shade: int) -> list[Path]:
    """`count` images of either class."""
    files = []
    for label, name in enumerate(("camel", "horse")):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(1, count + 1):
            files.append(folder / name / f"{number}.png")
            write_image(files[-1], shade=40 * number + 13 * label + shade)
    return files


def write_image(path: Path, shade: int) -> None:
    pixels = np.full((32, 32, 3), shade % 256, np.uint8)
    pixels[:16] = (shade * 3) % 256
    Image.fromarray(pixels).save(path)


def tree(folder: Path) -> dict[str, bytes]:
    """Path → content of every file below `folder`."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


TIMED = (provenance.NAME, crate.NAME)
"""Files that tell when a build ended, and on which machine."""


def timeless(site: Mapping[str, bytes]) -> dict[str, Any]:
    """A site's files but for when and how it was made: no provenance or crate, nor their hashes in the manifest."""
    files: dict[str, Any] = {path: content for path, content in site.items() if not path.endswith(TIMED)}
    for path in files:
        if path.endswith("manifest.json"):
            files[path] = json.loads(files[path])
            del files[path][manifest.DIGEST]
            hashes = files[path]["files"]
            files[path]["files"] = {p: h for p, h in hashes.items() if not p.endswith(TIMED)}
    return files


# ---- The command as a process ----------------------------------------------------------------------------

DRIVER = "import sys; from tests import fakes; sys.exit(fakes.drive(sys.argv[1:]))"
"""Run with `python -c`, from the project's root: the command line with the fakes in place."""


def drive(arguments: list[str]) -> int:
    """`kill=N`, `wait=EVENT:FILE`, `say` and `real` beside the command line's own arguments; gives the exit code.

    `kill` ends the process by SIGKILL at its Nth event, of a stage or of publishing; `wait` has it wait at each event
    that the pattern `EVENT` matches until there is the file; `say` prints each event; `real` leaves the fakes out.
    """
    # A shell's background jobs, and all that they start, are told to ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    options = [a for a in arguments if a.partition("=")[0] in OPTIONS]
    rest = [a for a in arguments if a not in options]
    given = {name: value for name, _, value in (option.partition("=") for option in options)}

    count = itertools.count(1)
    closed = threading.Event()

    def hook(event: str) -> None:
        if "say" in given:
            # In one piece: several stages may run at a time.
            sys.stdout.write(f"{event}\n")
            sys.stdout.flush()
        if next(count) == int(given.get("kill", 0)):
            os.kill(os.getpid(), signal.SIGKILL)
        awaited, _, file = given.get("wait", "").rpartition(":")
        while fnmatch.fnmatchcase(event, awaited) and not Path(file).exists() and not closed.wait(0.05):
            pass

    if "real" not in given:
        install(hook=hook, closed=closed)
    durable.checkpoint = hook
    return cli.main(rest)


OPTIONS = ("kill", "wait", "say", "real")


def command(project: Project, *arguments: str, code: str = DRIVER) -> list[str]:
    """The command line for an interpreter of its own, to be run in the project's root; `driven` does with less."""
    return [sys.executable, "-c", code, *project.arguments(*arguments)]


def make_built(folder: Path, variants: str = "baseline") -> Project:
    """A project in `folder` that was built once, with the fakes."""
    import pytest  # Late: processes that drive a build do without it.

    with pytest.MonkeyPatch.context() as patch:
        install(patch.setattr)
        project = make_project(folder)
        project.variants = variants
        project.build()
    return project


# ---- The worker's process --------------------------------------------------------------------------------


def serve(
    connection: Connection,
    log: Path,
    device: str | None = None,
    threads: int | None = None,
    place: worker.Place = worker.ALONE,
) -> None:
    """The real worker's side with `told` in place of TensorFlow's stages; to be its process' target."""
    install_devices(told, lambda: None)
    worker.serve(connection, log, device, threads, place)


def install_devices(run: Callable[..., None], used: Callable[[], Any]) -> None:
    """Have the real worker's side run stages by `run`, without TensorFlow."""
    devices = ModuleType("generator.stages.devices")
    devices.Devices = lambda threads, index, addresses: SimpleNamespace(run=run, used=used)  # type: ignore[attr-defined]
    sys.modules[devices.__name__] = devices


def told(job: Any, out: Path, report: Report) -> None:
    """Do what the job's label says."""
    print(f"running {job.label}", flush=True)
    match job.label:
        case "works":
            report({"images": 1.0, "of": 2.0})
            (out / "pid").write_text(str(os.getpid()))
        case "leaves a file":
            (out / "left").write_text(tempfile.mkstemp()[1])
        case "is killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "ends":
            os._exit(3)
        case "fails":
            raise Diverged("the loss is not a number any more in epoch 2")
        case "refuses":
            raise BadInput("weights.h5: holds NaN")
        case "cannot be reached":
            raise Unreachable("s3://bucket: cannot be reached (timed out)")
        case "memory":
            raise MemoryError
        case "disk":
            raise OSError(errno.ENOSPC, "No space left on device", "outputs.npy")
        case "falls short":
            raise OSError("6272 requested and 1024 written")
        case "is gone":
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", "pooled.npy")
        case "is gone elsewhere":
            raise FileNotFoundError("s3://bucket/camel.png: not found")
        case "bus":
            os.kill(os.getpid(), signal.SIGBUS)
        case "slips":
            raise ZeroDivisionError("a mistake in the program")
        case "sleeps":
            (out / "pid").write_text(str(os.getpid()))
            time.sleep(600)
