"""Counts in words, and how many names a sentence lists."""

import pytest

from generator.post.prose import wording


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (0, "zero"),
        (2, "two"),
        (13, "thirteen"),
        (20, "twenty"),
        (21, "twenty-one"),
        (99, "ninety-nine"),
        (100, "one hundred"),
        (105, "one hundred and five"),
        (342, "three hundred and forty-two"),
        (1000, "one thousand"),
        (1001, "one thousand and one"),
        (21_841, "twenty-one thousand eight hundred and forty-one"),
    ],
)
def test_numbers_in_words(number: int, word: str) -> None:
    assert wording.number_word(number) == word


@pytest.mark.parametrize(("count", "listed"), [(2, 2), (8, 8), (9, 5), (100, 5)])
def test_a_sentence_lists_all_names_or_few(count: int, listed: int) -> None:
    names = [str(i) for i in range(count)]
    assert len(wording.named(names)) == listed
    assert wording.unnamed(names) == count - listed
    assert wording.is_long(names) == (count > 12)
