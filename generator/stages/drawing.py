"""The stages that draw: results and pixels of other stages to figures.

Imported only where one of them runs: Matplotlib and seaborn take a second.
"""

from pathlib import Path

import numpy as np

from generator.data import decoding
from generator.data.pixels import example_with_alpha
from generator.experiment.results import Trained
from generator.figures import charts
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
    drawings = charts.draw_variant(_shown(job), job.dataset.class_names, test_pixels)
    artifacts.write_drawings(out, drawings)


def examples(job: Job, out: Path, report: Report) -> None:
    test_pixels = artifacts.rows(job.inputs["pixels"] / artifacts.PIXELS)[job.dataset.first_test :]
    artifacts.write_drawings(out, charts.draw_examples(_shown(job), job.dataset.class_names, test_pixels))


def comparison(job: Job, out: Path, report: Report) -> None:
    shown = [_shown(job, f"{name}.", title) for name, title in job.titles.items()]
    artifacts.write_drawings(out, charts.draw_comparison(shown))


def _shown(job: Job, owner: str = "", title: str = "") -> Trained:
    """The variant whose stages are `owner` + name among the job's inputs."""
    found = {
        stage: artifacts.read_records(job.inputs[f"{owner}{stage}"]) for stage in ("head", "fine_tuning", "evaluation")
    }
    table = {
        "title": title,
        "head": found["head"]["history"],
        "fine_tuning": found["fine_tuning"]["history"],
        **found["evaluation"]["outcome"],
    }
    return validated(Trained, table, f"{printable(job.label)}: results in the store")
