"""Tables of files and classes."""

from pathlib import Path

import pytest

from generator.data.folders import listing
from generator.data.folders.layouts import table
from generator.data.folders.layouts.reading import Reading
from generator.support.errors import BadInput
from tests.data.test_discover import tree

FILES = ("images/1.jpg", "images/2.jpg", "images/3.jpg", "images/10.jpg")


def read(folder: Path, files: tuple[str, ...] = FILES, **tables: str) -> Reading:
    """The reading of `files` and of tables, whose names have `__` for a slash and no suffix."""
    tree(folder, images=files)
    for name, text in tables.items():
        path = folder / f"{name.replace('__', '/')}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert table.recognises(folder)
    return table.read(folder, "x")


def told(reading: Reading) -> dict[str, str]:
    """Image → its part and class."""
    return {path.relative_to(reading.root).as_posix(): f"{part} {name}" for path, part, name in reading.files}


@pytest.mark.parametrize(
    ("header", "cell"),
    [
        ("file,label", "images/{}.jpg"),
        ("\ufeffImage Path,Class", "images/{}.jpg"),
        ("filename,category", "{}.jpg"),
        ("id,breed", "{}"),
        ("image_id,target", "images/{}"),
        ("filepaths,labels", "./images/{}.jpg"),
        ("path,label", "/kaggle/input/pets/images/{}.jpg"),
        ("path,label", "images\\{}.jpg"),
    ],
)
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_columns_are_known_by_their_names_and_files_by_the_end_of_their_paths(
    tmp_path: Path, header: str, cell: str, mark: str
) -> None:
    rows = [header, *(f"{cell.format(number)},{name}" for number, name in ((1, "cat"), (2, "dog"), (10, "cat")))]
    reading = read(tmp_path, labels="\n".join(rows).replace(",", mark))
    assert told(reading) == {
        "images/1.jpg": "train cat",
        "images/10.jpg": "train cat",
        "images/2.jpg": "train dog",
    }
    assert [path.name for path in reading.images["train"]["cat"]] == ["1.jpg", "10.jpg"]
    assert (reading.tables, reading.problems) == (("labels.csv",), ())
    assert reading.ignored == {listing.UNLABELLED: 1}
    assert reading.folders == {"train": tmp_path / "images"}


def test_fault_68_metadata_of_an_image_folder(tmp_path: Path) -> None:
    files = tuple(f"{part}/{number}.png" for part in ("train", "validation", "test") for number in (1, 2))
    text = "file_name,label\n1.png,cat\n2.png,dog\n"
    reading = read(tmp_path, files, train__metadata=text, validation__metadata=text, test__metadata=text)
    assert told(reading) == {
        name: f"{name.split('/')[0]} {'cat' if name.endswith('1.png') else 'dog'}" for name in files
    }
    assert {part: path.name for part, path in reading.folders.items()} == {
        part: part for part in ("train", "validation", "test")
    }


def test_the_part_is_told_by_a_column_the_table_the_folder_in_this_order(tmp_path: Path) -> None:
    files = tuple(f"{folder}/{number}.png" for folder in ("train", "test") for number in (1, 2))
    rows = ("train/1.png,cat", "train/2.png,dog", "test/1.png,cat", "test/2.png,dog")
    column = [f"{row},{part}" for row, part in zip(rows, ("valid", "train", "TEST", "train"), strict=True)]
    by_column = read(tmp_path / "a", files, x="\n".join(["file,label,split", *column]))
    assert [told(by_column)[row.split(",")[0]].split()[0] for row in rows] == ["validation", "train", "test", "train"]
    named = {"train_labels": "\n".join(["file,label", *rows[:3]]), "test": "\n".join(["file,label", rows[3]])}
    by_table = read(tmp_path / "b", files, **named)
    assert [told(by_table)[row.split(",")[0]].split()[0] for row in rows] == ["train", "train", "train", "test"]
    by_folder = read(tmp_path / "c", files, labels="\n".join(["file,label", *rows]))
    assert [told(by_folder)[row.split(",")[0]].split()[0] for row in rows] == ["train", "train", "test", "test"]


def test_test_images_without_a_class_and_submissions_say_nothing(tmp_path: Path) -> None:
    files = ("train/1.png", "train/2.png", "test/3.png")
    reading = read(
        tmp_path, files, train="id,label\n1,cat\n2,dog\n", test="id,label\n3,\n", sample_submission="id,label\n3,cat\n"
    )
    assert told(reading) == {"train/1.png": "train cat", "train/2.png": "train dog"}
    assert reading.ignored == {listing.UNLABELLED: 1}


def test_tables_beside_those_of_parts_describe_something_else(tmp_path: Path) -> None:
    files = ("Train/0/1.png", "Train/1/2.png", "Test/3.png", "Meta/0.png")
    tables = {
        "Train": "Width,Path,ClassId\n5,Train/0/1.png,0\n5,Train/1/2.png,1\n",
        "Test": "Width,Path,ClassId\n5,Test/3.png,1\n",
        "Meta": "Path,ClassId,ShapeId\nMeta/0.png,0,7\n",
    }
    reading = read(tmp_path, files, **tables)
    assert told(reading) == {"Train/0/1.png": "train 0", "Train/1/2.png": "train 1", "Test/3.png": "test 1"}


