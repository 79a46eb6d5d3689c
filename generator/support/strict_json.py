"""Strict JSON and checked records: what every published file is written and read with."""

import json
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from generator.support.errors import BadInput

SCHEMA_VERSION = 2
"""Raised when a reader of another version would misread the files."""

Model = TypeVar("Model", bound=BaseModel)


class Record(BaseModel):
    """Base of all that is published: frozen, no unknown keys, no NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


Value = TypeVar("Value")


def _by_name(table: dict[str, Value]) -> dict[str, Value]:
    return dict(sorted(table.items()))


ByName = Annotated[dict[str, Value], AfterValidator(_by_name)]
"""A mapping in the order in which `to_json` writes it: so what is rendered from a file is what was before it."""


def to_json(table: Any) -> str:
    """Sorted keys, two spaces, no NaN, a newline at the end."""
    return json.dumps(table, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def parse_json(text: str, where: str) -> Any:
    """Strict JSON: a duplicate key, NaN or Infinity is refused. Raises `BadInput` naming `where`.

    A number beyond all floats, such as 1e999, is infinite: `Record` refuses it.
    """

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(items)
        if len(table) != len(items):
            keys = [key for key, _ in items]
            double = next(key for key in keys if keys.count(key) > 1)
            raise ValueError(f"the key {double!r} stands twice in one object")
        return table

    def constant(name: str) -> Any:
        raise ValueError(f"{name} is not a number that can be compared")

    try:
        return json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where}: not valid: {error}; restore it or build again") from None


def check_version(table: Any, where: str, *, oldest: int = SCHEMA_VERSION) -> None:
    """Raise `BadInput` unless `table` has a schema version from `oldest` up to the one that this program writes."""
    version = table.get("schema_version") if isinstance(table, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise BadInput(f"{where}: schema_version is missing: not a file of this program")
    if version > SCHEMA_VERSION:
        raise BadInput(f"{where}: schema_version {version} is newer than {SCHEMA_VERSION}; update the program")
    if version < oldest:
        raise BadInput(
            f"{where}: schema_version {version} is older than {SCHEMA_VERSION}: an earlier version of the program made "
            "this site; build it again"
        )


def validated(model: type[Model], table: Any, where: str) -> Model:
    """`table` as a `model`. Raises `BadInput` with one phrase per wrong key."""
    try:
        return model.model_validate(table)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise BadInput(f"{where}: " + "; ".join(faults[:5])) from None
