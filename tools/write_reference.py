"""Writes the references of settings and commands to docs/reference/; with `--check` says which are stale.

Settings are read from the models that check them: type, bounds, choices and default from pydantic, what each is for
from the docstring below it. Commands are read from the parsers that they parse with, exit codes from `cli`.
"""

import argparse
import ast
import importlib
import inspect
import itertools
import json
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from pydantic import BaseModel  # noqa: E402

from generator import cli  # noqa: E402
from generator.experiment.config.loading import ConfigFile  # noqa: E402
from generator.experiment.config.settings import Config, Recipe  # noqa: E402  # found below ROOT
from generator.support.files import write_atomically  # noqa: E402

FOLDER = ROOT / "docs" / "reference"

MARK = "<!-- reference: python tools/write_reference.py -->\n\n{}\n<!-- /reference -->\n"
"""Says to readers of the file, and to the test of typed results, that a program wrote it."""

SETTINGS = """# Settings

Every key of `experiment.toml`, with its default. `python build.py --set KEY=VALUE` changes one for one build; an option
of the command line or a [profile](../variants.md#profiles) does, too. A key that is not here, and a value out of
bounds, is one line before anything is computed. Keys marked with ◆ make up the recipe: a variant may change them."""

COMMANDS = """# Commands

`python build.py COMMAND`; without one it builds. Options may stand in any order. Paths that are
defaults are below the project's folder."""


# Settings


def settings() -> str:
    """The reference of all settings, as Markdown."""
    schema = ConfigFile.model_json_schema()
    words = descriptions(ConfigFile)
    fields = schema["properties"]
    tables = {name: _table_of(found, schema) for name, found in fields.items()}
    plain = {name: fields[name] for name, table in tables.items() if table is None}
    parts = [SETTINGS, "## At the top", AT_THE_TOP, _rows("", plain, schema, words[ConfigFile.__name__])]
    parts += [_section(*table, schema, words) for table in sorted(filter(None, tables.values()), key=_place)]
    return _marked(parts)


def _place(table: tuple[str, str]) -> tuple[bool, bool]:
    """The experiment's own tables come after those around it, tables with names of the user's last."""
    return NAMED in table[0], any(path.startswith(f"{table[0]}.") for path in RECIPE)


def _section(path: str, table: str, schema: Mapping[str, Any], words: Mapping[str, Mapping[str, str]]) -> str:
    found = schema["$defs"][table]
    rows = _rows(f"{path}.", found["properties"], schema, words[table], found.get("required", ()))
    return "\n\n".join([f"## [{path}]", found.get("description", ""), rows])


