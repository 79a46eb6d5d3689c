"""The data set in the post's words: what was found, how it was split, which pictures stand in it more than once.

`summarise` makes the record of it; `found` and `remarks` are the lines with which a build begins.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from generator.data import measure
from generator.data.dataset import Dataset, Sample
from generator.data.folders import class_names, listing
from generator.data.measure import MeasureSet
from generator.data.near import NearReport
from generator.data.pixels import PixelReport
from generator.data.splits import Copies, Split
from generator.experiment.config.settings import DataSettings, SplitSettings
from generator.experiment.data_summary import (
    Copy,
    Count,
    DataSummary,
    Duplicate,
    Grouping,
    HeldOut,
    NearDuplicate,
    NearDuplicates,
    Part,
)
from generator.experiment.measurement import Known, MeasureSummary, ordered
from generator.support.errors import BadInput, printable

CALLED: dict[Part, str] = {"train": "training", "validation": "validation", "test": "test"}
_SHOWN = 3
"""Pictures named in one remark, and files of each."""
_MOST_NAMED, _FEW = 8, 5
"""Classes that a line names; of more, how many it names."""


def summarise(
    dataset: Dataset,
    report: PixelReport,
    split: Split,
    settings: DataSettings,
    *,
    near: NearReport | None = None,
    stratified: bool = False,
) -> DataSummary:
    """The data set in the post's words; batch counts follow from `split` and `settings.batch_size`."""

    def batches(images: int) -> int:
        return math.ceil(images / settings.batch_size)

    return DataSummary(
        source=dataset.source,
        kind=dataset.kind,
        class_names=dataset.class_names,
        train=_counts(dataset, dataset.train),
        validation=_counts(dataset, dataset.validation) if dataset.validation else (),
        test=_counts(dataset, dataset.test),
        folders=dict(dataset.folders),
        kept=() if dataset.validation else _counts(dataset, [dataset.samples[i] for i in split.validation]),
        layout=dataset.layout,
        tables=dataset.tables,
        held_out=HeldOut(fraction=settings.test_fraction, seed=settings.test_seed) if dataset.held_out else None,
        grouping=_grouping(dataset, split, settings.group) if settings.group is not None else None,
        stratified=stratified,
        training_images=len(split.train),
        validation_images=len(split.validation),
        batches=batches(len(dataset.train)),
        training_batches=batches(len(split.train)),
        validation_batches=batches(len(split.validation)),
        test_batches=batches(len(dataset.test)),
        image_size=settings.image_size,
        batch_size=settings.batch_size,
        alpha=settings.alpha,
        crop=settings.crop,
        transparent_images=report.transparent,
        ignored=dataset.ignored,
        notes=report.notes,
        duplicates=_duplicates(dataset, report.copies, split),
        near=_near(dataset, report.copies, near, split, settings) if near else None,
        fingerprint=dataset.fingerprint,
    )


def summarise_measure(
    images: MeasureSet, dataset: Dataset, report: PixelReport, settings: DataSettings
) -> MeasureSummary:
    """The images to measure with in the post's words."""
    return MeasureSummary(
        kind=images.kind,
        seed=settings.measure_seed if images.kind == "drawn" else None,
        counts=_counts(dataset, images.samples),
        attributes={name: ordered(values) for name, values in images.attributes.items()},
        known=tuple(Known(file=one.name, other=other.name) for one, other in measure.known(images, dataset)),
        ignored=dict(images.ignored),
        notes=report.notes,
        fingerprint=images.fingerprint,
    )


def found(dataset: Dataset) -> str:
    """`pets.zip, images of cat and dog: 24 for training in train/, 12 for test in test/`."""
    names = _names(dataset.class_names)
    told = f"{len(dataset.train)} for {CALLED['train']}{_place(dataset, 'train')}"
    if dataset.validation:
        told += f", {len(dataset.validation)} for {CALLED['validation']}{_place(dataset, 'validation')}"
        told += _lacking(dataset, dataset.validation)
    told += f", {len(dataset.test)} for {CALLED['test']}"
    told += ", set aside by data.test_fraction and data.test_seed" if dataset.held_out else _place(dataset, "test")
    told += _lacking(dataset, dataset.test)
    unused = "; split.validation_fraction has no effect" if dataset.validation else ""
    return f"{printable(dataset.source)}, images of {names}{_how(dataset)}: {told}{unused}"


