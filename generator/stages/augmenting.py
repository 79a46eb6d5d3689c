"""The stages that augment without training.

    augmentation   augmented copies of one training image, for the figure
    augmented      pooled features of the training images, augmented anew for each epoch of the head; `shard`: of a part

How an image is augmented follows from the source's own seed, the epoch, and which images train; so runs that differ in
anything else share what the frozen base makes of it.
"""

import zlib
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np

from generator.stages import artifacts
from generator.stages.job import Job
from generator.stages.workspace import Workspace, through
from generator.support.progress import Report
from generator.training.batches import Batches, augmentation_layers, batches
from generator.training.epochs import advance, reseed
from generator.training.folding import Forward

COPIES = 9
"""Augmented copies in the figure."""

_SUM = 4
"""Bytes of an epoch's check sum, CRC-32."""


def augmentation(job: Job, out: Path, report: Report) -> None:
    work = Workspace(job)
    image = work.pixels[0].astype(np.float32)
    seed = work.seed("augmentation", "augmentation figure")
    layers = augmentation_layers(job.setting("model.rotation"), job.setting("model.fill"), seed)
    copies = [layers(image[None], training=True).numpy()[0] for _ in range(COPIES)]
    np.save(out / artifacts.COPIES, np.clip(np.round(copies), 0, 255).astype(np.uint8))


def augmented(job: Job, out: Path, report: Report) -> None:
    work = Workspace(job)
    shape = (job.setting("head.epochs"), len(work.split.train), work.base.output.shape[-1])
    if 4 * prod(shape) > job.setting("data.max_stored_bytes"):
        return  # The head's stage computes them when it needs them.

    def epoch(number: int) -> bytes:
        report({"epoch": number, "epochs": shape[0]})
        return _features(work, number).astype("<f4", copy=False).tobytes()

    collect(job.checkpoint, shape, epoch)
    with (out / artifacts.AUGMENTED).open("wb") as target, job.checkpoint.open("rb") as source:
        np.lib.format.write_array_header_1_0(target, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for _ in range(shape[0]):
            target.write(source.read(4 * prod(shape[1:])))
            source.read(_SUM)


def shard(job: Job, out: Path, report: Report) -> None:
    """`augmented` of a part of the training images, augmented as after those that come before them in an epoch."""
    work = _Later(job)
    shape = (job.setting("head.epochs"), len(work.split.train), work.base.output.shape[-1])
    if 4 * prod(shape) > job.setting("data.max_stored_bytes"):
        return

    def epoch(number: int) -> bytes:
        report({"epoch": number, "epochs": shape[0]})
        return _features(work, number).astype("<f4", copy=False).tobytes()

    collect(job.checkpoint, shape, epoch)
    rows = np.memmap(job.checkpoint, np.uint8, "r").reshape(shape[0], -1)[:, :-_SUM]
    with (out / artifacts.AUGMENTED).open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for row in rows:
            stream.write(row.data)


class _Later(Workspace):
    """That of a shard: batches of other shards were augmented before its own."""

    def augmented(self, phase: str, epoch: int, order: np.ndarray, frozen: Forward) -> Batches:
        reseed(self.augmentation, self.seed("augmentation", f"{phase} augmentation", epoch))
        before = self.job.setting("shard.first") // self.job.setting("data.batch_size")
        size = self.job.setting("data.image_size")
        advance(self.augmentation, before, np.zeros((1, size, size, 3), np.float32))
        return through(self.batches(self.pixels, order), lambda batch: frozen(self.augment(batch)))


def head_batches(work: Workspace, epoch: int, order: np.ndarray) -> Batches:
    """Pooled features of the training images at `order`, augmented for this epoch: as stored, or computed now."""
    path = work.job.inputs["augmented"] / artifacts.AUGMENTED if "augmented" in work.job.inputs else None
    kept = path is not None and path.exists()
    rows = artifacts.rows(path)[epoch - 1] if path and kept else _features(work, epoch)
    positions = np.sort(order)
    return batches(rows, work.labels[positions], np.searchsorted(positions, order), work.job.setting("data.batch_size"))


def _features(work: Workspace, epoch: int) -> np.ndarray:
    """Pooled features of the epoch's training images in their order in the data set, float32 (n, c)."""
    positions = np.sort(work.training_positions("head", epoch))
    return np.concatenate([np.asarray(rows) for rows, _ in work.augmented("head", epoch, positions, work.pooling)])


def collect(path: Path, shape: tuple[int, ...], make: Callable[[int], bytes]) -> None:
    """Append to the file at `path` what `make` gives for each epoch, counted from 1, with its check sum.

    Epochs that stand there already, from a build that was killed, are kept up to the first that is damaged. `shape`:
    epochs, then that of one of them, float32. Raises `OSError`.
    """
    size = 4 * prod(shape[1:])
    path.touch()
    with path.open("r+b") as stream:
        done = _sound(stream, size)
        stream.seek(done * (size + _SUM))
        stream.truncate()
        for number in range(done + 1, shape[0] + 1):
            block = make(number)
            stream.write(block + zlib.crc32(block).to_bytes(_SUM, "little"))
            stream.flush()


def _sound(stream: BinaryIO, size: int) -> int:
    """How many blocks of `size` bytes stand at the beginning of `stream` with the right check sum."""
    count = 0
    while len(block := stream.read(size + _SUM)) == size + _SUM:
        if zlib.crc32(block[:size]) != int.from_bytes(block[size:], "little"):
            break
        count += 1
    return count
