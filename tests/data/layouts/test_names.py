"""Files whose names say their class."""

from pathlib import Path

import pytest

from generator.data.folders import listing
from generator.data.folders.layouts import names
from tests.data.test_discover import tree


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("cat.0.jpg", "cat"),
        ("dog_12.png", "dog"),
        ("cat0001.jpeg", "cat"),
        ("cat (3).jpg", "cat"),
        ("cat(3).jpg", "cat"),
        ("american_bulldog_107.jpg", "american_bulldog"),
        ("n02085620_7.JPEG", "n02085620"),
        ("0012_cat.png", "cat"),
        ("cafe\u0301-1.png", "caf\u00e9"),
        ("猫_1.png", "猫"),
        ("1.jpg", None),
        ("cat.jpg", None),
        ("IMG_2041.JPG", None),
        ("DSC 0001.JPG", None),
        ("IMG_20230101_1.jpg", None),
        ("VID_20230101_12.jpg", None),
        ("Screenshot_2023-1.jpg", None),
        ("cat_2023_1.jpg", "cat_2023"),
        ("2020-01-05 12.30.11.jpg", None),
    ],
)
def test_the_class_is_what_stands_beside_a_number(file: str, expected: str | None) -> None:
    assert names.class_of(Path(file)) == expected


PETS = ("cat.0.jpg", "cat.1.jpg", "dog.0.jpg", "dog.10.jpg", "dog.9.jpg")


def test_fault_68_one_folder_of_files(tmp_path: Path) -> None:
    tree(tmp_path, "readme.txt", "more/1.png", images=PETS)
    assert names.recognises(tmp_path)
    reading = names.read(tmp_path, "x")
    assert {name: [path.name for path in files] for name, files in reading.images["train"].items()} == {
        "cat": ["cat.0.jpg", "cat.1.jpg"],
        "dog": ["dog.0.jpg", "dog.9.jpg", "dog.10.jpg"],
    }
    assert reading.ignored == {listing.OTHER: 1, listing.BESIDE: 1}


@pytest.mark.parametrize("test", ["1.jpg", "test_1.jpg"])
def test_fault_68_test_files_that_name_no_class_are_passed_over(tmp_path: Path, test: str) -> None:
    tree(tmp_path, f"test/{test}", images=tuple(f"train/{name}" for name in PETS))
    reading = names.read(tmp_path, "x")
    assert set(reading.images) == {"train"}
    assert reading.ignored == {listing.UNLABELLED: 1}


def test_fault_68_folders_of_parts_hold_such_files(tmp_path: Path) -> None:
    images = tuple(f"{part}/{name}" for part in ("train/train", "validation", "test_set/test_set") for name in PETS)
    reading = names.read(tree(tmp_path, images=images), "x")
    assert {part: path.name for part, path in reading.folders.items()} == {
        "train": "train",
        "validation": "validation",
        "test": "test_set",
    }
    assert [len(files["dog"]) for files in reading.images.values()] == [3, 3, 3]


@pytest.mark.parametrize(
    "images",
    [
        ("IMG_1.jpg", "IMG_2.jpg", "DSC_1.jpg", "DSC_2.jpg"),
        ("cat.1.jpg", "cat.2.jpg"),
        ("cat.1.jpg", "dog.1.jpg"),
        (*PETS, "readme.jpg"),
    ],
)
def test_names_that_do_not_all_tell_a_class_are_another_layout(tmp_path: Path, images: tuple[str, ...]) -> None:
    assert not names.recognises(tree(tmp_path, images=images))


def test_a_validation_file_without_a_class_among_others_is_a_fault(tmp_path: Path) -> None:
    tree(tmp_path, "val/cat.1.jpg", "val/x.jpg", images=tuple(f"train/{name}" for name in PETS))
    assert names.read(tmp_path, "x").problems == ("val/x.jpg: no class in its name",)
