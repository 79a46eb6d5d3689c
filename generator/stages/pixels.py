"""The stages between the files of a data set and what is trained: every image decoded once, and who validates."""

from functools import partial
from pathlib import Path

from generator.data import dataset
from generator.data.pixels import PixelReport, Square, read_pixels
from generator.stages import artifacts
from generator.stages.job import Job
from generator.support.progress import Report
from generator.support.strict_json import parse_json, validated


def pixels(job: Job, out: Path, report: Report) -> None:
    square = Square(
        size=job.setting("data.image_size"),
        alpha=job.setting("data.alpha"),
        max_pixels=job.setting("data.max_pixels"),
    )
    found = read_pixels(job.dataset, square, out / artifacts.PIXELS, partial(_report, report))
    (out / artifacts.REPORT).write_text(found.model_dump_json(), "utf-8")


def split(job: Job, out: Path, report: Report) -> None:
    path = job.inputs["pixels"] / artifacts.REPORT
    copies = validated(PixelReport, parse_json(path.read_text("utf-8"), str(path)), str(path)).copies
    fraction, batch_size = job.setting("split.validation_fraction"), job.setting("data.batch_size")
    found = dataset.split(job.dataset, fraction, batch_size, job.setting("seed"), copies)
    artifacts.write_split(out, found)


def _report(report: Report, done: int, count: int) -> None:
    report({"images": done, "of": count})