def test_every_row_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    rows = ["file,label", "1.jpg,cat", "4.jpg,cat", "2.jpg,", "1.jpg,dog", "1.jpg,cat", '"3.jpg","dog\n', 'x"', ",cat"]
    assert read(tmp_path, labels="\n".join(rows)).problems == (
        "labels.csv, line 3: 4.jpg: no such image",
        "labels.csv, line 4: 2.jpg: has no class",
        "labels.csv, line 5: 1.jpg: stands in another row with another class or part",
        "labels.csv, line 10: no file: no such image",
    )


def test_a_name_that_several_files_have_is_a_fault_unless_one_is_nearer(tmp_path: Path) -> None:
    files = ("a/1.png", "b/1.png", "a/2.png")
    assert read(tmp_path / "x", files, labels="file,label\n1.png,cat\na/2.png,dog\n").problems == (
        "labels.csv, line 2: 1.png: several images are called so",
    )
    reading = read(tmp_path / "y", ("1.png", *files), labels="file,label\n1.png,cat\nb/1.png,dog\n")
    assert told(reading) == {"1.png": "train cat", "b/1.png": "train dog"}


def test_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    tree(tmp_path, "secret/5.jpg", images=())
    reading = read(tmp_path / "data", labels="file,label\n1.jpg,cat\n../secret/5.jpg,dog\n")
    assert reading.problems == ("labels.csv, line 3: ../secret/5.jpg: no such image",)


def test_two_columns_that_may_be_the_class_must_say_the_same(tmp_path: Path) -> None:
    header = "file,class id,label,species\n"
    same = read(tmp_path / "a", labels=f"{header}1.jpg,0,cat,felis\n2.jpg,1,dog,canis\n")
    assert set(same.images["train"]) == {"cat", "dog"}
    with pytest.raises(BadInput, match=r"x: labels\.csv: 'label' and 'species' may both be the class; rename"):
        read(tmp_path / "b", labels=f"{header}1.jpg,0,cat,felis\n2.jpg,1,dog,felis\n")


def test_two_columns_of_one_name_must_say_the_same(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"'Label' and 'label' may both be the class; rename"):
        read(tmp_path / "a", labels="file,Label,label\n1.jpg,cat,old\n2.jpg,dog,old\n3.jpg,dog,young\n")
    same = read(tmp_path / "b", labels="image,image,label,label\nx,1.jpg,cat,cat\ny,2.jpg,dog,dog\n")
    assert told(same) == {"images/1.jpg": "train cat", "images/2.jpg": "train dog"}


def test_two_columns_that_may_be_the_part_must_say_the_same(tmp_path: Path) -> None:
    header = "file,label,set,split,subset\n"
    same = read(tmp_path / "a", labels=f"{header}1.jpg,cat,a,train,Training\n2.jpg,dog,b,test,Test\n")
    assert told(same) == {"images/1.jpg": "train cat", "images/2.jpg": "test dog"}
    for other in ("test", ""):
        with pytest.raises(BadInput, match=r"x: labels\.csv: 'split' and 'set' may both be the part; rename"):
            read(tmp_path / "b", labels=f"{header}1.jpg,cat,train,train,\n2.jpg,dog,{other},train,\n")


def test_a_column_of_numbers_does_not_name_images_where_another_does(tmp_path: Path) -> None:
    reading = read(tmp_path, labels="id,filename,label\n1,3.jpg,cat\n2,20.jpg,dog\n3,1.jpg,dog\n")
    assert told(reading) == {"images/3.jpg": "train cat", "images/1.jpg": "train dog"}
    assert reading.problems == ("labels.csv, line 3: 20.jpg: no such image",)


@pytest.mark.parametrize("above", ["sep=;\r\n", "\n \n"])
def test_blank_lines_and_one_that_says_the_separator_may_stand_above_the_header(tmp_path: Path, above: str) -> None:
    reading = read(tmp_path, labels=f'{above}file;label\n1.jpg;cat\n4.jpg;dog\n2.jpg;dog\n3.jpg;"dog\n')
    assert told(reading) == {"images/1.jpg": "train cat", "images/2.jpg": "train dog"}
    first = 3 + above.count("\n")
    assert [problem.split(":")[0] for problem in reading.problems] == [
        f"labels.csv, line {first}",
        f"labels.csv, line {first + 2}",
    ]


def test_cells_may_be_long_as_masks_are(tmp_path: Path) -> None:
    reading = read(tmp_path, labels=f"file,label,mask\n1.jpg,cat,{'1 ' * 100_000}\n2.jpg,dog,\n")
    assert (told(reading), reading.problems) == ({"images/1.jpg": "train cat", "images/2.jpg": "train dog"}, ())


