"""What lies in a data folder is taken, counted as passed over, or refused; nothing shifts labels quietly."""

import errno
import os
import socket
from pathlib import Path
from typing import Literal, NoReturn

import pytest

from generator.data.folders import discover, listing
from generator.support.errors import BadInput

IMAGES = ("train/bear/1.png", "train/cat/1.png", "test/bear/1.png", "test/cat/1.png")

EXPECTED = (
    "expected a folder per class, alone or in train/ and test/, files called cat.1.jpg, or a CSV file with the columns "
    "file and label"
)


def tree(folder: Path, *extra: str, images: tuple[str, ...] = IMAGES) -> Path:
    """A data set of empty files (nothing here reads them); a name that ends in `/` is a folder."""
    for name in (*images, *extra):
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(BadInput) as caught:
        discover.discover(folder, "photos.zip")
    message = str(caught.value)
    assert message.startswith("photos.zip: ")
    return message


def test_classes_are_alphabetical_and_files_in_natural_order(tmp_path: Path) -> None:
    names = ("train/cat/10.png", "train/cat/2.JPG", "train/cat/b1a.webp", "train/bear/01.tif", "train/bear/10.jfif")
    found = discover.discover(tree(tmp_path, *names), "x")
    assert found.class_names == ("bear", "cat")
    assert [(path.name, label) for path, label in found.files["train"]] == [
        *[("1.png", 0), ("01.tif", 0), ("10.jfif", 0)],
        *[("1.png", 1), ("2.JPG", 1), ("10.png", 1), ("b1a.webp", 1)],
    ]
    assert found.ignored == {}


@pytest.mark.parametrize("names", [["a", "1", "1a", "a1", "a01", "10", "9", "a1b2", "", "²", "٣"]])
def test_natural_order_compares_any_names(names: list[str]) -> None:
    assert sorted(names, key=listing.natural) == ["", "1", "1a", "9", "10", "a", "a01", "a1", "a1b2", "²", "٣"]


@pytest.mark.parametrize("prefix", ["archive", "a/b", "a/b/c"])
def test_fault_09_extra_folders_above_are_looked_through(tmp_path: Path, prefix: str) -> None:
    tree(tmp_path / prefix)
    assert discover.discover(tree(tmp_path, "README.md", images=()), "x").root == tmp_path / prefix


def test_fault_09_what_lies_beside_the_way_is_counted(tmp_path: Path) -> None:
    tree(tmp_path / "a" / "b")
    tree(tmp_path, "README.md", "a/notes/1.txt", "a/notes/2.txt", "a/b/labels.csv", "__MACOSX/a/._b", images=())
    found = discover.discover(tmp_path, "x")
    assert found.root == tmp_path / "a/b"
    assert found.ignored == {listing.BESIDE: 4, listing.MACOS: 1}


def test_fault_09_missing_folders_list_what_was_found(tmp_path: Path) -> None:
    tree(tmp_path, "learning/cat/1.png", "exam/cat/1.png", "b.txt", images=())
    assert refusal(tmp_path) == f"photos.zip: {EXPECTED}; found b.txt, exam/, learning/"


