"""Folders are known for what they hold by the names that people give them, and by no others."""

from pathlib import Path

import pytest

from generator.data.folders import part_names


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ("train", ["train", "Train", "TRAIN", "training", "training_set", "train-set", "Training Set", "trainset"]),
        ("train", ["train_data", "train_images"]),
        ("validation", ["val", "valid", "validation", "dev", "Valid", "val_set", "validation_set", "VAL"]),
        ("test", ["test", "testing", "test_set", "Test", "testing-set", "test_data", "test images"]),
        (
            None,
            ["", "trains", "retrain", "tests", "value", "invalid", "device", "latest", "train2", "train.zip", "set"],
        ),
        (None, [".train", "train/", "train_", "train_test", "cats", "training_set_1", "_set"]),
    ],
)
def test_fault_68_what_a_folder_is_called(part: str | None, names: list[str]) -> None:
    assert {name: part_names.part(name) for name in names} == dict.fromkeys(names, part)


def test_candidates_lists_every_candidate() -> None:
    names = ("test", "Train", "notes", "valid", "val")
    found = part_names.candidates(map(Path, names))
    assert found == {"train": [Path("Train")], "validation": [Path("valid"), Path("val")], "test": [Path("test")]}
