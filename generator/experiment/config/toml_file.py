"""The file of the settings as nested tables, before any of it is checked."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generator.backbones.registry import BACKBONES
from generator.experiment.config import beside
from generator.experiment.config.seeds import spelled_out
from generator.support import places
from generator.support.errors import BadInput

NO_FILE = "another with --config FILE, or begin a project with `build.py new DIR`"


def read(path: Path, below: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The settings at `path`, laid over those of the file that it `extends`; `below` are those that extend it.

    Raises `BadInput` where a file cannot be read or is no TOML.
    """
    table = beside.found(path, _toml(path, "another in extends" if below else NO_FILE))
    if "extends" not in table:
        return table
    name, chain = table.pop("extends"), (*below, path.resolve())
    if not isinstance(name, str):
        raise BadInput(f"{path}: extends = {name!r}: expected the name of a file with settings")
    base = path.parent / name
    if base.resolve() in chain:
        raise BadInput(f"{path}: extends = {name!r}: that file extends this one; take one of the two lines out")
    return merged(read(base, chain), table)


def _toml(path: Path, other: str) -> dict[str, Any]:
    try:
        # Some editors put a byte order mark first, which TOML has no word on.
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); name {other}") from None
    except (ValueError, RecursionError) as error:  # also of text that is not UTF-8, of numbers of 5,000 digits
        raise BadInput(f"{path}: not valid TOML: {error}") from None


def site(path: Path) -> Path | None:
    """The Jekyll site that the file at `path` names; None where it names none, or there is no such file."""
    named = _of_table(path, "site", "folder")
    return places.expanded(named, f"{path}: site.folder") if isinstance(named, str) else None


def jekyll_config(path: Path) -> tuple[str, ...]:
    """The files for Jekyll that the file at `path` names; none where it names none, or there is no such file."""
    named = _of_table(path, "post", "jekyll_config")
    return tuple(str(name) for name in named) if isinstance(named, list) else ()


def _of_table(path: Path, table: str, key: str) -> Any:
    found = read(path).get(table) if path.is_file() else None
    return found.get(key) if isinstance(found, Mapping) else None


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`, table by table; neither is changed."""
    table = dict(below)
    for key, value in above.items():
        old = table.get(key)
        if key == "seeds":  # `--set seeds.vary=…` is laid over `seeds = 5`, and the other way round
            old, value = spelled_out(old), spelled_out(value)
        if key == "weights" and isinstance(old, str) and old != "auto":  # which those keep that the table lacks
            old = dict.fromkeys(BACKBONES, old)
        table[key] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return table
