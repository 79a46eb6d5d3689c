"""Sweeps: lists and ranges of settings that are tried together, `[sweeps.NAME]` of `experiment.toml`.

    [sweeps.rates]
    title = "Learning rates"
    head.learning_rate = [1e-5, 1e-4, 1e-3]
    fine_tuning.learning_rate = { from = 1e-6, to = 1e-4, steps = 5, scale = "log" }
    of = "augmentation" # what every point is a difference from; without it the baseline
    draw = 6 # points, drawn of all 15 combinations by draw_seed; without it all of them

Each combination is a point: a variant that is trained and scored on the validation images, never on a test image.
`loading` makes the points' recipes.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from generator.experiment.config.settings import BASELINE, Config, Recipe, Sweep, Value, Variant, flatten
from generator.support.errors import BadInput
from generator.support.strict_json import Record

MOST_POINTS = 1000
"""Of one sweep: more are a slip of the finger."""
MOST_COMBINATIONS = 10**9
"""That points may be drawn of."""
MOST_STEPS = 1000
"""Of a range."""
_DIGITS = {"linear": 12, "log": 4}
"""Significant digits of a range's values: few enough to be read and typed again."""

_FIXED = {
    "seed": "a seed is nothing to be chosen; setting seeds = N runs each point N times",
    "split": "points are compared on the same validation images; compare splits as variants",
}
"""Parts of a recipe that no sweep may change, and why."""


class Range(Record):
    """Values at equal distances, both ends among them; of `log` at equal ratios."""

    from_: float = Field(alias="from")
    to: float
    steps: int = Field(ge=2, le=MOST_STEPS)
    scale: Literal["linear", "log"] = "linear"


class SweepTable(Record):
    """A `[sweeps.NAME]` table; each setting of a recipe holds a list of values or a range."""

    title: str | None = None
    """What tables and figures call its winner; without one the name."""
    of: str = BASELINE
    """The variant that every point is a difference from."""
    draw: int | None = Field(default=None, ge=2, le=MOST_POINTS)
    """How many points are drawn of all combinations; without it all of them are points."""
    draw_seed: int = Field(default=0, ge=0)
    """Which ones these are."""
    data: dict[str, Any] = Field(default={})
    """Settings → values, as `data.alpha = ["drop", "white"]`."""
    model: dict[str, Any] = Field(default={})
    """Likewise, as `model.dropout = { from = 0, to = 0.5, steps = 6 }`."""
    head: dict[str, Any] = Field(default={})
    """Likewise, as `head.learning_rate = [1e-5, 1e-4]`."""
    fine_tuning: dict[str, Any] = Field(default={})
    """Likewise, as `fine_tuning.learning_rate = { from = 1e-6, to = 1e-4, steps = 5, scale = "log" }`."""

    @model_validator(mode="before")
    @classmethod
    def _may_be_swept(cls, value: Any) -> Any:
        for part, why in _FIXED.items():
            if isinstance(value, Mapping) and part in value:
                raise ValueError(f"{part} cannot be swept: {why}")
        return value


_OWN = ("title", "of", "draw", "draw_seed")


def sweep(
    name: str,
    title: str,
    table: SweepTable,
    start: Mapping[str, Any],
    recipe: Callable[[Mapping[str, Any]], Recipe],
    where: str,
) -> Sweep:
    """The sweep of a table; `start` has the changes of the variant that its points are differences from.

    `recipe` makes one of changes. Raises `BadInput`; `where` names the table in its messages.
    """
    tried = values(table, where)
    points = []
    for number, chosen in enumerate(combinations(tried, table, where), start=1):
        changes = {part: dict(found) if isinstance(found, Mapping) else found for part, found in start.items()}
        for path, value in chosen.items():
            part, _, setting = path.partition(".")
            changes.setdefault(part, {})[setting] = value
        point = point_name(name, number)
        made = Variant(name=point, title=f"{title}, point {number}", changes=flatten(changes), recipe=recipe(changes))
        points.append(made)
    check_points(points, where)
    return Sweep(
        name=name,
        title=title,
        of=table.of,
        settings=tried,
        draw=table.draw,
        draw_seed=table.draw_seed,
        points=tuple(points),
    )


def values(table: SweepTable, where: str) -> dict[str, tuple[Value, ...]]:
    """Setting path → the values that are tried. Raises `BadInput`; `where` names the table in its messages."""
    found: dict[str, tuple[Value, ...]] = {}
    for part, given in table.model_dump(exclude=set(_OWN), exclude_defaults=True).items():
        for setting, tried in given.items():
            found[f"{part}.{setting}"] = _listed(tried, f"{where}.{part}.{setting}")
    if not found:
        raise BadInput(f"{where}: has no setting to try; add one, as in head.learning_rate = [1e-5, 1e-4]")
    return found


