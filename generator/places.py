"""Where a build reads and writes."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """Folders and files of one build."""

    root: Path
    """The project: templates, lock file, git repository."""
    store: Path
    site: Path
    preview: Path

    @property
    def templates(self) -> Path:
        return self.root / "templates"
