"""What is said of the data set, on the terminal and in the post, is true of copies and of given validation images."""

import html
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generator.data import dataset as data
from generator.data import pixels, splits, summary
from generator.data.dataset import Dataset, Sample
from generator.data.splits import Split
from generator.experiment.config.settings import DataSettings, Recipe, SplitSettings
from generator.experiment.data_summary import Count, DataSummary, Duplicate
from generator.experiment.files import result_files
from generator.post import render
from generator.post.prose import claims
from generator.support.errors import BadInput
from tests.factories import make_config, make_data, make_duplicate, make_figures, make_results, make_variant

FIXED, RESHUFFLED = SplitSettings(), SplitSettings(mode="reshuffled")
WITHIN = make_duplicate("train/camel/1.png", "train/camel/1 (1).png")
KEPT = make_duplicate("validation: train/horse/3.png", "validation: train/horse/4.png", same="pixels")
BOTH_CLASSES = make_duplicate("train/camel/7.png", "train/horse/7.png")
TESTED = make_duplicate("train/camel/9.png", "test/camel/1.png", "test/camel/2.png")
IN_TEST = make_duplicate("test/horse/1.png", "test/horse/2.png")
CROSSING = make_duplicate("train/camel/1.png", "validation: valid/camel/1.png")
GIVEN: dict[str, Any] = {
    "folders": {"train": "train", "validation": "valid", "test": "test"},
    "validation": (Count(class_name="camel", images=30), Count(class_name="horse", images=34)),
    "kept": (),
    "training_images": 360,
    "training_batches": 12,
}


def with_copies(*duplicates: Duplicate, **changes: Any) -> DataSummary:
    return make_data(duplicates=duplicates, **changes)


def post_of(found: DataSummary, *overrides: str) -> str:
    """The post as one line of text, without links and escapes."""
    recipe = make_config("baseline", *overrides).baseline.recipe
    variants = {"baseline": make_variant(recipe=recipe)}
    build = make_results(data=found, variants=variants, figures=make_figures(variants))
    text = render.render(make_config().post, build).text
    return " ".join(html.unescape(re.sub(r"</?code>|\]\(#[a-z-]+\)|\[", "", text)).split())


# ---- Results ---------------------------------------------------------------------------------------------


def test_fault_52_what_copies_mean_is_counted() -> None:
    found = with_copies(WITHIN, KEPT, BOTH_CLASSES, TESTED, IN_TEST)
    assert found.repeated == {"train": 3, "validation": 0, "test": 2}
    assert (found.crossing, found.known, found.contradictory) == ((), (TESTED,), (BOTH_CLASSES,))
    assert [copy.file for copy in found.known_tests] == ["test/camel/1.png", "test/camel/2.png"]
    given = with_copies(CROSSING, KEPT, **GIVEN)
    assert given.repeated == {"train": 0, "validation": 1, "test": 0}
    assert given.crossing == (CROSSING,)


def test_fault_52_and_53_results_are_read_back_as_they_were() -> None:
    build = make_results(data=with_copies(CROSSING, TESTED, BOTH_CLASSES, **GIVEN))
    assert result_files.from_files(result_files.to_files(build), "x") == build


def test_results_of_before_there_were_validation_folders_are_read() -> None:
    files = result_files.to_files(make_results())
    table = re.sub(r'    "(folders|validation)": (\{[^}]*\}|\[\]),\n', "", files["metrics.json"], count=2)
    assert '"folders"' not in table
    assert result_files.from_files(files | {"metrics.json": table}, "x") == make_results()


def test_what_always_naming_one_class_gives_is_known_of_every_part() -> None:
    kept = (Count(class_name="camel", images=37), Count(class_name="horse", images=27))
    assert make_data(kept=kept).majority_shares == {"train": 153 / 296, "validation": 37 / 64, "test": 0.5}
    assert make_data(**GIVEN).majority_shares == {"train": 0.5, "validation": 34 / 64, "test": 0.5}
    assert [count.images for count in make_data(kept=kept).by_class["train"]] == [143, 153]


