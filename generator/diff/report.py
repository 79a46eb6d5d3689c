"""Prints a comparison of two builds: as a table in the terminal, as Markdown, as JSON, as one HTML page.

`to_table`, `to_markdown`, `to_json` and `to_html` take a `diff.Comparison` and write nothing. The Markdown is
for a pull request or an issue and no longer than GitHub takes; the page holds everything, its pictures
inside, and opens offline. What another processor gives is one sentence, unless `everything` is wanted.
"""

import base64
import dataclasses
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.diff import fitting, metrics
from generator.diff import pictures as picture_diff
from generator.diff.compare import Comparison, Outcome, Paired, PredictionChange
from generator.diff.environment import EnvironmentChange
from generator.diff.measured import MeasuredChange
from generator.diff.metrics import MetricChange
from generator.experiment.metrics import direction, format_of
from generator.support import escape, formats, strict_json
from generator.support.places import TEMPLATES

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

OUTCOMES: tuple[Outcome, ...] = ("broken", "mended", "still wrong")
"""In the order in which a reader wants them."""

MOST = 100
"""Images that the page shows per outcome; the others are listed."""

SHORTENED = ("images", "versions", "figures", "metrics", "settings", "pairs", "measured", "variants", "gates")
"""The lists of the Markdown, in the order in which they are shortened where not all of it fits."""

_NAMES = 10
"""Names that are written out in a cell or a line."""

_CLIPPED = 200
"""Characters of a label, which may be a path, in a heading or sentence of the Markdown."""

_THUMBNAIL = 96

_COLOURS = {"improved": "green", "worse": "red", "added": "cyan", "missing": "magenta", "changed": "yellow"}


def to_table(comparison: Comparison, *, everything: bool = False) -> "Group":
    """For rich's console."""
    from rich.console import Group  # Late: the other forms do not need it.
    from rich.text import Text

    parts: list[Any] = [Text(f"{comparison.old} → {comparison.new}", style="bold")]
    if comparison.nothing:
        parts.append(_line(_sentence(comparison.nothing)))
    elif comparison.same:
        parts.append(Text("No differences."))
    if comparison.rounding and not everything:
        parts.append(_line(_sentence(f"{comparison.rounding.text}; --all lists them")))
    else:
        parts += _tables(comparison)
        parts += [Text(line) for line in _lines(comparison)]
    parts += [_line(line) for line in _environment_lines(comparison.environment, everything)]
    parts += [Text(f"gate passed: {result}", style="green") for result in comparison.gates if result.passed]
    parts += [Text(f"gate missed: {result}", style="red") for result in comparison.missed]
    return Group(*parts)


def _line(text: str) -> "Text":
    """A sentence that stays one line, so that it can be searched for, wherever the terminal breaks it."""
    from rich.text import Text

    return Text(text, no_wrap=True, overflow="ignore")


def _tables(comparison: Comparison) -> list[Any]:
    """Settings and metrics that differ."""
    from rich.table import Table
    from rich.text import Text

    tables = []
    if comparison.settings:
        table = Table("setting", "old", "new", "variants", title="Settings that differ", title_justify="left")
        for change in comparison.settings:
            cells = (change.setting, _short(change.old), _short(change.new), ", ".join(change.variants) or "all")
            table.add_row(*map(Text, cells))
        tables.append(table)
    rows = _rows(comparison)
    if rows:
        table = Table(*_CELLS[:-1], "95% interval", "", title="Metrics", title_justify="left")
        for row in rows:
            style = _COLOURS.get(row["status"], "")
            verdict = ", ".join(filter(None, (row["status"], row["note"])))
            table.add_row(*(Text(row[cell], style=style) for cell in _CELLS), Text(verdict, style=style))
        tables.append(table)
    return tables


def to_markdown(comparison: Comparison, *, everything: bool = False, limit: int = fitting.GITHUB) -> str:
    """GitHub-flavoured Markdown of at most `limit` characters; what is left out is counted."""
    render = _renderer("diff.md.j2", comparison, {}, everything, limit)
    counts = {name: len(rows) for name, rows in _lists(comparison, everything).items()}
    most_images = max((len(pair.of(o)) for pair in comparison.predictions for o in OUTCOMES), default=0)
    return fitting.fit(render, {name: {**counts, "images": most_images}[name] for name in SHORTENED}, limit)


