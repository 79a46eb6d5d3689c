"""The data set of a build, as plain data: what was found, how it was split, which pictures stand in it twice.

`data.summary` makes a `DataSummary`, which is a part of `results.BuildResults`.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from generator.experiment.config.settings import Alpha, Crop
from generator.support.strict_json import ByName, Record

Part = Literal["train", "validation", "test"]

PARTS: tuple[Part, ...] = ("train", "validation", "test")
"""Of a data set, in the order in which its images are counted."""

Layout = Literal["parts", "classes", "names", "table"]
"""How the class of an image is told: by its folder, below one for its part or alone, by its name, or by a table."""


class Count(Record):
    """Images of one class in one folder."""

    class_name: str
    images: int


class Copy(Record):
    """One of the files that hold the same picture."""

    file: str
    """Path below the data set's root, with forward slashes."""
    class_name: str
    part: Part
    """What the baseline uses it for: of the training folder, some are kept for validation."""


class Duplicate(Record):
    """A picture that stands in the data set more than once."""

    same: Literal["bytes", "pixels"]
    """Whether the files are the same, or only what is decoded from them, at the size that is used."""
    copies: tuple[Copy, ...] = Field(min_length=2)
    """In the order of the data set: training, validation, test."""

    @property
    def parts(self) -> frozenset[Part]:
        return frozenset(copy.part for copy in self.copies)

    @property
    def contradictory(self) -> bool:
        """Whether the copies stand under more than one class."""
        return len({copy.class_name for copy in self.copies}) > 1


class Similarity(Record):
    """How alike two images are by the features of the baseline's frozen base."""

    cosine: float
    """Of the angle between their features, at most 1."""
    rank: int = Field(ge=1)
    """Of either image among all others by their cosine with the other one, the worse of both; 1: none is nearer."""


class NearDuplicate(Record):
    """Two pictures that are one, altered: encoded again, resized, cropped, brightened, mirrored or captioned."""

    first: tuple[Copy, ...] = Field(min_length=1)
    """The files of one of them, in the order of the data set; several where it stands there more than once."""
    second: tuple[Copy, ...] = Field(min_length=1)
    correlation: float
    """Of their details, at most 1."""
    mirrored: bool
    distance: int
    """Bits in which their perceptual hashes differ, of 64; with one of them mirrored, where that is fewer."""
    features: Similarity | None = None
    """Once there are features."""

    @property
    def contradictory(self) -> bool:
        """Whether they stand under more than one class."""
        return len({copy.class_name for copy in (*self.first, *self.second)}) > 1

    def joins(self, one: Part, other: Part) -> bool:
        """Whether a file of one picture is used for `one` and a file of the other picture for `other`."""
        parts = [{copy.part for copy in side} for side in (self.first, self.second)]
        return any(one in own and other in theirs for own, theirs in (parts, parts[::-1]))


class NearDuplicates(Record):
    """The near-duplicates of a data set, and what was done about them."""

    handling: Literal["group", "report", "refuse"]
    """`data.near_duplicates`: kept on one side of the split, or only reported; where it refuses there are none."""
    pairs: tuple[NearDuplicate, ...]
    """In order of their first file."""

    @property
    def within(self) -> dict[Part, int]:
        """Part → pairs of which both pictures stand in it."""
        return {part: sum(pair.joins(part, part) for pair in self.pairs) for part in PARTS}

    @property
    def nearest(self) -> tuple[NearDuplicate, ...]:
        """Pairs to whose images no other image is nearer by the features."""
        return tuple(pair for pair in self.pairs if pair.features and pair.features.rank == 1)

    @property
    def crossing(self) -> tuple[NearDuplicate, ...]:
        """Pairs of which one is trained on and the other validated with."""
        return tuple(pair for pair in self.pairs if pair.joins("train", "validation"))

    @property
    def known(self) -> tuple[NearDuplicate, ...]:
        """Pairs of which one is tested with and the other trained on or validated with."""
        return tuple(pair for pair in self.pairs if pair.joins("test", "train") or pair.joins("test", "validation"))

    @property
    def contradictory(self) -> tuple[NearDuplicate, ...]:
        """Pairs that stand under more than one class."""
        return tuple(pair for pair in self.pairs if pair.contradictory)


class HeldOut(Record):
    """How test images were set aside from those for training."""

    fraction: float
    """Of each class."""
    seed: int
    """`data.test_seed`, which decided which images these are."""


class Grouping(Record):
    """Images that belong together by `data.group`."""

    by: str
    """`folder`, or the pattern in the names of files."""
    groups: int
    """Of two images or more."""
    images: int
    """In these groups."""
    crossing: int
    """Groups that are both trained on and validated with."""
    known: int
    """Groups that are tested with and also trained on or validated with."""


PLAIN_FOLDERS: dict[Part, str] = {"train": "train", "test": "test"}


def _by_part(folders: dict[Part, str]) -> dict[Part, str]:
    return {part: folders[part] for part in PARTS if part in folders}


def own_folder(folders: Mapping[Part, str], part: Part) -> bool:
    """Whether the images of a part, and no others, lie in one of `folders`."""
    folder = folders.get(part, ".")
    return folder != "." and list(folders.values()).count(folder) == 1


