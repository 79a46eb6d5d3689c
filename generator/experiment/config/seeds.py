"""Where chance comes into a run, and the seed of each such source in each run of a variant.

The first run takes every seed from the setting `seed`. In a further run each source that `seeds.vary` names has one
of its own, which follows from `seed`, the source and the run's number alone: runs of one number are paired across
variants, and another source that moves changes none of the others.
"""

import hashlib
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, field_validator, model_validator

from generator.support.strict_json import Record

Source = Literal["split", "weights", "head", "order", "dropout", "augmentation"]
"""Which images validate, random weights of the base, the head's first weights, the order of the training images in
each epoch, what dropout leaves out, how images are turned."""

SOURCES: tuple[Source, ...] = get_args(Source)

MOST_RUNS = 100
"""Of one variant: more are a slip of the finger."""


class Seeds(Record):
    """The seed of each source of chance in one run."""

    split: int
    weights: int
    head: int
    order: int
    dropout: int
    augmentation: int


class SeedSettings(Record):
    """How often each variant is run, and what differs between its runs."""

    count: int = Field(default=1, ge=1, le=MOST_RUNS)
    """Runs of each variant; `seeds = 5` is short for it."""
    vary: tuple[Source, ...] = SOURCES
    """The sources of chance that have another seed in each run. Never the test images: they are `data.test_seed`'s."""

    @field_validator("vary")
    @classmethod
    def _once_each_in_one_order(cls, value: tuple[Source, ...]) -> tuple[Source, ...]:
        return tuple(source for source in SOURCES if source in value)

    @model_validator(mode="after")
    def _runs_differ(self) -> "SeedSettings":
        if self.count > 1 and not self.vary:
            raise ValueError(f"{self.count} runs that vary in nothing are one; name sources in vary: {_LISTED}")
        return self

    def of_run(self, seed: int, number: int) -> Seeds:
        """The seeds of run `number`, counted from 1, of a variant whose setting `seed` is this one."""
        moving = self.vary if number > 1 else ()
        own = {source: _derived(seed, source, number) if source in moving else seed for source in SOURCES}
        return Seeds(**own)


_LISTED = ", ".join(SOURCES)


def _derived(seed: int, source: Source, number: int) -> int:
    """0 to 2**31 - 1, from SHA-256 of what it follows from."""
    return int.from_bytes(hashlib.sha256(f"{seed} {source} {number}".encode()).digest()[:4]) % 2**31


def undrawn(*, validation: bool, weights: str, dropout: float, augment: bool) -> dict[Source, str]:
    """The sources from which a network draws nothing, so that no run differs in them → why.

    `validation`: whether the data set has its own validation images; `weights`: the kind that the base starts from.
    """
    reasons: dict[Source, tuple[bool, str]] = {
        "split": (validation, "the data set tells which images validate"),
        "weights": (weights != "random", "its weights are not random"),
        "dropout": (not dropout, "model.dropout is 0"),
        "augmentation": (not augment, "model.augment is false"),
    }
    return {source: why for source, (holds, why) in reasons.items() if holds}


def spelled_out(value: Any) -> Any:
    """The setting `seeds` as a table: a number stands for `{ count = … }`. Anything else as it is."""
    return {"count": value} if isinstance(value, int) and not isinstance(value, bool) else value


def _table(value: Any) -> Any:
    table = spelled_out(value)
    if not isinstance(table, dict | SeedSettings):
        raise ValueError("must be a number of runs, or a table of count and vary")
    return table


SeedsSetting = Annotated[SeedSettings, BeforeValidator(_table, json_schema_input_type=int | SeedSettings)]
