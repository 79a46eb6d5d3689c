"""A job whose images are at an address, made ready to run: they are read ahead, and none is read in vain."""

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

from PIL import Image

from generator.data import ahead
from generator.data.dataset import Sample
from generator.data.listed import ImageThere
from generator.stages.job import Job
from generator.stages.pixels import found_in

_PARTS = {"dataset": ("train", "validation", "test"), "measure": ("samples",)}
"""What a job may be given → where it has images."""

_LOOKING = "data_figures"
"""The stage that looks through the images for one with transparency, to show it."""

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
    if job.stage == _LOOKING and not found_in(job.inputs["pixels"]).transparent:
        # Decoding all of them has shown that there is none.
        read: Read = lambda image: _opaque()  # noqa: E731
    else:
        read = stack.enter_context(ahead.reading(_there(job, name))).read
    return replace(images, **{part: _all_read_by(getattr(images, part), read) for part in _PARTS[name]})


def _all_read_by(samples: tuple[Sample, ...], read: Read) -> tuple[Sample, ...]:
    return tuple(
        replace(sample, path=sample.path.read_by(read)) if isinstance(sample.path, ImageThere) else sample
        for sample in samples
    )


@cache
def _opaque() -> bytes:
    """The file of an image without transparency."""
    stream = io.BytesIO()
    Image.new("RGB", (1, 1)).save(stream, "PNG")
    return stream.getvalue()
