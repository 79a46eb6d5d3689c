"""The stages between the files of a data set and what is trained.

Every image decoded once, which of them are near-duplicates, and who validates.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from generator.data import dataset, splits
from generator.data import near as near_duplicates
from generator.data.near import NearReport
from generator.data.pixels import PartReport, PixelReport, Square, join, read_part, read_pixels
from generator.stages import artifacts
from generator.stages.job import Job
from generator.support.progress import Report
from generator.support.strict_json import parse_json, validated


def pixels(job: Job, out: Path, report: Report) -> None:
    found = read_pixels(job.dataset, _square(job), out / artifacts.PIXELS, partial(_report, report))
    (out / artifacts.REPORT).write_text(found.model_dump_json(), "utf-8")


def shard(job: Job, out: Path, report: Report) -> None:
    """`pixels` of a part of the images."""
    found = read_part(job.dataset, _square(job), out / artifacts.PIXELS, partial(_report, report))
    (out / artifacts.PART).write_text(found.model_dump_json(), "utf-8")


def join_shards(job: Job, shards: Sequence[Path], out: Path) -> None:
    """The files of `pixels`, made of those of all its shards."""
    parts = [(folder / artifacts.PIXELS, _part_in(folder)) for folder in shards]
    found = join(job.dataset, _square(job), parts, out / artifacts.PIXELS)
    (out / artifacts.REPORT).write_text(found.model_dump_json(), "utf-8")


def measure_pixels(job: Job, out: Path, report: Report) -> None:
    # What is white in samples of more than 8 bits, the images of the data set decide.
    scales = found_in(job.inputs["pixels"]).scales
    found = read_pixels(job.measure, _square(job), out / artifacts.PIXELS, partial(_report, report), scales)
    (out / artifacts.REPORT).write_text(found.model_dump_json(), "utf-8")


def near(job: Job, out: Path, report: Report) -> None:
    rows = artifacts.rows(job.inputs["pixels"] / artifacts.PIXELS)
    found = near_duplicates.look(rows, found_in(job.inputs["pixels"]).copies, partial(_report, report))
    (out / artifacts.NEAR).write_text(found.model_dump_json(), "utf-8")


def split(job: Job, out: Path, report: Report) -> None:
    # Of the baseline's images, whatever of them a variant shows: variants are compared on the same ones.
    known = near_in(job.inputs["near"])
    grouped = job.setting("data.near_duplicates") == "group"
    together = splits.merged(known.copies, known.together) if grouped else known.copies
    fraction, batch_size = job.setting("split.validation_fraction"), job.setting("data.batch_size")
    stratified = job.setting("split.stratified")
    found = dataset.split(job.dataset, fraction, batch_size, job.setting("seeds.split"), together, stratified)
    artifacts.write_split(out, found)


def _square(job: Job) -> Square:
    return Square(
        size=job.setting("data.image_size"),
        alpha=job.setting("data.alpha"),
        crop=job.setting("data.crop"),
        max_pixels=job.setting("data.max_pixels"),
    )


def found_in(folder: Path) -> PixelReport:
    """What decoding the images showed, of whose stage this is the folder."""
    path = folder / artifacts.REPORT
    return validated(PixelReport, parse_json(path.read_text("utf-8"), str(path)), str(path))


def _part_in(folder: Path) -> PartReport:
    path = folder / artifacts.PART
    return validated(PartReport, parse_json(path.read_text("utf-8"), str(path)), str(path))


def near_in(folder: Path) -> NearReport:
    """The near-duplicates, of whose stage this is the folder."""
    path = folder / artifacts.NEAR
    return validated(NearReport, parse_json(path.read_text("utf-8"), str(path)), str(path))


def _report(report: Report, done: int, count: int) -> None:
    report({"images": done, "of": count})
