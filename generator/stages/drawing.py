"""The stages that draw: results and pixels of other stages to figures.

Imported only where one of them runs: Matplotlib and seaborn take a second.
"""

from pathlib import Path

import numpy as np

from generator.data import decoding, regions
from generator.data.pixels import example_with_alpha
from generator.experiment.measurement import Measured
from generator.experiment.outcomes import PhaseOutcome, Score
from generator.experiment.results import Trained
from generator.experiment.showcase import doubtful
from generator.experiment.stopping import kept
from generator.figures import charts
from generator.figures.accuracies import Accuracies
from generator.stages import artifacts
from generator.stages.job import Job
from generator.support.errors import printable
from generator.support.progress import Report
from generator.support.strict_json import validated


def data_figures(job: Job, out: Path, report: Report) -> None:
    pixels = artifacts.rows(job.inputs["pixels"] / artifacts.PIXELS)
    example = example_with_alpha(job.dataset)
    drawings = charts.draw_data(
        job.dataset.class_names,
        test_pixels=pixels[job.dataset.first_test :],
        test_labels=[sample.label for sample in job.dataset.test],
        alpha_example=decoding.read_rgba(example.path) if example else None,
        alpha_name=example.name if example else None,
        augmented=np.load(job.inputs["augmentation"] / artifacts.COPIES),
        original=pixels[0],
    )
    artifacts.write_drawings(out, drawings)


def figures(job: Job, out: Path, report: Report) -> None:
    test_pixels = artifacts.rows(job.inputs["pixels"] / artifacts.PIXELS)[job.dataset.first_test :]
    variant = _shown(job)
    chosen = [
        kept(epochs, "best") if job.setting(f"{phase}.keep") == "best" else None
        for phase, epochs in (("head", variant.head), ("fine_tuning", variant.fine_tuning))
    ]
    drawings = charts.draw_variant(variant, job.dataset.class_names, test_pixels, chosen)
    artifacts.write_drawings(out, drawings)


def examples(job: Job, out: Path, report: Report) -> None:
    test_pixels = artifacts.rows(job.inputs["pixels"] / artifacts.PIXELS)[job.dataset.first_test :]
    artifacts.write_drawings(out, charts.draw_examples(_shown(job), job.dataset.class_names, test_pixels))


def map_figures(job: Job, out: Path, report: Report) -> None:
    where = f"{printable(job.label)}: results in the store"
    outcome = validated(PhaseOutcome, artifacts.read_records(job.inputs["evaluation"])["outcome"], where)
    test_pixels = artifacts.rows(job.inputs["pixels"] / artifacts.PIXELS)[job.dataset.first_test :]
    maps = artifacts.rows(job.inputs["activation_maps"] / artifacts.MAPS)
    size = test_pixels.shape[1]
    drawn = [(p, test_pixels[p.index], regions.enlarged(maps[p.index], size)) for p in doubtful(outcome.predictions)]
    artifacts.write_drawings(out, charts.draw_maps(drawn, job.dataset.class_names))


def measure_figures(job: Job, out: Path, report: Report) -> None:
    found = artifacts.read_records(job.inputs["measurement"])["fine_tuning"] | {"attributes": job.attributes}
    measured = validated(Measured, found, f"{printable(job.label)}: results in the store")
    pixels = artifacts.rows(job.inputs["measure_pixels"] / artifacts.PIXELS)
    artifacts.write_drawings(out, charts.draw_measurement(measured, job.dataset.class_names, pixels))


def comparison(job: Job, out: Path, report: Report) -> None:
    artifacts.write_drawings(out, charts.draw_comparison([_accuracies(job, *row) for row in job.titles.items()]))


def _accuracies(job: Job, name: str, title: str) -> Accuracies:
    """Scores of a variant, those on images to measure with where that was done."""
    where = f"{printable(job.label)}: results in the store"
    head, last = (
        validated(PhaseOutcome, artifacts.read_records(job.inputs[f"{name}.{stage}"])["outcome"], where)
        for stage in ("head_evaluation", "evaluation")
    )
    folder = job.inputs.get(f"{name}.measurement")
    measured = artifacts.read_records(folder)["fine_tuning"] if folder else None
    return Accuracies(
        title=title,
        head_validation=head.validation,
        head_test=head.test,
        validation=last.validation,
        test=last.test,
        measured=validated(Score, {key: measured[key] for key in Score.model_fields}, where) if measured else None,
    )


def _shown(job: Job) -> Trained:
    """The variant as its own figures show it."""
    found = {stage: artifacts.read_records(job.inputs[stage]) for stage in ("head", "fine_tuning", "evaluation")}
    table = {
        "title": "",
        "head": found["head"]["history"],
        "fine_tuning": found["fine_tuning"]["history"],
        **found["evaluation"]["outcome"],
    }
    return validated(Trained, table, f"{printable(job.label)}: results in the store")
