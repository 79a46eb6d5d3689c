"""Folders of classes alone."""

from pathlib import Path

import pytest

from generator.data.folders import listing
from generator.data.folders.layouts import classes
from generator.support.errors import BadInput
from tests.data.test_discover import tree

PETS = ("cat/1.png", "cat/2.png", "dog/1.png")


def test_every_folder_of_images_is_a_class(tmp_path: Path) -> None:
    tree(tmp_path, images=(*PETS, "bird/10.png", "bird/9.png"))
    assert classes.recognises(tmp_path)
    reading = classes.read(tmp_path, "x")
    found = {name: [path.name for path in files] for name, files in reading.images["train"].items()}
    assert found == {"bird": ["9.png", "10.png"], "cat": ["1.png", "2.png"], "dog": ["1.png"]}
    assert reading.folders == {"train": tmp_path}
    assert (reading.ignored, reading.problems) == ({}, ())


def test_folders_and_files_that_are_no_pictures_are_passed_over(tmp_path: Path) -> None:
    tree(tmp_path, "annotations/1.xml", "notes/a/b.txt", "LICENSE", "__MACOSX/cat/._1.png", images=PETS)
    reading = classes.read(tmp_path, "x")
    assert set(reading.images["train"]) == {"cat", "dog"}
    assert reading.ignored == {listing.BESIDE: 3, listing.MACOS: 1}


def test_fault_13_a_class_whose_pictures_cannot_be_read_is_no_stray_folder(tmp_path: Path) -> None:
    tree(tmp_path, "empty/", images=PETS)
    (tmp_path / "bird").mkdir()
    (tmp_path / "bird/1.jxl").write_bytes(b"\xff\x0a" + bytes(20))
    assert classes.read(tmp_path, "x").problems == (
        "bird holds no image (passed over: JPEG XL images: 1)",
        "empty holds no image",
    )


@pytest.mark.parametrize(
    "images", [("cat/1.png",), ("train/1.png", "test/1.png"), ("a/x/1.png", "b/x/1.png"), ("1.png", "2.png")]
)
def test_what_has_no_two_folders_of_images_is_another_layout(tmp_path: Path, images: tuple[str, ...]) -> None:
    assert not classes.recognises(tree(tmp_path, images=images))


def test_fault_66_one_name_composed_and_decomposed_is_refused(tmp_path: Path) -> None:
    tree(tmp_path, images=("caf\u00e9/1.png", "cafe\u0301/1.png"))
    with pytest.raises(BadInput, match="differ only by Unicode normalisation"):
        classes.read(tmp_path, "x")


@pytest.mark.parametrize("there", [True, False])
def test_fault_16_a_class_folder_that_is_a_link_is_refused(tmp_path: Path, there: bool) -> None:
    tree(tmp_path / "data", images=PETS)
    if there:
        tree(tmp_path / "elsewhere", images=("1.png",))
    (tmp_path / "data/bird").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match=r"^x: bird/: a symbolic link; put the folder itself there$"):
        classes.read(tmp_path / "data", "x")


@pytest.mark.parametrize("deeper", ["bird/owl/1.png", "bird/owl/tawny/1.png"])
def test_a_class_whose_images_lie_in_folders_within_it_is_not_passed_over(tmp_path: Path, deeper: str) -> None:
    tree(tmp_path, "bird/notes.txt", images=(*PETS, deeper))
    assert classes.read(tmp_path, "x").problems == (
        "bird holds no image (passed over: files in a folder inside a class folder: 1, files that are not images: 1); "
        "put its images right into it, --set data.group=folder where those of a folder within a class belong together, "
        "or take it away",
    )
    assert set(classes.read(tmp_path, "x", nested=True).images["train"]) == {"bird", "cat", "dog"}


def test_a_link_to_a_class_whose_images_lie_in_folders_within_it_is_refused(tmp_path: Path) -> None:
    tree(tmp_path / "data", images=PETS)
    tree(tmp_path / "elsewhere", images=("owl/1.png",))
    (tmp_path / "data/bird").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match=r"^x: bird/: a symbolic link"):
        classes.read(tmp_path / "data", "x")
