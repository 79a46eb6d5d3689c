"""What a stage's outcome depends on: every input by name, and a digest of it all."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

VERSION = 1
"""Part of every key: raised when the layout of the store's entries changes."""

SHARDS = "shards"
"""Stands for the stage in the keys of shards (`build.shards`)."""

Parts = Mapping[str, Any]
"""Name of an input → its value: JSON scalars."""


@dataclass(frozen=True)
class Key:
    """What a stage's outcome depends on."""

    stage: str
    label: str
    """Whose stage it is, for messages and for remembering the newest key: `baseline.head`, `data.pixels`."""
    parts: Parts

    @property
    def passing(self) -> bool:
        """Whether its entry goes when that is there which is made of it: it is a matter of this store alone."""
        return self.stage == SHARDS

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the stage's name and parts."""
        text = json.dumps([VERSION, self.stage, self.parts], sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


def changed(old: Parts, new: Parts) -> dict[str, tuple[Any, Any]]:
    """Name → (old, new) of the parts that differ; None where one side has no such part."""
    names = [*old, *(name for name in new if name not in old)]
    return {n: (old.get(n), new.get(n)) for n in names if old.get(n) != new.get(n)}