def test_fault_09_an_empty_folder_is_no_data_set(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"photos.zip: {EXPECTED}; found nothing"


def test_fault_09_two_data_sets_side_by_side_are_ambiguous(tmp_path: Path) -> None:
    tree(tmp_path / "one")
    tree(tmp_path / "two")
    words = "several folders hold a data set (one/, two/); name one, or call them train/ and test/"
    assert refusal(tmp_path).startswith(f"photos.zip: {words}; if these are the classes, put")


@pytest.mark.parametrize(
    ("other", "shown"), [("pets/dog/pug/1.png", "pets/dog"), ("pets/dog/1.png", "pets/dog"), ("dogs/1.png", "dogs")]
)
def test_folders_within_one_class_are_not_the_classes(tmp_path: Path, other: str, shown: str) -> None:
    tree(tmp_path, images=("pets/cat/siamese/1.png", "pets/cat/tabby/1.png", other))
    assert refusal(tmp_path).startswith(
        f"photos.zip: the classes would be the folders in pets/cat/, and {shown}/ would be left out; name the folder"
    )


def test_with_groups_folders_within_the_classes_are_read(tmp_path: Path) -> None:
    tree(tmp_path, images=("cat/siamese/1.png", "cat/tabby/1.png", "dog/pug/1.png"))
    assert discover.discover(tmp_path, "x", nested=True).class_names == ("cat", "dog")


def test_test_images_without_a_class_may_lie_beside_the_folder_of_the_classes(tmp_path: Path) -> None:
    tree(tmp_path, "notes/1.txt", images=("pets/cat/1.png", "pets/dog/1.png", "test/1.png"))
    found = discover.discover(tmp_path, "x")
    assert (found.class_names, found.ignored) == (("cat", "dog"), {listing.BESIDE: 2})


def test_fault_10_macosx_is_no_class(tmp_path: Path) -> None:
    junk = ("__MACOSX/train/cat/._1.png", "train/__MACOSX/._cat", "train/__MACOSX/1.png", "test/__MACOSX/")
    found = discover.discover(tree(tmp_path, *junk), "x")
    assert found.class_names == ("bear", "cat")
    assert found.ignored == {listing.MACOS: 3}


def test_fault_11_apple_double_files_are_skipped(tmp_path: Path) -> None:
    found = discover.discover(tree(tmp_path, "train/cat/._1.png", "test/cat/._2.jpg"), "x")
    assert [path.name for path, _ in found.files["train"]] == ["1.png", "1.png"]
    assert found.ignored == {listing.MACOS: 2}


def test_fault_12_hidden_and_stray_files_are_counted_by_reason(tmp_path: Path) -> None:
    extra = (
        *("train/cat/.DS_Store", "train/bear/Thumbs.db", "train/.ipynb_checkpoints/x.png", "test/cat/.x/a.png"),
        *("train/cat/notes.txt", "train/cat/labels.CSV", "train/cat/photo.heic", "train/cat/drawing.svg"),
        *("train/cat/README", "train/list.txt", "notes.md", "train/cat/more/2.png", "train/cat/more/3.png"),
    )
    found = discover.discover(tree(tmp_path, *extra), "x")
    assert len(found.files["train"]) == 2
    assert found.ignored == {
        listing.HIDDEN: 4,
        listing.OTHER: 2,
        listing.NOT_READ: 2,
        listing.NO_SUFFIX: 1,
        listing.BESIDE: 2,
        listing.NESTED: 2,
    }


def test_fault_13_empty_class_folder_is_an_error(tmp_path: Path) -> None:
    images = ("train/bear/1.png", "train/cat/notes.txt", "test/bear/1.png", "test/cat/1.png")
    assert refusal(tree(tmp_path, images=images)) == (
        "photos.zip: train/cat holds no image (passed over: files that are not images: 1)"
    )


def test_fault_13_all_empty_class_folders_are_named_together(tmp_path: Path) -> None:
    message = refusal(tree(tmp_path, *("train/bear/", "train/cat/", "test/bear/", "test/cat/1.png"), images=()))
    assert message.splitlines()[1:] == [
        "  train/bear holds no image",
        "  train/cat holds no image",
        "  test/bear holds no image",
    ]


def test_fault_14_differing_class_sets_are_listed(tmp_path: Path) -> None:
    message = refusal(tree(tmp_path, images=(*IMAGES[:3], "test/dog/1.png", "test/eel/1.png")))
    assert "only in train/: cat; only in test/: dog, eel" in message


def test_fault_15_fewer_than_two_classes_is_an_error(tmp_path: Path) -> None:
    tree(tmp_path, images=("train/cat/1.png", "test/cat/1.png"))
    assert "needs two classes or more in train/ and test/, found 1: cat" in refusal(tmp_path)


def test_of_three_classes_validation_and_test_images_may_lack_some(tmp_path: Path) -> None:
    trained = [f"train/{name}/{i}.png" for name in ("ant", "bee", "wasp") for i in range(2)]
    tree(tmp_path, images=(*trained, "val/ant/1.png", "test/ant/1.png", "test/wasp/1.png"))
    found = discover.discover(tmp_path, "x")
    assert found.class_names == ("ant", "bee", "wasp")
    assert [label for _, label in found.files["validation"]] == [0]
    assert [label for _, label in found.files["test"]] == [0, 2]


@pytest.mark.parametrize("further", ["test/hornet/1.png", "test/Wasp/1.png"])
def test_of_three_classes_the_test_may_not_have_others(tmp_path: Path, further: str) -> None:
    trained = [f"train/{name}/1.png" for name in ("ant", "bee", "wasp")]
    message = refusal(tree(tmp_path, images=(*trained, "test/ant/1.png", "test/bee/1.png", further)))
    assert f"only in test/: {further.split('/')[1]}" in message


@pytest.mark.parametrize("count", [3, 5, 100])
def test_any_number_of_classes_is_read_in_alphabetical_order(tmp_path: Path, count: int) -> None:
    classes = [f"class {number:03}" for number in range(count)]
    tree(tmp_path, images=tuple(f"{split}/{name}/1.png" for split in ("train", "test") for name in classes))
    found = discover.discover(tmp_path, "x")
    assert found.class_names == tuple(classes)
    assert [label for _, label in found.files["train"]] == list(range(count))


@pytest.mark.parametrize(
    ("train", "test", "words"),
    [
        ("cats", "cats ", "'cats' and 'cats ' differ only by a blank at the beginning or end"),
        ("cats", "cats\u00a0", r"'cats' and 'cats\xa0' differ only by a blank at the beginning or end: U+00A0 NO"),
        ("big cats", "big  cats", "'big  cats' and 'big cats' differ only by blanks"),
        ("cats", "ca\u200bts", r"'cats' and 'ca\u200bts' differ only by invisible characters: U+200B ZERO WIDTH SPACE"),
        ("cats", "\ufeffcats", r"and '\ufeffcats' differ only by invisible characters: U+FEFF ZERO WIDTH NO-BREAK"),
        ("cats", "c\u0430ts", r"scripts that look alike: U+0430 CYRILLIC SMALL LETTER A"),
        ("cats", "Cats", "'Cats' and 'cats' differ only in capitals and small letters"),
        ("fish", "\ufb01sh", r"'\ufb01sh' differ only by the form of characters (full width, ligatures): U+FB01"),
    ],
)
def test_fault_66_classes_that_look_alike_are_shown_with_their_difference(
    tmp_path: Path, train: str, test: str, words: str
) -> None:
    names = (f"train/{train}/1.png", "train/bear/1.png", f"test/{test}/1.png", "test/bear/1.png")
    message = refusal(tree(tmp_path, images=names))
    assert words in message
    assert "only in train/" in message
    assert "\n" not in message


def test_fault_66_one_name_composed_and_decomposed_is_one_class(tmp_path: Path) -> None:
    names = ("train/caf\u00e9/1.png", "train/bear/1.png", "test/cafe\u0301/1.png", "test/bear/1.png")
    found = discover.discover(tree(tmp_path, images=names), "x")
    assert found.class_names == ("bear", "caf\u00e9")
    assert [len(found.files[split]) for split in ("train", "test")] == [2, 2]


def test_fault_66_one_class_in_two_folders_of_a_split_is_refused(tmp_path: Path) -> None:
    message = refusal(tree(tmp_path, "train/caf\u00e9/1.png", "train/cafe\u0301/1.png"))
    assert r"train/: 'cafe\u0301' and 'caf\xe9' differ only by Unicode normalisation" in message


@pytest.mark.parametrize(("one", "other"), [("cats", "cats "), ("cats", "cats\u200d"), ("a b", "a  b")])
def test_fault_66_two_classes_that_no_figure_can_tell_apart_are_refused(tmp_path: Path, one: str, other: str) -> None:
    names = tuple(f"{split}/{name}/1.png" for split in ("train", "test") for name in (one, other))
    assert "differ only by" in refusal(tree(tmp_path, images=names))


@pytest.mark.parametrize("classes", [("a", "A"), ("O", "0"), ("\u0430", "a"), ("a b", "ab")])
def test_fault_66_letters_may_be_the_classes(tmp_path: Path, classes: tuple[str, str]) -> None:
    names = tuple(f"{split}/{name}/1.png" for split in ("train", "test") for name in classes)
    assert set(discover.discover(tree(tmp_path, images=names), "x").class_names) == set(classes)


def test_fault_66_a_third_class_that_looks_like_another_is_pointed_out(tmp_path: Path) -> None:
    names = tuple(f"{split}/{name}/1.png" for split in ("train", "test") for name in ("cat", "dog", "dog "))
    assert "'dog' and 'dog ' differ only by a blank" in refusal(tree(tmp_path, images=names))


def test_fault_15_no_class_at_all_is_an_error(tmp_path: Path) -> None:
    assert "found 0: nothing" in refusal(tree(tmp_path, images=("train/1.txt", "test/1.txt")))


def test_fault_16_symlinked_class_folder_is_rejected(tmp_path: Path) -> None:
    tree(tmp_path / "data")
    (tmp_path / "data/train/dog").symlink_to(tmp_path / "data/train/cat", target_is_directory=True)
    assert "train/dog: symbolic links; put the folders themselves there" in refusal(tmp_path / "data")


def test_fault_16_symlinked_split_is_rejected(tmp_path: Path) -> None:
    tree(tmp_path / "data")
    (tmp_path / "data/test").rename(tmp_path / "elsewhere")
    (tmp_path / "data/test").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert "test: symbolic links" in refusal(tmp_path / "data")


@pytest.mark.parametrize("name", ["train", "Valid", "test", "measure"])
def test_fault_16_a_link_for_a_part_that_leads_nowhere_is_not_passed_over(tmp_path: Path, name: str) -> None:
    images = tuple(f"{part}/{c}/{i}.png" for part in ("train", "test") for c in ("cat", "dog") for i in (1, 2))
    tree(tmp_path, images=tuple(image for image in images if not image.startswith(name)))
    (tmp_path / name).symlink_to(tmp_path / "gone")
    with pytest.raises(BadInput, match=f"{name}: cannot be read \\(No such file or directory\\)"):
        discover.discover(tmp_path, "x")


def test_fault_17_dangling_symlinks_are_named(tmp_path: Path) -> None:
    tree(tmp_path)
    (tmp_path / "train/cat/2.png").symlink_to("missing.png")
    (tmp_path / "test/bear/3.png").symlink_to("3.png")  # a link to itself
    message = refusal(tmp_path)
    assert "train/cat/2.png: a link to a file that does not exist" in message
    assert "test/bear/3.png: a link to a file that does not exist" in message


def test_fault_17_links_to_images_are_read(tmp_path: Path) -> None:
    tree(tmp_path)
    (tmp_path / "train/cat/2.png").symlink_to(tmp_path / "train/cat/1.png")
    assert len(discover.discover(tmp_path, "x").files["train"]) == 3


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "valid", "test"),
        ("Train", "Val", "Test"),
        ("training", "dev", "testing"),
        ("training_set", None, "test_set"),
        ("training_set/training_set", None, "test_set/test_set"),
        ("train/train/train", "validation/val", "test"),
    ],
)
@pytest.mark.parametrize("above", ["", "archive"])
def test_fault_53_and_68_folders_named_as_people_name_them(
    tmp_path: Path, above: str, train: str, validation: str | None, test: str
) -> None:
    folders = {"train": train, "validation": validation, "test": test}
    expected = {part: folder for part, folder in folders.items() if folder}
    images = tuple(f"{folder}/{name}/1.png" for folder in expected.values() for name in ("bear", "cat"))
    tree(tmp_path / above, f"{train}/notes.txt", images=images)
    found = discover.discover(tmp_path, "x")
    assert {part: path.relative_to(found.root).as_posix() for part, path in found.folders.items()} == expected
    assert list(found.files) == list(expected)
    assert all([label for _, label in files] == [0, 1] for files in found.files.values())
    assert found.ignored == {listing.BESIDE: 1}