def _lacking(dataset: Dataset, samples: Sequence[Sample]) -> str:
    """Of which classes a part has no image."""
    there = {sample.label for sample in samples}
    lacking = [name for label, name in enumerate(dataset.class_names) if label not in there]
    return f" (none of {_names(lacking)})" if lacking else ""


def _names(class_names: Sequence[str]) -> str:
    """`cat and dog`; of many, how many there are and the first of them."""
    shown = [printable(name) for name in class_names]
    if len(shown) <= _MOST_NAMED:
        return listing.joined(shown)
    return f"{len(shown)} classes ({', '.join(shown[:_FEW])} and {len(shown) - _FEW} more)"


def _how(dataset: Dataset) -> str:
    """By what the classes are told, where that is not a folder of a folder for training or test."""
    if dataset.layout == "table":
        return f" as {listing.joined(map(printable, dataset.tables))} {'says' if len(dataset.tables) == 1 else 'say'}"
    return {"parts": "", "classes": ", a folder each", "names": " by the names of the files"}[dataset.layout]


def _place(dataset: Dataset, part: Part) -> str:
    folder = dataset.folders[part]
    return f" in {printable(folder)}/" if dataset.own_folder(part) else ""


def remarks(data: DataSummary, split: SplitSettings) -> Iterator[str]:
    """What a user should know of pictures that stand in the data set more than once, a line each."""
    kept = split.mode == "fixed" and not data.validation and not data.crossing
    aside = ", each on one side of the split" if kept else ""
    several = "both classes" if len(data.class_names) == 2 else "more than one class"
    told = {
        f"in more than one file{aside}": data.duplicates,
        "both learnt from and tested with, so the test is easier than it should be": data.known,
        "both trained on and validated with, so validation looks better than it should": data.crossing,
        f"in {several}, which cannot both be right": data.contradictory,
    }
    if data.grouping and data.grouping.known:
        yield (
            f"{data.grouping.known} of {data.grouping.groups} groups by data.group are both learnt from and tested "
            "with, so the test is easier than it should be"
        )
    for what, pictures in told.items():
        if pictures:
            yield f"{len(pictures)} {'picture is' if len(pictures) == 1 else 'pictures are'} {what}: {_named(pictures)}"


def every_remark(data: DataSummary, split: SplitSettings) -> Iterator[str]:
    """`class_remarks`, `remarks` and `near_remarks`."""
    yield from class_remarks(data)
    yield from remarks(data, split)
    yield from near_remarks(data)


def class_remarks(data: DataSummary) -> Iterator[str]:
    """What a user should know of classes that may be one, and of those that do not validate, a line each."""
    if pairs := class_names.similar(data.class_names):
        shown = _list([class_names.alike(*pair) for pair in pairs])
        yield f"classes that may be one: {shown}; if they are, put their images together"
    unseen = [count.class_name for count in data.kept if not count.images]
    if unseen:
        yield (
            f"no image of {_names(unseen)} is among the {data.validation_images} that validate, so these say nothing "
            "of it: a larger split.validation_fraction, split.stratified = true or a folder valid/ may mend that"
        )


def near_remarks(data: DataSummary) -> Iterator[str]:
    """What a user should know of near-duplicates, a line each."""
    if data.near is None:
        return
    several = "both classes" if len(data.class_names) == 2 else "more than one class"
    told = {
        "in the data set": data.near.pairs,
        "both learnt from and tested with, so the test is easier than it should be": data.near.known,
        "both trained on and validated with, so validation looks better than it should": data.near.crossing,
        f"in {several}, which cannot both be right": data.near.contradictory,
    }
    for what, pairs in told.items():
        if pairs:
            are = "is" if len(pairs) == 1 else "are"
            yield f"{_pairs(len(pairs))} of near-duplicates {are} {what}: {pair_names(pairs)}"


def refuse_near(data: DataSummary) -> None:
    """Raise `BadInput` where there are near-duplicates and `data.near_duplicates` refuses them."""
    if data.near is not None and data.near.handling == "refuse" and data.near.pairs:
        raise BadInput(
            f"{printable(data.source)}: data.near_duplicates is refuse, and there are {_pairs(len(data.near.pairs))} "
            f"of near-duplicates: {pair_names(data.near.pairs)}; remove one of each, or use "
            "--set data.near_duplicates=group, which keeps them on one side of the split, or report"
        )


