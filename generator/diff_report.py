"""Prints a comparison of two builds: as a table in the terminal, as Markdown, as JSON, as one HTML page.

`to_table`, `to_markdown`, `to_json` and `to_html` take a `diff.Comparison` and write nothing. The Markdown is
for a pull request or an issue, `markdown_files` gives it with thumbnails; the page holds its pictures inside
and opens offline.
"""

import base64
import dataclasses
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator import escape, formats, metric_diff, picture_diff, strict_json
from generator.diff import Comparison, Outcome, PredictionChange
from generator.metric_diff import MetricChange

if TYPE_CHECKING:
    from rich.console import Group

TEMPLATES = Path(__file__).parent.parent / "templates"

OUTCOMES: tuple[Outcome, ...] = ("broken", "mended", "still wrong")
"""In the order in which a reader wants them."""

MOST = 100
"""Images listed per outcome; the others are counted."""

_THUMBNAIL = 96

_COLOURS = {"improved": "green", "worse": "red", "added": "cyan", "missing": "magenta", "changed": "yellow"}

_RATIOS = {"accuracy", "val_accuracy", "precision", "recall", "f1", "roc_auc"}


def to_table(comparison: Comparison) -> "Group":
    """For rich's console."""
    from rich.console import Group  # Late: the other forms do not need it.
    from rich.table import Table
    from rich.text import Text

    parts: list[Any] = [Text(f"{comparison.old} → {comparison.new}", style="bold")]
    if comparison.same:
        parts.append(Text("No differences."))
    if comparison.settings:
        table = Table("setting", "old", "new", "variants", title="Settings that differ", title_justify="left")
        for change in comparison.settings:
            cells = (change.setting, _short(change.old), _short(change.new), ", ".join(change.variants) or "all")
            table.add_row(*map(Text, cells))
        parts.append(table)
    rows = _rows(comparison)
    if rows:
        table = Table("variant", "metric", "old", "new", "change", "", title="Metrics", title_justify="left")
        for row in rows:
            style = _COLOURS.get(row["status"], "")
            verdict = ", ".join(filter(None, (row["status"], row["note"])))
            table.add_row(*(Text(row[cell], style=style) for cell in _CELLS), Text(verdict, style=style))
        parts.append(table)
    parts += [Text(line) for line in _lines(comparison)]
    parts += [Text(f"gate passed: {result}", style="green") for result in comparison.gates if result.passed]
    parts += [Text(f"gate missed: {result}", style="red") for result in comparison.missed]
    return Group(*parts)


def to_markdown(comparison: Comparison, images: Mapping[str, str] | None = None) -> str:
    """GitHub-flavoured Markdown. `images` gives thumbnails' URLs by the test image's name."""
    return _render("diff.md.j2", comparison, images=images or {})


def markdown_files(comparison: Comparison, name: str, thumbnails: Mapping[str, bytes]) -> dict[str, bytes]:
    """`<name>.md` and the thumbnails that it shows, in `<name>-images/`: relative path → content."""
    # Numbered, because the images' own names come from outside.
    urls = {file: f"{name}-images/{number}.png" for number, file in enumerate(thumbnails, start=1)}
    pictures = {urls[file]: content for file, content in thumbnails.items()}
    return {f"{name}.md": to_markdown(comparison, urls).encode(), **pictures}


def to_html(comparison: Comparison, thumbnails: Mapping[str, bytes] | None = None) -> str:
    """One page that needs nothing else. `thumbnails` are PNG files by the test image's name."""
    images = {file: _data_url(content) for file, content in (thumbnails or {}).items()}
    return _render("diff.html.j2", comparison, images=images)


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


_CELLS = ("variant", "metric", "old", "new", "change")


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
    return [figure for figure in comparison.figures if figure.scope not in _alone(comparison)]


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
    lines += [f"figure {f.scope}/{f.name}: {_figure_text(f)}" for f in _figures(comparison)]
    return lines


def _listed(changes: Sequence[PredictionChange]) -> str:
    shown = ", ".join(
        f"{escape.clean(c.file)} ({escape.clean(c.old)} {formats.percent(c.old_confidence)} → "
        f"{escape.clean(c.new)} {formats.percent(c.new_confidence)})"
        for c in changes[:10]
    )
    return shown + (f", and {len(changes) - 10} more" if len(changes) > 10 else "")


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
    return formats.accuracy(value) if metric.rsplit(".", 1)[-1] in _RATIOS else formats.loss(value)


def _difference(change: MetricChange) -> str:
    if change.old is None or change.new is None:
        return "—"
    difference = change.new - change.old
    return ("+" if difference > 0 else "−") + _value(change.metric, abs(difference))


def _short(text: str) -> str:
    """Fingerprints and long lists cut short."""
    return text if len(text) <= 40 else text[:12] + "…"


def _render(template: str, comparison: Comparison, images: Mapping[str, str]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=template.endswith(".html.j2"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "text": escape.clean,
        "markdown": escape.markdown,
        "short": _short,
        "percent": formats.percent,
        "figure_text": _figure_text,
        "shown": metric_diff.shown,
        "data_url": _data_url,
    }
    return environment.get_template(template).render(
        comparison=comparison,
        rows=_rows(comparison),
        alone=_alone(comparison),
        unchanged=sum(change.status == "unchanged" for change in comparison.metrics),
        outcomes=OUTCOMES,
        pairs=[pair for pair in comparison.predictions if (pair.p is None or pair.changes) and not comparison.same],
        figures=[{"change": figure, "marked": _marked(figure)} for figure in _figures(comparison)]
        if template.endswith(".html.j2")
        else _figures(comparison),
        images=images,
        most=MOST,
        better={"higher": "higher is better", "lower": "lower is better", None: ""},
        direction=metric_diff.direction,
    )


def _marked(figure: picture_diff.PictureChange) -> bytes | None:
    if figure.status != "changed" or figure.old is None or figure.new is None:
        return None
    return picture_diff.marked(figure.old, figure.new)


def _data_url(content: bytes) -> str:
    kind = "image/webp" if content[8:12] == b"WEBP" else "image/png"
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