def _table_of(found: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[str, str] | None:
    """Path and definition of the table that a key stands for, or of one for each name; None for a plain value."""
    named = found.get("additionalProperties")
    places = [found, *found.get("anyOf", ()), *([named] if isinstance(named, dict) else [])]
    names = [str(each["$ref"]).rpartition("/")[2] for each in places if "$ref" in each]
    table = next((name for name in names if schema["$defs"][name].get("properties")), None)
    key = next(name for name, each in schema["properties"].items() if each is found)
    return table and (f"{key}.{NAMED}" if named else key, table)


def _rows(
    prefix: str,
    fields: Mapping[str, Any],
    schema: Mapping[str, Any],
    words: Mapping[str, str],
    required: Any = (),
) -> str:
    lines = ["| key | values | default | what it is |", "|---|---|---|---|"]
    for name, found in fields.items():
        default = FOLLOWS.get(prefix + name, "must be given" if name in required else _code(found.get("default")))
        key = f"`{prefix}{name}`" + (" ◆" if prefix + name in RECIPE else "")
        lines.append(f"| {key} | {_cell(kind(found, schema))} | {default} | {_cell(words.get(name, ''))} |")
    return "\n".join(lines)


def kind(found: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What a value may be, in words: its type, its choices or its bounds."""
    if "$ref" in found:
        return kind(schema["$defs"][found["$ref"].rpartition("/")[2]], schema)
    if "anyOf" in found:
        return " or ".join(dict.fromkeys(kind(each, schema) for each in found["anyOf"] if each.get("type") != "null"))
    if "enum" in found:
        return ", ".join(map(_code, found["enum"]))
    if "const" in found:
        return _code(found["const"])
    if found.get("type") == "array":
        return f"list of: {kind(found['items'], schema)}"
    if found.get("type") == "object":
        below = found.get("additionalProperties")
        return f"table of: {kind(below, schema)}" if isinstance(below, dict) and below else "table"
    return TYPES[found.get("format", found.get("type", ""))] + "".join(_bounds(found))


TYPES = {
    "boolean": "`true`, `false`",
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "date-time": "date and time",
    "path": "path",
    "": "anything",
}
RECIPE = {
    path
    for name, field in Recipe.model_fields.items()
    for path in ([f"{name}.{key}" for key in getattr(field.annotation, "model_fields", ())] or [name])
}
"""Paths of the keys that a variant may change."""
NAMED = "NAME"
"""Stands for a name of the user's in the path of a key."""
FOLLOWS = {"post.slug": "the name of the data", "post.asset_folder": "the slug"}
"""Defaults that other settings give."""
AT_THE_TOP = """What belongs to no table stands at the top of the file, above the first one. There, `extends = "FILE"`
lays this file over another."""
_BOUNDS = {"exclusiveMinimum": "above", "minimum": "at least", "exclusiveMaximum": "below", "maximum": "at most"}


def _bounds(found: Mapping[str, Any]) -> Iterator[str]:
    for key, words in _BOUNDS.items():
        if key in found:
            yield f", {words} {found[key]:,}"


def descriptions(model: type[BaseModel]) -> dict[str, dict[str, str]]:
    """Name of each model that is reached from this one → name of a field → what the docstring below it begins with.

    Those of bases are among them. What `ConfigFile` shares with `Config`, the latter says.
    """
    reached, waiting = {}, [model, Config]
    while waiting:
        one = waiting.pop()
        reached[one.__name__] = one
        for field in one.model_fields.values():
            waiting += [each for each in _models_in(field.annotation) if each.__name__ not in reached]
    found = {
        name: {field: words for base in reversed(one.__mro__) for field, words in _docstrings(base).items()}
        for name, one in reached.items()
    }
    found[model.__name__] = found["Config"] | found[model.__name__]
    return found


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _models_in(inner)


def _docstrings(model: type) -> dict[str, str]:
    if not issubclass(model, BaseModel) or model is BaseModel:
        return {}
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0].body  # type: ignore[attr-defined]
    pairs = itertools.pairwise(body)
    return {
        field.target.id: " ".join(inspect.cleandoc(text.value.value).partition("\n\n")[0].split())
        for field, text in pairs
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


def _code(value: Any) -> str:
    """A value as TOML has it; none, where there is none."""
    return "none" if value is None or value == {} else f"`{json.dumps(value, ensure_ascii=False)}`"


# Commands


class _Asked(Exception):
    """Carries the parser that a command would have parsed with."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


def parser_of(command: str) -> argparse.ArgumentParser:
    """The parser of a command, which makes it first of all."""

    def ask(parser: argparse.ArgumentParser, *_: Any, **__: Any) -> NoReturn:
        raise _Asked(parser)

    module = importlib.import_module(f"generator.commands.{command}")
    with mock.patch.object(argparse.ArgumentParser, "parse_args", ask):
        try:
            module.run([])
        except _Asked as asked:
            return asked.parser
    raise AssertionError(f"{command} parses no arguments")


def commands() -> str:
    """The reference of all commands, as Markdown."""
    names = [cli.DEFAULT, *(name for name in cli.COMMANDS if name != cli.DEFAULT)]
    return _marked([COMMANDS, *(command(name, parser_of(name)) for name in names), _exit_codes()])


def command(name: str, parser: argparse.ArgumentParser) -> str:
    """One command: what it does, how it is called, its arguments in their groups."""
    parts = [f"## {name}", " ".join(str(parser.description).split())]
    usage = textwrap.wrap(_usage(parser), 100, break_on_hyphens=False, break_long_words=False)
    parts.append("```\n{}\n```".format("\n    ".join(usage).replace("\0", " ")))
    for group in parser._action_groups:
        rows = [_argument(action) for action in group._group_actions if not isinstance(action, argparse._HelpAction)]
        if not rows:
            continue
        parts.append(f"{str(group.title).removeprefix('positional ').capitalize()}:")
        parts.append("\n".join(["| argument | default | what it does |", "|---|---|---|", *rows]))
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    parts += [command(f"{name} {each}", made) for action in below for each, made in action.choices.items()]
    return "\n\n".join(parts)


def _usage(parser: argparse.ArgumentParser) -> str:
    text = " ".join(parser.format_usage().removeprefix("usage: ").split())
    # What stands in brackets stays on one line.
    return "python " + re.sub(r"\[[^\]]*\]", lambda part: part[0].replace(" ", "\0"), text.replace(" [-h]", ""))


def _argument(action: argparse.Action) -> str:
    shown = action.metavar or (action.dest.upper() if action.option_strings and action.nargs != 0 else action.dest)
    if action.choices is not None:
        shown = "{" + ",".join(map(str, action.choices)) + "}"
    value = "" if action.nargs == 0 else str(shown if isinstance(shown, str) else " ".join(shown))
    name = ", ".join(f"{option} {value}".strip() for option in action.option_strings) or value
    words = str(action.help or "") % {"default": action.default, "prog": "build.py"}
    return f"| `{_cell(name)}` | {_default(action)} | {_cell(words)} |"


def _default(action: argparse.Action) -> str:
    value = action.default
    if action.nargs == 0 or value in (None, [], argparse.SUPPRESS):
        return ""
    if isinstance(value, Path):
        with suppress(ValueError):
            value = value.relative_to(ROOT)
        return f"`{value}`"
    return f"`{value}`"


def _exit_codes() -> str:
    """The exit codes that the command line's docstring lists."""
    codes = re.findall(r"(?:^|    )(\d+) +(.+?)(?=    \d|\n|$)", str(cli.__doc__).partition("\n\n")[2], re.MULTILINE)
    rows = [f"| {code} | {words.strip()} |" for code, words in codes]
    return "\n".join(["## Exit codes", "", "| code | meaning |", "|---|---|", *rows])


# Both


def _cell(text: str) -> str:
    """Text for a cell of a table: on one line, without what would end it."""
    return " ".join(text.split()).replace("|", "\\|")


def _marked(parts: list[str]) -> str:
    title, *rest = parts
    heading, _, introduction = title.partition("\n\n")
    return f"{heading}\n\n" + MARK.format("\n\n".join([introduction, *rest]) + "\n")


def references() -> dict[Path, str]:
    """File → what it should be."""
    return {FOLDER / "settings.md": settings(), FOLDER / "commands.md": commands()}


def stale() -> dict[Path, str]:
    """Those that are not."""
    return {path: text for path, text in references().items() if not path.is_file() or path.read_text("utf-8") != text}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python tools/write_reference.py", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a reference is stale")
    options = parser.parse_args(arguments)
    found = stale()
    for path, text in found.items():
        print(path.relative_to(ROOT))
        if not options.check:
            write_atomically(path, text.encode())
    if not (options.check and found):
        return 0
    print("renew with `make docs`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