def _pairs(count: int) -> str:
    return f"{count} {'pair' if count == 1 else 'pairs'}"


def pair_names(pairs: Sequence[NearDuplicate]) -> str:
    """`a.png ~ b.png; c.png ~ d.png`."""
    return _list([f"{printable(pair.first[0].file)} ~ {printable(pair.second[0].file)}" for pair in pairs])


def measured(images: MeasureSet) -> str:
    """`500 images to measure with, in measure/; told apart by weather, camera`."""
    how = "drawn for it" if images.kind == "drawn" else f"in {printable(images.samples[0].name.partition('/')[0])}/"
    told = f"; told apart by {', '.join(map(printable, images.attributes))}" if images.attributes else ""
    return f"{len(images.samples)} images to measure with, {how}{told}"


def measure_remarks(images: MeasureSet, dataset: Dataset) -> Iterator[str]:
    """What a user should know of the images to measure with, a line each."""
    if len(images.samples) <= len(dataset.test):
        yield (
            f"{len(images.samples)} images to measure with are no more than the {len(dataset.test)} test images: "
            "they narrow nothing down"
        )
    if same := [f"{printable(one.name)} = {printable(other.name)}" for one, other in measure.known(images, dataset)]:
        are = "image to measure with is" if len(same) == 1 else "images to measure with are"
        yield f"{len(same)} {are} in the data set too, so the measurement is easier than it should be: {_list(same)}"


def _named(pictures: Sequence[Duplicate]) -> str:
    """`a.png = b.png; c.png = d.png`."""
    return _list([" = ".join(_first([printable(copy.file) for copy in p.copies])) for p in pictures])


def _list(pictures: list[str]) -> str:
    return "; ".join(_first(pictures))


def _first(names: list[str]) -> list[str]:
    return names if len(names) <= _SHOWN else [*names[:_SHOWN], f"and {len(names) - _SHOWN} more"]


def _grouping(dataset: Dataset, split: Split, by: str) -> Grouping:
    groups, validation = dataset.grouped, frozenset(split.validation)
    parts = [{part_of(dataset, position, validation) for position in group} for group in groups]
    return Grouping(
        by=by,
        groups=len(groups),
        images=sum(map(len, groups)),
        crossing=sum(found >= {"train", "validation"} for found in parts),
        known=sum("test" in found and len(found) > 1 for found in parts),
    )


def part_of(dataset: Dataset, position: int, validation: frozenset[int]) -> Part:
    """What an image is used for, of which that at the positions `validation` validates."""
    if position >= dataset.first_test:
        return "test"
    return "validation" if position in validation else "train"


def _duplicates(dataset: Dataset, copies: Copies, split: Split) -> tuple[Duplicate, ...]:
    validation = frozenset(split.validation)
    return tuple(
        Duplicate(
            same="bytes" if len({dataset.samples[position].digest for position in group}) == 1 else "pixels",
            copies=_files(dataset, group, validation),
        )
        for group in copies
    )


def _near(dataset: Dataset, copies: Copies, near: NearReport, split: Split, settings: DataSettings) -> NearDuplicates:
    validation, group_of = frozenset(split.validation), {group[0]: group for group in copies}

    def files(position: int) -> tuple[Copy, ...]:
        return _files(dataset, group_of.get(position, (position,)), validation)

    pairs = tuple(
        NearDuplicate(
            first=files(pair.first),
            second=files(pair.second),
            correlation=pair.correlation,
            mirrored=pair.mirrored,
            distance=pair.distance,
        )
        for pair in near.pairs
    )
    return NearDuplicates(handling=settings.near_duplicates, pairs=pairs)


def _files(dataset: Dataset, positions: Iterable[int], validation: frozenset[int]) -> tuple[Copy, ...]:
    """The files at these positions, of which those at `validation` validate."""
    return tuple(
        Copy(
            file=dataset.samples[position].name,
            class_name=dataset.class_names[dataset.samples[position].label],
            part=part_of(dataset, position, validation),
        )
        for position in positions
    )


def _counts(dataset: Dataset, samples: Sequence[Sample]) -> tuple[Count, ...]:
    labels = Counter(item.label for item in samples)
    return tuple(Count(class_name=name, images=labels[i]) for i, name in enumerate(dataset.class_names))
