"""A text is shortened by whole rows, the least important list first."""

from collections.abc import Callable, Mapping

import pytest

from generator.diff import fitting


def writer(**rows: list[str]) -> Callable[[Mapping[str, int]], str]:
    """Every list under its name, with a line for what was left out."""

    def write(most: Mapping[str, int]) -> str:
        lines = []
        for name, all_rows in rows.items():
            lines += [f"{name}:", *all_rows[: most[name]]]
            lines += ["and more"] if most[name] < len(all_rows) else []
        return "\n".join(lines)

    return write


def fit(limit: int, **rows: list[str]) -> str:
    return fitting.fit(writer(**rows), {name: len(all_rows) for name, all_rows in rows.items()}, limit)


def test_what_fits_is_left_as_it_is() -> None:
    assert fit(1000, a=["1", "2"], b=["3"]) == "a:\n1\n2\nb:\n3"


def test_the_first_list_is_shortened_first() -> None:
    text = fit(200, a=["x" * 20] * 10, b=["y" * 20] * 5)
    assert text.count("y" * 20) == 5
    assert 0 < text.count("x" * 20) < 10
    assert fitting.characters(text) <= 200 < fitting.characters(text) + 22


def test_then_the_next_one() -> None:
    text = fit(100, a=["x" * 20] * 10, b=["y" * 20] * 5)
    assert "x" not in text
    assert 0 < text.count("y" * 20) < 5


def test_a_row_that_is_longer_than_all_is_left_out() -> None:
    assert fit(100, a=["x" * 1000], b=["y"]) == "a:\nand more\nb:\ny"


@pytest.mark.parametrize(
    ("text", "counted"), [("abc", 3), ("é", 1), ("猫", 1), ("🐪", 2), ("a\nb\n", 6), ("\ud800", 1)]
)
def test_characters_are_counted_as_no_way_of_github_counts_more(text: str, counted: int) -> None:
    assert fitting.characters(text) == counted
