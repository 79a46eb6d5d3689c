"""What is said of near-duplicates, counted over parts and classes, and refused where that is asked for."""

import pytest

from generator.data import summary
from generator.data.near import NearReport, Pair
from generator.data.pixels import PixelReport
from generator.data.splits import Split
from generator.experiment.config.settings import DataSettings, SplitSettings
from generator.experiment.data_summary import Copy, NearDuplicate, NearDuplicates, Part
from generator.support.errors import BadInput
from tests.data.test_summary import make_dataset
from tests.factories import make_data


def files(part: Part, *names: str, of: str = "camel") -> tuple[Copy, ...]:
    return tuple(Copy(file=f"{part}/{of}/{name}.png", class_name=of, part=part) for name in names)


def near(first: tuple[Copy, ...], second: tuple[Copy, ...]) -> NearDuplicate:
    return NearDuplicate(first=first, second=second, correlation=0.97, mirrored=False, distance=6)


PLAIN = near(files("train", "1"), files("train", "2"))
CROSSING = near(files("train", "3"), files("validation", "4"))
TESTED = near(files("train", "5"), files("test", "1", "2"))
CHOSEN = near(files("validation", "6", of="horse"), files("test", "3"))
IN_TEST = near(files("test", "4"), files("test", "5"))
ALL = NearDuplicates(handling="report", pairs=(PLAIN, CROSSING, TESTED, CHOSEN, IN_TEST))


def test_pairs_are_counted_by_the_parts_that_they_join() -> None:
    assert ALL.within == {"train": 1, "validation": 0, "test": 1}
    assert (ALL.crossing, ALL.known, ALL.contradictory) == ((CROSSING,), (TESTED, CHOSEN), (CHOSEN,))


def test_suspects_are_test_images_known_from_training_or_validation() -> None:
    data = make_data(near=ALL)
    assert [copy.file for copy in data.suspects] == [f"test/camel/{number}.png" for number in (1, 2, 3)]
    assert make_data().suspects == ()


def test_the_summary_names_all_files_of_either_picture() -> None:
    report = PixelReport(notes={}, transparent=0, copies=((2, 4),))
    found = NearReport(copies=(), pairs=(Pair(first=1, second=2, correlation=0.95, mirrored=True, distance=9),))
    told = summary.summarise(make_dataset(), report, Split((0, 2, 3), (1,)), DataSettings(batch_size=1), near=found)
    assert told.near is not None
    (pair,) = told.near.pairs
    assert [(c.file, c.part) for c in pair.first] == [("train/bear/2.png", "validation")]
    assert [(c.file, c.part) for c in pair.second] == [("train/cat/1.png", "train"), ("test/bear/1.png", "test")]
    assert pair.mirrored
    assert told.near.crossing == told.near.known == told.near.contradictory == (pair,)


def test_what_is_near_belongs_together_over_several_pairs() -> None:
    pairs = [(1, 2), (5, 6), (2, 9)]
    found = NearReport(
        copies=(), pairs=tuple(Pair(first=a, second=b, correlation=1, mirrored=False, distance=0) for a, b in pairs)
    )
    assert found.together == ((1, 2, 9), (5, 6))


def test_the_terminal_names_pairs_and_what_they_mean() -> None:
    lines = list(summary.every_remark(make_data(near=ALL), SplitSettings()))
    assert lines[0].startswith(
        "5 pairs of near-duplicates are in the data set: train/camel/1.png ~ train/camel/2.png; "
    )
    assert any(line.startswith("2 pairs of near-duplicates are both learnt from and tested with") for line in lines)
    assert any(line.startswith("1 pair of near-duplicates is both trained on and validated") for line in lines)
    assert list(summary.every_remark(make_data(near=NearDuplicates(handling="group", pairs=())), SplitSettings())) == []


def test_pairs_are_refused_only_where_that_is_asked_for() -> None:
    summary.refuse_near(make_data(near=ALL))
    summary.refuse_near(make_data(near=NearDuplicates(handling="refuse", pairs=())))
    refusing = ALL.model_copy(update={"handling": "refuse"})
    with pytest.raises(BadInput, match=r"5 pairs .* train/camel/1.png ~ train/camel/2.png; .*near_duplicates=group"):
        summary.refuse_near(make_data(near=refusing))