@pytest.mark.parametrize(("one", "other"), [("val", "valid"), ("train", "Train"), ("test", "test_set")])
def test_fault_68_two_candidates_for_one_part_are_both_named(tmp_path: Path, one: str, other: str) -> None:
    images = tuple(f"{folder}/{name}/1.png" for folder in (one, other) for name in ("bear", "cat"))
    message = refusal(tree(tmp_path, *sorted({*images} - {*IMAGES})))
    assert f"{min(one, other)}/ and {max(one, other)}/ may both hold" in message
    assert "rename" in message


@pytest.mark.parametrize(
    ("folders", "layout", "parts", "root"),
    [
        (["train", "val"], "parts", {"train": "train", "validation": "val"}, "."),
        (["training_set"], "parts", {"train": "training_set"}, "."),
        (["data/Train"], "parts", {"train": "Train"}, "data"),
        (["."], "classes", {"train": "."}, "."),
        (["pets"], "classes", {"train": "."}, "pets"),
        (["test"], "classes", {"train": "."}, "test"),
    ],
)
def test_fault_68_without_a_test_folder_all_images_are_for_training(
    tmp_path: Path, folders: list[str], layout: str, parts: dict[str, str], root: str
) -> None:
    tree(tmp_path, images=tuple(f"{folder}/{name}/1.png" for folder in folders for name in ("bear", "cat")))
    found = discover.discover(tmp_path, "x")
    assert found.layout == layout
    assert found.root == tmp_path / root
    assert {part: path.relative_to(found.root).as_posix() for part, path in found.folders.items()} == parts
    assert all([label for _, label in found.files[part]] == [0, 1] for part in found.folders)
    assert found.ignored == {}


