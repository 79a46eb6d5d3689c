"""Fills what was measured into the documents: `make docs`, or `python tools/write_docs.py [--check]`.

A document never holds a result that somebody typed. It holds two comments, which Markdown does not show, and what
stands between them is written by this program:

    `make site` took <!-- from benchmarks/recorded/commands.json#/site/seconds as minutes -->8<!-- / --> minutes.

    <!-- from benchmarks/recorded/scaling.json as benchmarks.scaling:as_markdown -->

    | data | images | seconds | …

    <!-- / -->

`from FILE#/POINTER`: a JSON or TOML file of the repository and a JSON Pointer (RFC 6901) into it; without a pointer all
that the file holds; of a file of another kind its path. Of experiment.toml also the settings that it leaves.
A line `<!-- figures from FILE -->` says the file of all that follow with a pointer alone: `from #/POINTER`.
`as FORMAT`: a name of generator/support/formats.py or of `FORMATS` here, a format of Python (`.2f`), or a function
`module:name`, which is called with the value and the words behind it, and returns text.

What ends its line after the first comment is a block with lines of its own. Others stand within a line and never begin
it, because Markdown would take the rest of the line as HTML. Comments in code are left alone.
"""

import argparse
import importlib
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from generator.experiment.config import loading  # noqa: E402
from generator.support import formats  # noqa: E402
from generator.support.errors import BadInput  # noqa: E402
from generator.support.files import file_hash, write_atomically  # noqa: E402  # found below ROOT

DOCUMENTS = ("*.md", "docs/**/*.md", "benchmarks/**/*.md", "tools/**/*.md", "generator/**/*.md")
"""Files that are filled, below the project; what stands in templates and site is made by a build."""

COMMAND = "make docs"

SETTINGS = "experiment.toml"

TOKENS = re.compile(
    r"^(?P<fence>```+|~~~+).*?^(?P=fence)|(?P<ticks>`+)(?:(?!\n\n|(?P=ticks)).)+(?P=ticks)"
    r"|<!--\s+figures\s+from\s+(?P<file>\S+)\s+-->"
    r"|(?P<open><!--\s+from\s+(?P<source>[^>]+?)\s+as\s+(?P<format>[^>]+?)\s+-->)(?P<text>.*?)(?P<close><!-- / -->)"
    r"|(?P<stray><!--\s+from\s|<!-- / -->)",
    re.MULTILINE | re.DOTALL,
)
_BEGINS_LINE = re.compile(r"[\s>]*([-*+]|\d+[.)])?\s*")
"""All of a line before a comment that Markdown would take as the beginning of HTML."""


@dataclass(frozen=True)
class Place:
    """What one pair of comments asks for, and what stands between them."""

    line: int
    source: str
    format: str
    text: str
    start: int
    """Of the text, in the document."""

    @property
    def is_block(self) -> bool:
        """Whether the text has lines of its own."""
        return self.text.startswith("\n")


