"""A display that tells a board what it is told, and shows it as it would have been shown."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from generator.live.board import Board
from generator.support.display import Display
from generator.support.progress import Figures, Report


class Watched(Display):
    """`display`, and a board beside it."""

    def __init__(self, display: Display, board: Board) -> None:
        super().__init__()
        self._display, self._board = display, board

    def say(self, text: str) -> None:
        self._board.said(text)
        self._display.say(text)

    def warn(self, text: str) -> None:
        self._board.said(f"warning: {text}")
        self._display.warn(text)

    def expect(self, seconds: Mapping[str, float]) -> None:
        self._board.expect(seconds)
        self._display.expect(seconds)

    @contextmanager
    def stage(self, label: str) -> Iterator[Report]:
        self._board.began(label)
        try:
            with self._display.stage(label) as shown:

                def report(figures: Figures) -> None:
                    self._board.reported(label, figures)
                    shown(figures)

                yield report
        except BaseException as error:
            self._board.ended(label, str(error) or type(error).__name__)
            raise
        self._board.ended(label)