def test_fault_68_test_folders_alone_are_refused_with_what_was_found(tmp_path: Path) -> None:
    tree(tmp_path, images=tuple(f"{part}/{name}/1.png" for part in ("test", "valid") for name in ("bear", "cat")))
    assert refusal(tmp_path) == (
        f"photos.zip: has no folder of training images; {EXPECTED}; "
        "found valid/ (validation images), test/ (test images)"
    )


def test_fault_68_images_of_which_nothing_tells_a_class_are_refused_with_what_is_expected(tmp_path: Path) -> None:
    assert refusal(tree(tmp_path, images=("IMG_1.jpg", "IMG_2.jpg"))) == (
        f"photos.zip: {EXPECTED}; found IMG_1.jpg, IMG_2.jpg"
    )


def test_fault_68_training_images_of_their_own_come_before_folders_that_look_like_classes(tmp_path: Path) -> None:
    tree(tmp_path / "data")
    tree(tmp_path, "figures/1.png", "samples/1.png", images=())
    found = discover.discover(tmp_path, "x")
    assert (found.root, found.layout) == (tmp_path / "data", "parts")
    assert found.ignored == {listing.BESIDE: 2}


def test_fault_68_two_readings_that_differ_are_shown_with_the_setting_that_chooses(tmp_path: Path) -> None:
    tree(tmp_path)
    rows = ["file,label", "train/bear/1.png,brown", "train/cat/1.png,brown", "test/bear/1.png,white"]
    (tmp_path / "fur.csv").write_text("\n".join([*rows, "test/cat/1.png,brown"]))
    assert refusal(tmp_path).splitlines() == [
        "photos.zip: can be read in two ways; choose with --set data.layout=parts or --set data.layout=table:",
        "  data.layout = 'parts': 2 training images, 2 test images of bear, cat, told by the folders they lie in",
        "  data.layout = 'table': 2 training images, 2 test images of brown, white, told by fur.csv",
    ]
    assert discover.discover(tmp_path, "x", "parts").class_names == ("bear", "cat")
    (tmp_path / "fur.csv").write_text("\n".join([*rows, "test/cat/1.png,brown", "train/cat/1.png,white"]))
    assert refusal(tmp_path).splitlines() == [
        "photos.zip: fur.csv, line 6: train/cat/1.png: stands in another row with another class or part",
        "  or choose the other way to read it, --set data.layout=parts: 2 training images, 2 test images of bear, cat, "
        "told by the folders they lie in",
    ]
    assert discover.discover(tmp_path, "x", "parts").class_names == ("bear", "cat")


