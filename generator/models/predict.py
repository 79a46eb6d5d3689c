"""A trained network asked about images: what it says, what it was trained on that is like them, and where it looks."""

import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from generator.build.executor import Executor
from generator.data import decoding
from generator.experiment.data_summary import Part
from generator.experiment.predicted import ActivationMap, Answer, Answers, ClassProbability, Known, Neighbour, NotRead
from generator.experiment.statistics import confidences
from generator.experiment.task import Task, task_for
from generator.models.found import Found
from generator.models.images import Image
from generator.stages import artifacts, asked
from generator.support.display import Display

Vectors = NDArray[np.float64]

NEAREST = 4
"""Images that were trained on that an answer names."""
ALIKE = 0.999
"""Cosine from which on two images may have the same pixels: rounding and other sums keep it well above."""
_BLOCK = 4096
"""Images of the data set whose features are compared at a time."""


def predict(
    found: Found,
    images: Sequence[Image],
    not_read: Sequence[NotRead],
    display: Display,
    executor: Executor | None = None,
) -> Answers:
    """What the network that was `found` says of `images`, of which there must be one. Raises as the executor does."""
    variant = found.results().variants[found.run.variant.name]
    with tempfile.TemporaryDirectory() as scratch:
        given, out = Path(scratch, "images"), Path(scratch, "answers")
        given.mkdir()
        out.mkdir()
        np.save(given / artifacts.PIXELS, np.stack([image.pixels for image in images]))
        label = f"{found.run.name}.{asked.ANSWERS.name}"
        asking = closing(executor) if executor else found.executor()
        with asking as running, display.stage(label) as report:
            running.run(found.job(asked.ANSWERS, {asked.IMAGES: given}), out, report)
        logits, features, maps = (np.load(out / name) for name in (asked.LOGITS, artifacts.POOLED, artifacts.MAPS))
    names = found.begun.dataset.class_names
    task, degree = task_for(len(names)), confidences.temperature(variant.every_run[found.run.number - 1])
    cosines = _cosines(_unit(features), artifacts.rows(found.folder("features") / artifacts.POOLED))
    around = _Around(found)
    return Answers(
        variant=variant.name,
        run=found.run.number,
        network=found.run.variant.recipe.model.backbone,
        precision=variant.precision,
        class_names=names,
        temperature=degree,
        images=tuple(
            _answer(image, names, task, logits[[i]], degree, maps[i], around, cosines[i])
            for i, image in enumerate(images)
        ),
        not_read=tuple(not_read),
    )


def _answer(
    image: Image,
    names: tuple[str, ...],
    task: Task,
    logits: Vectors,
    degree: float | None,
    places: NDArray[np.float32],
    around: "_Around",
    cosines: Vectors,
) -> Answer:
    """`logits` (1, outputs) and `places` (h, w) of one image, and its cosine with each of the data set."""
    label = int(task.decisions(logits)[0])
    plain = task.probabilities(logits)[0]
    cooled = None if degree is None else task.probabilities(logits / degree)[0]
    # The only logit of two classes speaks for the second, and against the first.
    speaking = places if label or task.outputs > 1 else -places
    known = around.known(image, cosines)
    return Answer(
        file=image.file,
        class_name=names[label],
        probability=float(plain[label]),
        calibrated=None if cooled is None else float(cooled[label]),
        probabilities=tuple(
            ClassProbability(
                class_name=name, probability=float(plain[i]), calibrated=None if cooled is None else float(cooled[i])
            )
            for i, name in enumerate(names)
        ),
        known=tuple(entry for _, entry in known),
        nearest=around.nearest(cosines, {row for row, _ in known}),
        activation_map=ActivationMap(rows=tuple(tuple(row) for row in speaking.tolist())),
        notes=image.notes,
    )


class _Around:
    """The images of the data set as a run used them."""

    def __init__(self, found: Found) -> None:
        self._dataset = found.begun.dataset
        self._pixels = artifacts.rows(found.folder("pixels") / artifacts.PIXELS)
        split = artifacts.read_split(found.folder("split"))
        reshuffled = found.run.variant.recipe.split.mode == "reshuffled"
        # There, every image that is not tested with is trained on at times.
        self._trained = np.arange(self._dataset.first_test) if reshuffled else np.sort(np.asarray(split.train))
        self._by_digest: dict[str, list[int]] = {}
        for row, sample in enumerate(self._dataset.samples):
            self._by_digest.setdefault(sample.digest, []).append(row)

    def known(self, image: Image, cosines: Vectors) -> list[tuple[int, Known]]:
        """Rows of the data set that are the image, and what they are: of its bytes, then of its pixels alone."""
        same_bytes = self._by_digest.get(image.digest, [])
        close = (int(row) for row in np.flatnonzero(cosines > ALIKE))
        alike = [row for row in close if row not in same_bytes and _equal(self._pixels[row], image.pixels)]
        samples, names = self._dataset.samples, self._dataset.class_names
        return [
            (
                row,
                Known.model_validate(
                    {
                        "file": samples[row].name,
                        "class_name": names[samples[row].label],
                        "part": self._part(row),
                        "same": same,
                    }
                ),
            )
            for same, rows in (("bytes", same_bytes), ("pixels", alike))
            for row in rows
        ]

    def nearest(self, cosines: Vectors, left_out: set[int]) -> tuple[Neighbour, ...]:
        """The images that were trained on with the highest cosines, the highest first."""
        others = np.array([row for row in self._trained if int(row) not in left_out], np.int64)
        samples, names = self._dataset.samples, self._dataset.class_names
        best = others[np.argsort(-cosines[others], kind="stable")[:NEAREST]]
        return tuple(
            Neighbour(
                file=samples[row].name,
                class_name=names[samples[row].label],
                cosine=min(1.0, float(cosines[row])),
                row=int(row),
            )
            for row in best
        )

    def _part(self, row: int) -> Part:
        if row >= self._dataset.first_test:
            return "test"
        return "train" if row in self._trained else "validation"


def _cosines(unit: Vectors, features: NDArray[np.float32]) -> Vectors:
    """(n, m): of n vectors of length 1 with each of m features."""
    blocks = (features[start : start + _BLOCK] for start in range(0, len(features), _BLOCK))
    return np.concatenate([unit @ _unit(block).T for block in blocks], axis=1)


def _unit(rows: NDArray[np.float32]) -> Vectors:
    """Rows of length 1; one of zeros stays so."""
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths == 0, 1, lengths), np.float64)


def _equal(one: decoding.Pixels, other: decoding.Pixels) -> bool:
    return bool(np.array_equal(one, other))
