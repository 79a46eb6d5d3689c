"""Tables come back as they were written; what is none is refused with the row that is at fault."""

import pytest

from generator.support import tables

COLUMNS = ("name", "of it")


def test_a_table_comes_back_as_it_was_written() -> None:
    rows = [("a,b", "1"), ('say "no"', ""), ("two\nlines", "é")]
    assert [tuple(row.values()) for row in tables.from_csv(tables.to_csv(COLUMNS, rows), COLUMNS)] == rows
    assert list(tables.from_csv(tables.to_csv(COLUMNS, []), COLUMNS)) == []


def test_other_columns_may_follow_only_where_more_may() -> None:
    text = tables.to_csv((*COLUMNS, "more"), [("a", "1", "2")])
    assert list(tables.from_csv(text, COLUMNS, more=True)) == [{"name": "a", "of it": "1", "more": "2"}]
    for given, columns in ((text, COLUMNS), (text, (*COLUMNS, "other")), ("", COLUMNS), ("of it,name\n", COLUMNS)):
        with pytest.raises(ValueError, match="expected the columns name, of it"):
            tables.from_csv(given, columns)


def test_a_header_that_is_no_csv_is_at_fault_itself() -> None:
    with pytest.raises(tables.Error, match="unexpected end"):
        tables.from_csv('"name,of it\n', COLUMNS)


@pytest.mark.parametrize(
    ("row", "cells"), [("c", "1 cells"), ("c,2,3", "3 cells"), ("", "0 cells"), ('"c', "unexpected end")]
)
def test_a_row_at_fault_is_named_when_it_is_read(row: str, cells: str) -> None:
    rows = tables.from_csv(f"name,of it\na,1\n{row}\n", COLUMNS)
    assert next(rows) == {"name": "a", "of it": "1"}
    with pytest.raises(tables.Error, match=cells):
        next(rows)