BATCHES = ("batch1/1.png", "batch1/2.png", "batch2/1.png", "batch2/2.png")
OF_BATCHES = ("file,label", "batch1/1.png,cat", "batch1/2.png,dog", "batch2/1.png,cat", "batch2/2.png,dog")


@pytest.mark.parametrize(
    ("lines", "problems"),
    [
        ([*OF_BATCHES, "batch1/9.png,cat"], [", line 6: batch1/9.png: no such image"]),
        (
            [*OF_BATCHES[:4], "batch1/1.png,dog", "batch2/2.png,dog, black"],
            [
                ", line 5: batch1/1.png: stands in another row with another class or part",
                ", line 6: batch2/2.png: 3 cells, the header has 2; put quotes around the one that holds a separator",
            ],
        ),
        (["file,label", "1.png,cat"], [", line 2: 1.png: several images are called so"]),
        ([*OF_BATCHES[:2], "batch3/1.png,dog"], [", line 3: batch3/1.png: no such image"]),
        ([*OF_BATCHES, "batch1/1.png,Bär"], [": not text in UTF-8; save it as CSV in UTF-8"]),
        (
            [OF_BATCHES[0], *(f"batch3/{i}.png,cat" for i in range(60)), *OF_BATCHES[1:]],
            [
                *(f", line {i + 2}: batch3/{i}.png: no such image" for i in range(listing.SHOWN)),
                f"and {60 - listing.SHOWN} more",
            ],
        ),
        (
            [*OF_BATCHES[:3], 'batch2/1.png,"cat', *OF_BATCHES[4:]],
            [", line 4: the row that begins there is no CSV (unexpected end of data); mend its quotes"],
        ),
        (
            [OF_BATCHES[0], 'batch1/1.png,"cat"s', *(f"{'x' * 200}/{i}.png,cat" for i in range(1000))],
            [", line 2: the row that begins there is no CSV (',' expected after '\"'); mend its quotes"],
        ),
    ],
    ids=[
        *("one row", "several", "no row left", "one class left", "not UTF-8", "no image in the first rows"),
        *("a quote that stays open", "nothing that can be read"),
    ],
)
def test_a_fault_in_a_table_does_not_make_classes_of_folders(
    tmp_path: Path, lines: list[str], problems: list[str]
) -> None:
    tree(tmp_path, images=BATCHES)
    (tmp_path / "labels.csv").write_text("\n".join(lines), "latin-1")
    *told, other = refusal(tmp_path).removeprefix("photos.zip: ").splitlines()
    if len(problems) > 1:
        assert told.pop(0).endswith(" files, rows or folders must be mended or removed:")
    assert [line.strip().removeprefix("labels.csv") for line in told] == problems
    assert other == (
        "  or choose the other way to read it, --set data.layout=classes: 4 training images of batch1, batch2, told by "
        "the folders they lie in"
    )
    assert discover.discover(tmp_path, "x", "classes").class_names == ("batch1", "batch2")