def test_a_part_that_is_none_is_named(tmp_path: Path) -> None:
    reading = read(tmp_path, labels="file,label,split\n1.jpg,cat,train\n2.jpg,dog,other\n")
    assert reading.problems == ("labels.csv, line 3: 2.jpg: 'other' is none of train, validation, test",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "file,size\n1.jpg,\xff\n",
        "name,label\nnobody,cat\n",
        "name,label\nnobody,\xff\n",
        "file,label\n",
        "\x00\x01",
    ],
)
def test_other_tables_are_another_layout(tmp_path: Path, text: str) -> None:
    tree(tmp_path, images=FILES)
    (tmp_path / "some.csv").write_bytes(text.encode("latin-1"))
    assert not table.recognises(tmp_path)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
@pytest.mark.parametrize("file", ["1.jpg", "Bär.jpg"])
def test_a_table_that_is_not_utf_8_is_named(tmp_path: Path, encoding: str, file: str) -> None:
    tree(tmp_path, images=(*FILES, "images/Bär.jpg"))
    (tmp_path / "labels.csv").write_text(f"file,label\n{file},Bär\n4.jpg,cat\n", encoding)
    assert table.recognises(tmp_path)
    assert table.read(tmp_path, "x").problems == ("labels.csv: not text in UTF-8; save it as CSV in UTF-8",)


def test_cells_beyond_the_header_are_a_fault_unless_they_are_blank(tmp_path: Path) -> None:
    rows = ["file,class id,label", "1.jpg,0,crane, bird", "2.jpg,1,dog,,", '3.jpg,2,"crane, machine"', "10.jpg,3,crane"]
    reading = read(tmp_path, labels="\n".join(rows))
    assert reading.problems == (
        "labels.csv, line 2: 1.jpg: 4 cells, the header has 3; put quotes around the one that holds a separator",
    )
    assert told(reading) == {
        "images/2.jpg": "train dog",
        "images/3.jpg": "train crane, machine",
        "images/10.jpg": "train crane",
    }


def test_images_to_measure_with_are_none_of_the_table(tmp_path: Path) -> None:
    files = ("images/cat/1.jpg", "images/dog/2.jpg", "measure/cat/1.jpg", "measure/dog/2.jpg")
    reading = read(tmp_path, files, labels="file,label\ncat/1.jpg,cat\ndog/2.jpg,dog\n")
    assert told(reading) == {"images/cat/1.jpg": "train cat", "images/dog/2.jpg": "train dog"}


@pytest.mark.parametrize("more", ["images/3.jpg,,,test", "images/3.jpg, , ,"])
def test_words_are_preferred_to_numbers_although_a_row_says_neither(tmp_path: Path, more: str) -> None:
    rows = ["file,label,class_name,split", "images/1.jpg,0,cat,train", "images/2.jpg,1,dog,train"]
    reading = read(tmp_path, labels="\n".join([*rows, "images/10.jpg,0,cat,test", more]))
    assert {name.split()[1] for name in told(reading).values()} == {"cat", "dog"}


def test_a_column_that_says_a_class_is_preferred_to_one_that_is_blank(tmp_path: Path) -> None:
    reading = read(tmp_path, labels="file,class,label\nimages/1.jpg,,0\nimages/2.jpg,,1")
    assert set(told(reading).values()) == {"train 0", "train 1"}


@pytest.mark.parametrize("column", ["split", "Subset", "partition"])
def test_a_column_that_says_the_part_in_other_words_is_named(tmp_path: Path, column: str) -> None:
    reading = read(tmp_path, labels=f"file,label,{column}\n1.jpg,cat,trn\n2.jpg,dog,tst\n3.jpg,dog,\n")
    assert reading.problems == (
        f"labels.csv: the column '{column}' says no part (trn, tst); write train, validation or test there, or call "
        "the column something else",
    )
    assert told(reading) == {}


@pytest.mark.parametrize("column", ["set", "phase", "part"])
def test_a_column_that_may_say_something_else_than_the_part_is_passed_over(tmp_path: Path, column: str) -> None:
    reading = read(tmp_path, labels=f"file,label,{column}\n1.jpg,cat,new\n2.jpg,dog,full\n")
    assert (set(told(reading).values()), reading.problems) == ({"train cat", "train dog"}, ())


@pytest.mark.parametrize("column", ["Usage", "fold", "train_test"])
def test_further_names_of_columns_may_say_the_part(tmp_path: Path, column: str) -> None:
    reading = read(tmp_path, labels=f"file,label,{column}\n1.jpg,cat,Training\n2.jpg,dog,Test\n")
    assert told(reading) == {"images/1.jpg": "train cat", "images/2.jpg": "test dog"}


def test_a_blank_column_for_the_part_says_nothing(tmp_path: Path) -> None:
    reading = read(tmp_path, labels="file,label,split\n1.jpg,cat,\n2.jpg,dog, \n")
    assert (set(told(reading).values()), reading.problems) == ({"train cat", "train dog"}, ())
