"""The terminal's tables end after so many rows, and say what they leave out."""

import io
from dataclasses import replace

from rich.console import Console

from generator.diff import terminal
from generator.diff.compare import Comparison
from generator.diff.environment import EnvironmentChange
from generator.diff.metrics import MetricChange
from generator.diff.settings import SettingChange
from generator.diff.terminal import MOST, shortened


def comparison(classes: int) -> Comparison:
    """A build in which recall of so many classes, and then the loss, got worse."""
    names = [*(f"classes.{i}.recall" for i in range(classes)), "test.loss"]
    metrics = tuple(MetricChange("baseline", name, 0.5, 0.25, "worse") for name in names)
    unchanged = MetricChange("baseline", "test.accuracy", 0.5, 0.5, "unchanged")
    return Comparison("old", "new", (), (*metrics, unchanged), (), (), (), (), EnvironmentChange("", ()), None, "")


def text_of(found: Comparison, *, everything: bool = False) -> str:
    stream = io.StringIO()
    Console(file=stream, width=160, color_system=None).print(terminal.to_table(found, everything=everything))
    return stream.getvalue()


def test_what_is_told_class_by_class_goes_first_and_is_counted() -> None:
    text = text_of(comparison(3 * MOST))
    assert text.count("classes.") == MOST - 1
    assert "test.loss" in text
    assert f"And {2 * MOST + 1} more metrics; --all lists them." in text
    assert "1 metrics unchanged" in text


def test_all_lists_every_row_and_few_rows_need_no_note() -> None:
    everything = text_of(comparison(3 * MOST), everything=True)
    assert everything.count("classes.") == 3 * MOST
    few = text_of(comparison(MOST - 1))
    assert few.count("classes.") == MOST - 1
    assert "more metrics" not in everything + few


def test_rows_that_are_kept_stay_in_order() -> None:
    rows = [{"metric": f"classes.{i}.f1" if i % 2 else f"test.{i}"} for i in range(2 * MOST)]
    kept = shortened(rows)
    assert kept == rows[::2]
    assert shortened(rows[:5]) == rows[:5]


def test_settings_are_counted_as_well() -> None:
    settings = tuple(SettingChange(f"head.{i}", "1", "2", ()) for i in range(MOST + 7))
    text = text_of(replace(comparison(1), settings=settings))
    assert "And 7 more settings; --all lists them." in text
