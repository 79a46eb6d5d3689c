"""The stage that decodes every image, once."""

from functools import partial
from pathlib import Path

from generator import data
from generator.config import DataSettings
from generator.progress import Report
from generator.stages import artifacts
from generator.stages.job import Job


def pixels(job: Job, out: Path, report: Report) -> None:
    settings = DataSettings(
        image_size=job.setting("data.image_size"),
        alpha=job.setting("data.alpha"),
        max_pixels=job.setting("data.max_pixels"),
    )
    found = data.read_pixels(job.dataset, settings, out / artifacts.PIXELS, partial(_report, report))
    (out / artifacts.REPORT).write_text(found.model_dump_json(), "utf-8")


def _report(report: Report, done: int, count: int) -> None:
    report({"images": done, "of": count})