def combinations(tried: Mapping[str, tuple[Value, ...]], table: SweepTable, where: str) -> Iterator[dict[str, Value]]:
    """The settings of every point, in order: the last setting changes fastest. Raises `BadInput`."""
    size = math.prod(len(each) for each in tried.values())
    most = MOST_POINTS if table.draw is None else MOST_COMBINATIONS
    if size > most:
        hint = f"draw some of them: draw = {MOST_POINTS // 10}" if table.draw is None else "leave values out"
        raise BadInput(f"{where}: has {size:,} combinations, and {most:,} is the most; {hint}")
    if size == 1:
        raise BadInput(f"{where}: has a single point, so there is nothing to choose; make it a variant, or add values")
    if table.draw is not None and table.draw > size:
        raise BadInput(f"{where}.draw = {table.draw}: there are {size} combinations; draw fewer, or leave draw out")
    for number in range(size) if table.draw is None else _drawn(size, table.draw, table.draw_seed):
        yield _combination(number, tried)


def check_points(points: Sequence[Variant], where: str) -> None:
    """Raise `BadInput` where two points have the same settings; `build.plan` knows which of these count."""
    seen: dict[str, Variant] = {}
    for point in points:
        twin = seen.setdefault(point.recipe.model_dump_json(), point)
        if twin is not point:
            raise BadInput(f"{where}: {twin.title} and {point.title} have the same settings; leave a value out")


def point_name(sweep: str, number: int) -> str:
    """The name of a point as a variant, which none in the file can have; counted from 1."""
    return f"{sweep}_{number}"


def trials(config: Config) -> Config:
    """The same build with the points of its sweeps in place of its variants."""
    points = tuple(point for sweep in config.sweeps for point in sweep.points)
    return changed(config, points)


def laid_out(config: Config) -> Config:
    """The same build with the points of its sweeps among its variants."""
    return changed(config, (*config.variants, *trials(config).variants))


def changed(config: Config, variants: tuple[Variant, ...], sweeps: tuple[Sweep, ...] = ()) -> Config:
    """The same build of other variants and sweeps."""
    fields = {name: getattr(config, name) for name in Config.model_fields}
    return Config(**fields | {"variants": variants, "sweeps": sweeps})


def _listed(tried: Any, where: str) -> tuple[Value, ...]:
    found = _of_range(tried, where) if isinstance(tried, Mapping) else tried
    if not isinstance(found, list):
        raise BadInput(
            f"{where} = {tried!r}: expected a list of values, as in [1e-5, 1e-4], or a range, as in "
            '{ from = 1e-6, to = 1e-4, steps = 5, scale = "log" }; for one value write [VALUE]'
        )
    if not found:
        raise BadInput(f"{where} = []: expected one value at least; name some, or take the line out")
    for value in found:
        if not isinstance(value, bool | int | float | str):
            raise BadInput(f"{where}: {value!r} is no value of a setting; expected a number, a text, true or false")
        if sum(type(value) is type(other) and value == other for other in found) > 1:
            raise BadInput(f"{where}: {value!r} stands there twice; leave one out")
    return tuple(found)


def _of_range(table: Mapping[str, Any], where: str) -> list[Value]:
    try:
        given = Range.model_validate(table)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise BadInput(
            f"{where}: {'; '.join(faults)}; expected a range, as in "
            '{ from = 1e-6, to = 1e-4, steps = 5, scale = "log" }'
        ) from None
    if given.from_ >= given.to:
        raise BadInput(f"{where}: from = {given.from_:g} is not below to = {given.to:g}; exchange the two")
    if given.scale == "log" and given.from_ <= 0:
        raise BadInput(f"{where}: from = {given.from_:g}: a range of equal ratios begins above 0; or say linear")
    found = [_at(given, step) for step in range(given.steps)]
    if all(isinstance(end, int) for end in (table["from"], table["to"])) and all(map(float.is_integer, found)):
        return [int(value) for value in found]
    if any(low >= high for low, high in pairwise(found)):
        raise BadInput(f"{where}: {given.steps} steps from {given.from_:g} to {given.to:g} are too close; take fewer")
    return list(found)


def _at(given: Range, step: int) -> float:
    """One value; the ends are exact."""
    if step in (0, given.steps - 1):
        return given.to if step else given.from_
    share = step / (given.steps - 1)
    if given.scale == "log":
        value = math.exp((1 - share) * math.log(given.from_) + share * math.log(given.to))
    else:
        value = given.from_ + share * (given.to - given.from_)
    return float(f"{value:.{_DIGITS[given.scale]}g}")


def _combination(number: int, tried: Mapping[str, tuple[Value, ...]]) -> dict[str, Value]:
    """That of this number, from 0, of all."""
    found: dict[str, Value] = {}
    for path, each in reversed(list(tried.items())):
        number, place = divmod(number, len(each))
        found[path] = each[place]
    return {path: found[path] for path in tried}


def _drawn(size: int, count: int, seed: int) -> list[int]:
    """So many different numbers below `size`, in order; each set of them is as probable as any other.

    They follow from the seed by SHA-256, as seeds of runs do: Python promises no sequence for its own `sample`.
    """
    found: set[int] = set()
    attempt = 0
    while len(found) < count:
        found.add(int.from_bytes(hashlib.sha256(f"{seed} draw {attempt}".encode()).digest()[:16]) % size)
        attempt += 1
    return sorted(found)