@pytest.mark.parametrize(
    ("folders", "table", "same"),
    [
        (("0", "1"), ("benign", "malignant"), False),
        (("a", "b"), ("benign", "malignant"), False),
        (("cat", "dog"), ("dog", "cat"), False),
        (("cat", "dog"), ("0", "1"), True),
        (("cat", "golden_retriever"), ("CAT", "Golden Retriever"), True),
        (("0", "00"), ("0", "00"), True),
    ],
)
@pytest.mark.parametrize("more", ["", "1.png,x,y"])
def test_two_readings_that_call_the_classes_otherwise_are_shown(
    tmp_path: Path, folders: tuple[str, str], table: tuple[str, str], same: bool, more: str
) -> None:
    files = [(f"{folder}/{number}.png", name) for folder, name in zip(folders, table, strict=True) for number in (1, 2)]
    tree(tmp_path, images=tuple(file for file, _ in files))
    (tmp_path / "labels.csv").write_text("\n".join(["file,label", *(f"{file},{name}" for file, name in files), more]))
    if same:
        assert discover.discover(tmp_path, "x").class_names == folders
    else:
        message = refusal(tmp_path)
        assert ("3 cells" if more else f"4 training images of {', '.join(sorted(table))}, told by labels") in message
        assert f"4 training images of {', '.join(folders)}, told by the folders" in message
        assert "--set data.layout=classes" in message


def test_a_table_with_faults_that_says_what_the_folders_say_can_be_done_without(tmp_path: Path) -> None:
    tree(tmp_path)
    rows = [f"{name},{name.split('/')[1].upper()}" for name in IMAGES]
    (tmp_path / "labels.csv").write_text("\n".join(["path,class", *rows, "train/cat/2.png,CAT"]))
    assert discover.discover(tmp_path, "x").layout == "parts"


def test_where_faults_leave_no_class_they_are_named_and_not_the_classes(tmp_path: Path) -> None:
    tree(tmp_path, images=("images/1.png", "images/2.png"))
    (tmp_path / "labels.csv").write_text("file,label\n1.png,crane, bird\n2.png,crane, machine\n")
    cells = "3 cells, the header has 2; put quotes around the one that holds a separator"
    assert refusal(tmp_path).splitlines() == [
        "photos.zip: 2 files, rows or folders must be mended or removed:",
        f"  labels.csv, line 2: 1.png: {cells}",
        f"  labels.csv, line 3: 2.png: {cells}",
    ]


def test_fault_68_two_readings_that_say_the_same_are_one(tmp_path: Path) -> None:
    tree(tmp_path)
    rows = [f"{name},{name.split('/')[1].upper()}" for name in IMAGES]
    (tmp_path / "labels.csv").write_text("\n".join(["path,class", *rows]))
    assert discover.discover(tmp_path, "x").layout == "parts"
    assert discover.discover(tmp_path, "x", "table").class_names == ("BEAR", "CAT")


def test_fault_68_a_folder_that_may_be_a_class_or_a_part_is_asked_about(tmp_path: Path) -> None:
    tree(tmp_path, images=("cat/1.png", "dog/1.png", "test/1.png"))
    assert refusal(tmp_path) == (
        "photos.zip: test/ may be a class beside cat/, dog/, or hold a part of the images; --set data.layout=classes "
        "takes it for a class; else put the classes into train/"
    )
    assert discover.discover(tmp_path, "x", "classes").class_names == ("cat", "dog", "test")


