"""Prints a comparison of two builds in the terminal: tables of settings and metrics, sentences for the rest."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from generator.diff.compare import Comparison, PredictionChange
from generator.diff.environment import EnvironmentChange
from generator.diff.report import (
    CELLS,
    OUTCOMES,
    alone,
    figure_text,
    figures_of,
    measured_of,
    metric_rows,
    sentence,
    short,
    some,
)
from generator.support import escape, formats

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

MOST = 100
"""Rows of a table, without `--all`."""

_DETAILS = ("classes.",)
"""Beginnings of metrics that there are many of where there are many classes."""

_COLOURS = {"improved": "green", "worse": "red", "added": "cyan", "missing": "magenta", "changed": "yellow"}


def to_table(comparison: Comparison, *, everything: bool = False) -> "Group":
    """For rich's console."""
    from rich.console import Group  # Late: the other forms do not need it.
    from rich.text import Text

    parts: list[Any] = [Text(f"{comparison.old} → {comparison.new}", style="bold")]
    if comparison.nothing:
        parts.append(_line(sentence(comparison.nothing)))
    elif comparison.same:
        parts.append(Text("No differences."))
    if comparison.rounding and not everything:
        parts.append(_line(sentence(f"{comparison.rounding.text}; --all lists them")))
    else:
        parts += _tables(comparison, everything)
        parts += [Text(line) for line in _lines(comparison)]
    parts += [_line(line) for line in _environment_lines(comparison.environment, everything)]
    parts += [Text(f"gate passed: {result}", style="green") for result in comparison.gates if result.passed]
    parts += [Text(f"gate missed: {result}", style="red") for result in comparison.missed]
    return Group(*parts)


def _line(text: str) -> "Text":
    """A sentence that stays one line, so that it can be searched for, wherever the terminal breaks it."""
    from rich.text import Text

    return Text(text, no_wrap=True, overflow="ignore")


def _tables(comparison: Comparison, everything: bool) -> list[Any]:
    """Settings and metrics that differ, of each the first `MOST` without `everything`, and how many more there are."""
    from rich.table import Table
    from rich.text import Text

    parts: list[Any] = []
    if comparison.settings:
        table = Table("setting", "old", "new", "variants", title="Settings that differ", title_justify="left")
        kept = comparison.settings if everything else comparison.settings[:MOST]
        for change in kept:
            cells = (change.setting, short(change.old), short(change.new), ", ".join(change.variants) or "all")
            table.add_row(*map(Text, cells))
        parts += [table, *_more(len(comparison.settings) - len(kept), "settings")]
    found = metric_rows(comparison)
    if found:
        table = Table(*CELLS[:-1], "95% interval", "", title="Metrics", title_justify="left")
        rows = found if everything else shortened(found)
        for row in rows:
            style = _COLOURS.get(row["status"], "")
            verdict = ", ".join(filter(None, (row["status"], row["note"])))
            table.add_row(*(Text(row[cell], style=style) for cell in CELLS), Text(verdict, style=style))
        parts += [table, *_more(len(found) - len(rows), "metrics")]
    return parts


def shortened(rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The first `MOST` rows in order; what is told class by class goes first where not all fit."""
    order = sorted(range(len(rows)), key=lambda i: (rows[i]["metric"].startswith(_DETAILS), i))
    return [rows[i] for i in sorted(order[:MOST])]


def _more(left: int, what: str) -> list["Text"]:
    return [_line(f"And {left:,} more {what}; --all lists them.")] if left else []


def _lines(comparison: Comparison) -> list[str]:
    """What is no table: sentences about variants, predictions and figures."""
    lines = [f"variant {name}: {status}" for name, status in alone(comparison).items()]
    unchanged = sum(change.status == "unchanged" for change in comparison.metrics)
    if unchanged and not comparison.same:
        lines.append(f"{unchanged} metrics unchanged")
    for pair in comparison.predictions:
        if pair.p is None or pair.of("broken") or pair.of("mended"):
            lines.append(f"{pair.variant}: {pair.verdict}")
            lines += [f"  {outcome}: {_listed(pair.of(outcome))}" for outcome in OUTCOMES if pair.of(outcome)]
    lines += [f"{each.variant}: {each.verdict}" for each in measured_of(comparison)]
    lines += comparison.reviews
    lines += [f"figure {f.scope}/{f.name}: {figure_text(f)}" for f in figures_of(comparison)]
    return lines


def _environment_lines(environment: EnvironmentChange, everything: bool) -> list[str]:
    """One line for all packages, the first of them named; with `everything` one for each."""
    changes = [f"{change.name} {change.old or 'none'} → {change.new or 'none'}" for change in environment.changes]
    if not changes:
        return [sentence(environment.summary)] if environment.summary else []
    if everything:
        return [sentence(environment.summary), *(f"  {change}" for change in changes)]
    return [f"{environment.summary}: {some(changes, 3)}"]


def _listed(changes: Sequence[PredictionChange]) -> str:
    return some(
        [
            f"{escape.clean(c.file)} ({escape.clean(c.old)} {formats.percent(c.old_confidence)} → "
            f"{escape.clean(c.new)} {formats.percent(c.new_confidence)})"
            for c in changes
        ]
    )
