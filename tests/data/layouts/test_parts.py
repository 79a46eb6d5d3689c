"""Folders of parts with a folder for each class in them."""

from pathlib import Path

import pytest

from generator.data.folders import listing
from generator.data.folders.layouts import parts
from tests.data.test_discover import tree


def test_a_part_whose_images_have_no_class_is_passed_over(tmp_path: Path) -> None:
    tree(tmp_path, images=("train/cat/1.png", "train/dog/1.png", "test/1.png", "test/2.png", "val/.x", "val/3.png"))
    reading = parts.read(tmp_path, "x")
    assert set(reading.images) == set(reading.folders) == {"train"}
    assert reading.ignored == {listing.UNLABELLED: 3, listing.HIDDEN: 1}


def test_training_images_beside_the_class_folders_are_counted(tmp_path: Path) -> None:
    tree(tmp_path, images=("train/cat/1.png", "train/dog/1.png", "train/3.png"))
    assert parts.recognises(tmp_path)
    assert parts.read(tmp_path, "x").ignored == {listing.BESIDE: 1}


def test_training_images_in_no_class_folder_are_another_layout(tmp_path: Path) -> None:
    tree(tmp_path, images=("train/cat.1.png", "train/dog.1.png"))
    assert not parts.recognises(tmp_path)


def test_what_lies_in_a_doubled_folder_beside_the_inner_one_is_counted(tmp_path: Path) -> None:
    tree(tmp_path, images=("train/train/cat/1.png", "train/train/dog/1.png", "train/notes.txt", "README"))
    assert parts.read(tmp_path, "x").ignored == {listing.BESIDE: 2}


@pytest.mark.parametrize(
    ("beside", "told"),
    [
        (("cat/1.png", "dog/1.png", "bird/1.png"), True),
        (("cat/1.png", "bird/1.png"), False),
        (("cat/1.xml", "dog/1.xml"), False),
    ],
)
def test_a_folder_that_may_be_a_part_but_is_not_called_so_is_counted_apart(
    tmp_path: Path, beside: tuple[str, ...], told: bool
) -> None:
    tree(tmp_path, *(f"eval/{name}" for name in beside), images=("train/cat/1.png", "train/dog/1.png", "notes.txt"))
    why = "files in eval/, which holds folders of the classes, but is not called validation or test"
    expected = {listing.BESIDE: 1, why: len(beside)} if told else {listing.BESIDE: 1 + len(beside)}
    assert parts.read(tmp_path, "x").ignored == expected


def test_images_to_measure_with_are_no_part_by_another_name(tmp_path: Path) -> None:
    images = tuple(f"{part}/{name}/1.png" for part in ("train", "measure") for name in ("cat", "dog"))
    assert parts.read(tree(tmp_path, images=images), "x").ignored == {listing.BESIDE: 2}
