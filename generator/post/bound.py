"""Numbers that know where they come from, so that a template cannot print any other.

`view` wraps results so that each number found in them carries its path, as in
`variants.baseline.test.accuracy`; `filters` are the formats, which print such numbers and no others, marked;
`extract` takes the marks off a finished page and lists every number with its place; `value_of` looks a source
up again.

A source is a path, a function of paths as in `count(variants.baseline.wrong)`, or several of these joined by
` + `, ` - ` or ` / `, read from left to right. `original.` starts a path into what the write-up reported,
`networks.` one into the facts of the networks.
"""

import operator
import re
import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, unquote

from markupsafe import Markup

from generator.backbones.registry import BACKBONES
from generator.experiment.reported import REPORTED
from generator.experiment.results import BuildResults
from generator.post.manifest import Number
from generator.post.prose.quantities import FUNCTIONS
from generator.support import escape
from generator.support.errors import BadInput
from generator.support.formats import FORMATS
from generator.support.remembered import remembered


class Unbound(ValueError):
    """A template printed a number without a format, or one that does not come from the results."""


@dataclass(frozen=True)
class Quoted:
    """One code excerpt of a page."""

    line: int
    """Of the line that opens its block, from 1."""
    symbol: str


class Bound:
    """Base of numbers with a source; `-`, `+` and `/` between two of them give another."""

    source: str

    def __str__(self) -> str:
        raise Unbound(f"{self.source} is printed without a format; choose from {', '.join(FORMATS)}")

    def __html__(self) -> str:
        return str(self)

    def __format__(self, spec: str) -> str:
        return str(self)

    def __add__(self, other: Any) -> Any:
        return _combined("+", self, other)

    def __sub__(self, other: Any) -> Any:
        return _combined("-", self, other)

    def __truediv__(self, other: Any) -> Any:
        return _combined("/", self, other)


class BoundInt(Bound, int):
    """A whole number with a source."""


class BoundFloat(Bound, float):
    """A number with a source."""


class Text(str):
    """A string of the results: escaped for Markdown wherever a template prints or joins it."""

    def __html__(self) -> Markup:
        return Markup(escape.markdown(self))


class View:
    """An object of the results; its attributes are views, texts and bound numbers, each made once."""

    def __init__(self, value: Any, path: str) -> None:
        self._value, self._path = value, path
        self._made: dict[Any, Any] = {}

    @property
    def __plain__(self) -> Any:
        """For `prose.plain`."""
        return self._value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._member(name, lambda: getattr(self._value, name))

    def _member(self, key: Any, value: Callable[[], Any]) -> Any:
        if key not in self._made:
            self._made[key] = view(value(), _joined(self._path, str(key)))
        return self._made[key]


class TableView(View, Mapping[str, Any]):
    """A mapping of the results."""

    def __getattr__(self, name: str) -> Any:
        if name in self._value:
            return self[name]
        raise AttributeError(name)

    def __getitem__(self, key: str) -> Any:
        return self._member(key, lambda: self._value[key])

    def __iter__(self) -> Iterator[str]:
        return map(Text, self._value)

    def __len__(self) -> int:
        return len(self._value)


class ListView(View, Sequence[Any]):
    """A sequence of the results."""

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        position = range(len(self))[index]
        return self._member(position, lambda: self._value[position])

    def __len__(self) -> int:
        return len(self._value)