def make_dataset(**changes: Any) -> Dataset:
    """Four training images of which two are copies, and a test image that is another of theirs."""
    names = ("train/bear/1.png", "train/bear/2.png", "train/cat/1.png", "train/cat/2.png")
    train = tuple(Sample(Path(n), n, int("cat" in n), d) for n, d in zip(names, "aabc", strict=True))
    test = (Sample(Path("t"), "test/bear/1.png", 0, "d"), Sample(Path("t"), "test/cat/1.png", 1, "b"))
    fields: dict[str, Any] = {"root": Path(), "source": "pets", "kind": "folder", "class_names": ("bear", "cat")}
    fields |= {"train": train, "test": test, "fingerprint": "f", "ignored": {}}
    return Dataset(**(fields | changes))


def test_fault_52_the_summary_says_what_each_copy_is_used_for() -> None:
    report = pixels.PixelReport(notes={}, transparent=0, copies=((0, 1), (2, 4, 5)))
    found = summary.summarise(make_dataset(), report, Split((0, 1, 3), (2,)), DataSettings(batch_size=1))
    assert [(d.same, [(c.file, c.class_name, c.part) for c in d.copies]) for d in found.duplicates] == [
        ("bytes", [("train/bear/1.png", "bear", "train"), ("train/bear/2.png", "bear", "train")]),
        (
            "pixels",
            [
                ("train/cat/1.png", "cat", "validation"),
                ("test/bear/1.png", "bear", "test"),
                ("test/cat/1.png", "cat", "test"),
            ],
        ),
    ]


def test_classes_whose_names_look_alike_are_told() -> None:
    (remark,) = summary.every_remark(make_data(class_names=("Cat", "cat")), FIXED)
    assert remark == (
        "classes that may be one: 'Cat' and 'cat' differ only in capitals and small letters; if they are, put their "
        "images together"
    )
    assert list(summary.every_remark(make_data(class_names=("cat", "cats")), FIXED)) == []


# ---- The split -------------------------------------------------------------------------------------------


def test_fault_52_bytes_are_kept_together_before_anything_is_decoded_and_pixels_after() -> None:
    for seed in range(20):
        before = data.split(make_dataset(), 0.2, 1, seed)
        assert {0, 1} <= set(before.train) or {0, 1} <= set(before.validation)
        changed = tuple(replace(sample, digest=sample.name) for sample in make_dataset().train)
        after = data.split(make_dataset(train=changed), 0.5, 1, seed, ((1, 3, 5),))
        assert set(after.train) in ({0, 2}, {1, 3})


def test_fault_52_too_many_copies_for_validation_are_refused() -> None:
    four = ((0, 1, 2, 3),)
    with pytest.raises(
        BadInput, match=r"^pets: the training images that belong together are each time more than validation has room"
    ):
        data.split(make_dataset(), 0.2, 1, 0, four)


def test_fault_53_given_validation_images_are_the_split() -> None:
    validation = (Sample(Path("v"), "valid/bear/1.png", 0, "v"), Sample(Path("v"), "valid/cat/1.png", 1, "w"))
    dataset = make_dataset(validation=validation, folders=GIVEN["folders"])
    for seed, fraction in ((0, 0.2), (1, 0.9)):
        found = data.split(dataset, fraction, 32, seed)
        assert found == splits.Split(train=(0, 1, 2, 3), validation=(4, 5))
    assert [s.name for s in dataset.samples[dataset.first_test :]] == ["test/bear/1.png", "test/cat/1.png"]
    counted = summary.summarise(
        dataset, pixels.PixelReport(notes={}, transparent=0, copies=()), found, DataSettings(batch_size=3)
    )
    assert (counted.training_images, counted.validation_images, counted.train_total) == (4, 2, 4)
    assert (counted.batches, counted.training_batches, counted.validation_batches) == (2, 2, 1)


@pytest.mark.parametrize(
    ("overrides", "changes", "words"),
    [
        (['split.mode="reshuffled"'], {}, "nothing to reshuffle"),
        ([], {"split.validation_fraction": 0.5}, "cannot change split.validation_fraction"),
        ([], {"split.stratified": True}, "cannot change split.stratified"),
    ],
)
def test_fault_53_settings_without_effect_are_refused(
    overrides: list[str], changes: dict[str, Any], words: str
) -> None:
    variant = make_config("baseline", *overrides).baseline.model_copy(update={"changes": changes})
    given = make_dataset(validation=make_dataset().test, folders=GIVEN["folders"])
    with pytest.raises(BadInput, match=rf"^pets: the validation images are those of valid/.*baseline.*{words}"):
        data.check_settings(given, [variant])
    data.check_settings(make_dataset(), [variant])


