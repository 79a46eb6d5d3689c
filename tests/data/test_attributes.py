"""`attributes.csv`: read however a spreadsheet wrote it, and refused with what is wrong where it does not fit."""

import pytest

from generator.data import attributes
from generator.support.errors import BadInput

FILES = ("camel/1.png", "camel/2.png", "horse/1.png")
ROWS = "camel/1.png,sun\ncamel/2.png,rain\nhorse/1.png,sun\n"


def parse(text: str | bytes) -> dict[str, tuple[str, ...]]:
    content = text.encode() if isinstance(text, str) else text
    return attributes.parse(content, FILES, "pets: measure/attributes.csv", "measure")


@pytest.mark.parametrize(
    "text",
    [
        f"file,weather\n{ROWS}",
        b"\xef\xbb\xbf" + f"file,weather\n{ROWS}".encode(),
        f"File;weather\n{ROWS.replace(',', ';')}",
        f"file\tweather\n{ROWS.replace(',', chr(9))}",
        f"file,weather\r\n{ROWS}\n\n".replace("\n", "\r\n"),
        "file,weather\nhorse/1.png,sun\n CAMEL\\2.PNG , rain\ncamel/1.PNG,sun\n",
        'file,weather\n"camel/1.png","sun"\n./camel/2.png,rain\nhorse/1.png,sun\n',
        "file,weather\nmeasure/camel/1.png,sun\n./Measure\\camel\\2.png,rain\nhorse/1.png,sun\n",
        f"sep=;\r\nfile;weather\r\n{ROWS.replace(',', ';')}",
        f"\n\nfile|weather\n{ROWS.replace(',', '|')}",
    ],
)
def test_any_usual_spelling_gives_the_same(text: str | bytes) -> None:
    assert parse(text) == {"weather": ("sun", "rain", "sun")}


def test_values_that_look_the_same_are_one() -> None:
    assert parse("file,caf\u00e9\ncamel/1.png,\u00e9\ncamel/2.png,e\u0301\nhorse/1.png,x\n") == {
        "caf\u00e9": ("\u00e9", "\u00e9", "x")
    }
    with pytest.raises(BadInput, match="stands twice"):
        parse(f"file,caf\u00e9,cafe\u0301\n{ROWS.replace(',', ',x,')}")


def test_an_empty_cell_is_not_given() -> None:
    assert parse("file,weather,camera\ncamel/1.png,sun,\ncamel/2.png,,x\nhorse/1.png,sun,x\n") == {
        "weather": ("sun", "not given", "sun"),
        "camera": ("not given", "x", "x"),
    }


def test_files_that_differ_in_capitals_alone_are_told_apart() -> None:
    text = "file,light\na/X.png,day\na/x.png,night\n"
    assert attributes.parse(text.encode(), ("a/x.png", "a/X.png"), "here") == {"light": ("night", "day")}


def test_a_class_may_be_called_as_the_folder_is() -> None:
    text = "file,light\nmeasure/1.png,day\na/1.png,night\n"
    files = ("a/1.png", "measure/1.png")
    assert attributes.parse(text.encode(), files, "here", "measure") == {"light": ("night", "day")}


@pytest.mark.parametrize("file", ["a/two  blanks.png", "a/Screenshot at 9.41\u202fAM.png", "a/no\xa0break.png"])
def test_a_file_is_named_with_the_blanks_it_has(file: str) -> None:
    text = f"file,the  light\n {file} ,  by \u202f day\n"
    assert attributes.parse(text.encode(), (file,), "here") == {"the light": ("by day",)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected the first column 'file', found 'nothing'"),
        (f"name,weather\n{ROWS}", "expected the first column 'file', found 'name'"),
        ("file,weather\ncamel/1.png,sun,late\n", "row 2 has 3 cells, the first one 2"),
        ("sep=,\n\nfile,weather\ncamel/1.png,sun,late\n", "row 4 has 3 cells, the first one 2"),
        (f"file,Weather,weather\n{ROWS.replace(chr(10), ',x' + chr(10))}", "the column 'Weather' stands twice"),
        (f"file,Class\n{ROWS}", "'Class' is a column of the results"),
        (f"file,\n{ROWS}", "the column '' needs a name"),
        ("file\ncamel/1.png\n", "has 0 attributes"),
        (f"file,weather\n{ROWS}llama/1.png,sun\n", "not in the folder: llama/1.png"),
        (f"file,weather\n{ROWS}camel/1.png,rain\n", "in several rows: camel/1.png"),
        ("file,weather\ncamel/1.png,sun\n", "without a row: camel/2.png, horse/1.png"),
        ('file,weather\n"camel/1.png,sun\n', "not valid CSV"),
        (b"file,weather\n\xff\xfe", "not text in UTF-8"),
        (f"file,weather\n{ROWS.replace('rain', 'r' * 9999)}", f"weather = {'r' * 60}…': expected a value of 1"),
        (f"file,{'w' * 9999}\n{ROWS}", f"the column '{'w' * 60}…' needs a name"),
    ],
)
def test_what_does_not_fit_is_named(text: str | bytes, told: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(text)
    assert str(caught.value).startswith("pets: measure/attributes.csv: ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_column_of_measurements_is_no_attribute() -> None:
    files = tuple(f"camel/{i}.png" for i in range(20))
    text = "file,age\n" + "".join(f"{file},{i}\n" for i, file in enumerate(files))
    with pytest.raises(BadInput, match=r"'age' has 20 values \(0, 1, 10, …\), an attribute at most 12; put them into"):
        attributes.parse(text.encode(), files, "here")