def to_html(comparison: Comparison, thumbnails: Mapping[str, bytes] | None = None, *, everything: bool = False) -> str:
    """One page that needs nothing else. `thumbnails` are PNG files by the test image's name."""
    images = {file: _data_url(content) for file, content in (thumbnails or {}).items()}
    return _renderer("diff.html.j2", comparison, images, everything)({"images": MOST})


def to_json(comparison: Comparison) -> str:
    """Everything but the pictures themselves."""
    table: dict[str, Any] = {"schema_version": strict_json.SCHEMA_VERSION, **dataclasses.asdict(comparison)}
    for figure in table["figures"]:
        del figure["old"], figure["new"]
    return strict_json.to_json(table)


def thumbnails(comparison: Comparison, folder: Path) -> dict[str, bytes]:
    """PNG thumbnails of the images in the comparison, read from the data set in `folder`; absent ones left out."""
    from PIL import Image, ImageOps

    files = {change.file for pair in comparison.predictions for change in pair.changes}
    made = {}
    for file in sorted(files):
        stream = io.BytesIO()
        try:
            with Image.open(folder / file) as image:
                small = ImageOps.exif_transpose(image).convert("RGBA")
            small.thumbnail((_THUMBNAIL, _THUMBNAIL))
            small.save(stream, "PNG")
        except (OSError, ValueError, Image.DecompressionBombError):
            continue  # A picture that is gone leaves its name.
        made[file] = stream.getvalue()
    return made


_CELLS = ("variant", "metric", "old", "new", "change", "interval")


def _rows(comparison: Comparison) -> list[dict[str, str]]:
    """Metrics that differ, as text, but for variants that only one build has."""
    alone = _alone(comparison)
    return [
        {
            "variant": change.variant,
            "metric": change.metric,
            "old": _value(change.metric, change.old),
            "new": _value(change.metric, change.new),
            "change": _difference(change),
            "interval": _interval(change),
            "status": change.status,
            "note": change.note,
        }
        for change in comparison.metrics
        if change.status != "unchanged" and change.variant not in alone
    ]


def _alone(comparison: Comparison) -> dict[str, str]:
    """Variant → `added` or `missing`, for those that only one build has."""
    statuses: dict[str, set[str]] = {}
    for change in comparison.metrics:
        statuses.setdefault(change.variant, set()).add(change.status)
    return {name: next(iter(found)) for name, found in statuses.items() if found in ({"added"}, {"missing"})}


def _figures(comparison: Comparison) -> list[picture_diff.PictureChange]:
    """Figures that differ, but for those of variants that only one build has."""
    alone = _alone(comparison)
    return [figure for figure in comparison.figures if figure.scope not in alone]


def _lines(comparison: Comparison) -> list[str]:
    """What is no table: sentences about variants, predictions and figures."""
    lines = [f"variant {name}: {status}" for name, status in _alone(comparison).items()]
    unchanged = sum(change.status == "unchanged" for change in comparison.metrics)
    if unchanged and not comparison.same:
        lines.append(f"{unchanged} metrics unchanged")
    for pair in comparison.predictions:
        if pair.p is None or pair.of("broken") or pair.of("mended"):
            lines.append(f"{pair.variant}: {pair.verdict}")
            lines += [f"  {outcome}: {_listed(pair.of(outcome))}" for outcome in OUTCOMES if pair.of(outcome)]
    lines += [f"{each.variant}: {each.verdict}" for each in _measured(comparison)]
    lines += [f"figure {f.scope}/{f.name}: {_figure_text(f)}" for f in _figures(comparison)]
    return lines


def _environment_lines(environment: EnvironmentChange, everything: bool) -> list[str]:
    """One line for all packages, the first of them named; with `everything` one for each."""
    changes = [f"{change.name} {change.old or 'none'} → {change.new or 'none'}" for change in environment.changes]
    if not changes:
        return [_sentence(environment.summary)] if environment.summary else []
    if everything:
        return [_sentence(environment.summary), *(f"  {change}" for change in changes)]
    return [f"{environment.summary}: {_some(changes, 3)}"]


def _some(names: Sequence[str], most: int = _NAMES) -> str:
    """The first of the names, and how many more there are."""
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _listed(changes: Sequence[PredictionChange]) -> str:
    return _some(
        [
            f"{escape.clean(c.file)} ({escape.clean(c.old)} {formats.percent(c.old_confidence)} → "
            f"{escape.clean(c.new)} {formats.percent(c.new_confidence)})"
            for c in changes
        ]
    )


def _figure_text(figure: picture_diff.PictureChange) -> str:
    if figure.status != "changed":
        return figure.status
    share = formats.share(figure.changed / figure.pixels)
    return f"{formats.count(figure.changed)} of {formats.count(figure.pixels)} pixels differ ({share})"