def duration(seconds: float) -> str:
    """Seconds as one says them: 48 s, 8 min 12 s, 1 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


FORMATS: Final[dict[str, Callable[[Any], str]]] = {
    **formats.FORMATS,
    "text": str,
    "minutes": lambda seconds: f"{seconds / 60:.0f}",
    "duration": duration,
    "megabytes": lambda size: f"{size / 1e6:.0f} MB",
    "mebibytes": lambda size: f"{size / 2**20:.0f} MiB",
    "gibibytes": lambda size: f"{round(size / 2**30, 1):g} GiB",
    "sha256": file_hash,
    "bytes": lambda path: f"{path.stat().st_size:,} bytes",
}
"""Name → function from a value to its text; the last two are of a file."""


def documents(root: Path = ROOT) -> list[Path]:
    return sorted({path for pattern in DOCUMENTS for path in root.glob(pattern)})


def filled(text: str, name: str, root: Path = ROOT) -> str:
    """A document with what it asks for. Raises `BadInput`, which says `name` and the line, where it cannot be had."""
    parts, end = [], 0
    for place in places(text):
        try:
            parts += [text[end : place.start], _between(_checked(text, place), root)]
        except BadInput as error:
            raise BadInput(f"{name}:{place.line}: {error}") from error
        end = place.start + len(place.text)
    return "".join([*parts, text[end:]])


def places(text: str) -> Iterator[Place]:
    """Everything in a document that is filled, in order, and comments that lack their other."""
    file = ""
    for found in TOKENS.finditer(text):
        file = found["file"] or file
        if not (found["open"] or found["stray"]):
            continue
        source, chosen = (" ".join((found[part] or "").split()) for part in ("source", "format"))
        line = text.count("\n", 0, found.start()) + 1
        source = file + source if source.startswith("#") else source
        yield Place(line, source, chosen, found["text"] or "", found.start() + len(found["open"] or ""))


def _checked(text: str, place: Place) -> Place:
    """The place, if its comments are where they may be."""
    if not place.source or "<!-- from" in place.text:
        raise BadInput("a comment without its other; write <!-- from FILE#/POINTER as FORMAT -->…<!-- / -->")
    before = text[: text.rfind("<!--", 0, place.start)].rpartition("\n")[2]
    if not place.is_block and _BEGINS_LINE.fullmatch(before):
        raise BadInput("the comment begins its line, which Markdown takes as HTML; put a word before it")
    return place


def _between(place: Place, root: Path) -> str:
    """What belongs between the comments."""
    value = written(value_of(place.source, root), place.format).strip()
    if place.is_block:
        return f"\n\n{value}\n\n"
    if "\n" in value:
        raise BadInput(f"{place.format} gives several lines; end the line after the first comment")
    return value


def value_of(source: str, root: Path = ROOT) -> Any:
    """What `FILE#/POINTER` points at."""
    name, _, pointer = source.partition("#")
    path = root / name
    if not path.is_file():
        raise BadInput(f"there is no file {name}")
    if path.suffix not in (".json", ".toml"):
        return path
    value = _content(path)
    if pointer and not pointer.startswith("/"):
        raise BadInput(f"{source}: a pointer begins with a slash, as in {name}#/seconds")
    for step in pointer.split("/")[1:]:
        value = _member(value, step.replace("~1", "/").replace("~0", "~"), source)
    return value


def _content(path: Path) -> Any:
    try:
        found = (json.loads if path.suffix == ".json" else tomllib.loads)(path.read_text("utf-8"))
    except ValueError as error:
        raise BadInput(f"{path.name} cannot be read: {error}") from error
    if path.name != SETTINGS:
        return found
    settings = loading.load(path)
    return found | settings.baseline.recipe.model_dump() | {"data": settings.data.model_dump()}


def _member(value: Any, step: str, source: str) -> Any:
    if isinstance(value, dict) and step in value:
        return value[step]
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    choices = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    raise BadInput(f"{source}: there is no {step!r}; there is {', '.join(map(str, choices)) or 'nothing'}")


def written(value: Any, chosen: str) -> str:
    """`value` in the format `chosen`."""
    function, *arguments = _function(chosen)
    try:
        return str(function(value, *arguments))
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise BadInput(f"{chosen} cannot be made of it ({type(error).__name__}: {error})") from error


def _function(chosen: str) -> tuple[Any, ...]:
    """The function that a format names, and its arguments after the value."""
    name, *arguments = chosen.split()
    if name in FORMATS:
        return FORMATS[name], *arguments
    if name[0] in ".,+":
        return format, name
    module, colon, function = name.partition(":")
    try:
        return getattr(importlib.import_module(module), function), *arguments
    except (ImportError, AttributeError, ValueError) as error:
        known = ", ".join(FORMATS) if not colon else error
        raise BadInput(f"unknown format {name}: choose from {known}, .2f, module:function") from error


def stale(root: Path = ROOT) -> dict[Path, str]:
    """Document → what it should be, of all that are not. Raises `BadInput` with all faults, one a line."""
    found, faults = {}, []
    for path in documents(root):
        text = path.read_text("utf-8")
        try:
            renewed = filled(text, path.relative_to(root).as_posix(), root)
        except BadInput as error:
            faults.append(str(error))
            continue
        if renewed != text:
            found[path] = renewed
    if faults:
        raise BadInput("\n".join(faults))
    return found


def differences(path: Path, renewed: str, root: Path = ROOT) -> list[str]:
    """One line for each place of a document that is stale."""
    pairs = zip(places(path.read_text("utf-8")), places(renewed), strict=True)
    name = path.relative_to(root).as_posix()
    return [
        f"{name}:{old.line}: {old.source} is now {_where_other(new.text, old.text)}, "
        f"not {_where_other(old.text, new.text)}"
        for old, new in pairs
        if old.text != new.text
    ]


def _where_other(text: str, other: str) -> str:
    """Some of a text, from a little before the place where it differs from another."""
    same = next((i for i, pair in enumerate(zip(text, other, strict=False)) if len(set(pair)) > 1), 0)
    begin = max(0, same - 20)
    shown = " ".join(text[begin : begin + 60].split())
    return f"{'…' if begin else ''}{shown}{'…' if begin + 60 < len(text) else ''}" or "nothing"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python tools/write_docs.py", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a document is stale")
    options = parser.parse_args(arguments)
    try:
        found = stale()
    except BadInput as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for path, renewed in found.items():
        print("\n".join(differences(path, renewed)))
        if not options.check:
            write_atomically(path, renewed.encode("utf-8"))
    if options.check and found:
        print(f"renew them with `{COMMAND}`", file=sys.stderr)
    return 1 if options.check and found else 0


if __name__ == "__main__":
    sys.exit(main())