Kind = Literal["sample", "folder", "archive", "kaggle"]
"""What the user named."""


class DataSummary(Record):
    """The data set as it was found and split."""

    source: str
    """What the user named, without folders: `sample`, `archive.zip`, …"""
    kind: Kind
    class_names: tuple[str, ...] = Field(min_length=2)
    folders: Annotated[dict[Part, str], AfterValidator(_by_part)] = PLAIN_FOLDERS
    """Part → its folder, below the one that holds all, or `.` for that; without `test` where it was held out."""
    layout: Layout = "parts"
    tables: tuple[str, ...] = ()
    """Files that told the classes, where `layout` is `table`."""
    held_out: HeldOut | None = None
    """How test images were set aside; None where the data set has some of its own."""
    grouping: Grouping | None = None
    """None unless `data.group` is set."""
    stratified: bool = False
    """Whether the baseline's validation images were taken from each class in proportion."""
    train: tuple[Count, ...]
    validation: tuple[Count, ...] = ()
    """Empty where the data set has no validation images of its own."""
    test: tuple[Count, ...]
    kept: tuple[Count, ...]
    """Of `train`, the images kept for validation; empty where the data set has validation images of its own."""
    training_images: int
    """Of `train`, those trained on."""
    validation_images: int
    """Those of `validation`; where there are none, those of `train` that are kept for validation."""
    batches: int
    """Of the images of `train`."""
    training_batches: int
    validation_batches: int
    test_batches: int
    image_size: int
    batch_size: int
    alpha: Alpha
    crop: Crop = "none"
    transparent_images: int
    """Images with at least one pixel that is not opaque."""
    ignored: ByName[int]
    """Reason → number of files that were passed over."""
    notes: ByName[int]
    """Oddity that was handled (`rotated by EXIF`, `first frame of an animation`) → number of images."""
    duplicates: tuple[Duplicate, ...]
    """In order of their first file."""
    near: NearDuplicates | None = None
    """None where they were not looked for: in results of an earlier version."""
    fingerprint: str

    @property
    def labels(self) -> tuple[int, ...]:
        """The number of each class, in the order of their names."""
        return tuple(range(len(self.class_names)))

    @property
    def train_total(self) -> int:
        return sum(count.images for count in self.train)

    @property
    def test_total(self) -> int:
        return sum(count.images for count in self.test)

    @property
    def repeated(self) -> dict[Part, int]:
        """Part → number of pictures that stand in its folder more than once."""
        shared = {} if self.validation else {"validation": "train"}
        counts = [Counter(shared.get(copy.part, copy.part) for copy in d.copies) for d in self.duplicates]
        return {part: sum(count[part] > 1 for count in counts) for part in PARTS}

    @property
    def crossing(self) -> tuple[Duplicate, ...]:
        """Pictures that are trained on and validated with."""
        return tuple(d for d in self.duplicates if d.parts >= {"train", "validation"})

    @property
    def known(self) -> tuple[Duplicate, ...]:
        """Pictures that are tested with and also trained on or validated with."""
        return tuple(d for d in self.duplicates if "test" in d.parts and len(d.parts) > 1)

    @property
    def known_tests(self) -> tuple[Copy, ...]:
        """The test images of `known`."""
        return tuple(copy for d in self.known for copy in d.copies if copy.part == "test")

    @property
    def contradictory(self) -> tuple[Duplicate, ...]:
        """Pictures that stand under more than one class."""
        return tuple(d for d in self.duplicates if d.contradictory)

    @property
    def suspects(self) -> tuple[Copy, ...]:
        """The test images of which a copy or a near-duplicate is trained on or validated with, in order of name."""
        found = {copy.file: copy for copy in self.known_tests}
        for pair in self.near.known if self.near else ():
            for side, other in ((pair.first, pair.second), (pair.second, pair.first)):
                if any(copy.part != "test" for copy in other):
                    found |= {copy.file: copy for copy in side if copy.part == "test"}
        return tuple(copy for _, copy in sorted(found.items()))

    @property
    def by_class(self) -> dict[Part, tuple[Count, ...]]:
        """Part → its images of each class, as the baseline uses them: `data.by_class.validation[0].images`."""
        kept = {count.class_name: count.images for count in self.kept}
        trained = tuple(
            Count(class_name=count.class_name, images=count.images - kept.get(count.class_name, 0))
            for count in self.train
        )
        return {"train": trained, "validation": self.validation or self.kept, "test": self.test}

    @property
    def majority_shares(self) -> dict[Part, float]:
        """Part → accuracy of always naming the class that is most frequent in it: what guessing reaches."""
        parts = {part: [count.images for count in counts] for part, counts in self.by_class.items()}
        return {part: max(images) / max(1, sum(images)) for part, images in parts.items()}

    @property
    def majority_share(self) -> float:
        """That of the test images."""
        return self.majority_shares["test"]

    @model_validator(mode="after")
    def _counts_agree(self) -> "DataSummary":
        counted = {part: sum(count.images for count in counts) for part, counts in self.by_class.items()}
        if (self.training_images, self.validation_images) != (counted["train"], counted["validation"]):
            raise ValueError(
                f"training_images and validation_images are {self.training_images} and {self.validation_images}, the "
                f"counts by class give {counted['train']} and {counted['validation']}"
            )
        return self