# ---- Sentences -------------------------------------------------------------------------------------------


def test_a_class_of_which_nothing_validates_is_remarked() -> None:
    kept = (Count(class_name="camel", images=8), Count(class_name="horse", images=0))
    (line,) = summary.every_remark(make_data(kept=kept, validation_images=8), FIXED)
    assert line.startswith(
        "no image of horse is among the 8 that validate, so these say nothing of it: a larger split."
    )


def test_fault_52_nothing_is_remarked_where_all_images_differ() -> None:
    assert list(summary.remarks(make_data(), FIXED)) == []


@pytest.mark.parametrize(
    ("found", "mode", "lines"),
    [
        (
            with_copies(WITHIN, KEPT),
            FIXED,
            [
                "2 pictures are in more than one file, each on one side of the split: "
                "train/camel/1.png = train/camel/1 (1).png; train/horse/3.png = train/horse/4.png"
            ],
        ),
        (
            with_copies(WITHIN),
            RESHUFFLED,
            ["1 picture is in more than one file: train/camel/1.png = train/camel/1 (1).png"],
        ),
        (
            with_copies(CROSSING, **GIVEN),
            FIXED,
            [
                "1 picture is in more than one file: train/camel/1.png = valid/camel/1.png",
                "1 picture is both trained on and validated with, so validation looks better than it should: "
                "train/camel/1.png = valid/camel/1.png",
            ],
        ),
    ],
)
def test_fault_52_copies_are_remarked(found: DataSummary, mode: SplitSettings, lines: list[str]) -> None:
    assert list(summary.remarks(found, mode)) == lines


def test_fault_52_many_copies_are_one_line_each_kind() -> None:
    lines = list(summary.remarks(with_copies(*[BOTH_CLASSES] * 40, TESTED), FIXED))
    assert [line.partition(":")[0] for line in lines] == [
        "41 pictures are in more than one file, each on one side of the split",
        "1 picture is both learnt from and tested with, so the test is easier than it should be",
        "40 pictures are in both classes, which cannot both be right",
    ]
    assert lines[2].endswith("; and 37 more")
    assert all(len(line) < 400 for line in lines)


@pytest.mark.parametrize(
    ("found", "overrides", "said", "unsaid"),
    [
        (
            make_data(),
            [],
            [
                "No two images are the same picture, byte for byte or pixel for pixel",
                "before any epoch. No image is on both sides of it, and there are no copies that could be.",
                "by seed, and is disjoint: 64 images",
                "40 test drawings that it had never seen",
            ],
            ["in more than one file", "its own folder"],
        ),
        (
            with_copies(WITHIN, KEPT, validation_images=63),
            [],
            [
                "2 pictures stand in more than one file, with the same bytes or",
                "In the training folder, 2 pictures stand more than once and count each time.",
                "All copies of a picture are on the same side of it, so that none is both trained on and",
                "and less where images that stay together do not fit or a class would have none left to train on. "
                "That gives 2 batches with 63",
                "that it had never seen",
            ],
            ["A warning", "looks better", "No two images"],
        ),
        (
            with_copies(BOTH_CLASSES, TESTED, IN_TEST),
            [],
            [
                "In the test folder, 2 pictures stand more than once",
                "A warning: 2 test images also stand among the training or validation images",
                "A warning: 1 picture stands under both classes, so one of its labels must be wrong.",
                "2 of them are known from training or validation; the model has met none of the others.",
            ],
            ["had never seen", "do not fit"],
        ),
        (
            with_copies(CROSSING),
            [],
            ["1 picture stands on both sides of it, so the validation figures below look better than they should."],
            ["No image is on both sides", "disjoint"],
        ),
        (
            with_copies(WITHIN),
            ['split.mode="reshuffled"'],
            ["This build splits as the original did", "Copies of a picture are not kept together either."],
            ["No image is on both sides", "same side"],
        ),
        (
            make_data(**GIVEN),
            [],
            [
                "By their names, train was taken for the training images, valid for the validation images and test for",
                "| both | | 360 | 64 | 40 |",
                "The data set has validation images of its own, those of valid, so none are taken from the training",
                "all 360 are trained on. The setting `split.validation_fraction` has no effect.",
                "No image is both trained on and validated with, not even as a copy under another name. The",
                "has validation images of its own, and none of them is trained on: 64 images, and 360 for training",
            ],
            ["no validation images of its own", "whole batches", "20.0%", "The split is made once"],
        ),
        (
            with_copies(CROSSING, **GIVEN),
            [],
            ["1 picture stands in both folders, so the validation figures below look better than they should."],
            ["No image is both trained on", "none of them is trained on"],
        ),
    ],
)
def test_fault_52_and_53_the_post_says_what_is_so(
    found: DataSummary, overrides: list[str], said: list[str], unsaid: list[str]
) -> None:
    text = post_of(found, *overrides)
    for words in said:
        assert words in text
    for words in unsaid:
        assert words not in text