def test_fault_68_where_the_classes_are_in_parts_already_the_way_to_read_them_is_named(tmp_path: Path) -> None:
    tree(tmp_path, "figures/a/1.png")
    with pytest.raises(
        BadInput, match=r"beside figures/.*=classes takes it for a class; --set data\.layout=parts takes"
    ):
        discover.discover(tmp_path, "x", nested=True)
    assert discover.discover(tmp_path, "x", "parts", nested=True).class_names == ("bear", "cat")


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
def test_a_table_whose_columns_are_not_known_is_shown_with_them(tmp_path: Path, encoding: str) -> None:
    tree(tmp_path, images=("images/1.png", "images/2.png"))
    text = "img_file;kind\nimages/1.png;Bär\nimages/2.png;dog\n"
    (tmp_path / "labels.csv").write_text(text, encoding)
    (tmp_path / "empty.csv").touch()
    (tmp_path / "packed.csv").write_bytes(b"PK\x03\x04\x14\x00\xff")
    message = refusal(tmp_path)
    told = "; the columns of labels.csv are called img_file, kind"
    assert message.endswith(f"found empty.csv, images/, labels.csv, packed.csv{told}")


def test_a_table_that_names_no_image_is_said_to(tmp_path: Path) -> None:
    tree(tmp_path, "sample_submission.csv", images=("images/1.png", "images/2.png"))
    (tmp_path / "labels.csv").write_text("label,file\ncat, pets/3.png\n")
    (tmp_path / "sample_submission.csv").write_text("id,label\n1,0\n")
    told = "; labels.csv names no image that is there (first: pets/3.png)"
    assert refusal(tmp_path).endswith(f"found images/, labels.csv, sample_submission.csv{told}")
    with pytest.raises(BadInput, match=r"found images/, labels\.csv, sample_submission\.csv$"):
        discover.discover(tmp_path, "x", "names")


def test_a_table_that_cannot_be_opened_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "labels.csv")

    def closed(path: Path, *_: object, **__: object) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(BadInput, match=r"labels\.csv: cannot be read \(Permission denied\)"):
        discover.discover(tmp_path, "x")


def test_fault_68_a_layout_that_was_chosen_and_is_not_there_is_named(tmp_path: Path) -> None:
    tree(tmp_path)
    with pytest.raises(BadInput, match=r"cannot be read as data\.layout = 'names'; expected"):
        discover.discover(tmp_path, "x", "names")


@pytest.mark.parametrize("validation", ["valid/", "valid/cat/1.png", "valid/readme.txt"])
def test_fault_53_validation_images_must_be_of_the_same_classes(tmp_path: Path, validation: str) -> None:
    message = refusal(tree(tmp_path, validation))
    assert "train/, valid/ and test/ must hold the same classes; only in train/ and test/: bear" in message


def test_fault_53_an_empty_class_of_validation_images_is_named(tmp_path: Path) -> None:
    assert refusal(tree(tmp_path, "valid/cat/1.png", "valid/bear/")) == "photos.zip: valid/bear holds no image"


def test_fault_16_a_link_in_a_doubled_folder_is_rejected(tmp_path: Path) -> None:
    tree(tmp_path / "data", images=IMAGES[:2])
    tree(tmp_path / "elsewhere", images=("test/bear/1.png", "test/cat/1.png"))
    (tmp_path / "data/test").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert "test: symbolic links" in refusal(tmp_path / "data")


def test_special_files_are_counted_and_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path)
    os.mkfifo(tmp_path / "train/cat/pipe.png")
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("train/cat/s.png")
        assert discover.discover(tmp_path, "x").ignored == {listing.SPECIAL: 2}


@pytest.mark.parametrize(
    "name",
    ["Bär", "骆驼", "\u202egnp.exe", "a|b", "<script>alert(1)</script>", "{{ x }}", "{% raw %}", r"$\foo$", "`", "a b"],
)
def test_fault_18_hostile_class_names_are_data(tmp_path: Path, name: str) -> None:
    name = name.replace("/", "⁄")
    images = tuple(f"{split}/{c}/{name}.png" for split in ("train", "test") for c in (name, "zz"))
    found = discover.discover(tree(tmp_path, images=images), "x")
    assert set(found.class_names) == {name, "zz"}
    assert found.files["test"][0][0].stem == name


@pytest.mark.parametrize("name", [b"new\nline", b"tab\there", b"caf\xe9"])
def test_fault_18_names_that_cannot_stand_in_a_line_are_refused_in_one_line(tmp_path: Path, name: bytes) -> None:
    folder = tree(tmp_path / "files")
    (folder / "train/cat" / os.fsdecode(name + b".png")).touch()
    assert len(refusal(folder).splitlines()) == 1
    folder = tree(tmp_path / "classes", images=(*IMAGES[:1], IMAGES[2]))
    for split in ("train", "test"):
        (folder / split / os.fsdecode(name)).mkdir()
        (folder / split / os.fsdecode(name) / "1.png").touch()
    message = refusal(folder)
    assert len(message.splitlines()) == 1
    assert message.isprintable()