def _value(metric: str, value: float | None) -> str:
    if value is None:
        return "—"
    if isinstance(value, int):
        return f"{value:,}"
    return formats.FORMATS[format_of(metric)](value)


def _difference(change: MetricChange) -> str:
    return "—" if change.old is None or change.new is None else _signed(change.metric, change.new - change.old)


def _interval(change: MetricChange) -> str:
    """Of the difference; empty where none is known."""
    if change.low is None or change.high is None:
        return ""
    return f"{_signed(change.metric, change.low)} to {_signed(change.metric, change.high)}"


def _signed(metric: str, difference: float) -> str:
    text = _value(metric, abs(difference))
    return text if not difference else ("+" if difference > 0 else "−") + text


def _short(text: str) -> str:
    """Fingerprints and long lists cut short."""
    return text if len(text) <= 40 else text[:12] + "…"


def _renderer(
    template: str, comparison: Comparison, images: Mapping[str, str], everything: bool, limit: int = fitting.GITHUB
) -> Callable[[Mapping[str, int]], str]:
    """Writes the page or Markdown with so many rows of each list; with all of those that are not named."""
    from generator.post import templating  # Late: the other forms do not need Jinja.

    lists = _lists(comparison, everything)
    with templating.guarded(TEMPLATES):
        environment = templating.environment(TEMPLATES, autoescape=template.endswith(".html.j2"), filters=_filters())
        loaded = environment.get_template(template)
    context = {
        "comparison": comparison,
        "folded": comparison.rounding is not None and not everything,
        "missed": len(comparison.missed),
        "unchanged": sum(change.status == "unchanged" for change in comparison.metrics),
        "outcomes": OUTCOMES,
        "images": images,
        "limit": limit,
        "better": {"higher": "higher is better", "lower": "lower is better", None: ""},
        "direction": direction,
    }

    def write(most: Mapping[str, int]) -> str:
        shown = {name: rows[: most.get(name)] for name, rows in lists.items()}
        left = {name: len(rows) - len(shown[name]) for name, rows in lists.items()}
        listed = [len(pair.of(outcome)) for pair in shown["pairs"] for outcome in OUTCOMES]
        left["images"] = sum(max(0, count - most["images"]) for count in listed)
        with templating.guarded(TEMPLATES):
            return loaded.render(context, shown=shown, left=left, most=most["images"])

    return write


def _lists(comparison: Comparison, everything: bool) -> dict[str, Sequence[Any]]:
    """The rows of every list by its name in `SHORTENED`, but for the images, which stand in the pairs."""
    folded = comparison.rounding is not None and not everything
    return {
        "gates": sorted(comparison.gates, key=lambda result: result.passed),
        "settings": () if folded else comparison.settings,
        "metrics": () if folded else _rows(comparison),
        "variants": list(_alone(comparison).items()),
        "pairs": () if folded else _pairs(comparison),
        "measured": () if folded else _measured(comparison),
        "figures": () if folded else _figures(comparison),
        "versions": comparison.environment.changes,
    }


def _pairs(comparison: Comparison) -> list[Paired]:
    """What is to be said about the predictions of each variant."""
    return [pair for pair in comparison.predictions if (pair.p is None or pair.changes) and not comparison.same]


def _measured(comparison: Comparison) -> list[MeasuredChange]:
    """What is to be said about the images to measure with, of each variant."""
    return [change for change in comparison.measured if change.differs and not comparison.same]


def _filters() -> dict[str, Callable[..., Any]]:
    return {
        "text": escape.clean,
        "markdown": escape.markdown,
        "short": _short,
        "clipped": _clipped,
        "sentence": _sentence,
        "some": _some,
        "count": formats.count,
        "percent": formats.percent,
        "figure_text": _figure_text,
        "marked": _marked,
        "shown": metrics.shown,
        "data_url": _data_url,
    }


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _clipped(text: str) -> str:
    """A label whose middle is left out where it is long."""
    half = _CLIPPED // 2
    return text if len(text) <= _CLIPPED else f"{text[:half]}…{text[-half:]}"


def _marked(figure: picture_diff.PictureChange) -> bytes | None:
    if figure.status != "changed" or figure.old is None or figure.new is None:
        return None
    return picture_diff.marked(figure.old, figure.new)


def _data_url(content: bytes) -> str:
    kind = "image/webp" if content[8:12] == b"WEBP" else "image/png"
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
