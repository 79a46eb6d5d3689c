"""One build at work: data, weights, plan, and each stage's outcome, from the store or computed now.

A `Bench` is asked for results; it asks for the stages they need, from the end backwards. TensorFlow stages run in
a worker process, the others here.
"""

import json
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator import data, fonts, hardware, results, strict_json, summary, weights
from generator.cache import WORKER_LOG, Entry, Store
from generator.config import Config, Variant
from generator.data import Dataset
from generator.display import Display
from generator.errors import BuildFailed
from generator.job import Job
from generator.results import BuildResults, Environment, FigureFile, VariantResult
from generator.splits import Split
from generator.stages import Plan, Stage, VariantStages, plan, version
from generator.weights import Weights
from generator.worker import Worker

if TYPE_CHECKING:
    from generator.canvas import Drawing


@dataclass(frozen=True)
class Places:
    """Where a build reads and writes."""

    root: Path
    """The project: templates, lock file, git repository."""
    store: Path
    site: Path
    preview: Path

    @property
    def templates(self) -> Path:
        return self.root / "templates"


@dataclass
class Bench:
    """One build's parts, made in order, and the entries of the stages that were asked for."""

    config: Config
    places: Places
    display: Display
    force: bool = False
    data_store: Path | None = None
    """Where a data set is drawn or unpacked; None for the store."""
    looking: bool = False
    """Whether nothing may be fetched or said."""
    store: Store = field(init=False)
    worker: Worker = field(init=False)
    dataset: Dataset = field(init=False)
    weights: Weights = field(init=False)
    precisions: dict[str, hardware.Precision] = field(init=False)
    plan: Plan = field(init=False)
    entries: dict[str, Entry] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        config, store = self.config, self.places.store
        self.precisions = {v.name: hardware.precision(v.recipe.model.precision) for v in config.variants}
        self.store = Store(store, self.display.warn)
        self.worker = Worker(store / WORKER_LOG)
        self.dataset = data.find(config.data, self.data_store or store)
        data.check_settings(self.dataset, config.variants)
        for v in config.variants:  # for what it refuses: an image must not be decoded for that
            data.split(self.dataset, v.recipe.split, config.data.batch_size, v.recipe.seed)
        self.weights = weights.resolve(
            config.weights, store, download=not self.looking, progress=_Download(self.display)
        )
        self.plan = plan(config, self.dataset, self.weights, self.precisions)

    def collect(self) -> BuildResults:
        """Every variant's results and figures. Raises `BuildFailed` listing every variant that failed."""
        failures: list[str] = []
        for name, stages in self.plan.variants.items():
            try:
                for stage in (stages.architecture, stages.evaluation):
                    self.require(stage)
            except BuildFailed as error:
                failures.append(f"{name} failed: {error}")
                self.display.warn(failures[-1])
        if failures:
            finished = [n for n in self.plan.variants if not any(f.startswith(f"{n} failed") for f in failures)]
            kept = f"; finished and kept: {', '.join(finished)}" if finished else ""
            raise BuildFailed("\n".join(failures) + f"\nthe site stays as it was{kept}")
        variants = {v.name: self._variant_result(v, self.plan.variants[v.name]) for v in self.config.variants}
        return BuildResults(
            profile=self.config.profile,
            data=self.summary,
            weights=self.weights.summary,
            environment=_environment(self.places.root),
            variants=variants,
            figures=self._figures(variants),
        )

    def introduce(self) -> None:
        """Say what is built on, and what about it a user should know."""
        found, base = self.dataset, self.weights
        self.display.say(f"data: {summary.found(found)}")
        for reason, count in found.ignored.items():
            self.display.say(f"data: {count} ignored: {reason}")
        why = f" ({base.detail or base.summary.reason})" if base.summary.requested == "auto" else ""
        self.display.say(f"weights: {base.summary.used} {base.summary.name}{why}")
        missing = fonts.notice([*found.class_names, *(v.title for v in self.config.variants)])
        if missing:
            self.display.warn(missing)
        for remark in summary.remarks(self.summary, self.config.baseline.recipe.split):
            self.display.warn(f"data: {remark}")

    @cached_property
    def splits(self) -> dict[str, Split]:
        """Variant → its split; it depends on which images are copies, and so on what was decoded."""
        copies, size = self._decoded.copies, self.config.data.batch_size
        return {
            v.name: data.split(self.dataset, v.recipe.split, size, v.recipe.seed, copies) for v in self.config.variants
        }

    @property
    def summary(self) -> results.DataSummary:
        split = self.splits[self.config.baseline.name]
        return summary.summarise(self.dataset, self._decoded, split, self.config.data)

    @property
    def _decoded(self) -> data.PixelReport:
        table = self.require(self.plan.pixels).read_json("report.json")
        return strict_json.validated(data.PixelReport, table, "pixels")

    def require(self, stage: Stage) -> Entry:
        """The outcome of `stage`, from the store if it is there, else run now with all that it needs."""
        known = self.entries.get(stage.key.digest)
        if known is None:
            known = None if self.force else self.store.find(stage.key)
            if known is None:
                known = self._run(stage)
            self.store.remember(stage.key)
            self.entries[stage.key.digest] = known
        return known

    def _run(self, stage: Stage) -> Entry:
        # What it uses is there if this build needs that too; it is not worth computing for this stage alone.
        used = [use for use in stage.uses if use.key.digest in self.entries]
        inputs = {each.name: self._input(each) for each in (*stage.needs, *used)}
        job = self._job(stage, inputs) if stage.in_worker else None
        with self.display.stage(stage.label) as report:
            if job is not None:
                if self.force:
                    job.checkpoint.unlink(missing_ok=True)
                entry = self.store.create(stage.key, lambda out: self.worker.run(job, out, report))
                job.checkpoint.unlink(missing_ok=True)
            else:
                entry = self.store.create(stage.key, partial(self._run_here, stage, report))
        self.ran.append(stage.label)
        return entry

    def _input(self, stage: Stage) -> Path:
        """Folder of a stage's files, large ones checked too; a broken one is made again."""
        entry = self.require(stage)
        if self.store.find(stage.key, thorough=True) is None:
            del self.entries[stage.key.digest]
            entry = self.require(stage)
        return entry.folder

    def probe(self, stage: Stage) -> dict[str, float]:
        """What one batch of `stage`'s variant takes (`probe`), measured in the worker."""
        figures: dict[str, float] = {}
        job = replace(self._job(stage, {}), stage="probe", label="a probe of one batch")
        self.worker.run(job, self.store.root, figures.update)
        return figures

    def _job(self, stage: Stage, inputs: dict[str, Path]) -> Job:
        variant = stage.variant or self.config.baseline
        return Job(
            stage=stage.name,
            label=stage.label,
            recipe=variant.recipe,
            precision=self.precisions[variant.name],
            image_size=self.config.data.image_size,
            batch_size=self.config.data.batch_size,
            most_stored_bytes=self.config.data.max_stored_bytes,
            files=tuple(sample.name for sample in self.dataset.samples),
            labels=tuple(sample.label for sample in self.dataset.samples),
            training_images=self.dataset.first_test,
            split=self.splits[variant.name],
            weights=self.weights,
            inputs=inputs,
            checkpoint=self.store.checkpoint(stage.key),
        )

    def _run_here(self, stage: Stage, report: Any, out: Path) -> None:
        if stage.name == "pixels":
            done = partial(_report_images, report)
            found = data.read_pixels(self.dataset, self.config.data, out / "pixels.npy", done)
            (out / "report.json").write_text(found.model_dump_json(), "utf-8")
            return
        drawings = self._draw(stage)
        for drawing in drawings:
            (out / f"{drawing.name}.png").write_bytes(drawing.png)
            (out / f"{drawing.name}.webp").write_bytes(drawing.web)
        table = [{"name": d.name, "width": d.width, "height": d.height, "undrawn": d.undrawn} for d in drawings]
        (out / "figures.json").write_text(json.dumps(table), "utf-8")

    def _draw(self, stage: Stage) -> "tuple[Drawing, ...]":
        # Late: Matplotlib and seaborn take a second to import, and only drawing needs them.
        import numpy as np

        from generator import figures, images

        if stage.name == "comparison":
            stages = self.plan.variants
            return (figures.draw_comparison([self._variant_result(v, stages[v.name]) for v in self.config.variants]),)
        pixels = np.load(self.require(self.plan.pixels).folder / "pixels.npy", mmap_mode="r")
        test_pixels = pixels[self.dataset.first_test :]
        if stage.variant is not None:
            result = self._variant_result(stage.variant, self.plan.variants[stage.variant.name])
            return figures.draw_variant(result, self.dataset.class_names, test_pixels)
        example = data.example_with_alpha(self.dataset)
        return figures.draw_data(
            self.summary,
            test_pixels=test_pixels,
            test_labels=[sample.label for sample in self.dataset.test],
            alpha_example=images.read_rgba(example.path) if example else None,
            alpha_name=example.name if example else None,
            augmented=np.load(self.require(self.plan.augmentation).folder / "copies.npy"),
            original=pixels[0],
        )

    def _figures(self, variants: Mapping[str, VariantResult]) -> tuple[FigureFile, ...]:
        return tuple(
            FigureFile(scope=scope, **row)
            for scope, stage in self.figure_stages().items()
            for row in self.require(stage).read_json("figures.json")
        )

    def figure_stages(self) -> dict[str, Stage]:
        """Scope → the stage that draws its figures."""
        scoped = {name: stages.figures for name, stages in self.plan.variants.items()}
        return {"data": self.plan.data_figures, **scoped, "comparison": self.plan.comparison}

    def _variant_result(self, variant: Variant, stages: VariantStages) -> VariantResult:
        architecture = self.require(stages.architecture).read_json("result.json")
        head = self.require(stages.head).read_json("result.json")
        fine_tuning = self.require(stages.fine_tuning).read_json("result.json")
        table = {
            "name": variant.name,
            "title": variant.title,
            "changes": variant.changes,
            "recipe": variant.recipe,
            "precision": self.precisions[variant.name],
            "before": head["before"],
            "head": head["history"],
            "fine_tuning": fine_tuning["history"],
            **self.require(stages.evaluation).read_json("result.json"),
            **architecture,
        }
        return strict_json.validated(VariantResult, table, f"{variant.name}: results in the store")


class _Download:
    """Says how far a download is, at every tenth."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._tenths = -1

    def __call__(self, done: int, total: int) -> None:
        tenths = 10 * done // total if total else done // 10**7
        if tenths != self._tenths:
            self._tenths = tenths
            of = f" of {total / 1e6:.0f}" if total else ""
            self._display.say(f"downloading weights: {done / 1e6:.0f}{of} MB")


def _report_images(report: Any, done: int, count: int) -> None:
    report({"images": done, "of": count})


def _environment(root: Path) -> Environment:
    """Versions of the packages that the lock file names, as far as this machine needs and has them."""
    lines = (root / "requirements.txt").read_text("utf-8").splitlines()
    locked = {line.partition("==")[0] for line in lines if "==" in line and not line.startswith(("#", " "))}
    packages = {}
    for name in sorted(locked):
        with suppress(metadata.PackageNotFoundError):
            packages[name] = version(name)
    return Environment(python=platform.python_version(), packages=packages)
