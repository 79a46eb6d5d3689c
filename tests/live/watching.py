"""A build with the fakes that is looked at while it runs."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from generator.live.board import Board, Snapshot
from generator.live.page import Page
from generator.live.watched import Watched
from generator.support.errors import MeasuredPostError
from tests import fakes
from tests.fakes import Project, Recorder
from tests.rendered import TEMPLATES

NUMBER = re.compile(r"(?<![\d.])\d\.\d{4}(?:e[+-]\d\d)?(?![\d.])")
"""A score as the page prints it."""


@dataclass(frozen=True)
class Moment:
    """What was known and shown just before something happened."""

    seen: Snapshot
    parts: Mapping[str, str]

    def words(self, part: str) -> str:
        return words(self.parts[part])

    def epochs(self, label: str) -> list[int]:
        """Those that have ended of a stage at work."""
        (running,) = (each for each in self.seen.running.values() if each.label == label)
        return [epoch.epoch for epoch in running.history]


class WatchedBuild:
    """A build of a project up to an event, or to its end or failure, and what its page showed at every event."""

    def __init__(
        self,
        project: Project,
        *overrides: str,
        until: str = "",
        failures: Mapping[str, Exception] | None = None,
        **how: Any,
    ) -> None:
        self.project, self.board, self.display = project, Board(), Recorder()
        self.page = Page(self.board, "A post", TEMPLATES)
        self.moments: dict[str, Moment] = {}

        def hook(event: str) -> None:
            self.moments[event] = self.now()
            if event == until:
                raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch, suppress(MeasuredPostError, KeyboardInterrupt):
            fakes.install(patch.setattr, failures, hook)
            display = Watched(self.display, self.board)
            project.build(*overrides, display=display, watch=self.board.planned, **how)

    def now(self) -> Moment:
        return Moment(self.board.snapshot(), dict(self.page.parts()))


def words(markup: str) -> str:
    """What a reader sees of it, without styles and scripts."""
    seen = re.sub(r"<(style|script)>.*?</\1>", " ", markup, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", seen).split())


def store_keys(store: Path) -> set[str]:
    """Every entry of a store."""
    return {path.parent.relative_to(store).as_posix() for path in (store / "stages").rglob("entry.json")}
