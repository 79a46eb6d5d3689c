"""Which labels the frozen features contradict, as plain data: what a model that never saw an image makes of it.

A `LabelReview` holds a row for each image that was judged. All that is said of them follows from these rows, after
Northcutt, Jiang and Chuang, Confident Learning (JAIR 70, 2021, pages 1373 to 1411): an image counts as confidently of
another class where the model calls it by that class's name, with no less probability than the images labelled so have
for it on average. Counted by label and class, these are the confident joint, and those off its diagonal are marked.
(The paper also counts images whose most probable class stays below its own average while a less probable one does
not; like the authors' own program, this marks no image that the model calls by its label.)
"""

import math
from collections import Counter
from functools import cached_property
from typing import Literal

from pydantic import Field, model_validator

from generator.support.statistics import noise
from generator.support.strict_json import Record

Side = Literal["train", "test"]
SIDES: tuple[Side, ...] = ("train", "test")
"""Images that are learnt from, whether they train or validate, and test images, from which no model learns."""


class Judged(Record):
    """An image that was judged by a model that had not learnt from it."""

    side: Side
    index: int = Field(ge=0)
    """Position among all images of the data set."""
    file: str
    """Path below the data set's root, with forward slashes."""
    label: int = Field(ge=0)
    """The class it is given as."""
    predicted: int = Field(ge=0)
    """The most probable class."""
    own: float = Field(ge=0, le=1)
    """Probability of its label."""
    probability: float = Field(ge=0, le=1)
    """That of the class predicted."""

    @property
    def contradicted(self) -> bool:
        return self.predicted != self.label

    @property
    def margin(self) -> float:
        """Normalised margin: the label's probability less that of the class predicted; of a marked image below 0."""
        return self.own - self.probability


class SideReview(Record):
    """What was found of the images of one side."""

    total: int
    correct: int
    """Called by the name that they have."""
    marked: tuple[Judged, ...]
    """Those whose labels are contradicted most, first."""


class LabelReview(Record):
    """All images that were judged."""

    folds: int
    """Parts into which the images were cut; the model of each learnt from the others."""
    left_out: tuple[str, ...] = ()
    """Classes of which there were too few images to learn from: a single one, or copies of one."""
    images: tuple[Judged, ...]
    """In order of their index."""

    @model_validator(mode="after")
    def _is_in_order(self) -> "LabelReview":
        indices = [image.index for image in self.images]
        if indices != sorted(set(indices)):
            raise ValueError("the images are not in order")
        return self

    @property
    def total(self) -> int:
        return len(self.images)

    @cached_property
    def correct(self) -> int:
        """Images that the features call by the name that they have."""
        return sum(not image.contradicted for image in self.images)

    @property
    def accuracy(self) -> float:
        """Of what the features tell, held against the labels; 0 where nothing was judged."""
        return self.correct / max(1, self.total)

    @cached_property
    def majority_share(self) -> float:
        """The share of the most frequent label: what guessing reaches."""
        return max(self._images_of.values(), default=0) / max(1, self.total)

    @property
    def tells(self) -> bool:
        """Whether the features tell the labels better than guessing, by more than chance: else they can mark none."""
        return self.total > 0 and noise.wilson(self.correct, self.total)[0] > self.majority_share

    @cached_property
    def thresholds(self) -> dict[int, float]:
        """Label → the mean probability that images with it have for it."""
        own: dict[int, list[float]] = {label: [] for label in sorted(self._images_of)}
        for image in self.images:
            own[image.label].append(image.own)
        return {label: math.fsum(found) / len(found) for label, found in own.items()}

    @cached_property
    def joint(self) -> dict[tuple[int, int], int]:
        """(label, class predicted) → images, of those that are confidently of that class."""
        return Counter((image.label, image.predicted) for image in self.images if self._is_confident(image))

    @cached_property
    def marked(self) -> tuple[Judged, ...]:
        """Images off the diagonal of the joint, the lowest margin first; none where the features tell nothing."""
        found = (image for image in self.images if image.contradicted and self._is_confident(image))
        return tuple(sorted(found, key=lambda image: (image.margin, image.index))) if self.tells else ()

    @cached_property
    def by_side(self) -> dict[Side, SideReview]:
        """Side → what was found, as in `labels.by_side.test.marked`."""
        return {side: self._of(side) for side in SIDES}

    @property
    def marked_share(self) -> float:
        """Of all images judged."""
        return len(self.marked) / max(1, self.total)

    @property
    def estimated(self) -> int:
        """Of all images judged, about how many have another class than their label says, if the features are right.

        The joint scaled to the number of images of each label, summed off its diagonal: the paper's equation 3.
        """
        confident: Counter[int] = Counter()
        off: Counter[int] = Counter()
        for (label, predicted), images in self.joint.items():
            confident[label] += images
            off[label] += images if predicted != label else 0
        shares = (images * off[label] / confident[label] for label, images in self._images_of.items() if off[label])
        return round(sum(shares)) if self.tells else 0

    @cached_property
    def _images_of(self) -> Counter[int]:
        return Counter(image.label for image in self.images)

    def _is_confident(self, image: Judged) -> bool:
        return image.predicted in self.thresholds and image.probability >= self.thresholds[image.predicted]

    def _of(self, side: Side) -> SideReview:
        images = [image for image in self.images if image.side == side]
        return SideReview(
            total=len(images),
            correct=sum(not image.contradicted for image in images),
            marked=tuple(image for image in self.marked if image.side == side),
        )
