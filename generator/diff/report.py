"""Prints a comparison of two builds: as Markdown, as JSON, as one HTML page; `terminal` prints it as tables.

`to_markdown`, `to_json` and `to_html` take a `compare.Comparison` and write nothing. The Markdown is
for a pull request or an issue and no longer than GitHub takes; the page holds everything, its pictures
inside, and opens offline. What another processor gives is one sentence, unless `everything` is wanted.
"""

import base64
import dataclasses
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from generator.diff import fitting, metrics
from generator.diff import pictures as picture_diff
from generator.diff.compare import Comparison, Outcome, Paired
from generator.diff.measured import MeasuredChange
from generator.diff.metrics import MetricChange
from generator.experiment.metrics import direction, format_of
from generator.support import escape, formats, program, strict_json
from generator.support.errors import BadInput, BuildFailed
from generator.support.places import TEMPLATES

OUTCOMES: tuple[Outcome, ...] = ("broken", "mended", "still wrong")
"""In the order in which a reader wants them."""

MOST = 100
"""Images that the page shows per outcome; the others are listed."""

LISTED = 1000
"""Images that it shows or lists per outcome; of more, it says how many there are."""

SHORTENED = (
    "images",
    "versions",
    "figures",
    "reviews",
    "metrics",
    "settings",
    "pairs",
    "measured",
    "variants",
    "gates",
)
"""The lists of the Markdown, in the order in which they are shortened where not all of it fits."""

_NAMES = 10
"""Names that are written out in a cell or a line."""

_CLIPPED = 200
"""Characters of a label, which may be a path, in a heading or sentence of the Markdown."""

_THUMBNAIL = 96


def to_markdown(comparison: Comparison, *, everything: bool = False, limit: int = fitting.GITHUB) -> str:
    """GitHub-flavoured Markdown of at most `limit` characters; what is left out is counted.

    Raises `BadInput` where without any rows it has more.
    """
    render = _renderer("diff.md.j2", comparison, {}, everything, limit)
    counts = {name: len(rows) for name, rows in _lists(comparison, everything).items()}
    most_images = max((len(pair.of(o)) for pair in comparison.predictions for o in OUTCOMES), default=0)
    text = fitting.fit(render, {name: {**counts, "images": most_images}[name] for name in SHORTENED}, limit)
    if (least := fitting.characters(text)) > limit:
        raise BadInput(f"--limit {limit}: even without any list the report has {least} characters; give some more")
    return text


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


def thumbnails(comparison: Comparison, located: Callable[[str], Path]) -> dict[str, bytes]:
    """PNG thumbnails of the images that the page shows, `located` by their names; absent ones left out."""
    from PIL import Image

    from generator.data import decoding

    shown = (pair.of(outcome)[:MOST] for pair in comparison.predictions for outcome in OUTCOMES)
    files = {change.file for changes in shown for change in changes}
    made = {}
    for file in sorted(files):
        stream = io.BytesIO()
        try:
            small = Image.fromarray(decoding.read_rgba(located(file)))
        except (OSError, decoding.BadImage, BuildFailed):
            continue  # A picture that is gone leaves its name.
        small.thumbnail((_THUMBNAIL, _THUMBNAIL))
        small.save(stream, "PNG")
        made[file] = stream.getvalue()
    return made


CELLS = ("variant", "metric", "old", "new", "change", "interval")


def metric_rows(comparison: Comparison) -> list[dict[str, str]]:
    """Metrics that differ, as text, but for variants that only one build has."""
    single = alone(comparison)
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
        if change.status != "unchanged" and change.variant not in single
    ]


def alone(comparison: Comparison) -> dict[str, str]:
    """Variant → `added` or `missing`, for those that only one build has."""
    statuses: dict[str, set[str]] = {}
    for change in comparison.metrics:
        statuses.setdefault(change.variant, set()).add(change.status)
    return {name: next(iter(found)) for name, found in statuses.items() if found in ({"added"}, {"missing"})}


def figures_of(comparison: Comparison) -> list[picture_diff.PictureChange]:
    """Figures that differ, but for those of variants that only one build has."""
    single = alone(comparison)
    return [figure for figure in comparison.figures if figure.scope not in single]


def some(names: Sequence[str], most: int = _NAMES) -> str:
    """The first of the names, and how many more there are."""
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def figure_text(figure: picture_diff.PictureChange) -> str:
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


def short(text: str) -> str:
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
        "listed": LISTED,
        "images": images,
        "limit": limit,
        "command": program.as_typed("build.py"),
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
        "metrics": () if folded else metric_rows(comparison),
        "variants": list(alone(comparison).items()),
        "pairs": () if folded else _pairs(comparison),
        "measured": () if folded else measured_of(comparison),
        "reviews": () if folded else comparison.reviews,
        "figures": () if folded else figures_of(comparison),
        "versions": comparison.environment.changes,
    }


def _pairs(comparison: Comparison) -> list[Paired]:
    """What is to be said about the predictions of each variant."""
    return [pair for pair in comparison.predictions if (pair.p is None or pair.changes) and not comparison.same]


def measured_of(comparison: Comparison) -> list[MeasuredChange]:
    """What is to be said about the images to measure with, of each variant."""
    return [change for change in comparison.measured if change.differs and not comparison.same]


def _filters() -> dict[str, Callable[..., Any]]:
    return {
        "text": escape.clean,
        "markdown": escape.markdown,
        "short": short,
        "clipped": _clipped,
        "sentence": sentence,
        "some": some,
        "count": formats.count,
        "percent": formats.percent,
        "figure_text": figure_text,
        "marked": _marked,
        "shown": metrics.shown,
        "data_url": _data_url,
    }


def sentence(text: str) -> str:
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