def test_fault_52_a_long_list_of_copies_is_cut_in_the_post() -> None:
    text = post_of(with_copies(*[WITHIN] * (claims.MOST_ROWS + 1)))
    assert text.count("| bytes | camel |") == claims.MOST_ROWS
    assert "Only the first of them are listed here." in text
    assert "Only the first of them" not in post_of(with_copies(*[WITHIN] * 50))
    placeholder = make_duplicate(*[f"train/camel/{number}.png" for number in range(3000)])
    row = "| 3000 | train/camel/0.png, train/camel/1.png, train/camel/2.png, … | bytes | camel |"
    assert row in post_of(with_copies(placeholder))
    (line,) = summary.remarks(with_copies(placeholder), FIXED)
    assert line.endswith(": train/camel/0.png = train/camel/1.png = train/camel/2.png = and 2997 more")


def test_apart_is_true_of_a_fixed_split_that_no_picture_crosses() -> None:
    fixed: Recipe = make_config("baseline").baseline.recipe
    leaking = make_config("baseline", 'split.mode="reshuffled"').baseline.recipe
    assert claims.apart(with_copies(WITHIN, TESTED), fixed)
    assert not claims.apart(make_data(), leaking)
    assert not claims.apart(with_copies(CROSSING), fixed)


@pytest.mark.parametrize(("kept", "filled"), [(64, True), (63, False), (32, False)])
def test_fault_52_fewer_validation_images_than_asked_for_are_known(kept: int, filled: bool) -> None:
    recipe = make_config("baseline").baseline.recipe
    assert claims.batches_filled(make_data(validation_images=kept), recipe) == filled


def test_fault_68_folders_are_named_where_their_names_are_not_the_plain_ones() -> None:
    assert claims.plain_folders(make_data())
    folders = {"train": "training_set/training_set", "test": "test_set"}
    text = post_of(make_data(kind="archive", folders=folders))
    assert "its folders training_set/training_set and test_set were found inside. By their names, " in text
    assert "training_set/training_set was taken for the training images and test_set for the test images." in text
    assert "By their names" not in post_of(make_data(kind="archive"))


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (2, "images of k0 and k1: 2 for"),
        (8, "images of k0, k1, k2, k3, k4, k5, k6 and k7: 2 for"),
        (100, "images of 100 classes (k0, k1, k2, k3, k4 and 95 more): 2 for"),
    ],
)
def test_a_line_names_all_classes_or_counts_them(count: int, told: str) -> None:
    samples = tuple(Sample(Path(f"{i}.png"), f"train/k/{i}.png", i, f"{i}") for i in range(2))
    names = tuple(f"k{i}" for i in range(count))
    dataset = Dataset(Path(), "pets", "folder", names, samples, samples, "f", {})
    assert told in summary.found(dataset)


def test_a_line_names_the_classes_of_which_a_part_has_no_image() -> None:
    one = Sample(Path("t"), "val/bear/1.png", 0, "e")
    folders = {"train": "train", "validation": "val", "test": "test"}
    found = summary.found(make_dataset(class_names=("bear", "cat", "eel"), validation=(one,), folders=folders))
    assert "1 for validation in val/ (none of cat and eel), 2 for test in test/ (none of eel); split" in found
