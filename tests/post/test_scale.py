"""A post of many images, classes or variants is no longer than a reader can bear, and is made in proportion."""

import re

import pytest

from generator.experiment.results import BuildResults
from generator.post import bound, render
from generator.post.prose import claims
from tests import scaled
from tests.factories import make_config


def post(build: BuildResults) -> str:
    return render.render(make_config().post, build).whole


def tables(text: str) -> list[int]:
    """The rows of each table, its heading among them."""
    return [len(found.splitlines()) - 1 for found in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)]


def test_a_post_of_thousands_of_images_lists_the_first_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    views, begin = [], bound.View.__init__
    counts = []
    for images in (500, 2000):
        views.clear()
        with monkeypatch.context() as patch:
            patch.setattr(bound.View, "__init__", lambda self, *of: views.append(1) or begin(self, *of))
            text = post(scaled.make(images))
        counts.append((max(tables(text)), text.count("<img"), len(views)))
    assert "Only the first of them are listed here" in text
    assert "predictions.csv) holds every prediction" in text
    (few_rows, few_pictures, few_views), (many_rows, pictures, many_views) = counts
    assert many_rows == few_rows == 1 + claims.MOST_ROWS
    assert pictures == few_pictures
    # Each that is wrong may have one.
    assert many_views < 4 * few_views


def test_a_post_of_many_classes_has_a_row_for_each_and_none_for_each_pair() -> None:
    few, many = (sum(tables(post(scaled.make(300, classes, variants=1)))) for classes in (20, 60))
    assert 40 <= many - few < 3 * 40


def test_a_post_of_many_variants_has_as_many_comparisons() -> None:
    few, many = (scaled.make(variants=count) for count in (2, 20))
    same = {name: v.model_copy(update={"changes": {"head.learning_rate": 1 / (i + 1)}}) for i, (name, v) in
            enumerate(many.variants.items())}  # fmt: skip
    text = post(many.changed(variants=same))
    assert "19 comparisons" in text
    assert "171 pairs differ in one setting alone: too many to compare" in text
    assert "too many to compare" not in post(few)
