"""The page that fills: a `View` of a board as HTML, as a whole and in the parts that change.

Each part has a template in `live/`. What changes with every step of a training is made anew whenever
somebody asks, the rest only where something happened.
"""

from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup

from generator.live import curves, view
from generator.live.board import Board
from generator.live.view import View
from generator.post import templating
from generator.post.formats import preview
from generator.support import escape

FOLDER = "live"
"""Of the templates."""
STEADY, MOVING = ("curves", "sections", "said"), ("status", "runs")
"""Parts that change where something happened, and those that change with every report."""


class Page:
    """The page of a board."""

    def __init__(self, board: Board, title: str, templates: Path) -> None:
        """Raises `BadInput` where the template is at fault."""
        self._board, self._title, self._templates = board, title, templates
        self._view = View()
        self._seen: tuple[int, int] = (-1, -1)
        self._parts: dict[str, str] = {}
        styles = templates / "site" / "assets" / "css"
        with templating.guarded(templates):
            self._css = Markup("\n".join((styles / name).read_text("utf-8") for name in preview.STYLES))
            filters = {"text": escape.clean}
            environment = templating.environment(templates, autoescape=True, filters=filters, kept=templates)
            names = ("page", *MOVING, *STEADY)
            self._of = {name: environment.get_template(f"{FOLDER}/{name}.html.j2") for name in names}
        self.whole()

    def whole(self) -> str:
        """All of it, as it is now. Raises `BadInput`."""
        parts = {name: Markup(part) for name, part in self.parts().items()}
        with templating.guarded(self._templates):
            return self._of["page"].render(title=self._title, css=self._css, parts=parts)

    def parts(self) -> Mapping[str, str]:
        """Part → its HTML, as it is now. Raises `BadInput`."""
        seen = self._board.snapshot()
        changed = seen.changes != self._seen[0]
        shown = {"seen": seen, "view": self._view, "columns": view.columns(seen), "plot": curves}
        if changed or seen.reports != self._seen[1]:
            with templating.guarded(self._templates):
                for name in (*MOVING, *STEADY) if changed else MOVING:
                    self._parts[name] = self._of[name].render(shown)
            self._seen = (seen.changes, seen.reports)
        return self._parts

    def picture(self, digest: str, name: str) -> bytes | None:
        """A figure of this build."""
        return self._view.picture(digest, name, self._board.snapshot())
