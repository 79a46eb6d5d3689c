"""A table of settings as a model: what is wrong with it as a phrase that names setting, value and what was expected."""

from collections.abc import Mapping
from datetime import date, time
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from generator.experiment.config.settings import flatten
from generator.support.errors import BadInput, choices
from generator.support.strict_json import Record

Model = TypeVar("Model", bound=Record)

_EXPECTED: Final[Mapping[str, str]] = {
    "tuple_type": "should be a list, as in [...]",
    "dict_type": "should be a table",
    "model_type": "should be a table",
}
"""Pydantic's type of error → what was expected in TOML's words, where its own are Python's."""


def checked(model: type[Model], table: Mapping[str, Any], where: str, prefix: str = "") -> Model:
    """`table` as a `model`. Raises `BadInput` that says `where` it stands and names settings with `prefix` before."""
    try:
        found = model.model_validate(table)
    except ValidationError as error:
        # A default that follows from a wrong value is no fault of its own.
        faults = [fault for fault in error.errors() if fault["type"] != "default_factory_not_called"]
        raise BadInput(f"{where}: " + "; ".join(_explain(model, fault, prefix) for fault in faults)) from None
    for name, value in flatten(table).items():
        # To pydantic true is the number 1: another experiment than whoever wrote it meant.
        if isinstance(value, bool) and type(_at(found, name)) in (int, float):
            raise BadInput(f"{where}: {prefix}{name} = {_written(value)}: should be a number")
    return found


def _at(found: Any, name: str) -> Any:
    """What stands in a model at a dotted path; None where nothing does."""
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else getattr(found, part, None)
    return found


def _explain(model: type[BaseModel], error: Any, prefix: str) -> str:
    """One of pydantic's error records as a phrase that names the setting, the value and the choices."""
    location = [str(part) for part in error["loc"]]
    name = prefix + ".".join(location)
    fields = _fields_at(model, location[:-1])
    if error["type"] == "extra_forbidden":
        return f"unknown setting {name!r}; {choices(location[-1], fields)}"
    if error["type"] == "missing":
        return f"{name} is missing"
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    message = _EXPECTED.get(error["type"], message)
    if error["type"] == "string_pattern_mismatch" and (examples := fields[location[-1]].examples):
        message = f"should be as in {', '.join(examples)}"
    value = error["input"]
    shown = "" if isinstance(value, Mapping) else f" = {_written(value)}"
    return f"{name}{shown}: {message}"


def _written(value: Any) -> str:
    """A value as it stands in TOML, where Python writes it otherwise."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, date | time) else repr(value)


def _fields_at(model: type[BaseModel], location: list[str]) -> Mapping[str, Any]:
    """Name → field of the settings that may stand at `location` below `model`."""
    current: Any = model
    for part in location:
        fields = getattr(current, "model_fields", {})
        # A part that is no field is the name of a variant, say: below it stands its table.
        current = fields[part].annotation if part in fields else next(reversed(get_args(current)), None)
    return getattr(current, "model_fields", {})