def test_many_problems_are_cut_after_twenty() -> None:
    message = str(listing.problem_list("x", "files are bad", [f"problem {i}" for i in range(53)]))
    lines = message.splitlines()
    assert lines[0] == "x: 53 files are bad:"
    assert lines[1:3] == ["  problem 0", "  problem 1"]
    assert lines[20:] == ["  problem 19", "  and 33 more"]


def test_parts_that_rows_of_a_table_tell_are_not_called_by_folders(tmp_path: Path) -> None:
    rows = ["file,class,split"]
    for name, part in (("a", "train"), ("b", "train"), ("a", "test")):
        for number in (1, 2):
            file = f"imgs/{name}/{part}{number}.png"
            rows.append(f"{file},{name},{part}")
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_bytes(b"")
    (tmp_path / "labels.csv").write_text("\n".join(rows), "utf-8")
    with pytest.raises(BadInput) as caught:
        discover.discover(tmp_path, "x", "table")
    assert "training images and test images must hold the same classes; only in training images: b" in str(caught.value)


@pytest.mark.parametrize("beside", ["test1", "unlabelled"])
def test_training_files_that_say_their_class_are_none_of_a_class_called_train(tmp_path: Path, beside: str) -> None:
    files = tuple(f"train/{name}.{number}.jpg" for name in ("cat", "dog") for number in (0, 1))
    found = discover.discover(tree(tmp_path, f"{beside}/1.jpg", f"{beside}/2.jpg", images=files), "x")
    assert (found.layout, found.class_names, found.ignored) == ("names", ("cat", "dog"), {listing.BESIDE: 2})
    assert discover.discover(tmp_path, "x", "classes").class_names == tuple(sorted(("train", beside)))


def test_training_files_of_a_table_are_none_of_a_class_called_train(tmp_path: Path) -> None:
    tree(tmp_path, "test1/3.jpg", images=("train/1.jpg", "train/2.jpg"))
    (tmp_path / "labels.csv").write_text("file,label\n1.jpg,cat\n2.jpg,dog\n")
    assert discover.discover(tmp_path, "x").layout == "table"


@pytest.mark.parametrize("layout", [None, "names"])
@pytest.mark.parametrize("folder", ["", "train/"])
@pytest.mark.parametrize(("odd", "shown"), [(["logo.jpg"], "logo.jpg"), (["bird.1.jpg", "x.png"], "bird.1.jpg, x.png")])
def test_the_few_files_whose_names_say_no_class_are_named(
    tmp_path: Path, layout: Literal["names"] | None, folder: str, odd: list[str], shown: str
) -> None:
    files = [f"{name}.{number}.jpg" for name in ("cat", "dog") for number in range(15)]
    tree(tmp_path, images=tuple(folder + name for name in (*files, *odd)))
    with pytest.raises(BadInput) as caught:
        discover.discover(tmp_path, "x", layout)
    assert str(caught.value).endswith(
        f"; the names of 30 images say their class, but for {shown}, where it is missing or no other image has it: "
        "rename or remove these"
    )


def test_a_column_that_says_no_part_is_named_beside_folders_that_tell_the_classes(tmp_path: Path) -> None:
    files = [f"{name}/{number}.png" for name in ("cat", "dog") for number in (1, 2)]
    tree(tmp_path, images=tuple(files))
    rows = [f"{file},{file[:3]},{'ab'[index % 2]}" for index, file in enumerate(files)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,label,split", *rows]))
    message = refusal(tmp_path)
    assert "labels.csv: the column 'split' says no part (a, b)" in message
    assert "--set data.layout=classes" in message


@pytest.mark.parametrize(
    "name", ["$RECYCLE.BIN", "System Volume Information", "lost+found", "@eaDir", "ehthumbs.db", "Thumbs.db"]
)
@pytest.mark.parametrize("holds", ["", "1.png"])
def test_what_systems_leave_behind_is_no_class(tmp_path: Path, name: str, holds: str) -> None:
    tree(tmp_path, f"{name}/{holds}", f"cat/{name}/{holds}", images=("cat/1.png", "dog/1.png"))
    found = discover.discover(tmp_path, "x")
    assert found.class_names == ("cat", "dog")
    assert found.ignored == ({listing.HIDDEN: 2} if holds else {})