def view(value: Any, path: str = "") -> Any:
    """`value` so that every number reached through it is bound to its path."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _bound(value, path)
    if isinstance(value, str):
        return Text(value)
    if isinstance(value, Mapping):
        return TableView(value, path)
    if isinstance(value, Sequence):
        return ListView(value, path)
    return View(value, path)


def original() -> Any:
    """What the write-up reported, bound."""
    return view(REPORTED, "original")


def functions() -> dict[str, Callable[..., Any]]:
    """`FUNCTIONS` for templates."""

    def for_views(name: str) -> Callable[..., Any]:
        def call(*views: Any) -> Any:
            if not all(isinstance(v, View) for v in views):
                return FUNCTIONS[name](*views)  # good for a condition; it cannot be printed
            source = f"{name}({','.join(v._path for v in views)})"
            return _bound(FUNCTIONS[name](*(v._value for v in views)), source)

        return call

    return {name: for_views(name) for name in FUNCTIONS}


def filters() -> dict[str, Callable[[Any], Markup]]:
    """The formats as template filters: a bound number in, its marked text out. They raise `Unbound`."""

    def for_format(name: str) -> Callable[[Any], Markup]:
        def apply(value: Any) -> Markup:
            if not isinstance(value, Bound):
                # Not its repr: an undefined name says here that it is undefined.
                raise Unbound(f"{value} does not come from the results; '{name}' prints only what does")
            return Markup(_mark(FORMATS[name](_plain(value)), name, value.source))

        return apply

    return {name: for_format(name) for name in FORMATS}


def quotation_mark(symbol: str) -> str:
    """An invisible mark for the start of a code excerpt, which `extract` finds."""
    return f"{_QUOTE}{symbol}{_CLOSE}"


def extract(marked: str) -> tuple[str, tuple[Number, ...], tuple[Quoted, ...]]:
    """A rendered text without its marks, its numbers in order, its code excerpts in order."""
    lines, numbers, quotations = [], [], []
    for line, marked_line in enumerate(marked.split("\n"), start=1):
        clean, end = "", 0
        for match in _MARKS.finditer(marked_line):
            clean += marked_line[end : match.start()]
            if match["symbol"] is not None:
                quotations.append(Quoted(line, match["symbol"]))
            else:
                number = Number(
                    line=line,
                    column=len(clean) + 1,
                    text=match["text"],
                    format=match["format"],
                    source=match["source"],
                )
                numbers.append(number)
                clean += number.text
            end = match.end()
        lines.append(clean + marked_line[end:])
    return "\n".join(lines), tuple(numbers), tuple(quotations)


def value_of(results: BuildResults | Mapping[str, Any], source: str) -> int | float:
    """The number that `source` stands for in `results`, or in these by name and what lies beside them.

    Raises `BadInput` where it names none.
    """
    try:
        first, *rest = source.split(" ")
        value = _term(results, first)
        for sign, term in zip(rest[::2], rest[1::2], strict=True):
            value = _OPERATORS[sign](value, _term(results, term))
    except (LookupError, AttributeError, ValueError, TypeError, ZeroDivisionError, RecursionError):
        raise BadInput(f"{source!r} names no number of the results; build the site again") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"{source!r} is not a number but {reprlib.repr(value)}; build the site again")
    return value


# Private-use characters: `escape.clean` and `escape.visible` remove them from whatever comes from outside.
_OPEN, _FORMAT_END, _SOURCE_END, _CLOSE, _QUOTE = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004"
_MARKS = re.compile(
    f"{_OPEN}(?P<format>[^{_FORMAT_END}]*){_FORMAT_END}(?P<source>[^{_SOURCE_END}]*){_SOURCE_END}"
    f"(?P<text>[^{_CLOSE}]*){_CLOSE}|{_QUOTE}(?P<symbol>[^{_CLOSE}]*){_CLOSE}"
)
_BESIDE: Final[dict[str, Mapping[str, Any]]] = {"original": REPORTED, "networks": BACKBONES}
"""Where a path may begin beside the results."""
_OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "/": operator.truediv,
}


def _mark(text: str, format_name: str, source: str) -> str:
    return f"{_OPEN}{format_name}{_FORMAT_END}{source}{_SOURCE_END}{text}{_CLOSE}"


def _bound(value: int | float, source: str) -> Bound:
    number = BoundInt(value) if isinstance(value, int) else BoundFloat(value)
    number.source = source
    return number


def _plain(number: Any) -> Any:
    if not isinstance(number, Bound):
        return number
    return int(number) if isinstance(number, BoundInt) else float(number)  # type: ignore[arg-type]


def _combined(sign: str, left: Bound, right: Any) -> Any:
    value = _OPERATORS[sign](_plain(left), _plain(right))
    if not isinstance(right, Bound) or " " in right.source:
        return value
    return _bound(value, f"{left.source} {sign} {right.source}")


def _joined(path: str, key: str) -> str:
    """Paths are split at dots and sources at blanks, brackets and commas, so keys hold none of these."""
    return f"{path}.{_segment(key)}" if path else _segment(key)


@lru_cache(maxsize=4096)
def _segment(key: str) -> str:
    return quote(key, safe="").replace(".", "%2E")


def _term(results: BuildResults | Mapping[str, Any], term: str) -> Any:
    name, bracket, arguments = term.partition("(")
    if not bracket:
        return _at(results, term)
    return FUNCTIONS[name](*(_at(results, path) for path in arguments.removesuffix(")").split(",")))


@remembered
def _at(results: BuildResults | Mapping[str, Any], path: str) -> Any:
    # From the path before it, which is kept: of hundreds of wrong images each would look for all of them again.
    before, _, last = path.rpartition(".")
    key = unquote(last)
    if before:
        return _member(_at(results, before), key)
    return _BESIDE[key] if key in _BESIDE else _member(results, key)


def _member(value: Any, key: str) -> Any:
    if isinstance(value, Mapping):
        return value[key]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value[int(key)]
    if key.startswith("_"):
        raise LookupError(key)
    return getattr(value, key)
