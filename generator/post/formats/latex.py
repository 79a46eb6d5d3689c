"""The tables of results as LaTeX (booktabs), for a paper: the post's numbers, in its formats, from the same results.

`tables` fills in `tables.tex.j2`. As in the post, a number is printed from the results through a format or not at all;
each is looked up again by its source before the file is given out. Names from outside are escaped for LaTeX.
"""

import re
from pathlib import Path
from typing import Any

from jinja2 import Undefined
from markupsafe import Markup

from generator.experiment.config.post_settings import PostSettings
from generator.experiment.results import BuildResults
from generator.post import bound, templating
from generator.post.bound import Unbound
from generator.post.formats import tidying
from generator.post.manifest import Number
from generator.post.prose import claims, wording, writeup
from generator.support import escape
from generator.support.errors import BuildFailed
from generator.support.formats import FORMATS
from generator.support.places import TEMPLATES

TEMPLATE = "tables.tex.j2"

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "#": r"\#", "$": r"\$", "%": r"\%", "&": r"\&", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "`": r"\textasciigrave{}", "'": r"\textquotesingle{}", '"': "''",
    # At the start of a row a bracket or a star would be taken for an argument of the line break before it; two
    # hyphens would become a dash.
    "[": "{[}", "]": "{]}", "*": "{*}", "-": "{-}",
}  # fmt: skip
_TRANSLATION = str.maketrans(_SPECIAL)
_POWER = re.compile(r"(?P<mantissa>[+-]?[\d.]+)e(?P<exponent>[+-]\d+)")


def tables(post: PostSettings, results: BuildResults, *, templates: Path = TEMPLATES) -> tuple[str, tuple[Number, ...]]:
    """The file's text, and its numbers: as they stood in their formats, by the lines of the text.

    Raises `BadInput` where the template is at fault, `BuildFailed` where a number is not that of its source.
    """
    with templating.guarded(templates):
        filters = {**bound.filters(), "label": _label}
        environment = templating.environment(templates, autoescape=True, filters=filters, finalize=_printed)
        marked = environment.get_template(TEMPLATE).render(_names(post, results))
    text, numbers, _ = bound.extract(tidying.BLANKS.sub("\n\n", marked).strip("\n") + "\n")
    for number in numbers:
        if FORMATS[number.format](bound.value_of(results, number.source)) != number.text:
            raise BuildFailed(f"{TEMPLATE}: {number.text} is not {number.source} of the results; mend the template")
    return _with_numbers(text, numbers), numbers


def escaped(text: str) -> str:
    """`text` from outside as LaTeX prints it, on one line."""
    return escape.clean(text).translate(_TRANSLATION)


def number(text: str) -> str:
    """A formatted number as LaTeX sets it: a minus that is no hyphen, a power of ten, an escaped per cent sign."""
    power = _POWER.fullmatch(text)
    if power:
        return rf"${power['mantissa']}\times10^{{{int(power['exponent'])}}}$"
    return f"${text}$" if text.startswith(("+", "-")) else text.replace("%", r"\%")


def _with_numbers(text: str, numbers: tuple[Number, ...]) -> str:
    """`text` with its numbers written as LaTeX; from behind, so that the places of the others hold."""
    lines = text.split("\n")
    for each in reversed(numbers):
        line, start = lines[each.line - 1], each.column - 1
        lines[each.line - 1] = line[:start] + number(each.text) + line[start + len(each.text) :]
    return "\n".join(lines)


def _names(post: PostSettings, results: BuildResults) -> dict[str, Any]:
    seen = bound.view(results)
    title = bound.view(writeup.title(post, results.data.class_names))
    return {
        "data": seen.data,
        "seeds": seen.seeds,
        "variants": seen.variants,
        "baseline": seen.variants[results.baseline.name],
        "post": {"title": title, "slug": Markup(post.slug)},
        **claims.CLAIMS,
        **wording.WORDING,
        **bound.functions(),
    }


def _label(name: str) -> Markup:
    """`name` as a part of a label, which holds no command."""
    return Markup(re.sub(r"[^A-Za-z0-9.-]", "-", name))


def _printed(value: Any) -> Any:
    """What `{{ value }}` puts into the file; numbers without a format and whole objects are refused."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, Undefined | bound.Bound):
        return str(value)  # raises, saying what is wrong
    if isinstance(value, str):
        return Markup(escaped(value))
    raise Unbound(f"{value!r} is neither text nor a number of the results with a format")
