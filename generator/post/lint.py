"""Refuses templates that could say something the results do not: numbers typed in, and ways around the binding.

`check` reads every Markdown template of a folder, and of the user's own laid over it. A number that stands in the text
of one must be in `CONSTANTS`; string building that would lose escaping or binding (`~`, `%`, unknown filters) is not
allowed, nor is a template of the user's that nothing includes.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Set
from pathlib import Path
from typing import Final

from jinja2 import Environment, meta, nodes

from generator.post.templating import TEMPLATE, check_inside
from generator.support.errors import BadInput, closest

CONSTANTS: Final = frozenset(
    {
        "0", "1", "2", "3",  # labels, indices and small arithmetic
        "95%",  # the level of the intervals; `noise.wilson` computes no other
        "256",  # SHA-256
        "1.2", "1000",  # ImageNet's millions of images, and its classes
    }
)  # fmt: skip
"""Numbers that no run and no setting can change; anything else comes from the results."""

SHARED: Final = (
    "post.md.j2",
    "front-matter.md.j2",
    "appendix.md.j2",
    "macros.md.j2",
    "networks.md.j2",
    "several.md.j2",
)
"""Templates of the post beside its sections."""

_UNSEEN = re.compile(r"\{#.*?#\}|https?://[^\s),]+", re.DOTALL)
# A letter, a slash or a dot before it: part of a name; an underscore, unless it begins what is emphasised.
_NUMBER = re.compile(r"(?<![^\W_])(?<![^\W_]_)(?<![./])\.?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?(?: ?%(?!\}))?")
_OTHER_NUMERALS = ("No", "Nl")
"""Unicode's categories of ½, ², ⅳ and the like."""


def templates_of(folder: Path) -> list[Path]:
    """The templates that make up the post; others in the folder are not about results."""
    shared = [path for name in SHARED if (path := folder / name).is_file()]
    return [*shared, *sorted(folder.glob("sections/*.md.j2"))]


def own_templates(folder: Path) -> list[Path]:
    """The templates in a folder of the user's. Raises `BadInput` where one leads out of it."""
    paths = sorted(path for path in folder.rglob(f"*{TEMPLATE}") if path.is_file())
    for path in paths:
        check_inside(path, folder)
    return paths


def check(folder: Path, environment: Environment, names: Collection[str], own: Path | None = None) -> None:
    """Raise `BadInput` with file and line of the first thing in a template that is refused.

    `names` are those that a template may use. Raises `TemplateSyntaxError` where one cannot be parsed.
    """
    projects = templates_of(folder)
    included = _checked(folder, projects, environment, names)
    if own is not None:
        owned = own_templates(own)
        included |= _checked(own, owned, environment, names)
        _check_reached(_names(owned, own), included, _names(projects, folder), own)


def _checked(folder: Path, paths: Iterable[Path], environment: Environment, names: Collection[str]) -> set[str | None]:
    """Checks templates of a folder; gives the names of those that they include, None for one that is computed."""
    included: set[str | None] = set()
    for path in paths:
        shown = path.relative_to(folder.parent).as_posix()
        try:
            text = path.read_text("utf-8-sig")
        except UnicodeDecodeError as error:
            raise BadInput(f"{shown}: not text in UTF-8 ({error})") from None
        tree = environment.parse(text, path.relative_to(folder).as_posix(), str(path))
        for line, fault in _faults(text, tree, environment.filters, names):
            raise BadInput(f"{shown}:{line}: {fault}")
        included |= set(meta.find_referenced_templates(tree))
    return included


def _names(paths: Iterable[Path], folder: Path) -> list[str]:
    """What templates call templates."""
    return [path.relative_to(folder).as_posix() for path in paths]


def _check_reached(owned: Iterable[str], included: Set[str | None], projects: Collection[str], own: Path) -> None:
    """Refuse a template that would be on no page, most likely because its name is mistyped."""
    for name in owned:
        if name not in projects and not included & {name, None}:
            raise BadInput(
                f"{own.name}/{name}: {closest(name, projects)}it takes the place of no template of the project, and "
                "none includes it"
            )


def typed_numbers(text: str) -> Iterator[tuple[int, str]]:
    """(line, number) for each number in a template's text that is not among `CONSTANTS`."""
    # Comments and addresses are replaced by their line breaks, so that lines keep their numbers.
    visible = _UNSEEN.sub(lambda match: "\n" * match[0].count("\n"), text)
    for line, content in enumerate(visible.split("\n"), start=1):
        for match in _NUMBER.finditer(content):
            number = match[0]
            if number not in CONSTANTS and number.removesuffix(" %").removesuffix("%") + " %" not in CONSTANTS:
                yield line, number
        yield from ((line, c) for c in content if not c.isascii() and unicodedata.category(c) in _OTHER_NUMERALS)


def _faults(
    text: str, tree: nodes.Template, filters: Collection[str], names: Collection[str]
) -> Iterator[tuple[int, str]]:
    for line, number in typed_numbers(text):
        yield line, f"the number {number} is typed in; print it from the results (generator/post/lint.py: why)"
    yield from _unsafe(tree, filters)
    for name in sorted(meta.find_undeclared_variables(tree) - set(names)):
        # Includes are not followed, so the name stands in this very text.
        found = re.search(rf"\b{name}\b", text)
        yield text.count("\n", 0, found.start() if found else 0) + 1, f"{name!r} is undefined"


def _unsafe(template: nodes.Template, filters: Collection[str]) -> Iterator[tuple[int, str]]:
    for node in template.find_all((nodes.Concat, nodes.Mod, nodes.Filter)):
        if not isinstance(node, nodes.Filter):
            yield node.lineno, "strings are put together by writing them side by side, not with ~ or %"
        elif node.name not in filters:
            yield node.lineno, f"unknown filter {node.name!r}; choose from {', '.join(sorted(filters))}"
