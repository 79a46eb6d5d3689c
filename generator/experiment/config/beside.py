"""Files that a file with settings names lie beside it, wherever the command is typed."""

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from generator.support import places


def found(path: Path, table: Mapping[str, Any]) -> dict[str, Any]:
    """`table`, which is the file at `path` or one of its profiles, with the names in it that lead to files in full.

    What is of a wrong kind stays as it is; whoever validates it refuses it.
    """
    made = dict(table)
    for name, setting in (("site", "folder"), ("data", "path"), ("store", "remote")):
        if isinstance(made.get(name), Mapping) and setting in made[name]:
            value = made[name][setting]
            drawn = (name, value) == ("data", "sample")  # which lies nowhere
            made[name] = {**made[name], setting: value if drawn else _joined(path, value)}
    for name, setting in (("post", "templates"), ("site", "docs")):
        if isinstance(made.get(name), Mapping) and isinstance(made[name].get(setting), str):
            folder = places.expanded(made[name][setting], f"{path}: {name}.{setting}")
            made[name] = {**made[name], setting: str(path.resolve().parent / folder)}
    weights = made.get("weights")
    if isinstance(weights, Mapping):
        made["weights"] = {name: _weights(path, value) for name, value in weights.items()}
    elif weights is not None:
        made["weights"] = _weights(path, weights)
    if isinstance(made.get("profiles"), Mapping):
        made["profiles"] = {
            name: found(path, profile) if isinstance(profile, Mapping) else profile
            for name, profile in made["profiles"].items()
        }
    return made


def _weights(path: Path, value: Any) -> Any:
    # A kind of weights, also a mistyped one, is a word.
    return _joined(path, value) if isinstance(value, str) and PurePath(value).suffix else value


def _joined(path: Path, name: Any) -> Any:
    """`name` below the folder of the file at `path`, unless it is an address, as a colon says, or in a home folder."""
    if not isinstance(name, str) or not name or ":" in name or name.startswith("~"):
        return name
    joined = str(path.parent / name)
    return "./sample" if joined == "sample" else joined  # data of that name that do lie somewhere
