"""Stages in shards: each shard is the stage on a part of its images, and all together give its files, to the byte.

A shard is a job of its own, for any executor. Its data set is its images alone, and of the files that it reads it is
given their rows alone, so that who runs it needs no others. Borders lie between batches: each batch is one of the
whole stage. No key knows of shards, so what a shard runs is the stage's own function wherever that can be.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from generator.data.splits import Split
from generator.stages import artifacts, pixels
from generator.stages.job import Job
from generator.stages.stage import Sharding

CHUNK = 256
"""Rows that are copied at a time."""

_ARRAYS = {"pixels": artifacts.PIXELS, "cut": artifacts.OUTPUTS}
"""Stage whose files a shard reads → the array of them that has a row for each image."""

_BUDGET = "data.max_stored_bytes"


@dataclass(frozen=True)
class Kind:
    """How stages are split and joined."""

    positions: Callable[[Job], Sequence[int]]
    """The images that the whole stage passes, in its order, as positions in the data set; none: it runs whole."""
    join: Callable[[Job, Sequence[Path], Path], None]
    """Makes of the whole job and the folders of its shards, in order, the stage's files in a folder."""
    runs: str | None = None
    """Function of a shard; None: the stage's own."""


def borders(count: int, batch: int, most: int) -> list[range]:
    """`count` images in even shards of whole batches, of `most` images at most or one batch; none if one would do."""
    if not most or count <= max(most, batch):
        return []
    batches = ceil(count / batch)
    shards = ceil(batches / max(1, most // batch))
    size = ceil(batches / shards) * batch
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def split(kind: Sharding, whole: Job, most: int) -> list[range]:
    """The shards of a stage: ranges of its images. None where it runs whole."""
    return borders(len(KINDS[kind].positions(whole)), whole.settings.get("data.batch_size", 1), most)


def shard(kind: Sharding, whole: Job, images: range, folder: Path) -> Job:
    """The job of the shard of `images`; what it reads is written below `folder`."""
    how = KINDS[kind]
    positions = how.positions(whole)
    chosen = positions[images.start : images.stop]
    samples = tuple(whole.dataset.samples[position] for position in chosen)
    settings: dict[str, Any] = {**whole.settings, "shard.first": images.start}
    if _BUDGET in settings:
        # Its share of the bytes that the whole may keep: of all shards fit, or none.
        settings[_BUDGET] = settings[_BUDGET] * len(images) // len(positions)
    return replace(
        whole,
        runs=how.runs or whole.runs,
        tensorflow=True,  # Also decoding: in a process of its own, which may die, beside others, or elsewhere.
        settings=settings,
        given={**whole.given, "dataset": replace(whole.dataset, train=samples, validation=(), test=())},
        inputs=_inputs(whole.inputs, chosen, folder),
    )


def join(kind: Sharding, whole: Job, shards: Sequence[Path], out: Path) -> None:
    """Make the files of the whole stage, in the folder `out`, of those in the folders of its shards, in order."""
    KINDS[kind].join(whole, shards, out)


def _inputs(inputs: Mapping[str, Path], chosen: Sequence[int], folder: Path) -> dict[str, Path]:
    """Of each stage's files what concerns the images `chosen`, below `folder`."""
    for name, source in inputs.items():
        target = folder / name
        target.mkdir(parents=True)
        if name == "split":
            artifacts.write_split(target, Split(train=tuple(range(len(chosen))), validation=()))
            continue
        if (array := source / _ARRAYS[name]).exists():
            _copy_rows(artifacts.rows(array), chosen, target / array.name)
        if (cut := source / artifacts.CUT).exists():
            (target / cut.name).write_bytes(cut.read_bytes())
    return {name: folder / name for name in inputs}


def _copy_rows(rows: np.ndarray, chosen: Sequence[int], target: Path) -> None:
    shape = (len(chosen), *rows.shape[1:])
    with target.open("wb") as stream:
        _write_header(stream, rows.dtype, shape)
        for start in range(0, len(chosen), CHUNK):
            part = chosen[start : start + CHUNK]
            consecutive = part[-1] - part[0] == len(part) - 1
            stream.write((rows[part[0] : part[-1] + 1] if consecutive else rows[list(part)]).data)


def _everything(whole: Job) -> Sequence[int]:
    return range(len(whole.dataset.samples))


def _training(whole: Job) -> Sequence[int]:
    """None where every epoch trains on others."""
    fixed = whole.setting("split.mode") == "fixed"
    return sorted(artifacts.read_split(whole.inputs["split"]).train) if fixed else ()


def _join_rows(whole: Job, shards: Sequence[Path], out: Path) -> None:
    for name in (artifacts.OUTPUTS, artifacts.POOLED):
        _join_arrays(shards, out, name, axis=0)
    if (cut := shards[0] / artifacts.CUT).exists():
        (out / cut.name).write_bytes(cut.read_bytes())


def _join_passes(whole: Job, shards: Sequence[Path], out: Path) -> None:
    _join_arrays(shards, out, artifacts.AUGMENTED, axis=1)


def _join_arrays(shards: Sequence[Path], out: Path, name: str, axis: int) -> None:
    """The arrays `name` as one, written as a stream; nothing where no shard has one. Raises `OSError` if some have."""
    if not any((folder / name).exists() for folder in shards):
        return
    parts = [artifacts.rows(folder / name) for folder in shards]
    before, after = parts[0].shape[:axis], parts[0].shape[axis + 1 :]
    with (out / name).open("wb") as stream:
        _write_header(stream, parts[0].dtype, (*before, sum(part.shape[axis] for part in parts), *after))
        for index in np.ndindex(before):
            for part in parts:
                stream.write(part[index].data)


def _write_header(stream: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)


KINDS: Mapping[Sharding, Kind] = {
    "images": Kind(_everything, pixels.join_shards, "generator.stages.pixels:shard"),
    "rows": Kind(_everything, _join_rows),
    "passes": Kind(_training, _join_passes, "generator.stages.augmenting:shard"),
}
"""`images`: decoded. `rows`: passed through the frozen base. `passes`: likewise, the training images anew an epoch."""
