"""A job whose images are at an address, made ready to run: they are read ahead."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from generator.data import ahead
from generator.data.dataset import Sample
from generator.data.listed import ImageThere
from generator.stages.job import Job

_PARTS = {"dataset": ("train", "validation", "test"), "measure": ("samples",)}
"""What a job may be given → where it has images."""

Read = Callable[[ImageThere], bytes]


@contextmanager
def made_ready(job: Job) -> Iterator[Job]:
    """The job to run while the block does: the one given, unless its images are at an address."""
    with ExitStack() as stack:
        ready = {name: _read_by(job, name, stack) for name in _PARTS if _there(job, name)}
        yield replace(job, given={**job.given, **ready}) if ready else job


def _there(job: Job, name: str) -> list[ImageThere]:
    samples = job.given[name].samples if name in job.given else ()
    return [sample.path for sample in samples if isinstance(sample.path, ImageThere)]


def _read_by(job: Job, name: str, stack: ExitStack) -> Any:
    """What the job is given under `name`, with its images read for it."""
    images = job.given[name]
    read = stack.enter_context(ahead.reading(_there(job, name))).read
    return replace(images, **{part: _all_read_by(getattr(images, part), read) for part in _PARTS[name]})


def _all_read_by(samples: tuple[Sample, ...], read: Read) -> tuple[Sample, ...]:
    return tuple(
        replace(sample, path=sample.path.read_by(read)) if isinstance(sample.path, ImageThere) else sample
        for sample in samples
    )
